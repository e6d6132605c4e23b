/** Whether a certificate is in a list of PEM certificates (RFC 7468), such as `get_certs` of the backend `http` answers. */

import { hash, timingSafeEqual } from 'node:crypto'

const begin = '-----BEGIN CERTIFICATE-----'
const end = '-----END CERTIFICATE-----'

export const holdsCertificates = (text: string): boolean => text.includes(begin)

/**
 * `fingerprint256`: SHA-256 over the DER, lower-case hexadecimal. Equal fingerprints are equal certificates, byte for byte: nobody can make
 * two of one fingerprint. A block that is not whole is no certificate, the others count.
 */
export function isAmong(fingerprint256: string, pem: string): boolean {
  const wanted = Buffer.from(fingerprint256, 'hex')
  let found = false
  for (const der of blocksIn(pem)) {
    const fingerprint = hash('sha256', der, 'buffer')
    if (fingerprint.length === wanted.length && timingSafeEqual(fingerprint, wanted)) found = true
  }
  return found
}

/** The DER of each block, in time proportional to the text. */
function* blocksIn(pem: string): Iterable<Uint8Array> {
  for (let from = pem.indexOf(begin); from >= 0;) {
    const start = from + begin.length
    const stop = pem.indexOf(end, start)
    if (stop < 0) return
    const base64 = pem.slice(start, stop).replace(/\s+/g, '')
    const der = Buffer.from(base64, 'base64')
    // Buffer.from skips over what is no base64: only what it writes in the same way was read whole.
    if (der.length > 0 && der.toString('base64') === base64) yield der
    from = pem.indexOf(begin, stop + end.length)
  }
}
