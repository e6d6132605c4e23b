/** A clock that the test turns, and a log that the test reads. */

import type { Clock, Timer } from '../../src/telemetry/clock.ts'
import type { Log, LogEvent } from '../../src/telemetry/log.ts'

export class TurnedClock implements Clock {
  #now = 0
  readonly #due = new Map<Timer, { readonly at: number, readonly act: () => void }>()

  now(): number { return this.#now }

  after(milliseconds: number, act: () => void): Timer {
    const timer: Timer = { cancel: () => { this.#due.delete(timer) } }
    this.#due.set(timer, { at: this.#now + milliseconds, act })
    return timer
  }

  every(): Timer { throw new Error('nothing here repeats') }

  /** How many timers are set. */
  get pending(): number { return this.#due.size }

  advance(milliseconds: number): void {
    this.#now += milliseconds
    for (const [timer, { at, act }] of this.#due) {
      if (at > this.#now) continue
      this.#due.delete(timer)
      act()
    }
  }
}

export function recordingLog(): { readonly log: Log, readonly events: LogEvent[] } {
  const events: LogEvent[] = []
  const note = (event: LogEvent): void => { events.push(event) }
  return { log: { debug: note, info: note, warn: note, error: note }, events }
}

/** Lets everything run that waits for promises which are already settled. */
export const settled = (): Promise<void> => new Promise(resolve => { setImmediate(resolve) })
