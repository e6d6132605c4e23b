/** URL-encoded PEM, as nginx, Envoy and the Application Load Balancer write it: RFC 3986 §2.1 around RFC 7468 §3 ("strict"). */
import { oneCertificate } from './certificate-bytes.ts'
import { malformed } from './forwarding-error.ts'
import { strictBase64 } from './strict-base64.ts'

const begin = '-----BEGIN CERTIFICATE-----'
const end = '-----END CERTIFICATE-----'

/** The certificates in their order: at least one, and nothing but certificates. */
export function escapedPem(value: string, what: string): readonly Uint8Array[] {
  const lines = percentDecoded(value, what).replaceAll('\r\n', '\n').split('\n')
  // The last line may end.
  if (lines.at(-1) === '') lines.pop()
  const found: Uint8Array[] = []
  let at = 0
  while (at < lines.length) {
    if (lines[at] !== begin) throw malformed(`${what} is not PEM of certificates.`)
    const last = lines.indexOf(end, at)
    if (last < 0) throw malformed(`${what} holds a certificate without an end.`)
    found.push(oneCertificate(strictBase64(lines.slice(at + 1, last).join(''), what), what))
    at = last + 1
  }
  if (found.length === 0) throw malformed(`${what} holds no certificate.`)
  return found
}

/** Every `%` has to be an escape. A plus sign is one: this is no form data. */
export function percentDecoded(value: string, what: string): string {
  const decoded = value.replace(/%([0-9A-Fa-f]{2})/g, (_escape, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
  // PEM has no percent sign: one that is left was no escape, or was escaped.
  if (!/^[\n\r\x20-\x24\x26-\x7e]*$/.test(decoded)) throw malformed(`${what} is not URL-encoded text.`)
  return decoded
}
