/** Splits a file of revocation lists into their DER. Such files can be large, so they are decoded a slice at a time: splitPem is for small ones. */

export type SplitLists =
  | { readonly ok: true, readonly ders: readonly Buffer[] }
  | { readonly ok: false, readonly problem: string }

const begin = '-----BEGIN '
const label = 'X509 CRL'
const beginList = `${begin}${label}-----`
const endList = `-----END ${label}-----`

/** Bytes of base64 decoded in one go: less than a millisecond. */
const slice = 65_536

/** PEM (RFC 7468), any number of lists, or DER, one. `rest` gives others their turn between two slices. */
export async function splitRevocationLists(bytes: Buffer, rest: () => Promise<void>): Promise<SplitLists> {
  // DER begins with the tag of a SEQUENCE, which is "0" and so no beginning of PEM either.
  if (bytes[0] === 0x30) return { ok: true, ders: [bytes] }
  const ders: Buffer[] = []
  let at = 0
  for (let start = bytes.indexOf(begin, at, 'latin1'); start >= 0; start = bytes.indexOf(begin, at, 'latin1')) {
    const number = ders.length + 1
    if (bytes.toString('latin1', start, start + beginList.length) !== beginList) {
      const line = bytes.toString('latin1', start, start + 64).split(/\r?\n/, 1)[0] ?? ''
      const other = /^-----BEGIN ([A-Z0-9 ]{1,64})-----$/.exec(line.trimEnd())
      return { ok: false, problem: other === null ? `a damaged BEGIN line before list ${number}` : `it holds a block ${other[1] ?? ''}` }
    }
    const contentStart = start + beginList.length
    const end = bytes.indexOf(endList, contentStart, 'latin1')
    const next = bytes.indexOf(begin, contentStart, 'latin1')
    if (end < 0 || (next >= 0 && next < end)) return { ok: false, problem: `list ${number} has no end` }
    const der = await decode(bytes, contentStart, end, rest)
    if (der === null) return { ok: false, problem: `list ${number} is not base64` }
    ders.push(der)
    at = end + endList.length
  }
  return ders.length > 0 ? { ok: true, ders } : { ok: false, problem: 'it holds no revocation list' }
}

async function decode(bytes: Buffer, start: number, end: number, rest: () => Promise<void>): Promise<Buffer | null> {
  const parts: Buffer[] = []
  let carried = ''
  for (let at = start; at < end; at += slice) {
    const isLast = at + slice >= end
    const text = carried + bytes.toString('latin1', at, Math.min(at + slice, end)).replace(/[\r\n\t ]+/g, '')
    // Four characters are three bytes; what is left over waits for the rest of them.
    const whole = isLast ? text.length : text.length - text.length % 4
    carried = text.slice(whole)
    if (whole % 4 !== 0 || !(isLast ? /^[A-Za-z0-9+/]*={0,2}$/ : /^[A-Za-z0-9+/]*$/).test(text.slice(0, whole))) return null
    parts.push(Buffer.from(text.slice(0, whole), 'base64'))
    await rest()
  }
  return Buffer.concat(parts)
}
