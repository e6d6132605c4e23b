/** A histogram of what there is now: filled anew for each scrape. prom-client's own remembers what was, and takes far longer over thousands. */

interface Sample { readonly metricName: string, readonly labels: { readonly le?: string | number }, readonly value: number }

export class SnapshotHistogram {
  readonly name: string
  readonly help: string
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0

  /** `bounds` in ascending order. */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.name = name
    this.help = help
    this.#bounds = bounds
    this.#counts = [...bounds, Infinity].map(() => 0)
  }

  /** Forgets everything. */
  reset(): void {
    this.#counts.fill(0)
    this.#sum = 0
  }

  observe(value: number): void {
    let at = 0
    while (at < this.#bounds.length && value > (this.#bounds[at] ?? Infinity)) at += 1
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
    this.#sum += value
  }

  /** As a registry of prom-client asks for it. */
  get(): { readonly name: string, readonly help: string, readonly type: 'histogram', readonly values: readonly Sample[] } {
    let count = 0
    const buckets = [...this.#bounds, '+Inf'].map((le, index): Sample => {
      count += this.#counts[index] ?? 0
      return { metricName: `${this.name}_bucket`, labels: { le }, value: count }
    })
    const total = (name: string, value: number): Sample => ({ metricName: `${this.name}_${name}`, labels: {}, value })
    return { name: this.name, help: this.help, type: 'histogram', values: [...buckets, total('sum', this.#sum), total('count', count)] }
  }
}
