// The extensions that bear on a certificate's place in a certification path (RFC 5280 §4.2, §6.1); those about its holder are in
// certificate-extensions.ts. What RFC 5280 lets a reader skip is read all the same where OpenSSL refuses what is broken in it.
import { readBasicConstraints, readExtension } from './certificate-extensions.ts'
import type { Extension } from './certificate-extensions.ts'
import { childrenOf, contentOf, DerError, readDer, tag, tagOf } from './der.ts'
import type { DerNode } from './der.ts'
import { readNamedBits } from './der-value.ts'
import { comparableName } from './distinguished-name.ts'
import { oid } from './object-identifiers.ts'

export interface AuthorityKeyIdentifier {
  /** Hexadecimal. */
  readonly keyIdentifier: string | null
  readonly serialNumber: string | null
  /** As comparableName gives it. */
  readonly issuerName: string | null
}

export interface PathExtensions {
  /** The identifiers of all that are there, and of those that are critical. */
  readonly types: ReadonlySet<string>
  readonly criticalTypes: ReadonlySet<string>
  /** Of basicConstraints. */
  readonly pathLength: number | null
  /** Hexadecimal. */
  readonly subjectKeyIdentifier: string | null
  readonly authorityKeyIdentifier: AuthorityKeyIdentifier | null
  /** How many names subjectAltName holds; null where it is absent. */
  readonly altNameCount: number | null
  /** The bits of Netscape's certificate type; null where it is absent. */
  readonly netscapeTypes: readonly number[] | null
  /** The first that is broken. */
  readonly malformed: string | null
}

/** `list`: of certificate-fields.ts. Throws DerError when the list itself is broken. */
export function readPathExtensions(list: DerNode | null): PathExtensions {
  const extensions = (list === null ? [] : childrenOf(list, tag.sequence)).map(readExtension)
  const absent = { pathLength: null, subjectKeyIdentifier: null, authorityKeyIdentifier: null, altNameCount: null, netscapeTypes: null }
  let result: Omit<PathExtensions, 'types' | 'criticalTypes' | 'malformed'> = absent
  let malformed: string | null = null
  for (const extension of extensions) {
    try {
      result = { ...result, ...readValue(extension) }
    } catch (error) {
      if (!(error instanceof DerError)) throw error
      malformed ??= `extension ${extension.type}: ${error.message}`
    }
  }
  return {
    ...result, malformed,
    types: new Set(extensions.map(({ type }) => type)),
    criticalTypes: new Set(extensions.filter(({ isCritical }) => isCritical).map(({ type }) => type)),
  }
}

function readValue({ type, value }: Extension): Partial<PathExtensions> {
  switch (type) {
    case oid.basicConstraints: return { pathLength: readBasicConstraints(value).pathLength }
    case oid.subjectKeyIdentifier: return { subjectKeyIdentifier: contentOf(readDer(value), tag.octetString).toString('hex') }
    case oid.authorityKeyIdentifier: return { authorityKeyIdentifier: readAuthorityKeyIdentifier(readDer(value)) }
    case oid.subjectAltName: return { altNameCount: countNames(readDer(value)) }
    case oid.netscapeCertificateType: return { netscapeTypes: readNamedBits(readDer(value)) }
    default: return {}
  }
}

/** RFC 5280 §4.2.1.6: a GeneralName is one of [0] to [8]. */
function countNames(names: DerNode): number {
  const found = childrenOf(names, tag.sequence)
  for (const name of found) {
    const isConstructed = [0, 3, 4, 5].includes(name.type)
    const expected = isConstructed ? tag.constructedContext(name.type) : tag.primitiveContext(name.type)
    if (name.type > 8 || tagOf(name) !== expected) throw new DerError('an unknown kind of name')
  }
  return found.length
}

/** RFC 5280 §4.2.1.1. */
function readAuthorityKeyIdentifier(node: DerNode): AuthorityKeyIdentifier {
  const fields = new Map(childrenOf(node, tag.sequence).map(field => [tagOf(field), field]))
  const [keyIdentifier, issuer, serialNumber] = [tag.primitiveContext(0), tag.constructedContext(1), tag.primitiveContext(2)]
    .map(expected => fields.get(expected))
  const hexOf = (field: DerNode | undefined) => field === undefined ? null : contentOf(field, tagOf(field)).toString('hex')
  // As OpenSSL reads it: of several names the first directoryName counts.
  const [directoryName] = issuer === undefined ? []
    : childrenOf(issuer, tag.constructedContext(1)).filter(name => tagOf(name) === tag.constructedContext(4))
  const [name] = directoryName === undefined ? [] : childrenOf(directoryName, tag.constructedContext(4))
  return { keyIdentifier: hexOf(keyIdentifier), serialNumber: hexOf(serialNumber), issuerName: name === undefined ? null : comparableName(name) }
}
