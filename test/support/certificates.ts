// Certificates for tests, of every odd kind, made quickly and in memory with the DER writer of src/x509.
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { KeyUsage } from '../../src/x509/certificate-extensions.ts'
import { authorityConstraints, authorityKeyIdentifier, dnsName, extendedKeyUsageExtension, extension, ipAddressName, keyIdentifierOf,
  keyUsageExtension, leafConstraints, nameOf, subjectAltNames, subjectKeyIdentifier, writeCertificate, writeName,
  xmppAddrName } from '../../src/x509/certificate-writer.ts'
import { boolean, octetString, pem, sequence, utf8String } from '../../src/x509/der-writer.ts'
import { oid } from '../../src/x509/object-identifiers.ts'
import type { Evidence } from '../../src/x509/evidence.ts'
import { readAnchor } from '../../src/x509/path.ts'
import type { RevocationLists } from '../../src/x509/revocation-lists.ts'
import { Trust } from '../../src/x509/trust.ts'
import type { TrustMaterial } from '../../src/x509/trust.ts'
import type { VerifyMode } from '../../src/x509/verdict.ts'

export type TestKey = 'p256' | 'p384' | 'p521' | 'p224' | 'ed25519' | 'rsa2048' | 'rsa1024' | 'rsa-pss'

export interface TestCertificate {
  readonly der: Uint8Array
  readonly certificatePem: string
  readonly privateKeyPem: string
  readonly privateKey: KeyObject
  /** DER of the subject. */
  readonly name: Uint8Array
  /** Null for self-signed ones. */
  readonly issuer: TestCertificate | null
}

export interface TestLeafOptions {
  readonly key?: TestKey
  /** Take the key of another certificate. */
  readonly privateKey?: KeyObject
  readonly commonName?: string | null
  /** DER Name instead of one made of `commonName`. */
  readonly subject?: Uint8Array
  readonly xmppAddrs?: readonly string[]
  /** DER GeneralNames beside the xmppAddrs, see otherName, dnsName in certificate-writer.ts. */
  readonly altNames?: readonly Uint8Array[]
  /** Milliseconds; default: valid for an hour before and after now. */
  readonly notBefore?: number
  readonly notAfter?: number
  /** Null leaves the extension out. Default: digitalSignature, clientAuth. */
  readonly keyUsage?: readonly KeyUsage[] | null
  readonly purposes?: readonly string[] | null
  readonly serialNumber?: Uint8Array
  /** DER Extensions after all the others. */
  readonly moreExtensions?: readonly Uint8Array[]
  /** basicConstraints CA:TRUE. */
  readonly isAuthority?: boolean
}

const hour = 3_600_000

export function makeKey(kind: TestKey): KeyObject {
  switch (kind) {
    case 'p224': return generateKeyPairSync('ec', { namedCurve: 'secp224r1' }).privateKey
    case 'p256': return generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
    case 'p384': return generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey
    case 'p521': return generateKeyPairSync('ec', { namedCurve: 'secp521r1' }).privateKey
    case 'ed25519': return generateKeyPairSync('ed25519').privateKey
    case 'rsa1024': return generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
    case 'rsa2048': return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    case 'rsa-pss': return generateKeyPairSync('rsa-pss', { modulusLength: 2048, hashAlgorithm: 'sha256',
      mgf1HashAlgorithm: 'sha256' }).privateKey
  }
}

export function makeAuthority(options: { readonly key?: TestKey, readonly commonName?: string, readonly notAfter?: number,
  readonly notBefore?: number,
  /** RFC 5280 §4.2.1.9; null for none, default 0. */
  readonly pathLength?: null } = {}): TestCertificate {
  const privateKey = makeKey(options.key ?? 'p256')
  return build(null, nameOf(options.commonName ?? 'Test CA'), privateKey, options.notBefore ?? Date.now() - 24 * hour,
    options.notAfter ?? Date.now() + 24 * hour,
    [options.pathLength === null ? anyLength() : authorityConstraints(), keyUsageExtension('keyCertSign', 'cRLSign'), subjectKeyIdentifier(privateKey)])
}

const anyLength = () => extension(oid.basicConstraints, true, sequence(boolean(true)))

/** An authority below another one. */
export const makeIntermediate = (issuer: TestCertificate, options: TestLeafOptions = {}): TestCertificate =>
  leaf(issuer, { commonName: 'Middle', isAuthority: true, keyUsage: ['keyCertSign', 'cRLSign'], purposes: null, ...options })

/** A client certificate, or whatever the options make of it. */
export const makeLeaf = (issuer: TestCertificate, options: TestLeafOptions = {}): TestCertificate => leaf(issuer, options)
/** One that is its own issuer. */
export const makeSelfSigned = (options: TestLeafOptions = {}): TestCertificate => leaf(null, options)

