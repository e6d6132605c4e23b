/** Base64 (RFC 4648 §4) in the one spelling that an encoder writes: no white space, all of the padding, no bits left over (§3.5). */
import { malformed } from './forwarding-error.ts'

export function strictBase64(text: string, what: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  // What Buffer skips, or reads generously, does not come back the same.
  if (text === '' || bytes.toString('base64') !== text) throw malformed(`${what} is not base64.`)
  return bytes
}
