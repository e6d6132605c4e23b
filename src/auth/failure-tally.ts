/**
 * Counts failures by key: so many are free, then each is followed by a wait that doubles. Bounded: the key longest unused is forgotten first. Times
 * are of a clock that is never set: neither ends a wait before its time, nor makes one longer.
 */

export interface TallyLimits {
  /** Failures before the first wait. */
  readonly free: number
  /** The first wait, in milliseconds. */
  readonly backoff: number
  readonly maxBackoff: number
  /** What is under way counts as if it had failed, so that nobody gets ahead by asking many times at once. */
  readonly countsPending: boolean
}

interface Entry { failures: number, pending: number, last: number, wait: number }

/** So long after the end of its longest wait a key is as if it had never been seen, in milliseconds. */
const memory = 3_600_000

export class FailureTally {
  readonly #limits: TallyLimits
  readonly #capacity: number
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>()

  constructor(limits: TallyLimits, capacity: number) {
    this.#limits = limits
    this.#capacity = capacity
  }

  get size(): number { return this.#entries.size }

  /** Whether another attempt may be made at this time. */
  isOpen(key: string, now: number): boolean {
    const entry = this.#entries.get(key)
    if (entry === undefined) return true
    const { free, maxBackoff, countsPending } = this.#limits
    const since = now - entry.last
    if (entry.pending === 0 && since > maxBackoff + memory) {
      this.#entries.delete(key)
      return true
    }
    if (entry.failures < free) return !countsPending || entry.failures + entry.pending < free
    // After so many failures one at a time, and each after its wait.
    return entry.pending === 0 && since >= entry.wait
  }

  begin(key: string, now: number): void {
    const entry = this.#entries.get(key) ?? { failures: 0, pending: 0, last: now, wait: 0 }
    entry.pending += 1
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (this.#entries.size > this.#capacity) {
      const [oldest = key] = this.#entries.keys()
      this.#entries.delete(oldest)
    }
  }

  /** What was begun is over. Null: no wait follows; otherwise the milliseconds. */
  end(key: string, hasFailed: boolean, now: number): number | null {
    const entry = this.#entries.get(key)
    if (entry === undefined) return null
    entry.pending = Math.max(0, entry.pending - 1)
    if (!hasFailed) {
      if (entry.failures === 0 && entry.pending === 0) this.#entries.delete(key)
      return null
    }
    const { free, backoff, maxBackoff } = this.#limits
    entry.failures += 1
    entry.last = now
    entry.wait = entry.failures < free ? 0 : Math.min(maxBackoff, backoff * 2 ** (entry.failures - free))
    return entry.wait === 0 ? null : entry.wait
  }

  /** As if it had never failed. */
  clear(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    if (entry.pending === 0) this.#entries.delete(key)
    else entry.failures = 0
  }
}
