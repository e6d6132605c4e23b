/** Passwords judged by what a table of accounts keeps of them: the backends `internal` and `rdbms` (behaviour/external.md §5). */

import { createHash, timingSafeEqual } from 'node:crypto'

import type { Log } from '../../telemetry/log.ts'
import { domainOf, localpartOf } from '../../xmpp/jid.ts'
import type { BareJid, Domainpart } from '../../xmpp/jid.ts'
import type { Accounts } from '../accounts/accounts.ts'
import { readUserRow, secretWith } from '../accounts/stored-password.ts'
import type { StoredPassword } from '../accounts/stored-password.ts'
import type { AuthBackend, Judgement } from '../backend.ts'
import type { CredentialKind, Credentials } from '../credentials.ts'
import type { Decoys } from '../decoy.ts'
import { deriveScramSecret, isPasswordOf, preparePassword } from '../scram-secret.ts'
import type { ScramHash, ScramSecret } from '../scram-secret.ts'

export interface AccountsBackendOptions {
  readonly name: string
  readonly accounts: Accounts
  /** `auth.password.hash`. */
  readonly hashes: readonly ScramHash[]
  readonly decoys: Decoys
  /** How long one question to the accounts may take, in milliseconds. */
  readonly requestTimeout: number
  readonly log: Log
  /** Whether there can be any account at all; there can where it is absent. Once it said yes it is not asked again. */
  readonly isThere?: () => boolean
}

const passwords: ReadonlySet<CredentialKind> = new Set(['password', 'scram'] as const)
const nothing: ReadonlySet<CredentialKind> = new Set()

export class AccountsBackend implements AuthBackend {
  readonly name: string
  readonly requestTimeout: number
  readonly #options: AccountsBackendOptions
  #isThere = false
  /** How the last account kept its password: those that do not exist then cost the same work. */
  #lastKind: StoredPassword['kind'] = 'scram'

  constructor(options: AccountsBackendOptions) {
    this.#options = options
    this.name = options.name
    this.requestTimeout = options.requestTimeout
  }

  get accepts(): ReadonlySet<CredentialKind> {
    this.#isThere ||= this.#options.isThere?.() ?? true
    return this.#isThere ? passwords : nothing
  }

  async verify(credentials: Credentials, domain: Domainpart): Promise<Judgement> {
    if (credentials.kind !== 'password') return refused(`${this.name} judges passwords only`)
    const { user } = credentials
    const password = preparePassword(credentials.password)
    // Says nothing of the account: it was not looked for.
    if (password === null) return refused('what was given can be no password')
    const stored = await this.#stored(user, domain)
    if (stored === null) {
      await this.#options.decoys.refuse(user, this.#options.hashes[0] ?? 'sha1', password)
      return refused('there is no such account')
    }
    return await this.#isRight(user, stored, password) ? { ok: true } : { ...refused('wrong password'), isKnown: true }
  }

  async scramSecret(user: BareJid, hash: ScramHash, domain: Domainpart): Promise<ScramSecret | null> {
    const stored = await this.#stored(user, domain)
    if (stored?.kind === 'scram') return secretWith(hash, stored)
    if (stored === null && this.#lastKind === 'scram') return null
    // Plain text has no salt of its own: that of the decoys, so that it is the same at every login and cannot be told from theirs.
    const { decoys } = this.#options
    const secret = await deriveScramSecret(hash, stored?.password ?? 'nobody', decoys.salt(user, hash), decoys.iterations(user))
    return stored === null ? null : secret
  }

  close(): Promise<void> { return this.#options.accounts.close() }

  async #stored(user: BareJid, domain: Domainpart): Promise<StoredPassword | null> {
    const localpart = localpartOf(user)
    if (localpart === null || domainOf(user) !== domain) return null
    const row = await this.#options.accounts.find(localpart, domain)
    if (row === null) return null
    const stored = prepared(readUserRow(row))
    if (stored === null) this.#options.log.error({ event: 'auth.account_unreadable', backend: this.name, account: user, problem: 'what is kept of its password cannot be read' })
    else this.#lastKind = stored.kind
    return stored
  }

  async #isRight(user: BareJid, stored: StoredPassword, password: string): Promise<boolean> {
    if (stored.kind === 'plain') {
      // The same work as for a password that is kept hashed.
      await this.#options.decoys.refuse(user, this.#options.hashes[0] ?? 'sha1', password)
      return timingSafeEqual(digest(stored.password), digest(password))
    }
    // The hash that new passwords have first, which is also the one of the decoys; in its absence whichever there is.
    const usual = this.#options.hashes.find(hash => secretWith(hash, stored) !== null)
    const entry = stored.entries.find(({ hash }) => usual === undefined ? hash !== null : hash === usual)
    return entry !== undefined && entry.hash !== null && await isPasswordOf(entry.hash, entry.secret, password)
  }
}

const refused = (reason: string) => ({ ok: false, condition: 'not-authorized', reason }) as const

const digest = (password: string): Uint8Array => createHash('sha256').update(password).digest()

/** Plain text in the form in which passwords are compared (RFC 8265 §4.2.3); null for text that can be no password. */
function prepared(stored: StoredPassword | null): StoredPassword | null {
  if (stored === null || stored.kind === 'scram') return stored
  const password = preparePassword(stored.password)
  return password === null ? null : { kind: 'plain', password }
}
