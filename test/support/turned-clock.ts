// A clock that the test turns, repeating timers included, and a log that it reads. Time begins at the present: certificates are valid now.
import type { Clock, Timer } from '../../src/telemetry/clock.ts'
import type { Log, LogEvent } from '../../src/telemetry/log.ts'

/** By so much two moments differ at least, in milliseconds: exact in the arithmetic of three months, and too little to be missed. */
const tick = 2 ** -20

interface Due { at: number, readonly every: number | null, readonly act: () => void }

export class TurnedClock implements Clock {
  readonly #began = Date.now()
  #jumped = 0
  #passed = 0
  #ticks = 0
  readonly #due = new Map<Timer, Due>()

  /** Whole milliseconds, as the real one. */
  now(): number { return this.#began + Math.floor(this.#passed) + this.#jumped }
  /** No two moments are the same. */
  elapsed(): number { return this.#passed + (this.#ticks += tick) }
  after(milliseconds: number, act: () => void): Timer { return this.#set(milliseconds, null, act) }
  every(milliseconds: number, act: () => void): Timer { return this.#set(milliseconds, milliseconds, act) }

  /** How many timers are set. */
  get pending(): number { return this.#due.size }

  /** The clock is set, forwards or back, and no time passes: timers do not notice, nor does `elapsed`. */
  jump(milliseconds: number): void { this.#jumped += milliseconds }

  /** Lets so much time pass; what falls due is done in order. */
  advance(milliseconds: number): void {
    const end = this.#passed + milliseconds
    for (;;) {
      const [timer, due] = [...this.#due].reduce<[Timer, Due] | []>((first, entry) => first[1] === undefined || entry[1].at < first[1].at ? entry : first, [])
      if (timer === undefined || due === undefined || due.at > end) break
      this.#passed = due.at
      if (due.every === null) this.#due.delete(timer)
      else due.at += due.every
      due.act()
    }
    this.#passed = end
  }

  #set(milliseconds: number, every: number | null, act: () => void): Timer {
    const timer: Timer = { cancel: () => { this.#due.delete(timer) } }
    this.#due.set(timer, { at: this.#passed + milliseconds, every, act })
    return timer
  }
}

export function recordingLog(): { readonly log: Log, readonly events: LogEvent[] } {
  const events: LogEvent[] = []
  const note = (event: LogEvent): void => { events.push(event) }
  return { log: { debug: note, info: note, warn: note, error: note }, events }
}

/** Lets everything run that waits for promises which are already settled. */
export const settled = (): Promise<void> => new Promise(resolve => { setImmediate(resolve) })
