// Certificates and revocation lists with any part bent out of shape, for certification paths: what certificate-writer.ts would never write.
import { constants, createPublicKey, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { KeyUsage } from '../../src/x509/certificate-extensions.ts'
import { authorityKeyIdentifier, extendedKeyUsageExtension, extension, keyIdentifierOf, keyUsageExtension, nameOf, subjectAltNames,
  subjectKeyIdentifier, xmppAddrName } from '../../src/x509/certificate-writer.ts'
import { bitString, boolean, encode, explicit, integer, nothing, objectIdentifier, sequence, time,
  unsignedInteger } from '../../src/x509/der-writer.ts'
import { tag } from '../../src/x509/der.ts'
import { oid } from '../../src/x509/object-identifiers.ts'
import type { Revocation } from '../../src/x509/path.ts'
import { makeKey } from './certificates.ts'
import type { TestKey } from './certificates.ts'

export const hour = 3_600_000

/** One key of each kind and label: RSA keys take long to make. */
const keys = new Map<string, KeyObject>()
export function keyOf(label: string, kind: TestKey = 'p256'): KeyObject {
  const known = keys.get(`${kind} ${label}`) ?? makeKey(kind)
  keys.set(`${kind} ${label}`, known)
  return known
}

export interface Made { readonly der: Uint8Array, readonly name: Uint8Array, readonly key: KeyObject, readonly serialNumber: Uint8Array }

export type SignatureName = 'default' | 'sha1' | 'sha224' | 'md5' | 'sha384' | 'sha512' | 'pss-sha1' | 'pss-sha256'

export interface Bent {
  readonly key?: KeyObject
  readonly subject?: Uint8Array
  /** Null: signed with its own key and its own issuer. */
  readonly issuer?: Pick<Made, 'name' | 'key'> | null
  readonly issuerName?: Uint8Array
  readonly version?: 1 | 2 | 3
  /** DER INTEGER. */
  readonly serialNumber?: Uint8Array
  readonly notBefore?: number
  readonly notAfter?: number
  readonly signature?: SignatureName
  /** The AlgorithmIdentifier outside the signed part. */
  readonly outerAlgorithm?: Uint8Array
  /** Null leaves it out; undefined is what is right for the kind of certificate. */
  readonly constraints?: Uint8Array | null
  readonly keyUsage?: readonly KeyUsage[] | null
  readonly purposes?: readonly string[] | null
  readonly altNames?: Uint8Array | null
  readonly ownKeyIdentifier?: Uint8Array | null
  readonly issuerKeyIdentifier?: Uint8Array | null
  readonly more?: readonly Uint8Array[]
}

let serial = 1_000
const caConstraints = (pathLength?: number, isCritical = true) =>
  extension(oid.basicConstraints, isCritical, sequence(boolean(true), ...pathLength === undefined ? [] : [integer(pathLength)]))
export { caConstraints }

export function makeRoot(label: string, bent: Bent & { readonly kind?: TestKey } = {}): Made {
  const key = bent.key ?? keyOf(label, bent.kind)
  return build({ constraints: caConstraints(), keyUsage: ['keyCertSign', 'cRLSign'], purposes: null, altNames: null,
    issuerKeyIdentifier: null,
    ownKeyIdentifier: subjectKeyIdentifier(key), notBefore: Date.now() - 48 * hour, notAfter: Date.now() + 48 * hour,
    subject: nameOf(label), ...bent, key }, null)
}

export function makeIntermediate(label: string, issuer: Pick<Made, 'name' | 'key'>, bent: Bent & { readonly kind?: TestKey } = {}): Made {
  const key = bent.key ?? keyOf(label, bent.kind)
  return build({ constraints: caConstraints(), keyUsage: ['keyCertSign', 'cRLSign'], purposes: null, altNames: null,
    ownKeyIdentifier: subjectKeyIdentifier(key), issuerKeyIdentifier: authorityKeyIdentifier(keyIdentifierOf(issuer.key)),
    notBefore: Date.now() - 24 * hour, notAfter: Date.now() + 24 * hour, subject: nameOf(label), ...bent, key }, issuer)
}

export function makeClient(issuer: Pick<Made, 'name' | 'key'> | null, bent: Bent & { readonly kind?: TestKey } = {}): Made {
  const key = bent.key ?? keyOf('client', bent.kind)
  return build({ constraints: null, keyUsage: ['digitalSignature'], purposes: [oid.clientAuth],
    altNames: subjectAltNames([xmppAddrName('alice@localhost')]), ownKeyIdentifier: subjectKeyIdentifier(key),
    issuerKeyIdentifier: issuer === null ? null : authorityKeyIdentifier(keyIdentifierOf(issuer.key)),
    notBefore: Date.now() - hour, notAfter: Date.now() + hour, subject: nameOf('alice'), ...bent, key }, issuer)
}

function build(bent: Bent & { readonly key: KeyObject, readonly subject: Uint8Array, readonly notBefore: number,
  readonly notAfter: number },
  issuer: Pick<Made, 'name' | 'key'> | null): Made {
  const { key, subject, version = 3, serialNumber = integer(serial++) } = bent
  const signer = issuer?.key ?? key
  const scheme = schemeOf(signer, bent.signature ?? 'default')
  const extensions = [bent.constraints, bent.keyUsage === null || bent.keyUsage === undefined ? null : keyUsageExtension(...bent.keyUsage),
    bent.purposes === null || bent.purposes === undefined ? null : extendedKeyUsageExtension(...bent.purposes),
    bent.altNames, bent.ownKeyIdentifier, bent.issuerKeyIdentifier, ...bent.more ?? []].filter(one => one !== null && one !== undefined)
  const toBeSigned = sequence(
    ...version === 1 ? [] : [explicit(0, integer(version - 1))], serialNumber, scheme.algorithm, bent.issuerName ?? issuer?.name ?? subject,
    sequence(time(bent.notBefore), time(bent.notAfter)), subject, createPublicKey(key).export({ type: 'spki', format: 'der' }),
    ...version === 1 || extensions.length === 0 ? [] : [explicit(3, sequence(...extensions))],
  )
  const der = sequence(toBeSigned, bent.outerAlgorithm ?? scheme.algorithm, bitString(scheme.sign(toBeSigned, signer)))
  return { der, name: subject, key, serialNumber }
}

interface Scheme { readonly algorithm: Uint8Array, readonly sign: (data: Uint8Array, key: KeyObject) => Uint8Array }

function schemeOf(key: KeyObject, name: SignatureName): Scheme {
  const plain = (type: string, digest: string | null, parameters: readonly Uint8Array[] = []): Scheme => ({
    algorithm: sequence(objectIdentifier(type), ...parameters), sign: (data, signer) => sign(digest, data, signer),
  })
  const kind = key.asymmetricKeyType
  if (kind === 'ed25519') return plain(oid.ed25519, null)
  if (kind === 'rsa-pss' || name.startsWith('pss')) return pssScheme(name === 'pss-sha1' ? 'sha1' : 'sha256')
  const digest = name === 'default' ? 'sha256' : name
  const types: Readonly<Record<string, string>> = kind === 'rsa'
    ? { md5: oid.md5WithRsa, sha1: oid.sha1WithRsa, sha224: oid.sha224WithRsa, sha256: oid.sha256WithRsa, sha384: oid.sha384WithRsa,
      sha512: oid.sha512WithRsa }
    : { sha1: oid.ecdsaWithSha1, sha224: oid.ecdsaWithSha224, sha256: oid.ecdsaWithSha256, sha384: oid.ecdsaWithSha384,
      sha512: oid.ecdsaWithSha512 }
  return plain(types[digest]!, digest, kind === 'rsa' ? [nothing()] : [])
}

function pssScheme(digest: 'sha1' | 'sha256'): Scheme {
  const hash = sequence(objectIdentifier(digest === 'sha1' ? '1.3.14.3.2.26' : oid.sha256), nothing())
  const saltLength = digest === 'sha1' ? 20 : 32
  return {
    algorithm: sequence(objectIdentifier(oid.rsaPss), sequence(explicit(0, hash), explicit(1, sequence(objectIdentifier(oid.mgf1), hash)),
      explicit(2, integer(saltLength)))),
    sign: (data, key) => sign(digest, data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }),
  }
}

