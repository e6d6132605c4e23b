/** The time that a client has for one step of negotiation. It measures his silence: while he waits for us it stands still. */
import type { Clock, Timer } from '../telemetry/clock.ts'

export class StepTimer {
  readonly #clock: Pick<Clock, 'elapsed' | 'after'>
  readonly #milliseconds: number
  readonly #over: () => void
  /** Set once for several steps, whose ends are ever later: a login has four. */
  #timer: Timer | null = null
  #isRunning = false
  /** Of the time of this step, when `#since` was. */
  #left = 0
  #since = 0

  /** `over` is called when a step has taken so many milliseconds. */
  constructor(clock: Pick<Clock, 'elapsed' | 'after'>, milliseconds: number, over: () => void) {
    this.#clock = clock
    this.#milliseconds = milliseconds
    this.#over = over
  }

  /** A step begins, which has all the time there is. */
  begin(): void { this.#run(this.#milliseconds) }

  /** The client waits for us. */
  pause(): void {
    this.#isRunning = false
    this.#left -= this.#clock.elapsed() - this.#since
  }

  /** The client has heard from us, and the same step goes on. */
  goOn(): void { this.#run(Math.max(0, Math.ceil(this.#left))) }

  stop(): void {
    this.#isRunning = false
    this.#timer?.cancel()
    this.#timer = null
  }

  #run(milliseconds: number): void {
    this.#isRunning = true
    this.#left = milliseconds
    this.#since = this.#clock.elapsed()
    this.#timer ??= this.#clock.after(milliseconds, this.#due)
  }

  readonly #due = (): void => {
    this.#timer = null
    if (!this.#isRunning) return
    const left = Math.ceil(this.#left - (this.#clock.elapsed() - this.#since))
    if (left > 0) this.#timer = this.#clock.after(left, this.#due)
    else this.#over()
  }
}
