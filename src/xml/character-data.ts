/** What attribute values and character data mean: references, line ends (XML 1.0 §2.11), white space in values (§3.3.3). */
import { asciiIn, textIn } from './span.ts'

/** The value holds references or white space other than U+0020, so that its meaning differs from its spelling. */
export const COOKED = 1
/** The value holds bytes above 0x7F. */
export const WIDE = 2

const predefined: ReadonlyMap<string, string> = new Map([['lt', '<'], ['gt', '>'], ['amp', '&'], ['quot', '"'], ['apos', '\'']])

/** The character that `&name;` or `&#…;` stands for; the scanner has accepted it. */
function referent(name: string): string {
  if (!name.startsWith('#')) return predefined.get(name) ?? ''
  return String.fromCodePoint(name.startsWith('#x') ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10))
}

const meaning = (_spelling: string, reference: string | undefined): string => reference === undefined ? ' ' : referent(reference)

/** The value of an attribute. XML 1.0 §3.3.3: white space becomes a space each, unless it was written as a character reference. */
export function attributeValue(bytes: Uint8Array, start: number, end: number, flags: number): string {
  if (flags === 0) return asciiIn(bytes, start, end)
  const spelling = textIn(bytes, start, end)
  return (flags & COOKED) === 0 ? spelling : spelling.replace(/\r\n|[\t\n\r]|&([^;]*);/g, meaning)
}

/** XML 1.0 §2.11: CR LF and CR are read as LF. */
export function characterData(bytes: Uint8Array, start: number, end: number): string {
  const spelling = textIn(bytes, start, end)
  return spelling.includes('\r') ? spelling.replace(/\r\n?/g, '\n') : spelling
}
