/** Time as a value to inject: rules and timers are tested with a clock that the test turns. */

/** A timer that was set; `cancel` is idempotent and harmless after it fired. */
export interface Timer { cancel(): void }

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds, with fractions, since some moment before: tells what came first, for it is never set back, and two moments are not the same. */
  elapsed(): number
  after(milliseconds: number, act: () => void): Timer
  every(milliseconds: number, act: () => void): Timer
}

/** The real one. Its timers never keep the process alive by themselves. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(milliseconds, act) {
    const timer = setTimeout(act, milliseconds).unref()
    return { cancel: () => { clearTimeout(timer) } }
  },
  every(milliseconds, act) {
    const timer = setInterval(act, milliseconds).unref()
    return { cancel: () => { clearInterval(timer) } }
  },
}
