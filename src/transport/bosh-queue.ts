/** What a BOSH session has for its client and no request to answer with yet (XEP-0124 §8). */
export class BoshQueue {
  #payloads: Uint8Array[] = []
  #bytes = 0

  get bytes(): number { return this.#bytes }
  get isEmpty(): boolean { return this.#payloads.length === 0 }

  add(payload: Uint8Array): void {
    this.#payloads.push(payload)
    this.#bytes += payload.length
  }

  /** As many as `maxBytes` hold, from the front; at least one, which is never split. */
  take(maxBytes: number): readonly Uint8Array[] {
    if (this.#bytes <= maxBytes) {
      const all = this.#payloads
      this.#payloads = []
      this.#bytes = 0
      return all
    }
    let bytes = 0
    let count = 0
    for (const payload of this.#payloads) {
      if (count > 0 && bytes + payload.length > maxBytes) break
      bytes += payload.length
      count += 1
    }
    this.#bytes -= bytes
    return this.#payloads.splice(0, count)
  }
}
