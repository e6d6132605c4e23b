/**
 * How often passwords may be guessed: for one account from one address, for one account, and from one address. A name that nobody has is counted
 * like any other. Nobody can lock somebody else out: what holds for an account or an address as a whole does not hold where that account has
 * logged in from that address before.
 */

import { hash } from 'node:crypto'

import type { Clock } from '../telemetry/clock.ts'
import type { Log } from '../telemetry/log.ts'
import type { BareJid } from '../xmpp/jid.ts'
import { addressGroup } from './address-group.ts'
import type { AttemptOptions } from './attempt-options.ts'
import { FailureTally } from './failure-tally.ts'

/** One attempt under way. Exactly one of these is called, once. */
export interface Attempt {
  succeeded(): void
  /** The password was wrong. `known`: the account, where it exists. */
  failed(known: BareJid | null): void
  /** It was not decided. */
  abandoned(): void
}

export interface AttemptsSurroundings {
  readonly clock: Pick<Clock, 'elapsed'>
  readonly log: Log
  /** Entries of each table. */
  readonly capacity?: number
}

/** An account as a whole only slows down, in milliseconds. */
const maxAccountBackoff = 30_000
/** For so long an address counts as one of the account's own, in milliseconds: 30 days. */
const acquaintance = 30 * 86_400_000

export class Attempts {
  readonly #clock: Pick<Clock, 'elapsed'>
  readonly #log: Log
  readonly #capacity: number
  readonly #pairs: FailureTally
  readonly #accounts: FailureTally
  readonly #addresses: FailureTally
  /** When an account last logged in from an address; least recently first. */
  readonly #acquainted = new Map<string, number>()

  constructor(options: AttemptOptions, { clock, log, capacity = 100_000 }: AttemptsSurroundings) {
    const { backoff, max_backoff: maxBackoff } = options
    this.#clock = clock
    this.#log = log
    this.#capacity = capacity
    this.#pairs = new FailureTally({ free: options.max_failures, backoff, maxBackoff, countsPending: true }, capacity)
    const accountBackoff = Math.min(maxBackoff, maxAccountBackoff)
    this.#accounts = new FailureTally({ free: options.max_failures_per_account, backoff, maxBackoff: accountBackoff, countsPending: true }, capacity)
    // Thousands who come back at once from behind one address have not failed.
    this.#addresses = new FailureTally({ free: options.max_failures_per_address, backoff, maxBackoff, countsPending: false }, capacity)
  }

  /** How many entries there are in all tables. */
  get size(): number { return this.#pairs.size + this.#accounts.size + this.#addresses.size + this.#acquainted.size }

  /** Null: this attempt has to wait, and no backend is to be asked. */
  begin(user: BareJid, remoteAddress: string): Attempt | null {
    const now = this.#clock.elapsed()
    const address = addressGroup(remoteAddress)
    // Digests, so that long names take no more memory than short ones.
    const [pair, account] = [digest(`${address} ${user}`), digest(user)]
    if (!this.#pairs.isOpen(pair, now)) return null
    const isAcquainted = now - (this.#acquainted.get(pair) ?? -Infinity) < acquaintance
    if (!isAcquainted && !(this.#accounts.isOpen(account, now) && this.#addresses.isOpen(address, now))) return null

    const tallies = [[this.#pairs, pair, 'account-from-address'], [this.#accounts, account, 'account'], [this.#addresses, address, 'address']] as const
    for (const [tally, key] of tallies) tally.begin(key, now)
    const end = (hasFailed: boolean, known: BareJid | null) => {
      for (const [tally, key, limit] of tallies) {
        const wait = tally.end(key, hasFailed, this.#clock.elapsed())
        if (wait === null) continue
        // The name stands in the log only where it is known to be one.
        this.#log.warn({ event: 'auth.throttled', limit, address, milliseconds: wait, ...known === null || limit === 'address' ? {} : { account: known } })
      }
    }
    return {
      succeeded: () => {
        end(false, null)
        this.#pairs.clear(pair)
        this.#acquaint(pair)
      },
      failed: known => { end(true, known) },
      abandoned: () => { end(false, null) },
    }
  }

  #acquaint(pair: string): void {
    this.#acquainted.delete(pair)
    this.#acquainted.set(pair, this.#clock.elapsed())
    if (this.#acquainted.size <= this.#capacity) return
    const [oldest = pair] = this.#acquainted.keys()
    this.#acquainted.delete(oldest)
  }
}

const digest = (text: string): string => hash('sha256', text, 'base64url')
