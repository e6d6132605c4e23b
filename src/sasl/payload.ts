/** SASL data as it stands in XML: strict base64 (RFC 4648 §4, RFC 6120 §6.4.2). */

/** Far more than any message of a mechanism of ours (an authzid: 4,096 characters), far less than a stanza. */
const maxCharacters = 8_192

/** The bytes; null for no data at all. `=` is data of length zero (RFC 6120 §6.4.2). */
export function decodePayload(text: string): Uint8Array | null | 'incorrect-encoding' {
  if (text === '') return null
  if (text === '=') return new Uint8Array(0)
  if (text.length > maxCharacters) return 'incorrect-encoding'
  const bytes = Buffer.from(text, 'base64')
  // Buffer skips what it does not know. Only the canonical text survives the way back: no white space, no other alphabet,
  // whole padding, and zeros in the bits that padding leaves over.
  return bytes.toString('base64') === text ? bytes : 'incorrect-encoding'
}

/** Strictly UTF-8; null for anything else. A byte order mark is kept, and is then no part of any name. */
export function decodeText(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}
