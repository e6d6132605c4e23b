/**
 * The request window of a BOSH session (XEP-0124): which request is taken when, what answers it, and what is kept so that a
 * client whose connection breaks loses nothing and gets nothing twice. Pure: every event comes with its time (of a clock that
 * is never set), every consequence is a returned action; sockets, timers and XML are elsewhere.
 */
import { BoshQueue } from './bosh-queue.ts'

/** What one request asks of the window; `Payload` is whatever is to be handed up. Times in milliseconds. */
export interface WindowRequest<Payload> {
  readonly rid: number
  readonly payload: Payload
  /** Nothing is to be handed up: an empty poll, if it neither pauses nor terminates. */
  readonly isEmpty: boolean
  /** Size in bytes, for the limit on what is kept out of order. */
  readonly size: number
  readonly terminates: boolean
  /** The pause asked for (§10); null for none. */
  readonly pause: number | null
  /** The highest rid whose response, like all before it, the client has (§9.2); null where it does not say. */
  readonly ack: number | null
  /** SHA-1 of `key`, lower-case hexadecimal (§15.4); null without `key`. */
  readonly keyHash: string | null
  /** What the next request's keyHash has to be: `newkey`, else `key`, in lower case; null without either. */
  readonly nextKey: string | null
}

/** §17.2, as far as the window itself finds a session broken. */
export type WindowCondition = 'item-not-found' | 'policy-violation'
export type TerminalCondition = WindowCondition | 'bad-request' | 'host-gone' | 'host-unknown' | 'improper-addressing'
  | 'internal-server-error' | 'other-request' | 'remote-connection-failed' | 'remote-stream-error' | 'see-other-uri'
  | 'system-shutdown' | 'undefined-condition'

/** One `<body/>` to the client. */
export interface WindowResponse {
  readonly kind: 'normal' | 'error' | 'terminate'
  readonly condition: TerminalCondition | null
  /** The answer to the session request, which says how the session will be (§7.2). */
  readonly isCreation: boolean
  readonly ack: number | null
  /** §9.2: a response that the client seems not to have, and how many milliseconds ago it was sent. */
  readonly report: { readonly rid: number, readonly time: number } | null
  readonly payloads: readonly Uint8Array[]
}

export type WindowAction<Payload, Exchange> =
  | { readonly kind: 'deliver', readonly payload: Payload }
  | { readonly kind: 'respond', readonly exchange: Exchange, readonly response: WindowResponse }
  /** The client ended the session; its last payload was delivered before. */
  | { readonly kind: 'terminated' }
  /** The window ended the session: the client broke its rules, or went beyond one of its limits. */
  | { readonly kind: 'broken', readonly condition: WindowCondition, readonly limit: keyof WindowLimits | null }
  /** Nobody came within the inactivity period (§10). */
  | { readonly kind: 'expired' }

export interface WindowLimits {
  /** Simultaneous requests (§7.2). */
  readonly requests: number
  readonly hold: number
  readonly wait: number
  readonly inactivity: number
  readonly maxPause: number
  /** The shortest interval between empty polls. */
  readonly polling: number
  /** Bytes that may wait for an earlier request. */
  readonly maxDeferredBytes: number
  /** Bytes of payloads in one response; one payload is never split. */
  readonly maxResponseBytes: number
  /** The client acknowledges, and so do we (§9). */
  readonly acks: boolean
}

/** §9.2: only after this many milliseconds is a response that was not acknowledged worth a report. */
const reportAfter = 1_000

interface Arrived<Payload, Exchange> {
  readonly request: WindowRequest<Payload>
  readonly arrivedAt: number
  /** Null once its connection is gone. */
  exchange: Exchange | null
}

interface Answered {
  readonly rid: number
  readonly keyHash: string | null
  readonly response: WindowResponse
  /** When the response was last sent. */
  at: number
}

/**
 * open; terminated: by the client, which waits to be told so; ending: the session is over for those above, and its client does not
 * know it yet; over: the client was told, and may ask again; gone: nothing is kept.
 */
