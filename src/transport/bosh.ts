/** One XML stream over the requests of one BOSH session (XEP-0124, XEP-0206). Nothing of rid, wait and hold rises above this. */
import { timingSafeEqual } from 'node:crypto'
import type { ChannelBindings } from '../sasl/channel-binding.ts'
import { streamErrorMarkup } from '../stream/stream-error-markup.ts'
import type { ConnectionFacts, StreamLimits, Transport, TransportEvents } from '../stream/transport.ts'
import type { Clock, Timer } from '../telemetry/clock.ts'
import { type LimitName, LimitReached } from '../telemetry/limit.ts'
import type { CertificateVerdict } from '../x509/verdict.ts'
import type { Markup } from '../xml/write.ts'
import type { StreamCondition, StreamError } from '../xmpp/stream-error.ts'
import type { ResponseHeader, StreamHeader } from '../xmpp/stream-header.ts'
import { type BoshBody, bodyBytes, type CreationFacts, creationAttributes } from './bosh-body.ts'
import { BoshWindow, type TerminalCondition, terminateResponse, type WindowAction, type WindowLimits, type WindowResponse } from './bosh-window.ts'
import type { Held, Outbox } from './outbox.ts'

/** One HTTP request that waits for its response. */
export interface Exchange {
  /** Called once; does nothing where the connection has gone. */
  respond(body: Uint8Array, response: WindowResponse): void
}

/** Who sent a request, as far as its connection shows. */
export interface RequestOrigin {
  readonly secure: boolean
  readonly remoteAddress: string
  readonly certificate: () => CertificateVerdict
  readonly channelBindings: () => ChannelBindings
  /** Of the leaf that it shows, whatever that is worth; as `fingerprintOf` makes it. */
  readonly fingerprint: Buffer | null
}

export interface BoshShared {
  /** Bytes of stanzas that may wait for a request. */
  readonly maxUnreadBytes: number
  readonly outbox: Outbox
  readonly clock: Clock
}

/** What was agreed on when the session was created. */
export interface BoshAgreement {
  /** Milliseconds allowed for each step of negotiation. */
  readonly stateTimeout: number
  readonly creation: CreationFacts
  readonly limits: WindowLimits
  /** Bytes of one element, as announced. */
  readonly maxBytes: number
}

/** What the one who keeps the sessions is told, each once. */
export interface SessionEnd {
  /** Nothing goes through this session any more; its client may still have to be told. */
  readonly over: () => void
  /** There is nothing left that the client could still be told. */
  readonly gone: () => void
}

interface Payload {
  /** Opens the stream, or opens it anew; null for what goes into the stream that is there. */
  readonly header: StreamHeader | null
  readonly children: BoshBody['children']
}
type Action = WindowAction<Payload, Exchange>

/** §17.2: what BOSH itself has a condition for; any other stream error is encapsulated. */
const ownConditions: Readonly<Partial<Record<StreamCondition, TerminalCondition>>> = {
  'system-shutdown': 'system-shutdown', 'internal-server-error': 'internal-server-error', 'host-gone': 'host-gone',
}

export class BoshTransport implements Transport, Held {
  readonly facts: ConnectionFacts
  readonly #agreement: BoshAgreement
  readonly #shared: BoshShared
  readonly #window: BoshWindow<Payload, Exchange>
  readonly #end: SessionEnd
  #events: TransportEvents | null = null
  #isOver = false
  /** The domain that the session request named. */
  #to: string | null = null
  #certificate: () => CertificateVerdict
  /** Of the leaf that this session is bound to; null until one was shown. */
  #fingerprint: Buffer | null = null
  #creation: Readonly<Record<string, string>> = {}
  #timer: Timer | null = null
  #timerAt = Infinity
  #isHeldBack = false
  #pausedUntil = 0
  /** Bytes, of all that was sent. */
  #sentBytes = 0
  /** Who waits until the client has so many of them. */
  readonly #awaited: { readonly bytes: number, readonly act: () => void }[] = []

  constructor(firstRid: number, origin: RequestOrigin, agreement: BoshAgreement, shared: BoshShared, end: SessionEnd) {
    this.#agreement = agreement
    this.#shared = shared
    this.#end = end
    this.#certificate = origin.certificate
    this.#window = new BoshWindow(firstRid, agreement.limits, shared.clock.elapsed())
    const { secure, remoteAddress, channelBindings } = origin
    this.facts = {
      transport: 'bosh', remoteAddress, secure, certificate: () => this.#certificate(),
      // The requests of one login may come over several connections: only what they have in common binds them.
      channelBindings: () => ({ tlsExporter: null, tlsServerEndPoint: channelBindings().tlsServerEndPoint }),
    }
  }

