/** Asks the configured backends: by the kind of credentials, in configured order, first acceptance wins. */

import type { Clock } from '../telemetry/clock.ts'
import type { Log } from '../telemetry/log.ts'
import type { BareJid, Domainpart } from '../xmpp/jid.ts'
import type { AuthBackend, Judgement, Refusal } from './backend.ts'
import type { CredentialKind, Credentials } from './credentials.ts'
import { within } from './deadline.ts'
import type { ScramHash, ScramSecret } from './scram-secret.ts'

interface Denial {
  readonly ok: false
  readonly condition: Refusal | 'temporary-auth-failure'
  /** Words for the log. */
  readonly reason: string
  /** A backend knows the account. */
  readonly isKnown?: boolean
}

/** What all backends together say. */
export type Authentication = { readonly ok: true, readonly backend: string } | Denial

/** What a backend keeps of a password; null where none of them has any. */
export type SecretLookup = Denial | {
  readonly ok: true
  readonly secret: ScramSecret | null
  readonly backend: string | null
  /** Where there is no secret: the count that the account has for its other hashes, if there is such an account. */
  readonly iterations: number | null
}

export interface DispatchOptions {
  readonly backends: readonly AuthBackend[]
  /** How long one backend may take, in milliseconds; longer where its own configuration says so (`AuthBackend.requestTimeout`). */
  readonly timeoutMilliseconds: number
  readonly clock: Clock
  readonly log: Log
}

/** Milliseconds that a backend gets beyond its own timeout, to say itself what went wrong. */
const grace = 500

export class BackendDispatch {
  readonly #options: DispatchOptions

  constructor(options: DispatchOptions) { this.#options = options }

  /** Whether any backend judges this kind at all: what a mechanism asks before it is offered. */
  accepts(kind: CredentialKind): boolean {
    return this.#options.backends.some(backend => backend.accepts.has(kind))
  }

  /** Never throws, never rejects, and takes at most `timeoutMilliseconds` for each backend. At once where all of them answer at once. */
  verify(credentials: Credentials, domain: Domainpart): Authentication | Promise<Authentication> {
    return this.#askFrom(0, credentials, domain, null)
  }

  /** What the first backend that knows the account keeps of its password. Never rejects; as long as `verify` at most. */
  async secretFor(user: BareJid, hash: ScramHash, domain: Domainpart): Promise<SecretLookup> {
    let denial: Denial | null = null
    let iterations: number | null = null
    for (const backend of this.#options.backends) {
      if (!backend.accepts.has('scram') || backend.scramSecret === undefined) continue
      try {
        const kept = await this.#inTime(backend, backend.scramSecret(user, hash, domain))
        if (kept?.storedKey !== undefined) return { ok: true, secret: kept, backend: backend.name, iterations: null }
        iterations ??= kept?.iterations ?? null
      } catch (cause) {
        denial ??= this.#unreachable(backend, domain, cause)
      }
    }
    return denial ?? { ok: true, secret: null, backend: null, iterations }
  }

  /** Lets go of what the backends hold. */
  async close(): Promise<void> {
    for (const backend of this.#options.backends) {
      try {
        await backend.close?.()
      } catch (cause) {
        this.#options.log.warn({ event: 'auth.backend_not_closed', backend: backend.name, cause })
      }
    }
  }

  #askFrom(first: number, credentials: Credentials, domain: Domainpart, soFar: Denial | null): Authentication | Promise<Authentication> {
    let denial = soFar
    for (const [offset, backend] of this.#options.backends.slice(first).entries()) {
      if (!backend.accepts.has(credentials.kind)) continue
      const answer = this.#ask(backend, credentials, domain)
      if (answer instanceof Promise) {
        const before = denial
        return answer.then(late => late.ok ? late : this.#askFrom(first + offset + 1, credentials, domain, weightier(before, late)))
      }
      if (answer.ok) return answer
      denial = weightier(denial, answer)
    }
    return denial ?? { ok: false, condition: 'not-authorized', reason: `no backend judges a ${credentials.kind}` }
  }

  #ask(backend: AuthBackend, credentials: Credentials, domain: Domainpart): Authentication | Promise<Authentication> {
    let judgement
    try {
      judgement = backend.verify(credentials, domain)
    } catch (cause) {
      return this.#unreachable(backend, domain, cause)
    }
    if (!(judgement instanceof Promise)) return outcomeOf(backend, judgement)
    return this.#inTime(backend, judgement)
      .then(judgement => outcomeOf(backend, judgement), (cause: unknown) => this.#unreachable(backend, domain, cause))
  }

  async #inTime<Answer>(backend: AuthBackend, answer: Promise<Answer>): Promise<Answer> {
    const { timeoutMilliseconds, clock, log } = this.#options
    const began = clock.elapsed()
    const given = await within(Math.max(timeoutMilliseconds, (backend.requestTimeout ?? 0) + grace), clock, answer)
    log.debug({ event: 'auth.backend_answered', backend: backend.name, milliseconds: Math.round(clock.elapsed() - began) })
    return given
  }

  #unreachable(backend: AuthBackend, domain: Domainpart, cause: unknown): Denial {
    this.#options.log.error({ event: 'auth.backend_unreachable', backend: backend.name, domain, cause })
    return { ok: false, condition: 'temporary-auth-failure', reason: `the backend ${backend.name} cannot be reached` }
  }
}

function outcomeOf(backend: AuthBackend, judgement: Judgement): Authentication {
  return judgement.ok ? { ok: true, backend: backend.name } : judgement
}

/** Which refusal the client hears when several backends said no: "try again later" before what one of them knows, before a plain no. */
const weights = {
  'temporary-auth-failure': 2, 'account-disabled': 1, 'credentials-expired': 1, 'invalid-authzid': 1, 'not-authorized': 0,
} as const satisfies Record<Denial['condition'], number>

function weightier(one: Denial | null, other: Denial): Denial {
  if (one === null) return other
  const denial = weights[one.condition] >= weights[other.condition] ? one : other
  return one.isKnown === true || other.isKnown === true ? { ...denial, isKnown: true } : denial
}
