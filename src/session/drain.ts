/**
 * The way out for everybody: what clients were sent before the gateway stops they acknowledge, or it goes back to who sent it
 * while that one is still there (XEP-0198 §4).
 */
import type { Clock } from '../telemetry/clock.ts'
import type { Session } from './session.ts'

/** Milliseconds between two looks at whether everything is acknowledged. */
const interval = 20

/** Of the time, what those get who have something to acknowledge; the rest is for those who hear then that somebody did not. */
const firstShare = 2 / 3

export interface DrainOptions {
  readonly sessions: () => Iterable<Session>
  /** Somebody is about to get what another has missed. */
  readonly isGivingBack: () => boolean
  readonly end: (session: Session) => void
  readonly clock: Clock
}

export class Drain {
  readonly #options: DrainOptions

  constructor(options: DrainOptions) { this.#options = options }

  /** Resolves when there is nothing left to be acknowledged, or after so many milliseconds. */
  async run(milliseconds: number): Promise<void> {
    for (const session of this.#all()) session.drain()
    // Nobody comes back for these any more.
    this.#endThose(({ isDetached }) => isDetached)
    await this.#settled(milliseconds * firstShare)
    this.#endThose(({ isSettled }) => !isSettled)
    await this.#settled(milliseconds * (1 - firstShare))
  }

  #all(): readonly Session[] { return [...this.#options.sessions()] }

  #endThose(which: (session: Session) => boolean): void {
    for (const session of this.#all().filter(which)) this.#options.end(session)
  }

  #isSettled(): boolean { return !this.#options.isGivingBack() && this.#all().every(({ isSettled }) => isSettled) }

  #settled(milliseconds: number): Promise<void> {
    if (this.#isSettled()) return Promise.resolve()
    return new Promise(resolve => {
      const end = () => { poll.cancel(); deadline.cancel(); resolve() }
      const poll = this.#options.clock.every(interval, () => { if (this.#isSettled()) end() })
      const deadline = this.#options.clock.after(milliseconds, end)
    })
  }
}
