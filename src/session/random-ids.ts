/** Ids that nobody guesses: of streams (RFC 6120 §4.7.3), resources and BOSH sessions. */
import { randomBytes } from 'node:crypto'

/** 192 bits, which make 32 characters. */
const bytesOfAnId = 24
/** Drawn together: a login needs three of them, and to ask OpenSSL costs more than the bytes. */
const idsOfADraw = 128

/** A source of ids, URL-safe, none of which comes twice or tells anything of another. */
export function randomIds(): () => string {
  let drawn = Buffer.alloc(0)
  let used = 0
  return () => {
    if (used === drawn.length) {
      drawn = randomBytes(bytesOfAnId * idsOfADraw)
      used = 0
    }
    used += bytesOfAnId
    const id = drawn.toString('base64url', used - bytesOfAnId, used)
    // Given away once: nothing in memory tells it again.
    drawn.fill(0, used - bytesOfAnId, used)
    return id
  }
}
