/** One XML stream over one WebSocket (RFC 7395). */
import type { Duplex } from 'node:stream'
import type { RawData } from 'ws'
import { streamErrorMarkup } from '../stream/stream-error-markup.ts'
import type { ConnectionFacts, Transport, TransportEvents } from '../stream/transport.ts'
import type { Clock, Timer } from '../telemetry/clock.ts'
import type { Scanner } from '../xml/scanner.ts'
import type { ScannedElement } from '../xml/scanned.ts'
import type { Markup } from '../xml/write.ts'
import { XmlError } from '../xml/xml-error.ts'
import { NS_FRAMING } from '../xmpp/namespaces.ts'
import { StreamError } from '../xmpp/stream-error.ts'
import type { ResponseHeader } from '../xmpp/stream-header.ts'
import { closeMarkup, headerOf, isClose, isOpen, openMarkup, streamErrorOf } from './framing.ts'
import type { Liveness, Watched } from './liveness.ts'
import type { Held, Outbox } from './outbox.ts'
import type { StreamSocket } from './stream-socket.ts'

/** websocket.md: the closing handshakes, ours and the WebSocket's, have so many milliseconds together. */
const closingTimeout = 5_000

/** RFC 6455 §7.4.1. */
const normalClosure = 1000
const unsupportedData = 1003

/** So many milliseconds a client has to catch up, once more than `maxUnreadBytes` wait for it: a burst from others is not its fault. */
const catchUpTime = 2_000
/** What it may have unread at most within that time, in multiples of `maxUnreadBytes`. */
const burstFactor = 2

const asText = { binary: false } as const

/** What all WebSocket streams of a listener share. */
export interface WebSocketShared {
  readonly stateTimeout: number
  /** Unread output, in bytes, beyond which the client is cut if it does not catch up soon. Reading from it stops at an eighth of that. */
  readonly maxUnreadBytes: number
  readonly scanner: Scanner
  readonly liveness: Liveness
  readonly outbox: Outbox
  readonly clock: Clock
}

export class WebSocketTransport implements Transport, Watched, Held {
  readonly facts: ConnectionFacts
  readonly #socket: StreamSocket
  readonly #wire: Duplex
  readonly #shared: WebSocketShared
  #events: TransportEvents | null = null
  /** `closing`: our `<close/>` is out, theirs is awaited. */
  #phase: 'open' | 'closing' | 'over' = 'open'
  #closedByPeer = false
  #held = false
  #pausedForOutput = false
  #timer: Timer | null = null
  #lastChance: Timer | null = null
  quietSweeps = 0

  /** `wire` is the socket beneath: what it holds back is what the client has not read. */
  constructor(socket: StreamSocket, wire: Duplex, facts: ConnectionFacts, shared: WebSocketShared) {
    this.#socket = socket
    this.#wire = wire
    this.facts = facts
    this.#shared = shared
  }