type Phase = 'open' | 'terminated' | 'ending' | 'over' | 'gone'

const empty: WindowResponse = { kind: 'normal', condition: null, isCreation: false, ack: null, report: null, payloads: [] }
const errorResponse: WindowResponse = { ...empty, kind: 'error' }
export const terminateResponse = (condition: TerminalCondition | null, payloads: readonly Uint8Array[]): WindowResponse =>
  ({ ...empty, kind: 'terminate', condition, payloads })
/** §10, §14.2: the same, whether the rid is too large or too small or there is no session. */
const noSuchSession = terminateResponse('item-not-found', [])

export class BoshWindow<Payload, Exchange> {
  readonly #limits: WindowLimits
  readonly #firstRid: number
  #phase: Phase = 'open'
  /** Highest rid that was processed; every lower one was too. */
  #lastRid: number
  /** Processed and not yet answered, in rid order. */
  readonly #held: Arrived<Payload, Exchange>[] = []
  /** Beyond a gap, by rid. */
  readonly #deferred = new Map<number, Arrived<Payload, Exchange>>()
  #deferredBytes = 0
  /** The latest responses, in rid order: what a repeat gets (§14.3). */
  #answered: Answered[] = []
  readonly #queue = new BoshQueue()
  /** Highest rid whose response, like all before it, the client has, where it acknowledges (§9.2). */
  #acknowledged = 0
  /** What the client is to be told of the end; null before there is one. */
  #ending: WindowResponse | null = null
  /** Stanzas that go with it. */
  #owed = 0
  #inactivity: number
  /** When a request came or a response went: from there the inactivity period runs while nothing is held (§10). */
  #activeAt: number
  #nextKey: string | null = null
  #report: { readonly rid: number, readonly at: number } | null = null
  #latest: { readonly arrivedAt: number, readonly isEmptyPoll: boolean } | null = null

  constructor(firstRid: number, limits: WindowLimits, now: number) {
    this.#limits = limits
    this.#firstRid = firstRid
    this.#lastRid = firstRid - 1
    this.#inactivity = limits.inactivity
    this.#activeAt = now
  }

