/** Time as a value to inject: rules and timers are tested with a clock that the test turns. */

/** A timer that was set; `cancel` is idempotent and harmless after it fired. */
export interface Timer { cancel(): void }

export interface Clock {
  /** Milliseconds since the epoch: a date. Administrators and time servers set it, forwards and back. */
  now(): number
  /**
   * Milliseconds, with fractions, since some moment before. It is never set: it measures what passes, and tells what came first, for two moments
   * are not the same.
   */
  elapsed(): number
  /** May be early by less than a millisecond of `elapsed`: whoever needs all of it looks again for what is left. */
  after(milliseconds: number, act: () => void): Timer
  every(milliseconds: number, act: () => void): Timer
}

/** The real one. Its timers never keep the process alive by themselves. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(milliseconds, act) {
    // Node cuts the fraction off.
    const timer = setTimeout(act, Math.ceil(milliseconds)).unref()
    return { cancel: () => { clearTimeout(timer) } }
  },
  every(milliseconds, act) {
    const timer = setInterval(act, milliseconds).unref()
    return { cancel: () => { clearInterval(timer) } }
  },
}