  get stateTimeout(): number { return this.#shared.stateTimeout }

  get isSlowedDown(): boolean { return this.#phase === 'open' && this.#timer !== null }

  listen(events: TransportEvents): void {
    this.#events = events
    const socket = this.#socket
    socket.on('message', (data, isBinary) => { this.#message(data, isBinary) })
    socket.on('pong', () => { this.quietSweeps = 0 })
    socket.on('ping', () => { this.quietSweeps = 0 })
    socket.on('close', () => { this.#gone() })
    socket.on('error', error => { this.#broken(error) })
    socket.onTooBig = () => { this.#events?.fault(new StreamError('policy-violation', 'that is longer than a stanza may be')) }
    this.#shared.liveness.watch(this)
  }

  open(header: ResponseHeader): void { this.#write(openMarkup(header)) }

  send(wire: Uint8Array | Markup): void { this.#write(wire) }

  pause(milliseconds: number): void {
    if (this.#phase !== 'open') return
    this.#socket.pause()
    this.#timer?.cancel()
    this.#timer = this.#shared.clock.after(milliseconds, () => {
      this.#timer = null
      this.#resume()
    })
  }

  close(error: StreamError | null): void {
    if (this.#phase !== 'open') return
    if (error !== null) this.#write(streamErrorMarkup(error))
    this.#write(closeMarkup)
    this.#phase = 'closing'
    this.#events = null
    this.#timer?.cancel()
    this.#socket.resume()
    this.#timer = this.#shared.clock.after(closingTimeout, () => { this.#socket.terminate() })
    // RFC 7395 §3.6: the WebSocket is closed when both have said goodbye.
    if (this.#closedByPeer) this.#socket.close(normalClosure)
  }

  release(): void {
    this.#held = false
    this.#wire.uncork()
  }

  ping(): void {
    if (this.#phase === 'open') this.#socket.ping()
  }

  die(): void { this.#cut(new Error('the client is not there any more')) }

  #message(data: RawData, isBinary: boolean): void {
    this.quietSweeps = 0
    if (this.#phase === 'closing') this.#awaitClose(data)
    const events = this.#events
    if (events === null) return
    if (isBinary) {
      // RFC 7395 §3.2: text only.
      this.#refuseBinary()
      return
    }
    let element: ScannedElement
    try {
      element = this.#shared.scanner.scan(data as Buffer)
    } catch (error) {
      if (!(error instanceof XmlError)) throw error
      events.fault(streamErrorOf(error))
      return
    }
    if (element.ns !== NS_FRAMING) {
      events.inbound(element)
    } else if (isOpen(element)) {
      events.header(headerOf(element))
    } else if (isClose(element)) {
      this.#closedByPeer = true
      this.#events = null
      events.footer()
    } else {
      events.fault(new StreamError('unsupported-stanza-type', 'there is no such element in WebSocket framing'))
    }
  }

  #refuseBinary(): void {
    this.#socket.close(unsupportedData, 'XMPP messages are text')
    this.#broken(new Error('a binary message'))
  }

  /** What came was no WebSocket message: `ws` has sent its close frame, and the peer's is awaited. */
  #broken(cause: Error): void {
    const events = this.#events
    this.#events = null
    this.#phase = 'closing'
    this.#timer?.cancel()
    this.#socket.resume()
    this.#timer = this.#shared.clock.after(closingTimeout, () => { this.#socket.terminate() })
    events?.lost(cause)
  }

  /** After our `<close/>` nothing that arrives counts, but the peer's own. */
  #awaitClose(data: RawData): void {
    try {
      if (isClose(this.#shared.scanner.scan(data as Buffer))) this.#socket.close(normalClosure)
    } catch (error) {
      if (!(error instanceof XmlError)) throw error
    }
  }

  #write(wire: Uint8Array | Markup): void {
    if (this.#phase !== 'open') return
    if (!this.#held) {
      this.#held = true
      this.#wire.cork()
      this.#shared.outbox.add(this)
    }
    this.#socket.send(wire, asText)
    const unread = this.#socket.bufferedAmount
    if (unread > this.#shared.maxUnreadBytes) this.#askToCatchUp(unread)
    // Only where `drain` will tell of the end: below its own mark the socket never says that it has caught up.
    else if (!this.#pausedForOutput && this.#wire.writableNeedDrain && unread > this.#shared.maxUnreadBytes / 8) this.#pauseForOutput()
  }

  #askToCatchUp(unread: number): void {
    const { clock, maxUnreadBytes } = this.#shared
    if (unread > burstFactor * maxUnreadBytes) {
      this.#cut(new Error('the client does not read what is sent to it'))
      return
    }
    this.#lastChance ??= clock.after(catchUpTime, () => {
      this.#lastChance = null
      if (this.#socket.bufferedAmount > maxUnreadBytes) this.#cut(new Error('the client does not read what is sent to it'))
    })
  }

  /** A client that reads slowly is not read from either, until it has caught up. */
  #pauseForOutput(): void {
    this.#pausedForOutput = true
    this.#socket.pause()
    this.#wire.once('drain', () => {
      this.#pausedForOutput = false
      this.#resume()
    })
  }

  #resume(): void {
    if (!this.#pausedForOutput && this.#timer === null) this.#socket.resume()
  }

  #cut(cause: Error): void {
    const events = this.#events
    this.#events = null
    this.#phase = 'over'
    this.#socket.terminate()
    events?.lost(cause)
  }

  #gone(): void {
    const events = this.#events
    this.#events = null
    this.#timer?.cancel()
    this.#timer = null
    this.#lastChance?.cancel()
    this.#phase = 'over'
    this.#shared.liveness.forget(this)
    events?.lost(null)
  }
}
