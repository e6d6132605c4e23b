/** How long the body of a request may take to arrive. One timer for all of them: one for each would cost more than reading most bodies. */
import type { Clock, Timer } from '../src/telemetry/clock.ts'

export class ArrivingBodies<Request> {
  readonly #milliseconds: number
  readonly #clock: Clock
  readonly #overdue: (request: Request) => void
  /** Since when; the oldest comes first. */
  readonly #since = new Map<Request, number>()
  #timer: Timer | null = null

  /** `overdue` is called once for each request that was begun and not ended within so many milliseconds. */
  constructor(milliseconds: number, clock: Clock, overdue: (request: Request) => void) {
    this.#milliseconds = milliseconds
    this.#clock = clock
    this.#overdue = overdue
  }

  begin(request: Request): void {
    this.#since.set(request, this.#clock.elapsed())
    this.#timer ??= this.#clock.after(this.#milliseconds, this.#look)
  }

  /** The body is here, or will never be. Idempotent. */
  end(request: Request): void { this.#since.delete(request) }

  readonly #look = (): void => {
    this.#timer = null
    const now = this.#clock.elapsed()
    for (const [request, since] of this.#since) {
      const left = since + this.#milliseconds - now
      if (left > 0) {
        this.#timer = this.#clock.after(left, this.#look)
        return
      }
      this.#since.delete(request)
      this.#overdue(request)
    }
  }
}
