/** What a client showed, and who it thereby proved to be (RFC 6120 §6; XEP-0178 §2 for certificates). */

import type { Certificate } from '../x509/certificate.ts'
import type { BareJid, Domainpart } from '../xmpp/jid.ts'

/**
 * What a SASL mechanism learnt from the client, for an AuthBackend to judge. `user` is the account that it asks to be: the
 * mechanism has already decided which one that is, so that no backend can turn one user into another.
 */
export type Credentials =
  | { readonly kind: 'certificate', readonly user: BareJid, readonly certificate: Certificate }
  | { readonly kind: 'password', readonly user: BareJid, readonly password: string }

/** What backends declare and mechanisms yield. `scram`: a password that is proved without being told (RFC 5802), from what a backend keeps of it. */
export type CredentialKind = Credentials['kind'] | 'scram'

/** The certificate by which a session lives: RFC 6120 §13.7.2.3 wants it watched for as long as the stream lasts. */
export interface CertificateProof { readonly fingerprint256: string, readonly notAfter: number }

/** Who the client proved to be. Nothing above authentication sees Credentials. */
export interface Principal {
  readonly account: BareJid
  readonly domain: Domainpart
  readonly mechanism: string
  /** null when another kind of credentials was judged. */
  readonly certificate: CertificateProof | null
}
