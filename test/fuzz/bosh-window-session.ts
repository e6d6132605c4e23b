/**
 * One BOSH session under a bad network: a client that does as XEP-0124 says, connections that break at every point, a clock that is
 * turned, and what has to hold after every step. It knows the rules of the protocol, and nothing of how the window keeps them.
 */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { BoshWindow, type WindowAction, type WindowLimits, type WindowRequest, type WindowResponse } from '../../src/transport/bosh-window.ts'
import { BoshAnswers } from './bosh-window-answers.ts'
import type { Randomness } from './xml-documents.ts'

interface Connection {
  readonly request: Request
  state: 'to server' | 'at server' | 'to client' | 'dead'
  /** Dead, and the server knows. */
  isKnownDead: boolean
  response: WindowResponse | null
}
/** The stanzas of a request, numbered through. */
type Request = WindowRequest<readonly number[]>
type Action = WindowAction<readonly number[], Connection>

const firstRid = 1_000

function randomLimits(random: Randomness): WindowLimits {
  const hold = random.below(4)
  return {
    hold, requests: Math.max(2, hold + 1), wait: random.oneIn(6) ? 0 : random.pick([1_000, 10_000, 60_000]), inactivity: random.pick([10_000, 30_000, 60_000]),
    maxPause: 120_000, polling: random.pick([0, 2_000, 5_000]), maxDeferredBytes: 1_000, maxResponseBytes: random.pick([1, 8, 1_000]), acks: random.oneIn(2),
  }
}

export class BoshSession {
  readonly #random: Randomness
  readonly #limits: WindowLimits
  readonly #hasKeys: boolean
  readonly #window: BoshWindow<readonly number[], Connection>
  #now = 1_000_000
  readonly #connections = new Set<Connection>()

  // The client.
  #nextRid = firstRid
  readonly #outstanding = new Map<number, Request>()
  readonly #responses = new Map<number, WindowResponse>()
  #nextToProcess = firstRid
  #nextOwnStanza = 0
  #nextStanzaToGet = 0
  #lastResponseAt = 0
  #hasTerminated = false
  #isTold = false

  // What the server has seen and said.
  readonly #arrivedAt = new Map<number, number>()
  readonly #answers = new BoshAnswers()
  #nextStanzaToTake = 0
  #nextServerStanza = 0
  #hasEnded = false
  #isEndedByClient = false
  #isTaking = false
  #isExpired = false
  readonly counts: Record<string, number> = {}

  constructor(random: Randomness) {
    this.#random = random
    this.#limits = randomLimits(random)
    this.#hasKeys = random.oneIn(2)
    this.#window = new BoshWindow(firstRid, this.#limits, this.#now)
    this.#sendNew({ stanzas: 1, pause: null, terminates: false })
    // Before it has its answer a client has no sid, and can neither repeat nor go on.
    for (let rounds = 0; this.#outstanding.size > 0; rounds++) {
      assert.ok(rounds < 100, 'the session request is answered')
      this.#arrive()
      this.#serverSays()
      this.#answerArrives()
    }
  }

