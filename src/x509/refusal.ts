// Why a certificate is refused: the reason for programs, and words for the person who has to mend it.
import { isStrongEnough } from './key-strength.ts'
import type { Certificate } from './certificate.ts'
import { oid } from './object-identifiers.ts'

export type RefusalReason = 'expired' | 'not-yet-valid' | 'untrusted' | 'self-signed' | 'revoked' | 'wrong-purpose'
  | 'unknown-critical-extension' | 'malformed' | 'malformed-xmppaddr' | 'weak-key' | 'not-verified'

export interface Refusal { readonly reason: RefusalReason, readonly text: string }

/** Faults that the certificate carries in itself, its dates apart; null when there are none. */
export function faultOf(certificate: Certificate): Refusal | null {
  const { malformed, unknownCriticalExtensions, keyUsage, extendedKeyUsages } = certificate
  if (malformed !== null) {
    // external.md §3: such a certificate is refused, never read by its common name instead.
    if (malformed.startsWith('xmppAddr')) {
      return { reason: 'malformed-xmppaddr', text: `The certificate holds a malformed XMPP address: ${malformed}. `
        + 'An address is a bare JID such as alice@example.org in a UTF8String; ask for a new certificate.' }
    }
    return { reason: 'malformed', text: `The certificate is malformed: ${malformed}. Ask for a new certificate.` }
  }
  if (unknownCriticalExtensions.length > 0) {
    // RFC 5280 §4.2: a critical extension that is not recognised means that the certificate is rejected.
    return { reason: 'unknown-critical-extension', text: 'The certificate has a critical extension that this server does not know '
      + `(${unknownCriticalExtensions.slice(0, 3).join(', ')}). Ask for a certificate without it.` }
  }
  if (extendedKeyUsages !== null && !extendedKeyUsages.includes(oid.clientAuth)) {
    return { reason: 'wrong-purpose', text: 'The certificate is not meant for clients (extended key usage without clientAuth). '
      + 'Ask for one with extended key usage clientAuth.' }
  }
  if (keyUsage !== null && !keyUsage.includes('digitalSignature')) {
    // RFC 8446 §4.4.2.2: a key that signs the handshake needs digitalSignature where keyUsage is present.
    return { reason: 'wrong-purpose', text: 'The certificate\'s key is not allowed to sign a log-in (key usage without digitalSignature). '
      + 'Ask for one with key usage digitalSignature.' }
  }
  if (!isStrongEnough(certificate)) {
    const size = certificate.keyBits > 0 ? `${certificate.keyKind} with ${certificate.keyBits} bits` : 'of an unsupported kind'
    return { reason: 'weak-key', text: `The certificate's key is too weak (${size}). Use EC P-256, Ed25519, or RSA with 2048 bits or more.` }
  }
  return null
}

/** RFC 5280 §4.1.2.5: both ends belong to the validity period. `now` in milliseconds. */
export function dateFaultOf(certificate: Pick<Certificate, 'notBefore' | 'notAfter'>, now: number): Refusal | null {
  if (now > certificate.notAfter) {
    return { reason: 'expired', text: `The certificate expired on ${dateText(certificate.notAfter)}. Ask for a new one.` }
  }
  if (now < certificate.notBefore) {
    return { reason: 'not-yet-valid', text: `The certificate is valid only from ${dateText(certificate.notBefore)}. `
      + 'Wait until then, or check the clocks of both computers.' }
  }
  return null
}

const dateText = (time: number) => new Date(time).toISOString().replace('T', ' ').replace(/\.\d+Z$/, ' UTC')

const unknownIssuer: Refusal = { reason: 'untrusted', text: 'No authority that this server trusts issued the certificate. '
  + 'Use one from a trusted authority, send its intermediate certificates along, or add the authority to cacertfile.' }
const brokenChain: Refusal = { reason: 'untrusted', text: 'The certificate was issued by something that is not allowed to issue certificates, '
  + 'or a signature in its chain is wrong. Use one that a trusted authority issued.' }
const staleAuthority: Refusal = { reason: 'untrusted', text: 'An authority in the certificate\'s chain is not valid at this time. '
  + 'The authority must be renewed, then issue a new certificate.' }
/** OpenSSL found something that Node has no name for: an issuer whose key usage forbids it to issue, a weak key or signature in the chain. */
const unnamedFault: Refusal = { reason: 'not-verified', text: 'The certificate\'s chain could not be verified: an issuer in it that may not issue '
  + 'certificates, or a key or signature that is too weak. Use one that a trusted authority issued.' }
const noRevocationList: Refusal = { reason: 'not-verified', text: 'It cannot be found out whether the certificate has been revoked, '
  + 'because a revocation list is missing, outdated or broken. The operator of this server must renew crl_files.' }
const selfSigned: Refusal = { reason: 'self-signed', text: 'The certificate is self-signed, and this server takes only those that a trusted '
  + 'authority issued. For development, verify_mode = "selfsigned_peer" allows it.' }
const wrongPurpose: Refusal = { reason: 'wrong-purpose', text: 'The certificate, or an authority of its chain, is not meant for clients. '
  + 'Ask for one with extended key usage clientAuth.' }
const revoked: Refusal = { reason: 'revoked', text: 'The certificate has been revoked by its authority. Ask for a new one.' }
const resumed: Refusal = { reason: 'not-verified', text: 'The TLS session was resumed, so the certificate was not checked anew. Connect again.' }

/** evidenceOf's own code beside those of OpenSSL. */
export const resumedSession = 'TLS_SESSION_RESUMED'

/** X509_V_ERR_… names as Node reports them in `authorizationError`. */
const verificationRefusals: ReadonlyMap<string, Refusal> = new Map([
  ['UNABLE_TO_GET_ISSUER_CERT', unknownIssuer], ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', unknownIssuer],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', unknownIssuer], ['SELF_SIGNED_CERT_IN_CHAIN', unknownIssuer], ['CERT_UNTRUSTED', unknownIssuer],
  ['CERT_REJECTED', unknownIssuer],
  ['CERT_SIGNATURE_FAILURE', brokenChain], ['UNABLE_TO_DECRYPT_CERT_SIGNATURE', brokenChain],
  ['UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY', brokenChain], ['INVALID_CA', brokenChain], ['PATH_LENGTH_EXCEEDED', brokenChain],
  ['CERT_CHAIN_TOO_LONG', brokenChain], ['UNSPECIFIED', unnamedFault],
  ['CERT_HAS_EXPIRED', staleAuthority], ['CERT_NOT_YET_VALID', staleAuthority],
  ['UNABLE_TO_GET_CRL', noRevocationList], ['CRL_HAS_EXPIRED', noRevocationList], ['CRL_NOT_YET_VALID', noRevocationList],
  ['CRL_SIGNATURE_FAILURE', noRevocationList], ['UNABLE_TO_DECRYPT_CRL_SIGNATURE', noRevocationList],
  ['ERROR_IN_CRL_LAST_UPDATE_FIELD', noRevocationList], ['ERROR_IN_CRL_NEXT_UPDATE_FIELD', noRevocationList],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', selfSigned], ['INVALID_PURPOSE', wrongPurpose], ['CERT_REVOKED', revoked], [resumedSession, resumed],
])

/** What OpenSSL's finding means. For the leaf's own dates ask dateFaultOf first: then these codes are about an authority. */
export function refusalOfVerification(code: string | null): Refusal {
  return verificationRefusals.get(code ?? '') ?? { reason: 'not-verified',
    text: `The certificate could not be verified (${code ?? 'no reason given'}). Use one from an authority that this server trusts.` }
}
