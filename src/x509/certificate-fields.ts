// The outer structure of a certificate (RFC 5280 §4.1), as nodes: what the readers of certificate.ts, authority.ts and path-certificate.ts share.
import { childrenOf, derOf, DerError, readDer, tag, tagOf } from './der.ts'
import type { DerNode } from './der.ts'
import { readInteger, readTime } from './der-value.ts'

export interface CertificateFields {
  readonly version: 1 | 2 | 3
  /** The content octets, two's complement, in hexadecimal. */
  readonly serialNumber: string
  readonly signatureAlgorithm: DerNode
  readonly issuer: DerNode
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  readonly subject: DerNode
  /** The list of extensions; null where there is none. */
  readonly extensions: DerNode | null
}

/** Throws DerError when the bytes are not exactly one certificate. */
export function readCertificateFields(der: Uint8Array): CertificateFields {
  const [tbs, outerAlgorithm, signature, ...rest] = childrenOf(readDer(der), tag.sequence)
  if (tbs === undefined || outerAlgorithm === undefined || signature === undefined || rest.length > 0 || tagOf(signature) !== tag.bitString) {
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
  const signatureAlgorithm = take('signature algorithm')
  // RFC 5280 §4.1.1.2: both name the same algorithm.
  if (!derOf(signatureAlgorithm).equals(derOf(outerAlgorithm))) throw new DerError('two different signature algorithms')
  const issuer = take('issuer')
  const [notBefore, notAfter, ...moreTimes] = childrenOf(take('validity'), tag.sequence)
  if (notBefore === undefined || notAfter === undefined || moreTimes.length > 0) throw new DerError('a validity that is not two times')
  const subject = take('subject')
  take('public key')
  const extensions = readTail(fields, version)
  return { version, serialNumber, signatureAlgorithm, issuer, notBefore: readTime(notBefore), notAfter: readTime(notAfter), subject, extensions }
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
