// Revocation lists with any part bent out of shape, and good ones.
import { sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { authorityKeyIdentifier, extension, keyIdentifierOf } from '../../src/x509/certificate-writer.ts'
import { bitString, encode, explicit, integer, nothing, objectIdentifier, pem, sequence, time, unsignedInteger } from '../../src/x509/der-writer.ts'
import { oid } from '../../src/x509/object-identifiers.ts'
import { readRevocationList } from '../../src/x509/revocation-list.ts'
import { RevocationLists } from '../../src/x509/revocation-lists.ts'
import type { TestCertificate } from './certificates.ts'

const hour = 3_600_000

export interface Entry {
  /** DER INTEGER. */
  readonly serialNumber: Uint8Array
  readonly extensions?: readonly Uint8Array[]
  readonly time?: Uint8Array
}

export interface ListOptions {
  readonly revoked?: readonly (TestCertificate | Entry)[]
  readonly thisUpdate?: number
  readonly nextUpdate?: number | null
  /** Null: version 1. */
  readonly version?: Uint8Array | null
  readonly issuerName?: Uint8Array
  readonly key?: KeyObject
  readonly algorithm?: Uint8Array
  readonly outerAlgorithm?: Uint8Array
  readonly digest?: string
  readonly number?: number
  /** Instead of the usual ones; null leaves out the field. */
  readonly extensions?: readonly Uint8Array[] | null
  readonly moreExtensions?: readonly Uint8Array[]
}

/** DER of the serial number of a certificate that certificates.ts made. */
export const serialNumberOf = ({ der }: TestCertificate): Uint8Array => {
  const hex = Buffer.from(der)
  // SEQUENCE { SEQUENCE { [0] { INTEGER 2 }, INTEGER …
  const at = hex.indexOf(Buffer.from('a003020102', 'hex')) + 5
  return hex.subarray(at, at + 2 + (hex[at + 1] ?? 0))
}

export const entryOf = (certificate: TestCertificate, ...extensions: readonly Uint8Array[]): Entry => ({ serialNumber: serialNumberOf(certificate), extensions })
export const reason = (code: number, isCritical = false) => extension('2.5.29.21', isCritical, encode(0x0a, Uint8Array.of(code)))

function algorithmOf(key: KeyObject): { readonly algorithm: Uint8Array, readonly digest: string | null } {
  switch (key.asymmetricKeyType) {
    case 'ed25519': return { algorithm: sequence(objectIdentifier(oid.ed25519)), digest: null }
    case 'rsa': return { algorithm: sequence(objectIdentifier(oid.sha256WithRsa), nothing()), digest: 'sha256' }
    default: return { algorithm: sequence(objectIdentifier(oid.ecdsaWithSha256)), digest: 'sha256' }
  }
}

/** DER. */
export function writeList(issuer: TestCertificate, options: ListOptions = {}): Buffer {
  const { key = issuer.privateKey, revoked = [], thisUpdate = Date.now() - hour, nextUpdate = Date.now() + hour, version = integer(1), number = 1 } = options
  const usual = algorithmOf(key)
  const { algorithm = usual.algorithm } = options
  const extensions = options.extensions === undefined
    ? [authorityKeyIdentifier(keyIdentifierOf(issuer.privateKey)), extension(oid.crlNumber, false, integer(number)), ...options.moreExtensions ?? []] : options.extensions
  const entries = revoked.map(one => 'der' in one ? entryOf(one) : one).map(entry =>
    sequence(entry.serialNumber, entry.time ?? time(thisUpdate), ...entry.extensions === undefined || entry.extensions.length === 0 ? [] : [sequence(...entry.extensions)]))
  const signed = sequence(...version === null ? [] : [version], algorithm, options.issuerName ?? issuer.name, time(thisUpdate),
    ...nextUpdate === null ? [] : [time(nextUpdate)], ...entries.length === 0 ? [] : [sequence(...entries)],
    ...extensions === null ? [] : [explicit(0, sequence(...extensions))])
  return Buffer.from(sequence(signed, options.outerAlgorithm ?? algorithm, bitString(sign(options.digest ?? usual.digest, signed, key))))
}

export const listPem = (der: Uint8Array): string => pem('X509 CRL', der)

const atOnce = () => Promise.resolve()
export const readList = (der: Uint8Array) => readRevocationList(Buffer.from(der), atOnce)

export async function listsOf(ders: readonly Uint8Array[], { acceptsOutdated = false } = {}): Promise<RevocationLists> {
  return new RevocationLists(await Promise.all(ders.map(readList)), acceptsOutdated)
}

/** So many entries with serial numbers of 16 octets, as fast as possible. */
export function manyEntries(count: number): readonly Entry[] {
  const extensions = [reason(1)]
  return Array.from({ length: count }, (_, index) => {
    const serial = Buffer.alloc(16, 0x5a)
    serial.writeUInt32BE(index, 8)
    return { serialNumber: unsignedInteger(serial), extensions }
  })
}
