// Is there a usable certificate? (external.md §1, XEP-0178 §2.) A TLS library's flag alone is never the verdict: a leaf is demanded, and it
// is read again here. Everything is refused that is not accepted for a stated reason.
import { CertificateError, readCertificate } from './certificate.ts'
import type { Certificate } from './certificate.ts'
import { dateFaultOf, faultOf, refusalOfVerification } from './refusal.ts'
import type { Refusal, RefusalReason } from './refusal.ts'

export type VerifyMode = 'none' | 'peer' | 'selfsigned_peer'
export type { RefusalReason }

export type CertificateVerdict =
  | { readonly kind: 'none' }
  | { readonly kind: 'refused', readonly reason: RefusalReason,
    /** For people: says the remedy. */
    readonly text: string,
    /** Null when the bytes could not be read as a certificate. For showing and logging only. */
    readonly certificate: Certificate | null }
  | { readonly kind: 'accepted', readonly certificate: Certificate }

/** What TLS found out about the peer's certificate. */
export interface Evidence {
  /** DER of the peer's own certificate. */
  readonly leaf: Uint8Array | null
  /** The chain verified against the configured authorities. */
  readonly authorized: boolean
  /** OpenSSL's code as Node gives it, e.g. `CERT_HAS_EXPIRED`; the last of several findings. */
  readonly authorizationError: string | null
  /** The leaf included. */
  readonly chainLength: number
}

/** Made once per connection. `now` in milliseconds since the epoch. */
export function verdictOf(evidence: Evidence, mode: VerifyMode, now: number): CertificateVerdict {
  if (mode === 'none' || evidence.leaf === null) return { kind: 'none' }
  let certificate: Certificate
  try {
    certificate = readCertificate(evidence.leaf)
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error
    return { kind: 'refused', reason: 'malformed', text: `This is ${error.message}. Ask for a new certificate.`, certificate: null }
  }
  const refusal = faultOf(certificate) ?? chainFaultOf(certificate, evidence, mode, now)
  return refusal === null ? { kind: 'accepted', certificate } : { kind: 'refused', ...refusal, certificate }
}

/** Asked at every SASL EXTERNAL attempt: a connection can be days old. What was refused stays refused, for its chain was never verified. */
export function reassess(verdict: CertificateVerdict, now: number): CertificateVerdict {
  if (verdict.kind !== 'accepted') return verdict
  const refusal = dateFaultOf(verdict.certificate, now)
  return refusal === null ? verdict : { kind: 'refused', ...refusal, certificate: verdict.certificate }
}

/** The dates come last: external.md §2 tells the client `credentials-expired` only where the date is the only fault. */
function chainFaultOf(certificate: Certificate, evidence: Evidence, mode: VerifyMode, now: number): Refusal | null {
  const { authorized, authorizationError: code, chainLength } = evidence
  const dateFault = dateFaultOf(certificate, now)
  if (authorized && code === null) return dateFault
  const isLeafDate = dateFault !== null && (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
  // OpenSSL's code is the last thing that it found. Only these two findings are explained by a self-signed leaf and its dates.
  const isSelfSigning = code === 'DEPTH_ZERO_SELF_SIGNED_CERT' || isLeafDate
  if (mode === 'selfsigned_peer' && certificate.isSelfSigned && chainLength === 1 && isSelfSigning) return dateFault
  if (!isLeafDate) return refusalOfVerification(code)
  // The date hides what the chain was worth. One that leads nowhere is a fault of its own.
  if (chainLength > 1) return dateFault
  return refusalOfVerification(certificate.isSelfIssued ? 'DEPTH_ZERO_SELF_SIGNED_CERT' : 'UNABLE_TO_GET_ISSUER_CERT')
}
