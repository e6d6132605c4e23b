/** How fast one session may send: a bucket that fills at a constant rate. Too fast a client is slowed down, not thrown out. */
import type { Clock } from '../telemetry/clock.ts'

export interface Rate {
  readonly perSecond: number
  /** How many may come at once. */
  readonly burst: number
}

export class RateLimiter {
  readonly #rate: Rate
  readonly #clock: Pick<Clock, 'elapsed'>
  #tokens: number
  #filledAt: number

  constructor(rate: Rate, clock: Pick<Clock, 'elapsed'>) {
    this.#rate = rate
    this.#clock = clock
    this.#tokens = rate.burst
    this.#filledAt = clock.elapsed()
  }

  /** Takes one stanza into account. Returns how many milliseconds the client has to wait now; 0 for not at all. */
  take(): number {
    const now = this.#clock.elapsed()
    const elapsed = now - this.#filledAt
    this.#filledAt = now
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + elapsed * this.#rate.perSecond / 1_000) - 1
    return this.#tokens >= 0 ? 0 : Math.ceil(-this.#tokens * 1_000 / this.#rate.perSecond)
  }
}
