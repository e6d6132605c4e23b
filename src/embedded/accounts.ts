/** The accounts in memory: those with bound resources, and for a moment those that somebody has written to. */
import type { BareJid } from '../xmpp/jid.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import type { Store, StoredAccount } from '../store/store.ts'
import type { Clock } from '../telemetry/clock.ts'
import type { Log } from '../telemetry/log.ts'
import { Account } from './account.ts'
import type { Handover } from './handover.ts'
import { OnlineAudience } from './online-audience.ts'

/** So many that nobody is bound to stay in memory, for so many milliseconds: another process may change them. */
const maxIdle = 1_000
const maxIdleTime = 10_000
/** Of so many accounts it stays in memory longer what clients have that the store keeps still. */
const maxHandovers = 10_000
/** One that was asked for within these milliseconds is about to be used. */
const inUse = 1_000

interface Surroundings {
  readonly clock: Pick<Clock, 'elapsed'>
  readonly log: Log
  /** Whether blocklists have an effect (XEP-0191). */
  readonly isBlocking: boolean
}

export class Accounts {
  readonly #store: Store
  readonly #clock: Pick<Clock, 'elapsed'>
  readonly #log: Log
  readonly #isBlocking: boolean
  /** Those with bound resources. */
  readonly #active = new Map<BareJid, Account>()
  readonly #online = new OnlineAudience(this.#active)
  /** The others, the one that was asked for last at the end. */
  readonly #idle = new Map<BareJid, Account>()
  /** Of accounts that are not in memory: those that say more than the store. */
  readonly #handovers = new Map<BareJid, Handover>()
  readonly #loading = new Map<BareJid, Promise<Account>>()

  constructor(store: Store, { clock, log, isBlocking }: Surroundings) {
    this.#store = store
    this.#clock = clock
    this.#log = log
    this.#isBlocking = isBlocking
  }

  get store(): Store { return this.#store }

  /** The account if it is in memory. */
  get(jid: BareJid): Account | undefined {
    const active = this.#active.get(jid)
    if (active !== undefined) return active
    const idle = this.#idle.get(jid)
    if (idle === undefined) return undefined
    const now = this.#clock.elapsed()
    if (this.#isStale(idle, now)) {
      this.#evict(idle)
      return undefined
    }
    idle.touchedAt = now
    this.#idle.delete(jid)
    this.#idle.set(jid, idle)
    return idle
  }

  /** Also where there is no such account: then it is not `isKnown`. Rejects with a StanzaError. */
  use(jid: BareJid): Account | Promise<Account> {
    return this.get(jid) ?? this.#load(jid)
  }

  /** Of an account that is not in memory. */
  adopt(jid: BareJid, stored: StoredAccount): Account {
    const account = new Account(jid, stored, this.#store, this.#log, this.#isBlocking, (changed, contact) => { this.#online.changed(changed, contact) },
      this.#handovers.get(jid))
    this.#handovers.delete(jid)
    account.touchedAt = this.#clock.elapsed()
    this.#idle.set(jid, account)
    this.#tidy()
    return account
  }

  /** A resource of the account is bound: it stays. */
  arrive(account: Account): void {
    account.residents += 1
    this.#idle.delete(account.jid)
    this.#active.set(account.jid, account)
    if (account.residents === 1) this.#online.arrive(account)
  }

  depart(account: Account): void {
    account.residents -= 1
    if (account.residents > 0) return
    this.#active.delete(account.jid)
    this.#online.depart(account)
    account.touchedAt = this.#clock.elapsed()
    this.#idle.set(account.jid, account)
    this.#tidy()
  }

  /** The account is no more: so is what is kept of it. */
  async forget(jid: BareJid): Promise<void> {
    await this.#loading.get(jid)
    const account = this.#active.get(jid) ?? this.#idle.get(jid)
    if (account === undefined) await this.#store.forget(jid)
    else await account.perform(() => this.#store.forget(jid))
    this.#idle.delete(jid)
    this.#handovers.delete(jid)
  }

  /** Settles when nothing is under way any more. */
  async idle(): Promise<void> {
    for (;;) {
      const busy = [...this.#active.values(), ...this.#idle.values()].filter(({ isBusy }) => isBusy)
      if (busy.length === 0 && this.#loading.size === 0) return
      await Promise.all([...busy.map(account => account.idle()), ...[...this.#loading.values()].map(loading => loading.catch(() => undefined))])
      // Those who waited go on first.
      await new Promise(resolve => { setImmediate(resolve) })
    }
  }

  #load(jid: BareJid): Promise<Account> {
    const under = this.#loading.get(jid)
    if (under !== undefined) return under
    const loading = this.#store.load(jid).then(stored => this.adopt(jid, stored), (error: unknown) => {
      this.#log.error({ event: 'store.failed', account: jid, error })
      throw new StanzaError('internal-server-error', 'the server could not look that account up', { cause: error })
    }).finally(() => { this.#loading.delete(jid) })
    this.#loading.set(jid, loading)
    return loading
  }

  #isStale({ touchedAt, isBusy }: Account, now: number): boolean { return !isBusy && now - touchedAt > maxIdleTime }

  #tidy(): void {
    const now = this.#clock.elapsed()
    for (const account of this.#idle.values()) {
      if (this.#idle.size <= maxIdle) return
      if (account.isBusy) continue
      // Those that follow were asked for later still.
      if (now - account.touchedAt < inUse) return
      this.#evict(account)
    }
  }

  #evict({ jid, handover }: Account): void {
    this.#idle.delete(jid)
    if (!handover.isAhead) return
    this.#handovers.set(jid, handover)
    const [oldest] = this.#handovers.keys()
    if (this.#handovers.size > maxHandovers && oldest !== undefined) this.#handovers.delete(oldest)
  }
}