  get limits(): WindowLimits { return this.#limits }
  /** The client knows that the session has ended. */
  get isTold(): boolean { return this.#isTold }
  get reports(): number { return this.#answers.reports }

  /** One thing that happens, or false if it cannot. */
  step(): boolean {
    const kind = this.#random.below(100)
    let happens
    if (kind < 18) happens = this.#count('request', this.#clientSends())
    else if (kind < 42) happens = this.#count('arrival', this.#arrive())
    else if (kind < 60) happens = this.#count('answer', this.#answerArrives())
    else if (kind < 70) happens = this.#count('loss', this.#breakConnection())
    else if (kind < 78) happens = this.#count('repeat', this.#repeat(false))
    else if (kind < 81) happens = this.#count('race', this.#repeat(true))
    else if (kind < 88) happens = this.#count('stanza', this.#serverSays())
    else happens = this.#count('time', this.#turn(this.#random.pick([1, 300, 1_000, 5_000, 20_000, 70_000])))
    this.#check()
    return happens
  }

  /** The network recovers: everything that was sent has to arrive. */
  drain(): void {
    const ending = this.#random.below(3)
    if (ending === 1) this.#serverEnds()
    if (ending === 2) {
      while (this.#outstanding.size > 0) this.#advance()
      if (!this.#isTold && !this.#hasTerminated) this.#sendNew({ stanzas: 2, pause: null, terminates: true })
    }
    for (let rounds = 0; !this.#isDrained(); rounds++) {
      assert.ok(rounds < 2_000, 'the session makes no progress')
      this.#advance()
      this.#check()
    }
    assert.equal(this.#nextStanzaToGet, this.#nextServerStanza, 'every stanza to the client')
    if (!this.#hasEnded || this.#isEndedByClient) assert.equal(this.#nextStanzaToTake, this.#nextOwnStanza, 'every stanza from the client')
  }

  /** The client breaks a rule: it hears so, and the session is over. */
  misbehave(): void {
    if (this.#hasEnded || this.#hasTerminated) return
    const bad = this.#random.pick<Partial<Request>>([
      { rid: this.#nextRid + 10_000 }, { rid: this.#processed() + 1, keyHash: 'wrong', nextKey: null },
      { rid: this.#processed() + 1, pause: this.#limits.maxPause + 1 },
    ])
    if (bad.keyHash === 'wrong' && !this.#hasKeys) return
    const request: Request = { ...this.#make({ stanzas: 1, pause: null, terminates: false }, this.#processed() + 1), ...bad }
    const connection: Connection = { request, state: 'at server', isKnownDead: false, response: null }
    this.#hasEnded = true
    const actions = this.#window.take(request, connection, this.#now)
    assert.equal(actions.at(-1)?.kind, 'broken')
    assert.equal(actions.filter(({ kind }) => kind === 'deliver').length, 0, 'nothing of the bad request is taken')
    const answer = actions.find(action => action.kind === 'respond' && action.exchange === connection)
    assert.equal(answer?.kind === 'respond' && answer.response.kind, 'terminate')
    this.#carryOut(actions.filter(action => action.kind === 'respond' && action.exchange !== connection), null)
    this.#count('misbehaviour', true)
  }

  /** Nobody comes any more. */
  abandon(): void {
    for (let deadline = this.#window.deadline(); deadline !== null; deadline = this.#window.deadline()) {
      this.#now = Math.max(this.#now, deadline)
      this.#settle()
      this.#check()
    }
    assert.ok(this.#isExpired, 'the session expires')
    const { heldCount, keptCount, queuedBytes, deferredBytes } = this.#window
    assert.deepEqual({ heldCount, keptCount, queuedBytes, deferredBytes }, { heldCount: 0, keptCount: 0, queuedBytes: 0, deferredBytes: 0 })
    this.#window.enqueue(Buffer.from('late'))
    assert.deepEqual([...this.#window.settle(this.#now + 1e9), ...this.#window.end(null, [], this.#now)], [])
    for (const rid of [firstRid, this.#nextRid - 1, this.#nextRid, this.#nextRid + 99]) {
      const request = this.#make({ stanzas: 1, pause: null, terminates: false }, rid)
      const connection: Connection = { request, state: 'at server', isKnownDead: false, response: null }
      const [action, ...others] = this.#window.take(request, connection, this.#now)
      assert.ok(action?.kind === 'respond' && action.response.condition === 'item-not-found' && others.length === 0, 'nothing but refusals after the end')
    }
    assert.equal(this.#window.deadline(), null)
  }

  // What a client does.

  #clientSends(): boolean {
    const { requests, hold, wait, polling, acks } = this.#limits
    const random = this.#random
    if (this.#isTold || this.#hasTerminated) return false
    const size = this.#outstanding.size
    // §14.3: responses are kept for as many requests as there can be at once; for more where the client says what it lacks.
    const reach = this.#nextRid - Math.min(this.#nextRid, ...this.#outstanding.keys())
    if (reach > (acks ? 3 * requests : requests)) return false
    // §11: one more than `requests`, to pause or to terminate.
    if (size <= requests && random.oneIn(12)) return this.#sendNew({ stanzas: random.below(2), pause: random.pick([5_000, 60_000, 120_000]), terminates: false })
    if (size <= requests && random.oneIn(150)) return this.#sendNew({ stanzas: random.below(3), pause: null, terminates: true })
    if (size >= requests || !acks && reach >= requests) return false
    if (random.oneIn(2)) return this.#sendNew({ stanzas: 1 + random.below(3), pause: null, terminates: false })
    // §12: polls at intervals; §10: else a request as soon as there are fewer than may be held.
    const mayPoll = hold === 0 || wait === 0 ? size === 0 && this.#now - this.#lastResponseAt >= polling : size < hold
    return mayPoll && this.#sendNew({ stanzas: 0, pause: null, terminates: false })
  }

  #sendNew(what: { readonly stanzas: number, readonly pause: number | null, readonly terminates: boolean }): boolean {
    const request = this.#make(what, this.#nextRid)
    this.#nextRid += 1
    this.#nextOwnStanza += what.stanzas
    this.#hasTerminated = what.terminates
    this.#outstanding.set(request.rid, request)
    this.#connect(request)
    return true
  }

  #make({ stanzas, pause, terminates }: { readonly stanzas: number, readonly pause: number | null, readonly terminates: boolean }, rid: number): Request {
    // §9.2: the highest rid up to which every response has come, unless that is all of them.
    const ack = this.#limits.acks && rid > firstRid && this.#outstanding.size > 0 ? Math.min(...this.#outstanding.keys()) - 1 : null
    return {
      rid, payload: Array.from({ length: stanzas }, (_, index) => this.#nextOwnStanza + index), isEmpty: stanzas === 0, size: 10, terminates, pause, ack,
      keyHash: this.#hasKeys && rid > firstRid ? `key ${rid}` : null, nextKey: this.#hasKeys ? `key ${rid + 1}` : null,
    }
  }

  #connect(request: Request): void {
    this.#connections.add({ request, state: 'to server', isKnownDead: false, response: null })
  }

  /** §14.3: again, for want of a connection; or while there is one, as a proxy might do. */
  #repeat(isRace: boolean): boolean {
    const connected = new Set([...this.#connections].filter(({ state }) => state !== 'dead').map(({ request }) => request.rid))
    const candidates = [...this.#outstanding.values()].filter(({ rid }) => isRace ? this.#connections.size < 12 : !connected.has(rid))
    if (candidates.length === 0) return false
    const request = this.#random.pick(candidates)
    // Where the first copy has arrived, the content of another one has no effect.
    const isOther = this.#arrivedAt.has(request.rid) && this.#random.oneIn(4)
    this.#connect(isOther ? { ...request, payload: [-1], isEmpty: false, terminates: false, pause: null } : request)
    return true
  }

  #answerArrives(): boolean {
    const connection = this.#oneThatIs('to client')
    if (connection === null) return false
    this.#connections.delete(connection)
    const { request: { rid }, response } = connection
    assert.ok(response !== null)
    // §17.3: the connection is of no use any more. And whoever has an answer needs no other.
    if (response.kind === 'error' || this.#responses.has(rid) || rid < this.#nextToProcess) return true
    this.#responses.set(rid, response)
    this.#outstanding.delete(rid)
    this.#lastResponseAt = this.#now
    // §14.2: the client MUST process responses in the order the requests were made.
    for (let next = this.#responses.get(this.#nextToProcess); next !== undefined && !this.#isTold; next = this.#responses.get(this.#nextToProcess)) {
      this.#responses.delete(this.#nextToProcess)
      this.#nextToProcess += 1
      for (const payload of next.payloads) assert.equal(Number(Buffer.from(payload).toString()), this.#nextStanzaToGet++, 'stanzas to the client, once and in order')
      if (next.kind === 'terminate') {
        assert.ok(this.#hasEnded, 'a session that nobody ended goes on')
        assert.notEqual(next.condition, 'item-not-found')
        this.#isTold = true
        this.#outstanding.clear()
      }
    }
    return true
  }

  // What a network does.

  #oneThatIs(state: Connection['state']): Connection | null {
    const candidates = [...this.#connections].filter(connection => connection.state === state)
    return candidates.length === 0 ? null : this.#random.pick(candidates)
  }

  #arrive(): boolean {
    const connection = this.#oneThatIs('to server')
    if (connection === null) return false
    connection.state = 'at server'
    const { request } = connection
    const isRepeat = this.#arrivedAt.has(request.rid)
    if (!isRepeat) this.#arrivedAt.set(request.rid, this.#now)
    this.#isTaking = true
    this.#carryOut(this.#window.take(request, connection, this.#now), isRepeat ? connection : null)
    this.#isTaking = false
    this.#settle()
    return true
  }

  /** Before the request is read, while it is held, or when the answer is on its way. */
  #breakConnection(): boolean {
    const connection = this.#oneThatIs(this.#random.pick(['to server', 'at server', 'to client']))
    if (connection === null) return false
    const wasAtServer = connection.state === 'at server'
    connection.state = 'dead'
    // The server may notice, also when it has answered already, or never.
    if (connection.response !== null || wasAtServer && this.#random.oneIn(2)) {
      connection.isKnownDead = wasAtServer
      this.#window.connectionLost(connection)
      this.#settle()
    }
    if (!wasAtServer || connection.isKnownDead) this.#connections.delete(connection)
    return true
  }

  /** A client that is there comes within the inactivity period: time does not go on without it. */
  #turn(milliseconds: number): boolean {
    const start = this.#now
    const until = this.#now + milliseconds
    for (;;) {
      const deadline = this.#window.deadline()
      assert.ok(deadline !== null, 'a session with a client does not expire')
      if (deadline > until) break
      if (this.#window.heldCount === 0) {
        this.#now = Math.max(this.#now, deadline - 1)
        return this.#now > start
      }
      this.#now = Math.max(this.#now, deadline)
      this.#settle()
    }
    this.#now = until
    this.#settle()
    return true
  }

  // What a server does.

  #serverSays(): boolean {
    if (this.#hasEnded) return false
    for (let count = 1 + this.#random.below(3); count > 0; count--) this.#window.enqueue(this.#nextStanza())
    this.#settle()
    if (this.#random.oneIn(100) && this.#nextRid > firstRid + 1) this.#serverEnds()
    return true
  }

  #nextStanza(): Uint8Array { return Buffer.from(String(this.#nextServerStanza++)) }

  #serverEnds(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#count('end', true)
    this.#carryOut(this.#window.end('system-shutdown', [this.#nextStanza()], this.#now), null)
    this.#settle()
  }

  #settle(): void {
    this.#carryOut(this.#window.settle(this.#now), null)
    assert.ok((this.#window.deadline() ?? Infinity) > this.#now, 'what is due is done')
  }

  #carryOut(actions: readonly Action[], repeat: Connection | null): void {
    for (const action of actions) {
      assert.ok(!this.#isExpired, 'nothing happens after the end')
      if (action.kind === 'deliver') {
        assert.ok(!this.#hasEnded, 'nothing is delivered after the end')
        for (const stanza of action.payload) assert.equal(stanza, this.#nextStanzaToTake++, 'stanzas from the client, once and in order')
      } else if (action.kind === 'respond') {
        this.#respond(action.exchange, action.response, action.exchange === repeat)
      } else if (action.kind === 'terminated') {
        assert.ok(this.#hasTerminated, 'the client terminated')
        if (this.#hasEnded) continue
        this.#hasEnded = true
        this.#isEndedByClient = true
        this.#carryOut(this.#window.end(null, [this.#nextStanza()], this.#now), null)
      } else if (action.kind === 'broken') {
        assert.fail(`a client that kept the rules was told ${action.condition}`)
      } else {
        this.#isExpired = true
      }
    }
  }

  #respond(connection: Connection, response: WindowResponse, isRepeat: boolean): void {
    const { request } = connection
    assert.ok(!connection.isKnownDead, 'nobody answers a connection that is known to be dead')
    assert.equal(connection.response, null, 'one answer for each request')
    connection.response = response
    if (connection.state === 'dead') this.#connections.delete(connection)
    else connection.state = 'to client'
    this.#answers.judge(request, response, {
      now: this.#now, isCreation: request.rid === firstRid, acks: this.#limits.acks, isTaking: this.#isTaking, isRepeat,
      hasEnded: this.#hasEnded, received: this.#processed(),
    })
  }

  /** Highest rid that has arrived with all lower ones. */
  #processed(): number {
    let rid = Math.max(firstRid - 1, this.#nextToProcess - 1)
    while (this.#arrivedAt.has(rid + 1)) rid += 1
    return rid
  }

  // What has to hold.

  #check(): void {
    const { requests, hold, wait, maxDeferredBytes, acks } = this.#limits
    const { heldCount, keptCount, deferredBytes } = this.#window
    assert.ok(heldCount <= hold, `${heldCount} held of ${hold}`)
    assert.ok(keptCount <= (requests + 1) * (acks ? 4 : 1), 'the cache is bounded')
    assert.ok(deferredBytes <= maxDeferredBytes)
    const waiting = [...this.#connections].filter(({ state }) => state === 'at server')
    assert.ok(waiting.length <= requests + 1, 'what waits is bounded')
    const processed = this.#processed()
    for (const { request: { rid } } of waiting) {
      if (rid <= processed) assert.ok(this.#now - (this.#arrivedAt.get(rid) ?? 0) < Math.max(wait, 1), 'none waits longer than `wait`')
    }
    if (!this.#hasEnded && !this.#isExpired && this.#window.queuedBytes > 0) {
      assert.ok(waiting.every(({ request: { rid } }) => rid > processed), 'no stanza waits while a request does')
    }
  }

  // The network as it should be.

  #isDrained(): boolean {
    if (this.#isTold) return true
    if (this.#hasEnded || this.#hasTerminated || this.#outstanding.size > 0) return false
    return this.#nextStanzaToGet === this.#nextServerStanza
  }

  #advance(): void {
    if (this.#arrive() || this.#answerArrives() || this.#repeat(false)) return
    const isHeld = this.#outstanding.size > 0 && this.#window.heldCount > 0
    this.#turn(isHeld ? this.#limits.wait : this.#limits.polling)
    if (isHeld) return
    if (this.#outstanding.size === 0 && !this.#isTold) this.#sendNew({ stanzas: 1, pause: null, terminates: false })
  }

  #count(name: string, happens: boolean): boolean {
    if (happens) this.counts[name] = (this.counts[name] ?? 0) + 1
    return happens
  }
}
