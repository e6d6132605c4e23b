/** Passwords judged by what a table of accounts keeps of them: the backends `internal` and `rdbms` (behaviour/external.md §5). */

import type { Log } from '../../telemetry/log.ts'
import { domainOf, localpartOf } from '../../xmpp/jid.ts'
import type { BareJid, Domainpart } from '../../xmpp/jid.ts'
import type { Accounts } from '../accounts/accounts.ts'
import { readUserRow } from '../accounts/stored-password.ts'
import type { StoredPassword } from '../accounts/stored-password.ts'
import type { AuthBackend, Judgement } from '../backend.ts'
import type { CredentialKind, Credentials } from '../credentials.ts'
import type { Decoys } from '../decoy.ts'
import { preparePassword } from '../scram-secret.ts'
import type { OtherHashes, ScramHash, ScramSecret } from '../scram-secret.ts'
import { PasswordJudge } from './password-judge.ts'

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
  readonly #judge: PasswordJudge
  #isThere = false

  constructor(options: AccountsBackendOptions) {
    this.#options = options
    this.#judge = new PasswordJudge({ decoys: options.decoys, hashes: options.hashes, isPlain: false })
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
    if (await this.#judge.isRight(user, stored, password)) return { ok: true }
    return stored === null ? refused('there is no such account') : { ...refused('wrong password'), isKnown: true }
  }

  async scramSecret(user: BareJid, hash: ScramHash, domain: Domainpart): Promise<ScramSecret | OtherHashes | null> {
    return this.#judge.secret(user, hash, await this.#stored(user, domain))
  }

  close(): Promise<void> { return this.#options.accounts.close() }

  async #stored(user: BareJid, domain: Domainpart): Promise<StoredPassword | null> {
    const localpart = localpartOf(user)
    if (localpart === null || domainOf(user) !== domain) return null
    const row = await this.#options.accounts.find(localpart, domain)
    if (row === null) return null
    const stored = prepared(readUserRow(row))
    if (stored === null) this.#options.log.error({ event: 'auth.account_unreadable', backend: this.name, account: user, problem: 'what is kept of its password cannot be read' })
    return stored
  }
}

const refused = (reason: string) => ({ ok: false, condition: 'not-authorized', reason }) as const

/** Plain text in the form in which passwords are compared (RFC 8265 §4.2.3); null for text that can be no password. */
function prepared(stored: StoredPassword | null): StoredPassword | null {
  if (stored === null || stored.kind === 'scram') return stored
  const password = preparePassword(stored.password)
  return password === null ? null : { kind: 'plain', password }
}
