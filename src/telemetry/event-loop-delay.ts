/** By how much the event loop is late: Node measures the intervals of a timer, so what counts is how much longer than meant they were. */
import { type ELDHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

/** How often the timer is to fire, in milliseconds. */
const resolution = 10

export class EventLoopDelay {
  /**
   * A histogram that was reset does not see the interval that is under way, so one is reset while the other goes on: nothing is missed, and
   * most is told twice.
   */
  #current = begun()
  #next = begun()

  /** In seconds, since it was last asked but one. */
  take(): { readonly p50: number, readonly p99: number, readonly max: number } {
    const histogram = this.#current
    const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - resolution / 1e3)
    const taken = { p50: late(histogram.percentile(50)), p99: late(histogram.percentile(99)), max: late(histogram.max) }
    histogram.reset()
    this.#current = this.#next
    this.#next = histogram
    return taken
  }

  stop(): void {
    this.#current.disable()
    this.#next.disable()
  }
}

function begun(): ELDHistogram {
  const histogram = monitorEventLoopDelay({ resolution })
  histogram.enable()
  return histogram
}
