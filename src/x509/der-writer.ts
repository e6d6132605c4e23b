// Writes DER (X.690 §8, §10) for what we make ourselves: certificates and PKCS #12 files. Works on bytes, so that one value can be placed
// inside another as it is.
import { tag } from './der.ts'

export function encode(identifier: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents)
  return Buffer.concat([Buffer.from([identifier]), lengthOctets(content.length), content])
}

function lengthOctets(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length)
  const octets: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return Uint8Array.of(0x80 | octets.length, ...octets)
}

export const sequence = (...items: readonly Uint8Array[]) => encode(tag.sequence, ...items)
/** X.690 §11.6: the members of a SET OF come in the order of their encodings. */
export const setOf = (...items: readonly Uint8Array[]) => encode(tag.set, ...items.toSorted((a, b) => Buffer.compare(a, b)))
export const explicit = (number: number, value: Uint8Array) => encode(tag.constructedContext(number), value)
/** `[number]` IMPLICIT over a primitive type. */
export const implicit = (number: number, content: Uint8Array) => encode(tag.primitiveContext(number), content)
export const octetString = (content: Uint8Array) => encode(tag.octetString, content)
export const utf8String = (text: string) => encode(tag.utf8String, Buffer.from(text))
export const bmpString = (text: string) => encode(tag.bmpString, utf16BigEndian(text))
export const boolean = (value: boolean) => encode(tag.boolean, Uint8Array.of(value ? 0xff : 0))
export const nothing = () => encode(tag.null)
/** A whole number of octets. */
export const bitString = (content: Uint8Array) => encode(tag.bitString, Uint8Array.of(0), content)

/** A non-negative INTEGER from its big-endian octets. */
export function unsignedInteger(magnitude: Uint8Array): Uint8Array {
  const start = magnitude.findIndex(octet => octet !== 0)
  const digits = start < 0 ? Uint8Array.of(0) : magnitude.subarray(start)
  return (digits[0] ?? 0) >= 0x80 ? encode(tag.integer, Uint8Array.of(0), digits) : encode(tag.integer, digits)
}

/** A small non-negative INTEGER. */
export function integer(value: number): Uint8Array {
  const magnitude = Buffer.alloc(6)
  magnitude.writeUIntBE(value, 0, 6)
  return unsignedInteger(magnitude)
}

/** From dotted decimal. */
export function objectIdentifier(dotted: string): Uint8Array {
  const [root = 0n, second = 0n, ...arcs] = dotted.split('.').map(BigInt)
  return encode(tag.objectIdentifier, Uint8Array.from([root * 40n + second, ...arcs].flatMap(base128)))
}

function base128(arc: bigint): readonly number[] {
  const octets = [Number(arc & 0x7fn)]
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) octets.unshift(Number(rest & 0x7fn) | 0x80)
  return octets
}

/** BIT STRING of named bits: trailing zero bits are left out (X.690 §11.2.2). */
export function namedBits(bits: readonly number[]): Uint8Array {
  const highest = Math.max(-1, ...bits)
  const octets = new Uint8Array(Math.ceil((highest + 1) / 8))
  for (const bit of bits) octets[bit >> 3] = (octets[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
  return encode(tag.bitString, Uint8Array.of(octets.length * 8 - highest - 1), octets)
}

/** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 on. Whole seconds. */
export function time(milliseconds: number): Uint8Array {
  const digits = new Date(milliseconds).toISOString().replace(/\.\d+|\D/g, '')
  const year = Number(digits.slice(0, 4))
  return year >= 1950 && year < 2050
    ? encode(tag.utcTime, Buffer.from(`${digits.slice(2)}Z`))
    : encode(tag.generalizedTime, Buffer.from(`${digits}Z`))
}

export function utf16BigEndian(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16()
}

export function pem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der).toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
