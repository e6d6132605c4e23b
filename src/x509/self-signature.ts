// Did a certificate sign itself? Asked in development alone (`verify_mode = "selfsigned_peer"`, external.md §1), and only of one that has no other
// fault: the key is the stranger's own.
import type { KeyObject, X509Certificate } from 'node:crypto'
import { isOwnIssuer, readPathCertificate } from './path-certificate.ts'
import { refusalOfVerification } from './refusal.ts'
import type { Refusal } from './refusal.ts'

/** Twice what anybody uses. With both limits at their ends a verification takes about a millisecond: less than the handshake did. */
export const maxModulusBits = 8_192

/** OpenSSL's own limit, which it has only above 3072 bits (OPENSSL_RSA_MAX_PUBEXP_BITS). Keys of people have 65537. */
export const maxExponentBits = 64

const slow: Refusal = { reason: 'not-verified', text: 'The certificate signed itself, with an RSA key that would take long to use. '
  + `Take one of ${maxModulusBits} bits at most, with a public exponent of ${maxExponentBits} bits at most: 65537 is the usual one.` }

/** `der` is of a certificate that can be read. `opened`: OpenSSL's reading of it, where it is there already. */
export function selfSignatureFaultOf(der: Uint8Array, opened?: X509Certificate): Refusal | null {
  const certificate = readPathCertificate(der, opened)
  const { publicKey } = certificate.authority
  if (!isQuick(publicKey)) return slow
  // Names, key identifiers and algorithm first, as for any issuer.
  return isOwnIssuer(certificate) && certificate.opened.verify(publicKey) ? null : refusalOfVerification('DEPTH_ZERO_SELF_SIGNED_CERT')
}

/** Those of curves are: the certificates of others than TLS 1.3's have been refused. */
function isQuick({ asymmetricKeyDetails: { modulusLength = 0, publicExponent = 0n } = {} }: KeyObject): boolean {
  return modulusLength <= maxModulusBits && publicExponent < 1n << BigInt(maxExponentBits)
}
