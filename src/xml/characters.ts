/** Characters as XML 1.0 (5th edition) §2.2 and §2.3 define them, over UTF-8 bytes (RFC 3629). */

/** What a byte is, as bits; `isOf` asks for one. */
export const NAME_CHARACTER = 1
export const NAME_START = 2
export const WHITE_SPACE = 4
/** The byte ends a run of ordinary characters: in text, in an attribute value, in a CDATA section. */
export const STOPS_TEXT = 8
export const STOPS_VALUE = 16
export const STOPS_CDATA = 32
/** Namespaces in XML 1.0 §4: the colon is no part of an NCName, so it has neither name bit. */
const byteClass: Readonly<Uint8Array> = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte)
  const isOrdinary = byte >= 0x20 && byte < 0x80
  const isSpace = ' \t\n\r'.includes(character)
  return (byte < 0x80 && /[A-Za-z0-9_.-]/.test(character) ? NAME_CHARACTER : 0)
    | (byte < 0x80 && /[A-Za-z_]/.test(character) ? NAME_START : 0)
    | (isSpace ? WHITE_SPACE : 0)
    | ((isOrdinary || isSpace) && !'<&]'.includes(character) ? 0 : STOPS_TEXT)
    | (isOrdinary && !'<&"\''.includes(character) ? 0 : STOPS_VALUE)
    | ((isOrdinary || isSpace) && character !== ']' ? 0 : STOPS_CDATA)
})

export const isOf = (byte: number, classes: number): boolean => ((byteClass[byte] as number) & classes) !== 0

/**
 * Offset of the first byte in `bytes[offset, end)` that is of one of `classes`, or `end`. Most of a stanza passes through here, four
 * bytes at a time: twice as fast as one by one.
 */
export function findByte(bytes: Uint8Array, offset: number, end: number, classes: number): number {
  const table = byteClass
  const last = end - 4
  let i = offset
  while (i <= last) {
    const found = (table[bytes[i] as number] as number) | (table[bytes[i + 1] as number] as number)
      | (table[bytes[i + 2] as number] as number) | (table[bytes[i + 3] as number] as number)
    if ((found & classes) !== 0) break
    i += 4
  }
  while (i < end && ((table[bytes[i] as number] as number) & classes) === 0) i++
  return i
}

/** Results of `wideCharacter` that are no code point. */
export const INCOMPLETE = -1
export const FORBIDDEN = -2

/**
 * The character of two to four bytes at `offset`, whose first byte is 0x80 or above. `INCOMPLETE` if it is sound so far but
 * `end` cuts it; `FORBIDDEN` if it is not UTF-8 (RFC 3629 §4: overlong, surrogate, beyond U+10FFFF) or not a Char of XML.
 */
export function wideCharacter(bytes: Uint8Array, offset: number, end: number): number {
  const lead = bytes[offset] as number
  if (lead < 0xC2 || lead > 0xF4) return FORBIDDEN
  if (offset + 1 >= end) return INCOMPLETE
  const second = bytes[offset + 1] as number
  if ((second & 0xC0) !== 0x80) return FORBIDDEN
  if (lead < 0xE0) return (lead & 0x1F) << 6 | second & 0x3F
  if (lead === 0xE0 && second < 0xA0 || lead === 0xED && second > 0x9F) return FORBIDDEN
  if (lead === 0xF0 && second < 0x90 || lead === 0xF4 && second > 0x8F) return FORBIDDEN
  if (offset + 2 >= end) return INCOMPLETE
  const third = bytes[offset + 2] as number
  if ((third & 0xC0) !== 0x80) return FORBIDDEN
  if (lead < 0xF0) {
    const code = (lead & 0x0F) << 12 | (second & 0x3F) << 6 | third & 0x3F
    return code >= 0xFFFE ? FORBIDDEN : code
  }
  if (offset + 3 >= end) return INCOMPLETE
  const fourth = bytes[offset + 3] as number
  if ((fourth & 0xC0) !== 0x80) return FORBIDDEN
  return (lead & 0x07) << 18 | (second & 0x3F) << 12 | (third & 0x3F) << 6 | fourth & 0x3F
}

/** Bytes that a character above U+007F takes in UTF-8. */
export const widthOf = (code: number): number => code < 0x800 ? 2 : code < 0x10000 ? 3 : 4

/** XML 1.0 §2.2: Char. */
export function isCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xA || code === 0xD
  return code <= 0xD7FF || code >= 0xE000 && code <= 0xFFFD || code >= 0x10000 && code <= 0x10FFFF
}

/** XML 1.0 §2.3: the part of NameStartChar beyond ASCII. */
export function isWideNameStart(code: number): boolean {
  return code >= 0xC0 && code <= 0x2FF && code !== 0xD7 && code !== 0xF7
    || code >= 0x370 && code <= 0x1FFF && code !== 0x37E
    || code === 0x200C || code === 0x200D
    || code >= 0x2070 && code <= 0x218F
    || code >= 0x2C00 && code <= 0x2FEF
    || code >= 0x3001 && code <= 0xD7FF
    || code >= 0xF900 && code <= 0xFDCF
    || code >= 0xFDF0 && code <= 0xFFFD
    || code >= 0x10000 && code <= 0xEFFFF
}

/** XML 1.0 §2.3: the part of NameChar beyond ASCII. */
export function isWideNameCharacter(code: number): boolean {
  return isWideNameStart(code) || code === 0xB7 || code >= 0x300 && code <= 0x36F || code === 0x203F || code === 0x2040
}
