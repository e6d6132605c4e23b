// The primitive values of X.690 that certificates hold: OBJECT IDENTIFIER, INTEGER, BOOLEAN, BIT STRING, times and character strings.
// A value that has two readings is refused (DerError), never guessed.
import { contentOf, DerError, tag, tagOf } from './der.ts'
import type { DerNode } from './der.ts'

/** No assigned OID comes near; the bound keeps the arithmetic on its arcs linear. */
const maxOidBytes = 128

/** Below it an arc takes another seven bits as a number, exactly; from there on it is a BigInt. */
const lastPlainArc = 2 ** 45

/** Dotted decimal. Arcs have no upper bound (X.690 §8.19; 2.25.UUID has 128-bit ones), so they are never squeezed into 32 bits. */
export function readObjectIdentifier(node: DerNode): string {
  const content = contentOf(node, tag.objectIdentifier)
  if (content.length === 0 || content.length > maxOidBytes) throw new DerError('an object identifier of a wrong length')
  let text = ''
  let arc: number | bigint = 0
  let isFirstOctet = true
  for (const octet of content) {
    if (isFirstOctet && octet === 0x80) throw new DerError('an object identifier with a padded arc')
    arc = typeof arc === 'number' && arc < lastPlainArc ? arc * 128 + (octet & 0x7f) : (BigInt(arc) << 7n) | BigInt(octet & 0x7f)
    isFirstOctet = octet < 0x80
    if (!isFirstOctet) continue
    text += text === '' ? firstArcs(arc) : `.${arc}`
    arc = 0
  }
  if (!isFirstOctet) throw new DerError('an object identifier that is cut short')
  return text
}

/** X.690 §8.19.4: the first two share their octets. */
function firstArcs(both: number | bigint): string {
  if (both < 80) return both < 40 ? `0.${both}` : `1.${Number(both) - 40}`
  return `2.${BigInt(both) - 80n}`
}

/** The content octets of an INTEGER, two's complement, in hexadecimal. */
export function readInteger(node: DerNode): string {
  const content = contentOf(node, tag.integer)
  const [first, second] = content
  if (first === undefined) throw new DerError('an empty integer')
  // X.690 §8.3.2: the first nine bits are neither all zero nor all one.
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
    throw new DerError('an integer in more octets than needed')
  }
  return content.toString('hex')
}

export function readBoolean(node: DerNode): boolean {
  const content = contentOf(node, tag.boolean)
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw new DerError('a boolean that is neither') // X.690 §11.1
  return content[0] !== 0
}

/** The numbers of the bits that are set (bit 0 is the first). For named bit lists, which are short. */
export function readNamedBits(node: DerNode): readonly number[] {
  const content = contentOf(node, tag.bitString)
  const unused = content[0]
  if (unused === undefined || unused > 7 || (content.length === 1 && unused > 0)) throw new DerError('a broken bit string')
  if (content.length > 5) throw new DerError('a bit string that is too long')
  const last = content.at(-1) ?? 0
  if (content.length > 1 && (last & ((1 << unused) - 1)) !== 0) throw new DerError('unused bits that are set') // X.690 §11.2.1
  const bits: number[] = []
  for (let bit = 0; bit < (content.length - 1) * 8; bit++) {
    if (((content[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0) bits.push(bit)
  }
  return bits
}

/** Milliseconds since the epoch. RFC 5280 §4.1.2.5: seconds are there, the zone is Z, there are no fractions. */
export function readTime(node: DerNode): number {
  const isUtcTime = tagOf(node) === tag.utcTime
  const text = contentOf(node, isUtcTime ? tag.utcTime : tag.generalizedTime).toString('latin1')
  const digits = isUtcTime ? 12 : 14
  if (text.length !== digits + 1 || !/^\d+Z$/.test(text)) throw new DerError('a time of a wrong form')
  // RFC 5280 §4.1.2.5.1: two-digit years from 50 on are of the last century.
  const full = isUtcTime ? (Number(text.slice(0, 2)) >= 50 ? '19' : '20') + text : text
  const part = (start: number, length = 2) => Number(full.slice(start, start + length))
  const [year, month, day, hour, minute, second] = [part(0, 4), part(4), part(6), part(8), part(10), part(12)]
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second)
  // A date that JavaScript had to carry over (February 30th, 24 o'clock) is none.
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || date.getUTCHours() !== hour
    || date.getUTCMinutes() !== minute || date.getUTCSeconds() !== second) throw new DerError('a time that does not exist')
  return date.getTime()
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF8String; a byte order mark stays in it. */
export function readUtf8String(node: DerNode): string {
  try {
    return utf8.decode(contentOf(node, tag.utf8String))
  } catch (cause) {
    throw new DerError('a UTF8String that is not UTF-8', { cause })
  }
}

/** Any of the character strings that a name may hold (RFC 5280 §4.1.2.4, and those that old authorities wrote). */
export function readCharacterString(node: DerNode): string {
  switch (tagOf(node)) {
    case tag.utf8String: return readUtf8String(node)
    case tag.bmpString: return wellFormed(contentOf(node, tag.bmpString).toString('utf16le'))
    case tag.universalString: return readUniversalString(contentOf(node, tag.universalString))
    // T.61 and Latin-1, which passes for it, agree on ASCII only: beyond that nobody knows what the authority meant.
    case tag.teletexString: case tag.printableString: case tag.ia5String: case tag.numericString: case tag.visibleString:
      return readAscii(contentOf(node, tagOf(node)))
    default: throw new DerError('not a character string')
  }
}

function readAscii(content: Buffer): string {
  if (content.some(octet => octet >= 0x80)) throw new DerError('a character that its string type does not have')
  return content.toString('latin1')
}

function readUniversalString(content: Buffer): string {
  if (content.length % 4 !== 0) throw new DerError('a UniversalString of a wrong length')
  const characters: string[] = []
  for (let at = 0; at < content.length; at += 4) {
    const codePoint = content.readUInt32BE(at)
    if (codePoint > 0x10ffff) throw new DerError('a character beyond Unicode')
    characters.push(String.fromCodePoint(codePoint))
  }
  return wellFormed(characters.join(''))
}

function wellFormed(text: string): string {
  if (!text.isWellFormed()) throw new DerError('half a surrogate pair')
  return text
}
