/** AuthBackend: who decides whether credentials are good. SASL mechanisms ask, through BackendDispatch (RFC 6120 §6.5). */

import type { Domainpart } from '../xmpp/jid.ts'
import type { Credentials } from './credentials.ts'

/** The part of RFC 6120 §6.5 that a backend can decide; mechanisms add the rest. */
export const refusals = ['account-disabled', 'credentials-expired', 'invalid-authzid', 'not-authorized'] as const
export type Refusal = (typeof refusals)[number]

/** Yes or no about the very user that the credentials name. `reason` is words for the log: no secret, nothing of the SASL payload. */
export type Judgement =
  | { readonly ok: true }
  | { readonly ok: false, readonly condition: Refusal, readonly reason: string }

export interface AuthBackend {
  readonly name: string
  /** A mechanism is offered only if a backend accepts the kind of credentials that it yields; no other kind ever arrives here. */
  readonly accepts: ReadonlySet<Credentials['kind']>
  /**
   * A wrong secret is a Judgement, not an error. Throws or rejects only when the backend cannot be reached. One that decides without
   * waiting answers at once, so that a login by certificate costs no promise.
   */
  verify(credentials: Credentials, domain: Domainpart): Judgement | Promise<Judgement>
}
