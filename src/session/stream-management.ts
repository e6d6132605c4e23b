/** The counters and the queue of stream management (XEP-0198 §4): what the client was sent and has not acknowledged. No socket, no timer, no XML. */

/** Whoever sends something may want to know when its client has it. */
export interface Receipt { acknowledged(): void }

/** When something was sent: `at` in milliseconds since the epoch, `elapsed` by the clock that is never set back. */
export interface Moment { readonly at: number, readonly elapsed: number }

/** A stanza that was sent, stand-alone, and when. */
export interface Unacknowledged extends Moment { readonly wire: Uint8Array, readonly receipt?: Receipt | undefined }

export interface QueueLimits {
  readonly maxStanzas: number
  readonly maxBytes: number
}

/** How many stanzas may wait for an acknowledgement before one is asked for. */
const requestAfter = 8

/** What can wait elsewhere leaves so much of the limits to what cannot. */
const share = 1 / 2

/** So many may lie in memory that they share with others: they are acknowledged soon, or copied. */
const mayShare = 16

export class StreamManagement {
  /** `key` finds the session, `seconds` is how long it waits for its client; null where the session ends with its stream. */
  readonly resumption: { readonly key: string, readonly seconds: number } | null
  readonly #limits: QueueLimits
  #handled: number
  #acknowledged: number
  #queue: Unacknowledged[] = []
  #bytes = 0
  /** An `<r/>` is out. */
  #isAsked = false
  /** Something was waiting at the last sweep. */
  #wasWaiting = false
  #keepsCopies = false
  #requestAfter = requestAfter

  /** Both counters begin at 0 (§4); tests look at what happens far from it. */
  constructor(resumption: StreamManagement['resumption'], limits: QueueLimits, { handled, acknowledged } = { handled: 0, acknowledged: 0 }) {
    this.resumption = resumption
    this.#limits = limits
    this.#handled = handled
    this.#acknowledged = acknowledged
  }

  /** `h` of ours: stanzas of the client that were handled, modulo 2^32. */
  get handled(): number { return this.#handled }

  /** Stanzas that the client was sent, modulo 2^32. */
  get sent(): number { return (this.#acknowledged + this.#queue.length) >>> 0 }

  get unacknowledged(): readonly Unacknowledged[] { return this.#queue }

  /** The client's stanza was handled. §4: after 2^32 - 1 comes 0. */
  handle(): void { this.#handled = (this.#handled + 1) >>> 0 }

  /** Takes what is being sent to the client. */
  add(wire: Uint8Array, { at, elapsed }: Moment, receipt?: Receipt): void {
    this.#queue.push({ wire: this.#keepsCopies || this.#queue.length >= mayShare ? ownCopy(wire) : wire, at, elapsed, receipt })
    this.#bytes += wire.length
  }

  /** The limit that the queue is beyond; null while it is within both. One stanza may wait alone, however long it is, and be as if it were not there. */
  get exceeded(): 'session.max_unacked_stanzas' | 'session.max_unacked_bytes' | null {
    if (this.#queue.length > this.#limits.maxStanzas) return 'session.max_unacked_stanzas'
    const { length = 0 } = this.#queue[0]?.wire ?? {}
    const bytes = length > this.#limits.maxBytes ? this.#bytes - length : this.#bytes
    return bytes > this.#limits.maxBytes ? 'session.max_unacked_bytes' : null
  }

  /** Whether one stanza more, of so many bytes, leaves room for what cannot wait. */
  hasRoomFor(bytes: number): boolean {
    if (this.#queue.length === 0) return true
    return this.#queue.length < this.#limits.maxStanzas * share && this.#bytes + bytes <= this.#limits.maxBytes * share
  }

  /** The client has handled `h` stanzas. False, and nothing has changed, where that is more than it was sent. */
  acknowledge(h: number): boolean {
    const count = (h - this.#acknowledged) >>> 0
    if (count > this.#queue.length) return false
    this.#acknowledged = h
    this.#isAsked = false
    if (count === 0) return true
    const handled = this.#queue.splice(0, count)
    for (const { wire } of handled) this.#bytes -= wire.length
    for (const { receipt } of handled) receipt?.acknowledged()
    return true
  }

  /** An acknowledgement is under way, or will be. */
  get isAsked(): boolean { return this.#isAsked }

  /** Whether so many are waiting that an acknowledgement is to be asked for now. One question at a time. */
  get isRequestDue(): boolean { return !this.#isAsked && this.#queue.length >= this.#requestAfter }

  /** From now on every stanza is worth a question: there is not much time left. */
  hurry(): void { this.#requestAfter = 1 }

  /** To be called again and again: whether something has been waiting since the last time, and nobody has asked. */
  sweep(): boolean {
    const isWaiting = this.#queue.length > 0
    const isDue = isWaiting && this.#wasWaiting && !this.#isAsked
    this.#wasWaiting = isWaiting
    return isDue
  }

  asked(): void { this.#isAsked = true }

  /** The stream has gone, and with it what was asked. What waits for the client from now on may wait long. */
  suspend(): void {
    this.#isAsked = false
    this.#keepsCopies = true
    this.#queue = this.#queue.map(sent => ({ ...sent, wire: ownCopy(sent.wire) }))
  }

  resume(): void { this.#keepsCopies = false }

  /** Everything that is left, which is the queue's no more. */
  takeAll(): readonly Unacknowledged[] {
    const all = this.#queue
    this.#queue = []
    this.#bytes = 0
    return all
  }
}

/** Stanzas are cut from large allocations, which live as long as any part of them. */
const ownCopy = (wire: Uint8Array): Uint8Array => wire.byteLength === wire.buffer.byteLength ? wire : new Uint8Array(wire)
