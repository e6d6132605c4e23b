// What logging in by password needs in a test: few iterations, a nonce that is known, limits that are wide unless the test is about them.
import { Attempts } from '../../src/auth/attempts.ts'
import type { AttemptOptions } from '../../src/auth/attempt-options.ts'
import type { AuthBackend } from '../../src/auth/backend.ts'
import { Decoys } from '../../src/auth/decoy.ts'
import { deriveScramSecret, isPasswordOf, type OtherHashes, type ScramHash, scramHashes, type ScramSecret } from '../../src/auth/scram-secret.ts'
import type { SaslContext } from '../../src/sasl/mechanism.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import type { BareJid } from '../../src/xmpp/jid.ts'
import { TurnedClock } from './turned-clock.ts'

export const iterations = 4_096
export const wideLimits: AttemptOptions = { max_failures: 1_000, max_failures_per_account: 1_000, max_failures_per_address: 1_000, backoff: 1_000, max_backoff: 60_000 }
export const decoys = new Decoys(new TextEncoder().encode('a secret of the test, always the same'), { scram_iterations: iterations, decoy_iterations: [] })

export function passwordLogin({ attempts = new Attempts(wideLimits, { clock: new TurnedClock(), log: silentLog }), newNonce = () => 'nonceOfTheServer' }:
Partial<Pick<SaslContext, 'attempts' | 'newNonce'>> = {}): Pick<SaslContext, 'attempts' | 'decoys' | 'newNonce'> {
  return { attempts, decoys, newNonce }
}

/** Accounts in memory: passwords as they are, and the question that was asked last. */
export class RememberedAccounts implements AuthBackend {
  readonly name = 'remembered'
  readonly accepts = new Set(['password', 'scram'] as const)
  readonly asked: string[] = []
  readonly #passwords: ReadonlyMap<string, string>
  readonly #secrets = new Map<string, ScramSecret>()

  /** Bare JIDs and their passwords. */
  constructor(passwords: Readonly<Record<string, string>>) { this.#passwords = new Map(Object.entries(passwords)) }

  /** In the place of what is derived from the password. */
  keep(user: string, hash: ScramHash, secret: ScramSecret): void { this.#secrets.set(`${hash} ${user}`, secret) }

  async verify(credentials: Parameters<AuthBackend['verify']>[0]): Promise<{ ok: true } | { ok: false, condition: 'not-authorized', reason: string, isKnown: boolean }> {
    this.asked.push(`verify ${credentials.user}`)
    const wrong = (isKnown: boolean) => ({ ok: false, condition: 'not-authorized', reason: 'wrong password', isKnown }) as const
    if (credentials.kind !== 'password') return wrong(false)
    const secret = await this.#secret(credentials.user, 'sha256')
    if (secret === null) {
      await decoys.refuse(credentials.user, 'sha256', credentials.password)
      return wrong(false)
    }
    return await isPasswordOf('sha256', secret, credentials.password) ? { ok: true } : wrong(true)
  }

  async scramSecret(user: BareJid, hash: ScramHash): Promise<ScramSecret | OtherHashes | null> {
    this.asked.push(`secret ${user} ${hash}`)
    const [other] = scramHashes.flatMap(other => this.#secrets.get(`${other} ${user}`) ?? [])
    return await this.#secret(user, hash) ?? (other === undefined ? null : { iterations: other.iterations })
  }

  async #secret(user: BareJid, hash: ScramHash): Promise<ScramSecret | null> {
    const kept = this.#secrets.get(`${hash} ${user}`)
    if (kept !== undefined) return kept
    const password = this.#passwords.get(user)
    return password === undefined ? null : deriveScramSecret(hash, password, decoys.salt(user, hash), iterations)
  }
}