  /** Of the requests that were taken, all before it included. */
  get lastRid(): number { return this.#lastRid }
  /** Payload bytes that wait for a request to answer. */
  get queuedBytes(): number { return this.#queue.bytes }
  /** The session has ended, and its client has not fetched what was there for it. */
  get isOwing(): boolean { return this.#phase === 'ending' && this.#owed > 0 }
  get deferredBytes(): number { return this.#deferredBytes }
  get heldCount(): number { return this.#held.length }
  get keptCount(): number { return this.#answered.length }

  /** A request has arrived. Carry out the actions in order, and call `settle` when all of them are done. */
  take(request: WindowRequest<Payload>, exchange: Exchange, now: number): WindowAction<Payload, Exchange>[] {
    const { rid } = request
    if (rid <= this.#lastRid) return this.#repeat(request, exchange, now)
    if (this.#phase !== 'open') return this.#takeAtTheEnd(request, exchange, now)
    const before = this.#deferred.get(rid)
    if (before !== undefined) return this.#takeOver(before, request, exchange, now)

    // §14.2: how far a request may be ahead; §11: how many may be unanswered, and one more if the last of them, in whatever order
    // they arrive, is to pause or to terminate.
    const last = this.#deferred.size === 0 ? request : this.#deferred.get(Math.max(rid, ...this.#deferred.keys()))?.request ?? request
    const allowed = this.#limits.requests + (last.terminates || last.pause !== null ? 1 : 0)
    if (rid > this.#lastRid + allowed) return this.#break('item-not-found', exchange, now, 'requests')
    if (this.#held.length + this.#deferred.size + 1 > allowed) return this.#break('policy-violation', exchange, now, 'requests')

    const arrived: Arrived<Payload, Exchange> = { request, arrivedAt: now, exchange }
    if (rid > this.#lastRid + 1) return this.#defer(arrived, now)
    const actions = this.#process(arrived, now)
    for (;;) {
      const next = this.#deferred.get(this.#lastRid + 1)
      // Nothing is taken behind a request to terminate.
      if (next === undefined || actions.at(-1)?.kind === 'terminated') return actions
      this.#deferred.delete(next.request.rid)
      this.#deferredBytes -= next.request.size
      actions.push(...this.#process(next, now))
    }
  }

  /** A stanza for the client. Call `settle` when there are no more for now. */
  enqueue(payload: Uint8Array): void {
    if (this.#isAlive) this.#queue.add(payload)
  }

  /** The connection of this exchange went away before its response was written. Call `settle`. */
  connectionLost(exchange: Exchange): void {
    const arrived = this.#held.find(held => held.exchange === exchange)
      ?? [...this.#deferred.values()].find(deferred => deferred.exchange === exchange)
    if (arrived !== undefined) arrived.exchange = null
  }

  /** Answers what can be answered now (§8), and notices what has run out. Call it after every event, and at `deadline`. */
  settle(now: number): WindowAction<Payload, Exchange>[] {
    const actions: WindowAction<Payload, Exchange>[] = []
    for (let oldest = this.#held[0]; oldest !== undefined && this.#isDue(oldest, now); oldest = this.#held[0]) {
      // Where nobody is there to be told, what is queued goes to a request that somebody waits for, and a repeat gets this.
      const payloads = oldest.exchange === null ? [] : this.#queue.take(this.#limits.maxResponseBytes)
      actions.push(...this.#answerOldest({ ...empty, payloads }, now))
    }
    const isIdle = this.#phase !== 'gone' && this.#held.length === 0
    if (isIdle && now - this.#activeAt >= this.#inactivity) actions.push(...this.#expire())
    return actions
  }

  /** When `settle` has to be called at the latest, by the same clock; null once the session is gone. */
  deadline(): number | null {
    if (this.#phase === 'gone') return null
    return this.#held.length > 0 ? this.#firstArrival() + this.#limits.wait : this.#activeAt + this.#inactivity
  }

  /**
   * Ends the session from above: the oldest held request says so, behind everything that is queued, the others are
   * answered empty (§13). Without a held request, the next one learns it.
   */
  end(condition: TerminalCondition | null, payloads: readonly Uint8Array[], now: number): WindowAction<Payload, Exchange>[] {
    if (!this.#isAlive) return []
    this.#phase = 'ending'
    const queued = this.#queue.take(Infinity)
    this.#owed = queued.length
    this.#ending = terminateResponse(condition, [...queued, ...payloads])
    const actions: WindowAction<Payload, Exchange>[] = []
    while (this.#held.length > 0) {
      actions.push(...this.#answerOldest(this.#phase === 'ending' ? this.#ending : empty, now))
      this.#phase = 'over'
    }
    return [...actions, ...this.#dropDeferred(empty)]
  }

  get #isAlive(): boolean { return this.#phase === 'open' || this.#phase === 'terminated' }

  // How a request is taken.

  #defer(arrived: Arrived<Payload, Exchange>, now: number): WindowAction<Payload, Exchange>[] {
    const { rid, size } = arrived.request
    if (this.#deferredBytes + size > this.#limits.maxDeferredBytes) return this.#break('policy-violation', arrived.exchange, now, 'maxDeferredBytes')
    this.#deferred.set(rid, arrived)
    this.#deferredBytes += size
    this.#activeAt = now
    return []
  }

  #process(arrived: Arrived<Payload, Exchange>, now: number): WindowAction<Payload, Exchange>[] {
    const { request } = arrived
    // §15.4: the key of each request proves that it comes from whoever sent the one before.
    if (this.#nextKey !== null && request.keyHash !== this.#nextKey) return this.#break('item-not-found', arrived.exchange, now)
    // Who terminates does not come back from a pause.
    const pause = request.terminates ? null : request.pause
    if (pause !== null && pause > this.#limits.maxPause) return this.#break('policy-violation', arrived.exchange, now, 'maxPause')
    if (this.#pollsTooOften(arrived)) return this.#break('policy-violation', arrived.exchange, now, 'polling')
    this.#lastRid = request.rid
    this.#nextKey = request.nextKey
    this.#latest = { arrivedAt: arrived.arrivedAt, isEmptyPoll: isEmptyPoll(request) }
    this.#held.push(arrived)
    // §10: any request sets the inactivity period back to normal, another pause anew.
    this.#inactivity = pause ?? this.#limits.inactivity
    if (this.#limits.acks) this.#noteAck(arrived)

    const actions: WindowAction<Payload, Exchange>[] = request.isEmpty ? [] : [{ kind: 'deliver', payload: request.payload }]
    // §10: a pause answers everything at once, and its answer carries nothing.
    const answerable = pause === null ? 0 : this.#held.length
    for (let n = 0; n < answerable; n++) actions.push(...this.#answerOldest(empty, now))
    if (request.terminates) {
      this.#phase = 'terminated'
      actions.push({ kind: 'terminated' })
    }
    return actions
  }

  /** §11 and §12, which differ in what came before: in a polling session an empty answer, else requests that still wait. */
  #pollsTooOften({ request, arrivedAt }: Arrived<Payload, Exchange>): boolean {
    const { hold, wait, requests, polling } = this.#limits
    const before = this.#latest
    if (!isEmptyPoll(request) || before === null || Math.abs(arrivedAt - before.arrivedAt) >= polling) return false
    if (hold > 0 && wait > 0) return this.#held.length + 1 >= requests
    const answered = this.#answered.at(-1)
    return before.isEmptyPoll && answered?.rid === this.#lastRid && answered.response.payloads.length === 0
  }

  /** §9.2: when the client sent this it had not got a response that it should have had: the next one says so, and at once. */
  #noteAck({ request: { rid, ack }, arrivedAt }: Arrived<Payload, Exchange>): void {
    this.#acknowledged = ack ?? rid - 1
    const missing = this.#answered.find(answered => ack !== null && answered.rid === ack + 1)
    if (missing !== undefined && arrivedAt - missing.at >= reportAfter) this.#report = missing
  }

  /** §14.3. The payload was taken the first time; only the answer may be missing. */
  #repeat(request: WindowRequest<Payload>, exchange: Exchange, now: number): WindowAction<Payload, Exchange>[] {
    const held = this.#held.find(candidate => candidate.request.rid === request.rid)
    if (held !== undefined) return this.#takeOver(held, request, exchange, now)
    const answered = this.#answered.find(({ rid }) => rid === request.rid)
    // What is not kept any more was received: the client could not have sent what it sent since.
    if (answered === undefined) return tell(exchange, noSuchSession)
    if (answered.keyHash !== request.keyHash) return this.#break('item-not-found', exchange, now)
    // A session that is over is not kept by asking for it.
    if (this.#phase === 'open') this.#activeAt = now
    answered.at = now
    return tell(exchange, answered.response)
  }

  /** §14.3: received before and not yet answered. The connection that it came by is let go (§17.3). */
  #takeOver(before: Arrived<Payload, Exchange>, repeat: WindowRequest<Payload>, exchange: Exchange, now: number): WindowAction<Payload, Exchange>[] {
    // §15.4: who cannot show the key is not who sent it.
    if (before.request.keyHash !== repeat.keyHash) return this.#break('item-not-found', exchange, now)
    const released = before.exchange
    before.exchange = exchange
    this.#activeAt = now
    return tell(released, errorResponse)
  }

  /** The session has ended. Its client hears it once, from the request that is next. */
  #takeAtTheEnd({ rid, keyHash }: WindowRequest<Payload>, exchange: Exchange, now: number): WindowAction<Payload, Exchange>[] {
    const isNext = rid === this.#lastRid + 1 && (this.#nextKey === null || keyHash === this.#nextKey)
    if (this.#phase !== 'ending' || this.#ending === null || !isNext) return tell(exchange, noSuchSession)
    this.#phase = 'over'
    this.#lastRid = rid
    this.#keep({ rid, keyHash, at: now, response: this.#ending })
    return tell(exchange, this.#ending)
  }

  // How a request is answered.

  #isDue(oldest: Arrived<Payload, Exchange>, now: number): boolean {
    return oldest.exchange === null || !this.#queue.isEmpty || this.#report !== null
      // §8: no more than `hold` wait, none longer than `wait`.
      || this.#held.length > this.#limits.hold || now - this.#firstArrival() >= this.#limits.wait
  }

  /** Who came first has waited longest, and need not be the first to be answered. */
  #firstArrival(): number {
    return this.#held.reduce((earliest, { arrivedAt }) => Math.min(earliest, arrivedAt), Infinity)
  }

  #answerOldest(response: WindowResponse, now: number): WindowAction<Payload, Exchange>[] {
    const oldest = this.#held.shift()
    if (oldest === undefined) return []
    const { exchange, request: { rid, keyHash } } = oldest
    const report = this.#report
    this.#report = null
    const isCreation = rid === this.#firstRid
    const complete: WindowResponse = {
      ...response,
      isCreation,
      // §9.1: always in the first response, and later wherever it says more than the response itself.
      ack: this.#limits.acks && (isCreation || this.#lastRid !== rid) ? this.#lastRid : null,
      report: report === null ? null : { rid: report.rid, time: Math.round(now - report.at) },
    }
    this.#keep({ rid, keyHash, at: now, response: complete })
    return tell(exchange, complete)
  }

  /** §14.3: as many as there can be requests at once, the extra one of §11 too, and (within bounds) what the client says it lacks. */
  #keep(answered: Answered): void {
    this.#activeAt = answered.at
    this.#answered.push(answered)
    const usual = this.#limits.requests + 1
    const lacking = this.#limits.acks ? answered.rid - this.#acknowledged : 0
    this.#answered.splice(0, this.#answered.length - Math.max(usual, Math.min(lacking, 4 * usual)))
  }

  /** The client broke a rule with this request, which hears it; the ones that were held hear that it was another (§17.2). */
  #break(condition: WindowCondition, exchange: Exchange | null, now: number, limit: keyof WindowLimits | null = null): WindowAction<Payload, Exchange>[] {
    const answer = tell(exchange, terminateResponse(condition, []))
    if (!this.#isAlive) return answer
    const others = this.end('other-request', [], now)
    this.#phase = 'over'
    return [...others, ...answer, { kind: 'broken', condition, limit }]
  }

  /** §10: silently; who asks later, or waits behind a gap, hears that there is no such session. */
  #expire(): WindowAction<Payload, Exchange>[] {
    this.#phase = 'gone'
    this.#answered = []
    this.#queue.take(Infinity)
    this.#ending = null
    return [...this.#dropDeferred(noSuchSession), { kind: 'expired' }]
  }

  /** What waited behind a gap will not be taken any more. */
  #dropDeferred(response: WindowResponse): WindowAction<Payload, Exchange>[] {
    const dropped = [...this.#deferred.values()].sort((a, b) => a.request.rid - b.request.rid)
    this.#deferred.clear()
    this.#deferredBytes = 0
    return dropped.flatMap(({ exchange }) => tell(exchange, response))
  }
}

const isEmptyPoll = ({ isEmpty, terminates, pause }: WindowRequest<unknown>): boolean => isEmpty && !terminates && pause === null

const tell = <Exchange>(exchange: Exchange | null, response: WindowResponse): { kind: 'respond', exchange: Exchange, response: WindowResponse }[] =>
  exchange === null ? [] : [{ kind: 'respond', exchange, response }]
