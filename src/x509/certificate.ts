// One X.509 certificate (RFC 5280 §4.1), read from its DER into plain data: small, because one is kept for every connection.
import { hash, X509Certificate } from 'node:crypto'
import type { BareJid } from '../xmpp/jid.ts'
import { childrenOf, derOf, DerError, readDer, tag, tagOf } from './der.ts'
import type { DerNode } from './der.ts'
import { readInteger, readTime } from './der-value.ts'
import { readDistinguishedName } from './distinguished-name.ts'
import { noExtensions, readExtensions } from './certificate-extensions.ts'
import type { KeyUsage } from './certificate-extensions.ts'
import { keyStrengthOf } from './key-strength.ts'
import type { KeyKind } from './key-strength.ts'

export interface Certificate {
  /** SHA-256 over the DER, lower-case hexadecimal, no colons. */
  readonly fingerprint256: string
  /** Hexadecimal. */
  readonly serialNumber: string
  /** RFC 4514, for people and logs only. */
  readonly subject: string
  readonly issuer: string
  readonly commonNames: readonly string[]
  /** Milliseconds since the epoch; both instants are still inside (RFC 5280 §4.1.2.5). */
  readonly notBefore: number
  readonly notAfter: number
  /** Prepared bare JIDs, each once. One without a localpart is never a user. */
  readonly xmppAddrs: readonly BareJid[]
  /** Why the certificate is refused as a whole, e.g. `xmppAddr with a resource`; starts with the part concerned. Null: nothing is wrong. */
  readonly malformed: string | null
  /** Subject and issuer are the same, byte for byte. */
  readonly isSelfIssued: boolean
  /** Self-issued, and its signature verifies with its own key. */
  readonly isSelfSigned: boolean
  readonly isAuthority: boolean
  /** Null: the extension is absent, which allows every use (RFC 5280 §4.2.1.3, §4.2.1.12). */
  readonly keyUsage: readonly KeyUsage[] | null
  /** Object identifiers in dotted decimal. */
  readonly extendedKeyUsages: readonly string[] | null
  readonly unknownCriticalExtensions: readonly string[]
  readonly keyKind: KeyKind
  /** Of the modulus or the curve; 0 where nothing is known of it. */
  readonly keyBits: number
}

/** The bytes are no certificate at all. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError'
}

/** Throws CertificateError when the bytes are not exactly one certificate in DER. */
export function readCertificate(der: Uint8Array): Certificate {
  try {
    return readStructure(der)
  } catch (cause) {
    if (cause instanceof DerError) throw new CertificateError(`not a certificate: ${cause.message}`, { cause })
    throw cause
  }
}

function readStructure(der: Uint8Array): Certificate {
  const [tbs, signatureAlgorithm, signature, ...rest] = childrenOf(readDer(der), tag.sequence)
  if (tbs === undefined || signatureAlgorithm === undefined || signature === undefined || rest.length > 0 || tagOf(signature) !== tag.bitString) {
    throw new DerError('not the three parts of a certificate')
  }
  const fields = [...childrenOf(tbs, tag.sequence)]
  const take = (what: string): DerNode => {
    const field = fields.shift()
    if (field === undefined) throw new DerError(`no ${what}`)
    return field
  }
  const version = readVersion(fields)
  const serialNumber = readInteger(take('serial number'))
  const innerAlgorithm = derOf(take('signature algorithm'))
  // RFC 5280 §4.1.1.2: both name the same algorithm.
  if (!innerAlgorithm.equals(derOf(signatureAlgorithm))) throw new DerError('two different signature algorithms')
  const issuerNode = take('issuer')
  const [notBefore, notAfter, ...moreTimes] = childrenOf(take('validity'), tag.sequence)
  if (notBefore === undefined || notAfter === undefined || moreTimes.length > 0) throw new DerError('a validity that is not two times')
  const subjectNode = take('subject')
  take('public key')
  const extensionsNode = readTail(fields, version)

  const subject = readDistinguishedName(subjectNode)
  const extensions = extensionsNode === null ? noExtensions : readExtensions(extensionsNode)
  const isSelfIssued = derOf(issuerNode).equals(derOf(subjectNode))
  return {
    fingerprint256: hash('sha256', der, 'hex'),
    serialNumber,
    subject: subject.text,
    issuer: readDistinguishedName(issuerNode).text,
    commonNames: subject.commonNames,
    notBefore: readTime(notBefore),
    notAfter: readTime(notAfter),
    xmppAddrs: extensions.xmppAddrs,
    malformed: extensions.malformed ?? subject.malformed,
    isSelfIssued,
    ...readKey(der, isSelfIssued),
    isAuthority: extensions.isAuthority,
    keyUsage: extensions.keyUsage,
    extendedKeyUsages: extensions.extendedKeyUsages,
    unknownCriticalExtensions: extensions.unknownCriticalExtensions,
  }
}

/** Takes `[0] EXPLICIT Version` off the front; RFC 5280 §4.1.2.1: absent is v1, 1 is v2, 2 is v3. */
function readVersion(fields: DerNode[]): 1 | 2 | 3 {
  const first = fields[0]
  if (first === undefined || tagOf(first) !== tag.constructedContext(0)) return 1
  fields.shift()
  const [number, ...rest] = childrenOf(first, tag.constructedContext(0))
  const version = number === undefined || rest.length > 0 ? '' : readInteger(number)
  if (version === '01') return 2
  if (version === '02') return 3
  throw new DerError('an unknown version')
}

/** What may follow the public key: two unique identifiers, then the extensions, which only v3 has. */
function readTail(fields: readonly DerNode[], version: 1 | 2 | 3): DerNode | null {
  let last = 0
  for (const field of fields) {
    const number = field.type
    const isExtensions = tagOf(field) === tag.constructedContext(3)
    const isUniqueIdentifier = number < 3 && tagOf(field) === tag.primitiveContext(number)
    if (number <= last || version < (isExtensions ? 3 : 2) || !(isExtensions || isUniqueIdentifier)) throw new DerError('an unknown field')
    last = number
  }
  const end = fields.at(-1)
  if (end === undefined || tagOf(end) !== tag.constructedContext(3)) return null
  const [list, ...rest] = childrenOf(end, tag.constructedContext(3))
  if (list === undefined || rest.length > 0) throw new DerError('extensions that are not one list')
  return list
}

/** OpenSSL reads the certificate too: what only one of the two readers takes is refused. */
function readKey(der: Uint8Array, isSelfIssued: boolean): Pick<Certificate, 'isSelfSigned' | 'keyKind' | 'keyBits'> {
  try {
    const certificate = new X509Certificate(der)
    const key = certificate.publicKey
    return { isSelfSigned: isSelfIssued && certificate.verify(key), ...keyStrengthOf(key) }
  } catch (cause) {
    throw new CertificateError('not a certificate: OpenSSL cannot read it or its public key', { cause })
  }
}
