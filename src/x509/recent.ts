// So many values at least, by key, and twice as many at most: those that were not asked for longest go first. In two generations, so that whoever comes
// back costs one look-up.
export class Recent<Value> {
  readonly #limit: number
  #young = new Map<string, Value>()
  /** What was young before, and not asked for since. */
  #old = new Map<string, Value>()

  constructor(limit: number) { this.#limit = limit }

  get(key: string): Value | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: string, value: Value): void {
    if (this.#young.size >= this.#limit && !this.#young.has(key)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }
}
