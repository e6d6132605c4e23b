/** AuthBackend: who decides whether credentials are good. SASL mechanisms ask, through BackendDispatch (RFC 6120 §6.5). */

import type { Clock } from '../telemetry/clock.ts'
import type { Log } from '../telemetry/log.ts'
import type { BareJid, Domainpart } from '../xmpp/jid.ts'
import type { CredentialKind, Credentials } from './credentials.ts'
import type { Decoys } from './decoy.ts'
import type { AuthOptions } from './options.ts'
import type { OtherHashes, ScramHash, ScramSecret } from './scram-secret.ts'

/** The part of RFC 6120 §6.5 that a backend can decide; mechanisms add the rest. */
export const refusals = ['account-disabled', 'credentials-expired', 'invalid-authzid', 'not-authorized'] as const
export type Refusal = (typeof refusals)[number]

/** Yes or no about the very user that the credentials name. `reason` is words for the log: no secret, nothing of the SASL payload. */
export type Judgement =
  | { readonly ok: true }
  | {
    readonly ok: false
    readonly condition: Refusal
    readonly reason: string
    /** The account exists, so that the log may name it. A name that nobody has may be a password, typed into the wrong field. */
    readonly isKnown?: boolean
  }

export interface AuthBackend {
  readonly name: string
  /** A mechanism is offered only if a backend accepts the kind of credentials that it yields; no other kind ever arrives here. */
  readonly accepts: ReadonlySet<CredentialKind>
  /** Milliseconds: the time that it gives itself, where that is configured. Dispatch waits a little longer, so that its own words on the failure are heard. */
  readonly requestTimeout?: number
  /**
   * A wrong secret is a Judgement, not an error. Throws or rejects only when the backend cannot be reached. One that decides without
   * waiting answers at once, so that a login by certificate costs no promise.
   */
  verify(credentials: Credentials, domain: Domainpart): Judgement | Promise<Judgement>
  /**
   * Where `scram` is accepted: what is kept of the user's password with this hash, for SCRAM to work with. Null where there is no such
   * account. Rejects only when the backend cannot be reached.
   */
  scramSecret?(user: BareJid, hash: ScramHash, domain: Domainpart): Promise<ScramSecret | OtherHashes | null>
  /** Lets go of connections and files. */
  close?(): Promise<void>
}

/** What a backend is made with, beside its options. */
export interface BackendSurroundings {
  readonly hosts: readonly Domainpart[]
  /** `general.data_dir`, absolute. */
  readonly dataFolder: string
  /** What stands in a file that the options name, read and checked before. */
  readonly file: (path: string) => string
  /** What accounts that do not exist look like. */
  readonly decoys: Decoys
  readonly clock: Clock
  readonly log: Log
}

/** How a configured backend comes about. Rejects only for a bug or a missing library: a server that cannot be reached now may be there later. */
export interface BackendDefinition {
  /** As in `auth.methods`. */
  readonly name: string
  create(options: AuthOptions, surroundings: BackendSurroundings): AuthBackend | Promise<AuthBackend>
}
