/** Certificates laid end to end in DER. Only where each of them ends is looked at here; src/x509 reads them. */
import { malformed } from './forwarding-error.ts'

/** A SEQUENCE: X.690 §8.1.2, identifier octets. */
const sequence = 0x30

/** All of `bytes`, without anything between or after the certificates. */
export function splitCertificates(bytes: Uint8Array, what: string): readonly Uint8Array[] {
  const found: Uint8Array[] = []
  let rest = bytes
  while (rest.length > 0) {
    const length = sequenceLength(rest)
    if (length === null || length > rest.length) throw malformed(`${what} is not DER of certificates.`)
    found.push(rest.subarray(0, length))
    rest = rest.subarray(length)
  }
  return found
}

/** `bytes` when they are one certificate and nothing else. */
export function oneCertificate(bytes: Uint8Array, what: string): Uint8Array {
  if (sequenceLength(bytes) !== bytes.length) throw malformed(`${what} is not the DER of exactly one certificate.`)
  return bytes
}

/** Of the value that begins here, its header included; null where it is no SEQUENCE of definite length (X.690 §8.1.3, §10.1). */
function sequenceLength(bytes: Uint8Array): number | null {
  const [identifier, first] = bytes
  if (identifier !== sequence || first === undefined || first === 0x80) return null
  if (first < 0x80) return 2 + first
  const octets = first & 0x7f
  if (octets > 3) return null
  let length = 0
  for (let index = 2; index < 2 + octets; index++) {
    const octet = bytes[index]
    if (octet === undefined) return null
    length = length * 256 + octet
  }
  return 2 + octets + length
}