export interface MadeList { readonly der: Uint8Array, readonly issuerName: Uint8Array, readonly key: KeyObject, readonly claims: Claims }
interface Claims { readonly revoked: readonly string[], readonly thisUpdate: number, readonly nextUpdate: number,
  readonly isBroken: boolean }

/** A revocation list of version 2 by this authority (RFC 5280 §5). */
export function makeList(issuer: Pick<Made, 'name' | 'key'>, options: { readonly revoked?: readonly Made[], readonly key?: KeyObject,
  readonly thisUpdate?: number, readonly nextUpdate?: number, readonly isBroken?: boolean } = {}): MadeList {
  const { revoked = [], key = issuer.key, thisUpdate = Date.now() - hour, nextUpdate = Date.now() + hour, isBroken = false } = options
  const scheme = schemeOf(key, 'default')
  const toBeSigned = sequence(integer(1), scheme.algorithm, issuer.name, time(thisUpdate), time(nextUpdate),
    ...revoked.length === 0 ? [] : [sequence(...revoked.map(({ serialNumber }) => sequence(serialNumber, time(thisUpdate))))],
    explicit(0, sequence(authorityKeyIdentifier(keyIdentifierOf(key)), extension('2.5.29.20', false, integer(1)))))
  const signature = Buffer.from(scheme.sign(toBeSigned, key))
  if (isBroken) signature[signature.length - 1] = signature.at(-1)! ^ 1
  return { der: sequence(toBeSigned, scheme.algorithm, bitString(signature)), issuerName: issuer.name, key,
    claims: { revoked: revoked.map(({ serialNumber }) => Buffer.from(serialNumber.subarray(2)).toString('hex')), thisUpdate, nextUpdate,
      isBroken } }
}

/** What these lists say, known from having made them. */
export function revocationOf(lists: readonly MadeList[]): Revocation {
  return {
    statusOf: (serialNumber, issuer, now) => {
      const list = lists.find(({ issuerName, key, claims }) => issuer.mayCrlSign && !claims.isBroken
        && Buffer.compare(issuerName, issuer.subjectDer) === 0 && createPublicKey(key).equals(issuer.publicKey))
      if (list === undefined) return 'unavailable'
      const { thisUpdate, nextUpdate, revoked } = list.claims
      if (now < thisUpdate || now > nextUpdate) return 'outdated'
      return revoked.includes(serialNumber) ? 'revoked' : 'good'
    },
  }
}

/** A non-negative INTEGER of this many octets, and a negative one. */
export const longSerial = (octets: number) => unsignedInteger(new Uint8Array(octets).fill(0x11))
export const negativeSerial = () => encode(tag.integer, Uint8Array.of(0x81, 0x02))
