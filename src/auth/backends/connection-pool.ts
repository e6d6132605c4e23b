/** A few connections that are kept and lent, one borrower at a time. Who comes when all are lent waits, in order, while his time lasts. */

import type { Clock } from '../../telemetry/clock.ts'

export interface Pooled {
  /** False once it is closed or cannot be trusted any more. */
  readonly isUsable: boolean
  close(): void
}

export interface Lease<Connection> {
  readonly connection: Connection
  /** It was used before: the other side may have closed it without our knowing. */
  readonly isReused: boolean
}

/** Milliseconds. Firewalls forget idle connections without a word; so do we. */
const longestIdle = 30_000
const waitersPerConnection = 50

export class ConnectionPool<Connection extends Pooled> {
  readonly #size: number
  readonly #open: (signal: AbortSignal) => Promise<Connection>
  readonly #clock: Clock
  #idle: { readonly connection: Connection, readonly since: number }[] = []
  readonly #waiting = new Set<() => void>()
  readonly #lent = new Set<Connection>()
  #taken = 0
  #isClosed = false

  constructor(size: number, open: (signal: AbortSignal) => Promise<Connection>, clock: Clock) {
    this.#size = size
    this.#open = open
    this.#clock = clock
  }

  /** Lends a connection to `use`, and closes it when `signal` gives up. Rejects as `open` and `use` do. */
  async with<Answer>(signal: AbortSignal, use: (lease: Lease<Connection>) => Promise<Answer>): Promise<Answer> {
    await this.#turn(signal)
    let connection: Connection | null = null
    const giveUp = (): void => { connection?.close() }
    signal.addEventListener('abort', giveUp)
    try {
      const kept = this.#kept()
      connection = kept ?? await this.#open(signal)
      this.#lent.add(connection)
      signal.throwIfAborted()
      return await use({ connection, isReused: kept !== null })
    } finally {
      signal.removeEventListener('abort', giveUp)
      if (connection !== null) this.#takeBack(connection, signal.aborted)
      this.#next()
    }
  }

  /** Closes those that nobody has borrowed. */
  forgetIdle(): void {
    for (const { connection } of this.#idle) connection.close()
    this.#idle = []
  }

  close(): void {
    this.#isClosed = true
    this.forgetIdle()
    for (const connection of this.#lent) connection.close()
  }

  #kept(): Connection | null {
    for (let last = this.#idle.pop(); last !== undefined; last = this.#idle.pop()) {
      if (last.connection.isUsable && this.#clock.elapsed() - last.since < longestIdle) return last.connection
      last.connection.close()
    }
    return null
  }

  #takeBack(connection: Connection, isSuspect: boolean): void {
    this.#lent.delete(connection)
    if (isSuspect || this.#isClosed || !connection.isUsable) connection.close()
    else this.#idle.push({ connection, since: this.#clock.elapsed() })
  }

  #turn(signal: AbortSignal): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error('the pool is closed'))
    if (this.#taken < this.#size) {
      this.#taken += 1
      return Promise.resolve()
    }
    if (this.#waiting.size >= this.#size * waitersPerConnection) return Promise.reject(new Error('too many are waiting for a connection'))
    return new Promise((resolve, reject) => {
      const go = (): void => { signal.removeEventListener('abort', giveUp); resolve() }
      const giveUp = (): void => { this.#waiting.delete(go); reject(new Error('no connection was free in time')) }
      this.#waiting.add(go)
      signal.addEventListener('abort', giveUp, { once: true })
    })
  }

  /** The turn goes to who has waited longest. */
  #next(): void {
    const [go] = this.#waiting
    if (go === undefined) {
      this.#taken -= 1
    } else {
      this.#waiting.delete(go)
      go()
    }
  }
}
