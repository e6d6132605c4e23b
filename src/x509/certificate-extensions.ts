// The extensions of a certificate that bear on who its holder is and what the key is for (RFC 5280 §4.2).
import type { BareJid } from '../xmpp/jid.ts'
import { childrenOf, contentOf, DerError, readDer, tag, tagOf } from './der.ts'
import type { DerNode } from './der.ts'
import { readBoolean, readInteger, readNamedBits, readObjectIdentifier } from './der-value.ts'
import { readEmailAddresses } from './email-addresses.ts'
import { oid } from './object-identifiers.ts'
import { readXmppAddresses } from './xmpp-addresses.ts'

/** RFC 5280 §4.2.1.3, in the order of the bits. */
export const keyUsages = ['digitalSignature', 'nonRepudiation', 'keyEncipherment', 'dataEncipherment', 'keyAgreement', 'keyCertSign',
  'cRLSign', 'encipherOnly', 'decipherOnly'] as const
export type KeyUsage = (typeof keyUsages)[number]

export interface CertificateExtensions {
  readonly xmppAddrs: readonly BareJid[]
  readonly emailAddrs: readonly string[]
  /** Why the certificate is refused as a whole; starts with the extension's name. */
  readonly malformed: string | null
  readonly keyUsage: readonly KeyUsage[] | null
  readonly extendedKeyUsages: readonly string[] | null
  readonly isAuthority: boolean
  readonly unknownCriticalExtensions: readonly string[]
}

export const noExtensions: CertificateExtensions = {
  xmppAddrs: [], emailAddrs: [], malformed: null, keyUsage: null, extendedKeyUsages: null, isAuthority: false, unknownCriticalExtensions: [],
}

/** Read here, or without any say about a leaf (name constraints and policies bind what an authority issues; OpenSSL applies them). */
const understood: ReadonlyMap<string, string> = new Map([
  [oid.keyUsage, 'keyUsage'], [oid.extendedKeyUsage, 'extKeyUsage'], [oid.subjectAltName, 'subjectAltName'],
  [oid.basicConstraints, 'basicConstraints'], [oid.nameConstraints, 'nameConstraints'], [oid.crlDistributionPoints, 'cRLDistributionPoints'],
  [oid.certificatePolicies, 'certificatePolicies'], [oid.policyMappings, 'policyMappings'], [oid.policyConstraints, 'policyConstraints'],
  [oid.inhibitAnyPolicy, 'inhibitAnyPolicy'],
])

/** Throws DerError when the list itself is broken; a broken extension inside it is `malformed`. */
export function readExtensions(list: DerNode): CertificateExtensions {
  const seen = new Set<string>()
  const unknownCriticalExtensions: string[] = []
  let result = noExtensions
  let malformed: string | null = null
  for (const node of childrenOf(list, tag.sequence)) {
    const { type, isCritical, value } = readExtension(node)
    const name = understood.get(type)
    // RFC 5280 §4.2: not more than one instance of an extension.
    if (seen.has(type)) malformed ??= `${name ?? type} twice`
    seen.add(type)
    if (name === undefined) {
      if (isCritical) unknownCriticalExtensions.push(type)
      continue
    }
    try {
      const read = readValue(type, value)
      malformed ??= read.malformed ?? null
      result = { ...result, ...read }
    } catch (error) {
      if (!(error instanceof DerError)) throw error
      malformed ??= `${name}: ${error.message}`
    }
  }
  return { ...result, malformed, unknownCriticalExtensions }
}

export interface Extension { readonly type: string, readonly isCritical: boolean, readonly value: Uint8Array }

export function readExtension(node: DerNode): Extension {
  const fields = childrenOf(node, tag.sequence)
  const [type, second, third] = fields
  const value = fields.length === 3 ? third : second
  if (type === undefined || second === undefined || value === undefined || fields.length > 3) throw new DerError('a broken extension')
  return {
    type: readObjectIdentifier(type), isCritical: fields.length === 3 && readBoolean(second), value: contentOf(value, tag.octetString),
  }
}

export interface BasicConstraints {
  readonly isAuthority: boolean
  /** RFC 5280 §4.2.1.9: how many intermediate certificates may follow; null: any number. */
  readonly pathLength: number | null
}

export function readBasicConstraints(value: Uint8Array): BasicConstraints {
  const fields = [...childrenOf(readDer(value), tag.sequence)]
  const first = fields[0]
  const isAuthority = first !== undefined && tagOf(first) === tag.boolean && readBoolean(first)
  if (first !== undefined && tagOf(first) === tag.boolean) fields.shift()
  const length = fields.shift()
  if (fields.length > 0) throw new DerError('more than two fields')
  if (length === undefined) return { isAuthority, pathLength: null }
  const digits = readInteger(length)
  // A path of 2^31 certificates does not exist, so a longer number has no use; a negative one has no meaning.
  if (digits.length > 8 || /^[89a-f]/.test(digits)) throw new DerError('a path length that is none')
  return { isAuthority, pathLength: Number.parseInt(digits, 16) }
}

function readValue(type: string, value: Uint8Array): Partial<CertificateExtensions> {
  switch (type) {
    case oid.subjectAltName: {
      const names = readDer(value)
      return { ...readXmppAddresses(names), emailAddrs: readEmailAddresses(names) }
    }
    case oid.keyUsage: return { keyUsage: readNamedBits(readDer(value)).flatMap(bit => keyUsages[bit] ?? []) }
    case oid.extendedKeyUsage: return { extendedKeyUsages: childrenOf(readDer(value), tag.sequence).map(readObjectIdentifier) }
    case oid.basicConstraints: return { isAuthority: readBasicConstraints(value).isAuthority }
    default: return {}
  }
}