  /** TLS is HTTP's business. */
  readonly upgrade = null

  get stateTimeout(): number { return this.#agreement.stateTimeout }
  get limits(): StreamLimits { return { maxBytes: this.#agreement.maxBytes, idle: this.#agreement.limits.inactivity } }

  /** The stream has ended, and its client has not fetched yet what it was sent. */
  get isOwing(): boolean { return this.#window.isOwing }

  listen(events: TransportEvents): void { this.#events = events }

  /**
   * Whether a request belongs to this session, as far as its connection shows (XEP-0124 §19.1): over TLS if the first was, and with
   * the leaf that was shown first. One that does not is answered as if there were no session, which goes on.
   */
  belongs({ secure, fingerprint }: RequestOrigin): boolean {
    if (this.facts.secure && !secure) return false
    if (this.#fingerprint === null) return true
    return fingerprint !== null && timingSafeEqual(fingerprint, this.#fingerprint)
  }

  /** Takes a request that belongs here. `size` in bytes. Its exchange is answered now or later. */
  request(body: BoshBody, size: number, origin: RequestOrigin, exchange: Exchange): void {
    const now = this.#now
    const patience = this.#pausedUntil - now
    if (patience > 0) {
      // The client sends too fast. The window puts requests in order, however long each of them has been kept waiting.
      this.#shared.clock.after(patience, () => { this.request(body, size, origin, exchange) })
      return
    }
    const [before, responded] = [this.#window.lastRid, this.#sentBytes - this.#window.queuedBytes]
    // What was sent before this came goes to a request that came before it, not into the answer to a request to terminate:
    // there stanza 12 trips over it.
    if (this.#isHeldBack) this.#settle(now)
    // The same leaf as before (`belongs`). Once it was accepted it is judged as one that was: a clock that is set back does not undo it.
    if (this.#certificate().kind !== 'accepted') this.#certificate = origin.certificate
    this.#fingerprint ??= origin.fingerprint
    const { rid, sid, children, restarts, header, terminates, pause, ack, keyHash, nextKey } = body
    const payload: Payload = {
      // The session request opens the stream (XEP-0206 §4), a restart opens it anew (§5).
      header: restarts || sid === null ? this.#complete(header) : null,
      // XEP-0206 §5: what comes with a restart is ignored.
      children: restarts ? [] : children,
    }
    const isEmpty = payload.header === null && children.length === 0
    const actions = this.#window.take({ rid, size, isEmpty, payload, terminates, pause, ack, keyHash, nextKey }, exchange, now)
    if (this.#window.lastRid > before) this.#hasGot(responded)
    this.#carryOut(actions)
    this.#settle(now)
  }

  /** The connection of this exchange has gone, and its response was not written. */
  connectionLost(exchange: Exchange): void {
    this.#window.connectionLost(exchange)
    this.#settle()
  }

  /** A request of this session that is none (§17.2): it hears so, those that are held hear that it was another, and the session is over. */
  refuse(exchange: Exchange, reason: string): void {
    const refusal = terminateResponse('bad-request', [])
    exchange.respond(bodyBytes(refusal, {}), refusal)
    this.#lose(new Error(`the client sent what is no request: ${reason}`))
    this.#carryOut(this.#window.end('other-request', [], this.#now))
    this.#settle()
  }

  open(header: ResponseHeader): void {
    this.#creation = creationAttributes(this.#agreement.creation, header.from, header.id)
  }

  send(wire: Uint8Array | Markup): void {
    const payload = typeof wire === 'string' ? Buffer.from(wire) : wire
    this.#sentBytes += payload.length
    this.#window.enqueue(payload)
    if (this.#window.queuedBytes > this.#shared.maxUnreadBytes) {
      this.#lose(new LimitReached('limits.max_unread_bytes', 'the client does not fetch what is sent to it'))
      this.#carryOut(this.#window.end('policy-violation', [], this.#now))
      this.#settle()
      return
    }
    if (this.#isHeldBack) return
    this.#isHeldBack = true
    this.#shared.outbox.add(this)
  }

  hasRoomFor(bytes: number): boolean {
    const { queuedBytes } = this.#window
    return queuedBytes === 0 || queuedBytes + bytes <= this.#shared.maxUnreadBytes / 2
  }

  /** A response may be lost with its connection, but whoever asks for the next has got it (§14.3). */
  whenSent(act: () => void): void {
    if (!this.#isOver) this.#awaited.push({ bytes: this.#sentBytes, act })
  }

  /** The end of a turn: what was sent within it leaves in one response. */
  release(): void {
    this.#isHeldBack = false
    this.#settle()
  }

  /** XEP-0206 §5: the request says itself that the stream begins anew. */
  restart(): void { /* nothing to do */ }

  pause(milliseconds: number): void {
    this.#pausedUntil = this.#now + milliseconds
  }

  close(error: StreamError | null): void {
    this.#stop()
    const condition = error === null ? null : ownConditions[error.condition] ?? 'remote-stream-error'
    // XEP-0206 §2: <stream:error/> goes with remote-stream-error, and with nothing else.
    const payloads = error === null || condition !== 'remote-stream-error' ? [] : [Buffer.from(streamErrorMarkup(error))]
    this.#carryOut(this.#window.end(condition, payloads, this.#now))
    this.#settle()
  }

  /** It is time that passes, not a date: clocks are set, forwards and back. */
  get #now(): number { return this.#shared.clock.elapsed() }

  #carryOut(actions: readonly Action[]): void {
    for (const action of actions) {
      switch (action.kind) {
        case 'deliver':
          this.#deliver(action.payload)
          break
        case 'respond':
          action.exchange.respond(bodyBytes(action.response, this.#creation), action.response)
          break
        case 'terminated':
          this.#events?.footer()
          break
        case 'broken':
          this.#lose(faultOf(action))
          break
        case 'expired':
          this.#lose(new LimitReached('bosh.inactivity', 'no request within the inactivity period'))
          this.#timer?.cancel()
          this.#end.gone()
          break
        default:
          action satisfies never
      }
    }
  }

  /** XEP-0206 §5: a restart need not say anew whom the stream is for. */
  #complete(header: StreamHeader): StreamHeader {
    this.#to ??= header.to
    return { ...header, to: header.to ?? this.#to }
  }

  #deliver({ header, children }: Payload): void {
    if (header !== null) this.#events?.header(header)
    // The stream may end at any of them: then nobody listens any more.
    for (const child of children) this.#events?.inbound(child)
  }

  #lose(cause: Error): void {
    const events = this.#events
    this.#stop()
    events?.lost(cause)
  }

  #stop(): void {
    this.#events = null
    // What has not been fetched by now may never be.
    this.#awaited.splice(0)
    if (this.#isOver) return
    this.#isOver = true
    this.#end.over()
  }

  /** The client has so many bytes of what it was sent. */
  #hasGot(left: number): void {
    const count = this.#awaited.findIndex(({ bytes }) => bytes > left)
    for (const { act } of this.#awaited.splice(0, count < 0 ? Infinity : count)) act()
  }

  /** Answers what can be answered, and sets the timer for what cannot yet. */
  #settle(now = this.#now): void {
    this.#carryOut(this.#window.settle(now))
    const deadline = this.#window.deadline()
    if (deadline === null) {
      this.#timer?.cancel()
      this.#timer = null
      return
    }
    // A timer that is too early costs one look; one for each request would cost more.
    if (this.#timer !== null && this.#timerAt <= deadline) return
    this.#timer?.cancel()
    this.#timerAt = deadline
    this.#timer = this.#shared.clock.after(Math.max(0, deadline - now), () => {
      this.#timer = null
      this.#settle()
    })
  }
}

/** What the configuration calls the limits of the window. What a client holds unanswered at a time follows from `max_hold` (§7.2). */
const limitNames: Readonly<Partial<Record<keyof WindowLimits, LimitName>>> = {
  requests: 'bosh.max_hold', maxDeferredBytes: 'bosh.max_deferred_bytes', maxPause: 'bosh.max_pause', polling: 'bosh.polling',
}

function faultOf({ condition, limit }: Extract<Action, { readonly kind: 'broken' }>): Error {
  const text = `the client broke the rules of the session: ${condition}`
  const name = limit === null ? undefined : limitNames[limit]
  return name === undefined ? new Error(text) : new LimitReached(name, text)
}

/** Null where no certificate was shown that can be read. */
export function fingerprintOf(verdict: CertificateVerdict): Buffer | null {
  if (verdict.kind === 'none' || verdict.certificate === null) return null
  return Buffer.from(verdict.certificate.fingerprint256)
}
