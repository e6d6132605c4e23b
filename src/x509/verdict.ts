// Is there a usable certificate? (external.md §1, XEP-0178 §2.) trust.ts makes the verdict; everything is refused that is not accepted for a
// stated reason.
import type { Certificate } from './certificate.ts'
import type { RefusalReason } from './refusal.ts'

export type VerifyMode = 'none' | 'peer' | 'selfsigned_peer'
export type { RefusalReason }

export interface RefusedCertificate {
  readonly kind: 'refused'
  readonly reason: RefusalReason
  /** For people: says the remedy. */
  readonly text: string
  /** Null when the bytes could not be read as a certificate. For showing and logging only. */
  readonly certificate: Certificate | null
}

export interface AcceptedCertificate { readonly kind: 'accepted', readonly certificate: Certificate }

export type CertificateVerdict = { readonly kind: 'none' } | RefusedCertificate | AcceptedCertificate