/** A public key that takes long to use, which anybody can make up without having its private one: any numbers will do. */
export function rsaKeyOf(modulusBits: number, exponentBits: number): KeyObject {
  const [n, e] = [modulusBits, exponentBits].map(bits => Buffer.alloc(Math.ceil(bits / 8), 0xff).fill(0xff >> (-bits & 7), 0, 1).toString('base64url'))
  return createPublicKey({ format: 'jwk', key: { kty: 'RSA', n: n!, e: e! } })
}

/** DER of one that says it signed itself, and has somebody else's signature. */
export const makeSelfIssued = (publicKey: KeyObject): Uint8Array => writeCertificate({
  serialNumber: randomBytes(16), issuer: nameOf('mallory'), subject: nameOf('mallory'), publicKey,
  notBefore: Date.now() - hour, notAfter: Date.now() + hour, extensions: [keyUsageExtension('digitalSignature')],
}, signerOfMadeUpOnes)

const signerOfMadeUpOnes = makeKey('rsa2048')

export const makeServer = (issuer: TestCertificate, options: TestLeafOptions = {}): TestCertificate => leaf(issuer, {
  commonName: 'localhost', altNames: [dnsName('localhost'), ipAddressName('127.0.0.1'), ipAddressName('::1')], purposes: [oid.serverAuth],
  ...options,
})

function leaf(issuer: TestCertificate | null, options: TestLeafOptions): TestCertificate {
  const { commonName = null, xmppAddrs = [], altNames = [], keyUsage = ['digitalSignature'], purposes = [oid.clientAuth] } = options
  const privateKey = options.privateKey ?? makeKey(options.key ?? 'p256')
  const names = [...xmppAddrs.map(xmppAddrName), ...altNames]
  return build(issuer, options.subject ?? nameOf(commonName), privateKey, options.notBefore ?? Date.now() - hour,
    options.notAfter ?? Date.now() + hour, [
    options.isAuthority === true ? authorityConstraints() : leafConstraints(),
    ...keyUsage === null ? [] : [keyUsageExtension(...keyUsage)],
    ...purposes === null ? [] : [extendedKeyUsageExtension(...purposes)],
    ...names.length === 0 ? [] : [subjectAltNames(names)],
    subjectKeyIdentifier(privateKey),
    ...issuer === null ? [] : [authorityKeyIdentifier(keyIdentifierOf(issuer.privateKey))],
    ...options.moreExtensions ?? [],
  ], options.serialNumber)
}

function build(issuer: TestCertificate | null, name: Uint8Array, privateKey: KeyObject, notBefore: number, notAfter: number,
  extensions: readonly Uint8Array[], serialNumber: Uint8Array = randomBytes(16)): TestCertificate {
  const der = writeCertificate({
    serialNumber, issuer: issuer?.name ?? name, subject: name, notBefore, notAfter, publicKey: createPublicKey(privateKey), extensions,
  }, issuer?.privateKey ?? privateKey)
  return {
    der, certificatePem: pem('CERTIFICATE', der), privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    privateKey, name, issuer,
  }
}

/** A subject with these attributes in this order: dotted type and text. */
export const subjectOf = (...attributes: readonly (readonly [type: string, text: string])[]) =>
  writeName(attributes.map(([type, text]) => [type, utf8String(text)]))

/** An extension nobody knows. */
export const unknownExtension = (isCritical: boolean, type = '1.3.6.1.4.1.99999.1') => extension(type, isCritical,
  octetString(Uint8Array.of(1)))

/** What evidenceOf gives for a certificate whose chain OpenSSL verified. `sent`: what comes along with it. */
export const verifiedEvidence = (certificate: TestCertificate, ...sent: readonly TestCertificate[]): Evidence =>
  ({ chain: [certificate, ...sent].map(({ der }) => der), authorized: true, authorizationError: null })

export const materialOf = (authorities: readonly Pick<TestCertificate, 'der'>[], revocation: RevocationLists | null = null): TrustMaterial =>
  ({ anchors: authorities.map(({ der }) => readAnchor(der)), revocation })

/** A listener that trusts these. */
export const trustIn = (authorities: readonly Pick<TestCertificate, 'der'>[], mode: VerifyMode = 'peer'): Trust => new Trust(mode, materialOf(authorities))

/** Sequences within sequences, with the lengths reckoned from the inside, so that it costs no more than its length. */
export function nestedSequences(depth: number): Uint8Array {
  const headers: Uint8Array[] = []
  for (let length = 0; headers.length < depth; length += headers.at(-1)?.length ?? 0) {
    headers.push(length < 0x80 ? Uint8Array.of(0x30, length)
      : length < 0x100 ? Uint8Array.of(0x30, 0x81, length)
      : length < 0x10000 ? Uint8Array.of(0x30, 0x82, length >> 8, length & 0xff)
      : Uint8Array.of(0x30, 0x83, length >> 16, (length >> 8) & 0xff, length & 0xff))
  }
  return Buffer.concat(headers.reverse())
}
