// Writes and signs X.509 v3 certificates (RFC 5280 §4.1) with any key that node:crypto signs with.
import { constants, createPublicKey, hash, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isIPv4, SocketAddress } from 'node:net'
import { keyUsages } from './certificate-extensions.ts'
import type { KeyUsage } from './certificate-extensions.ts'
import { bitString, boolean, encode, explicit, implicit, integer, namedBits, nothing, objectIdentifier, octetString, sequence, setOf, time,
  unsignedInteger, utf8String } from './der-writer.ts'
import { childrenOf, contentOf, readDer, tag } from './der.ts'
import { oid } from './object-identifiers.ts'

export interface CertificateTemplate {
  /** Big-endian; made positive by the writer. */
  readonly serialNumber: Uint8Array
  /** DER Names. */
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  readonly publicKey: KeyObject
  /** DER Extensions, from `extension` below. */
  readonly extensions: readonly Uint8Array[]
}

/** The DER of the certificate. */
export function writeCertificate(template: CertificateTemplate, signingKey: KeyObject): Uint8Array {
  const { algorithm, digest, options } = signatureOf(signingKey)
  const toBeSigned = sequence(
    explicit(0, integer(2)), // v3
    unsignedInteger(template.serialNumber),
    algorithm,
    template.issuer,
    sequence(time(template.notBefore), time(template.notAfter)),
    template.subject,
    publicKeyInfo(template.publicKey),
    explicit(3, sequence(...template.extensions)),
  )
  return sequence(toBeSigned, algorithm, bitString(sign(digest, toBeSigned, { key: signingKey, ...options })))
}

interface SignatureChoice {
  /** DER AlgorithmIdentifier. */
  readonly algorithm: Uint8Array
  /** Null: the algorithm brings its own. */
  readonly digest: string | null
  readonly options: { readonly dsaEncoding?: 'der', readonly padding?: number, readonly saltLength?: number }
}

function signatureOf(key: KeyObject): SignatureChoice {
  switch (key.asymmetricKeyType) {
    case 'ed25519': return { algorithm: sequence(objectIdentifier(oid.ed25519)), digest: null, options: {} } // RFC 8410 §3
    case 'rsa': return { algorithm: sequence(objectIdentifier(oid.sha256WithRsa), nothing()), digest: 'sha256', options: {} }
    case 'rsa-pss': return pssSignature()
    case 'ec': return { ...ecdsaSignature(key.asymmetricKeyDetails?.namedCurve), options: { dsaEncoding: 'der' } }
    default: throw new TypeError(`cannot sign a certificate with a key of type ${key.asymmetricKeyType ?? 'unknown'}`)
  }
}

/** RFC 5758 §3.2: no parameters; the hash as long as the curve. */
function ecdsaSignature(curve: string | undefined): { readonly algorithm: Uint8Array, readonly digest: string } {
  if (curve === 'secp384r1') return { algorithm: sequence(objectIdentifier(oid.ecdsaWithSha384)), digest: 'sha384' }
  if (curve === 'secp521r1') return { algorithm: sequence(objectIdentifier(oid.ecdsaWithSha512)), digest: 'sha512' }
  return { algorithm: sequence(objectIdentifier(oid.ecdsaWithSha256)), digest: 'sha256' }
}

/** RFC 4055 §3.1, with SHA-256 throughout and a salt as long as the hash. */
function pssSignature(): SignatureChoice {
  const sha256 = sequence(objectIdentifier(oid.sha256), nothing())
  const parameters = sequence(explicit(0, sha256), explicit(1, sequence(objectIdentifier(oid.mgf1), sha256)), explicit(2, integer(32)))
  return {
    algorithm: sequence(objectIdentifier(oid.rsaPss), parameters), digest: 'sha256',
    options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
  }
}

const publicKeyInfo = (key: KeyObject) => (key.type === 'public' ? key : createPublicKey(key)).export({ type: 'spki', format: 'der' })

