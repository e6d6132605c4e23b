// DER, read strictly: X.690 §8 (encoding rules) and §10 (what DER adds to them). node-forge's asn1 builds the tree, but it also takes BER
// and recurses, so every byte string is first walked here, in linear time and without recursion, and only plain DER is passed on.
import { createRequire } from 'node:module'
import type forge from 'node-forge'

// Only asn1 is loaded: the whole of node-forge costs six times the start-up time, and its pki must not judge client certificates.
const asn1 = createRequire(import.meta.url)('node-forge/lib/asn1.js') as {
  fromDer(bytes: string, options: { readonly strict: boolean, readonly parseAllBytes: boolean, readonly decodeBitStrings: boolean,
    readonly maxDepth: number }): forge.asn1.Asn1
  toDer(node: forge.asn1.Asn1): forge.util.ByteBuffer
}

/** One element of the tree: opaque outside this file. */
export type DerNode = forge.asn1.Asn1

/** The bytes are not the DER that they should be. Expected of hostile input: readers of certificates turn it into CertificateError. */
export class DerError extends Error {
  override readonly name = 'DerError'
}

/** Identifier octets (X.690 §8.1.2), the constructed bit included. */
export const tag = {
  boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, null: 0x05, objectIdentifier: 0x06, utf8String: 0x0c,
  numericString: 0x12, printableString: 0x13, teletexString: 0x14, ia5String: 0x16, utcTime: 0x17, generalizedTime: 0x18,
  visibleString: 0x1a, universalString: 0x1c, bmpString: 0x1e, sequence: 0x30, set: 0x31,
  /** `[number]` around a value, or IMPLICIT over a constructed one. */
  constructedContext: (number: number) => 0xa0 | number,
  /** `[number]` IMPLICIT over a primitive value. */
  primitiveContext: (number: number) => 0x80 | number,
} as const

/** A certificate for a person needs about 1 KiB; TLS itself (OpenSSL) stops at 100 KiB for a whole chain. */
export const maxDerBytes = 1_048_576
/** Certificates nest about ten deep. */
const maxDepth = 32
const multiByteTag = 0x1f
const constructedBit = 0x20

/** The tree of exactly one DER value that fills `bytes`. Throws DerError. */
export function readDer(bytes: Uint8Array): DerNode {
  checkDer(bytes)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  return asn1.fromDer(text, { strict: true, parseAllBytes: true, decodeBitStrings: false, maxDepth: maxDepth + 1 })
}

/** Refuses whatever forge would read leniently or differently from other readers. */
function checkDer(bytes: Uint8Array): void {
  if (bytes.length > maxDerBytes) throw new DerError(`longer than ${maxDerBytes} bytes`)
  const ends: number[] = [] // where each open constructed value ends
  let at = 0
  do {
    const end = ends.at(-1) ?? bytes.length
    const { identifier, contentStart, contentEnd } = headerAt(bytes, at, end)
    if ((identifier & constructedBit) !== 0) {
      if (ends.length >= maxDepth) throw new DerError(`nested deeper than ${maxDepth}`)
      ends.push(contentEnd)
      at = contentStart
    } else {
      // forge reads two bytes at a time here, past the end of the value if need be.
      if ((identifier & 0x1f) === tag.bmpString && (contentEnd - contentStart) % 2 !== 0) throw new DerError('a BMPString of an odd length')
      at = contentEnd
    }
    while (ends.at(-1) === at) ends.pop()
  } while (ends.length > 0)
  if (at !== bytes.length) throw new DerError('bytes after the end')
}

/** One value inside a constructed one that ends at `end`: what it is, and where its content lies. Throws DerError. */
export function headerAt(bytes: Uint8Array, at: number, end: number): { readonly identifier: number, readonly contentStart: number, readonly contentEnd: number } {
  const identifier = byteAt(bytes, at, end)
  checkIdentifier(identifier)
  const { value, contentStart } = readLength(bytes, at + 1, end)
  const contentEnd = contentStart + value
  if (contentEnd > end) throw new DerError('a value is longer than what holds it')
  return { identifier, contentStart, contentEnd }
}

function checkIdentifier(identifier: number): void {
  const number = identifier & 0x1f
  if (number === multiByteTag) throw new DerError('a tag number above 30')
  if (identifier >= 0x40) return
  if (number === 0) throw new DerError('an end-of-contents mark')
  // X.690 §10.2: strings are primitive; §8.9, §8.11: sequences and sets are constructed (so are EXTERNAL and EMBEDDED PDV, never seen here).
  const isConstructed = (identifier & constructedBit) !== 0
  if (isConstructed !== (number === 0x10 || number === 0x11)) throw new DerError('a constructed string or a primitive sequence')
}

function readLength(bytes: Uint8Array, at: number, end: number): { readonly value: number, readonly contentStart: number } {
  const first = byteAt(bytes, at, end)
  if (first < 0x80) return { value: first, contentStart: at + 1 }
  const octets = first & 0x7f
  if (octets === 0) throw new DerError('indefinite length') // X.690 §10.1: the definite form, in the fewest octets
  if (octets > 4) throw new DerError('a length of more than four octets')
  let value = 0
  for (let i = 1; i <= octets; i++) value = value * 256 + byteAt(bytes, at + i, end)
  if (value < 0x80 || value < 256 ** (octets - 1)) throw new DerError('a length in more octets than needed')
  return { value, contentStart: at + 1 + octets }
}

function byteAt(bytes: Uint8Array, at: number, end: number): number {
  const byte = at < end ? bytes[at] : undefined
  if (byte === undefined) throw new DerError('cut short')
  return byte
}

/** The identifier octet of a node, as in `tag`. */
export function tagOf(node: DerNode): number {
  return node.tagClass | (node.constructed ? constructedBit : 0) | node.type
}

/** The values inside a constructed one, which must have this tag. */
export function childrenOf(node: DerNode, expected: number): readonly DerNode[] {
  expectTag(node, expected)
  if (typeof node.value === 'string') throw new DerError('a primitive value where a constructed one belongs')
  return node.value
}

/** The content octets of a primitive value, which must have this tag. */
export function contentOf(node: DerNode, expected: number): Buffer {
  expectTag(node, expected)
  if (typeof node.value !== 'string') throw new DerError('a constructed value where a primitive one belongs')
  return Buffer.from(node.value, (expected & 0x1f) === tag.bmpString ? 'utf16le' : 'latin1')
}

function expectTag(node: DerNode, expected: number): void {
  const found = tagOf(node)
  if (found !== expected) throw new DerError(`tag 0x${found.toString(16)} where 0x${expected.toString(16)} belongs`)
}

/** The DER of a node, tag and length included: what it was read from. */
export function derOf(node: DerNode): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), 'latin1')
}