/** RFC 5280 §4.2.1.2 method (1): SHA-1 of the public key's bits. It names the key; nothing rests on its strength. */
export function keyIdentifierOf(key: KeyObject): Buffer {
  const bits = childrenOf(readDer(publicKeyInfo(key)), tag.sequence)[1]
  if (bits === undefined) throw new TypeError('a public key without bits')
  return hash('sha1', contentOf(bits, tag.bitString).subarray(1), 'buffer')
}

/** A Name of one-attribute parts, each with its type in dotted decimal and a DER value; the most general part comes first. */
export function writeName(attributes: readonly (readonly [type: string, value: Uint8Array])[]): Uint8Array {
  return sequence(...attributes.map(([type, value]) => setOf(sequence(objectIdentifier(type), value))))
}

export const nameOf = (commonName: string | null) => writeName(commonName === null ? [] : [[oid.commonName, utf8String(commonName)]])

/** `critical` is left out where it has its default (X.690 §11.5). */
export function extension(type: string, isCritical: boolean, value: Uint8Array): Uint8Array {
  return isCritical
    ? sequence(objectIdentifier(type), boolean(true), octetString(value))
    : sequence(objectIdentifier(type), octetString(value))
}

export const subjectKeyIdentifier = (key: KeyObject) => extension(oid.subjectKeyIdentifier, false, octetString(keyIdentifierOf(key)))
export const authorityKeyIdentifier = (keyIdentifier: Uint8Array) =>
  extension(oid.authorityKeyIdentifier, false, sequence(implicit(0, keyIdentifier)))
/** An authority that may issue leaves only: `pathLenConstraint` 0. */
export const authorityConstraints = () => extension(oid.basicConstraints, true, sequence(boolean(true), integer(0)))
export const leafConstraints = () => extension(oid.basicConstraints, true, sequence())
export const keyUsageExtension = (...usages: readonly KeyUsage[]) =>
  extension(oid.keyUsage, true, namedBits(usages.map(usage => keyUsages.indexOf(usage))))
export const extendedKeyUsageExtension = (...purposes: readonly string[]) =>
  extension(oid.extendedKeyUsage, false, sequence(...purposes.map(objectIdentifier)))
/** RFC 5280 §4.1.2.6: critical where the subject is empty. */
export const subjectAltNames = (names: readonly Uint8Array[], isCritical = false) =>
  extension(oid.subjectAltName, isCritical, sequence(...names))

/** RFC 5280 §4.2.1.6 otherName around any DER value. */
export const otherName = (type: string, value: Uint8Array) => encode(tag.constructedContext(0), objectIdentifier(type), explicit(0, value))
/** RFC 6120 §13.7.1.4. */
export const xmppAddrName = (address: string) => otherName(oid.xmppAddr, utf8String(address))
/** RFC 5280 §4.2.1.6: rfc822Name. */
export const emailName = (address: string) => implicit(1, Buffer.from(address, 'ascii'))
export const dnsName = (name: string) => implicit(2, Buffer.from(name, 'ascii'))

/** RFC 5280 §4.2.1.6: four or sixteen octets in network order. */
export function ipAddressName(address: string): Uint8Array {
  if (isIPv4(address)) return implicit(7, Uint8Array.from(address.split('.').map(Number)))
  // Node's canonical form (RFC 5952) has one `::` at most.
  const { address: canonical } = new SocketAddress({ address, family: 'ipv6' })
  const [head = '', tail] = canonical.split('::')
  const groups = (text: string | undefined) => text === undefined || text === '' ? [] : text.split(':').flatMap(groupOctets)
  const before = groups(head)
  const after = groups(tail)
  return implicit(7, Uint8Array.from([...before, ...new Array<number>(16 - before.length - after.length).fill(0), ...after]))
}

function groupOctets(group: string): readonly number[] {
  if (isIPv4(group)) return group.split('.').map(Number)
  const value = Number.parseInt(group, 16)
  return [value >> 8, value & 0xff]
}
