/** One XML stream over one WebSocket (RFC 7395). */
import type { Duplex } from 'node:stream'
import type { RawData } from 'ws'
import { streamErrorMarkup } from '../stream/stream-error-markup.ts'
import type { ConnectionFacts, StreamLimits, Transport, TransportEvents } from '../stream/transport.ts'
import type { Timer } from '../telemetry/clock.ts'
import { LimitReached } from '../telemetry/limit.ts'
import type { Scanner } from '../xml/scanner.ts'
import type { ScannedElement } from '../xml/scanned.ts'
import type { Markup } from '../xml/write.ts'
import { XmlError } from '../xml/xml-error.ts'
import { NS_FRAMING } from '../xmpp/namespaces.ts'
import { StreamError } from '../xmpp/stream-error.ts'
import type { ResponseHeader } from '../xmpp/stream-header.ts'
import { closeMarkup, headerOf, isClose, isOpen, openMarkup, streamErrorOf } from './framing.ts'
import type { Liveness, Watched } from './liveness.ts'
import { Output, type OutputShared, type Readable } from './output.ts'
import type { StreamSocket } from './stream-socket.ts'

/** websocket.md: the closing handshakes, ours and the WebSocket's, have so many milliseconds together. */
const closingTimeout = 5_000

/** RFC 6455 §7.4.1. */
const normalClosure = 1000
const unsupportedData = 1003

const asText = { binary: false } as const

function tooBig(): StreamError {
  const text = 'that is longer than a stanza may be'
  return new StreamError('policy-violation', text, { cause: new LimitReached('websocket.max_stanza_size', text) })
}

/** What all WebSocket streams of a listener share. */
export interface WebSocketShared extends OutputShared {
  readonly stateTimeout: number
  /** As announced. */
  readonly limits: StreamLimits
  /** Where clients may go when this gateway stops; null where nobody knows. */
  readonly seeOtherUri: string | null
  readonly scanner: Scanner
  readonly liveness: Liveness
}

export class WebSocketTransport implements Transport, Watched, Readable {
  readonly facts: ConnectionFacts
  readonly #socket: StreamSocket
  readonly #output: Output
  readonly #shared: WebSocketShared
  #events: TransportEvents | null = null
  /** `closing`: our `<close/>` is out, theirs is awaited. */
  #phase: 'open' | 'closing' | 'over' = 'open'
  #closedByPeer = false
  #deadline: Timer | null = null
  quietSweeps = 0

  /** `wire` is the socket beneath: what it holds back is what the client has not read. */
  constructor(socket: StreamSocket, wire: Duplex, facts: ConnectionFacts, shared: WebSocketShared) {
    this.#socket = socket
    this.#output = new Output(wire, this, shared)
    this.facts = facts
    this.#shared = shared
  }

  /** TLS is HTTP's business. */
  readonly upgrade = null

  get stateTimeout(): number { return this.#shared.stateTimeout }
  get limits(): StreamLimits { return this.#shared.limits }
  get isSlowedDown(): boolean { return this.#phase === 'open' && this.#output.isPaused }
  get unreadBytes(): number { return this.#socket.bufferedAmount }

  listen(events: TransportEvents): void {
    this.#events = events
    const socket = this.#socket
    socket.on('message', (data, isBinary) => { this.#message(data, isBinary) })
    socket.on('pong', () => { this.quietSweeps = 0 })
    socket.on('ping', () => { this.quietSweeps = 0 })
    socket.on('close', () => { this.#gone() })
    socket.on('error', error => { this.#broken(error) })
    socket.onTooBig = () => { this.#events?.fault(tooBig()) }
    this.#shared.liveness.watch(this)
  }

  open(header: ResponseHeader): void { this.#write(openMarkup(header)) }

  send(wire: Uint8Array | Markup): void { this.#write(wire) }

  hasRoomFor(bytes: number): boolean { return this.#output.hasRoomFor(bytes) }

  /** A message may wait to be compressed: only what goes the same way comes behind it. RFC 6455 §5.5.3: nobody answers a pong. */
  whenSent(act: () => void): void {
    if (this.#phase !== 'open') return
    this.#output.hold()
    this.#socket.pong('', false, (error?: Error | null) => { if (error === undefined || error === null) act() })
  }

  /** RFC 7395 §3.7: the messages say themselves where a stream begins. */
  restart(): void { /* nothing to do */ }

  pause(milliseconds: number): void {
    if (this.#phase === 'open') this.#output.pause(milliseconds)
  }

  close(error: StreamError | null): void {
    if (this.#phase !== 'open') return
    if (error !== null) this.#write(streamErrorMarkup(error))
    this.#write(closeMarkup(error?.condition === 'system-shutdown' ? this.#shared.seeOtherUri : null))
    if (this.#isOver()) return
    this.#events = null
    this.#awaitEnd()
    // RFC 7395 §3.6: the WebSocket is closed when both have said goodbye.
    if (this.#closedByPeer) this.#socket.close(normalClosure)
  }

  ping(): void {
    if (this.#phase === 'open') this.#socket.ping()
  }

  die(): void { this.cut(new Error('the client is not there any more')) }

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
    this.#awaitEnd()
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

  /** Asked after something was written, which may have been too much. */
  #isOver(): boolean { return this.#phase !== 'open' }

  #write(wire: Uint8Array | Markup): void {
    if (this.#phase !== 'open') return
    this.#output.hold()
    this.#socket.send(wire, asText)
    this.#output.check()
  }

  pauseReading(): void { this.#socket.pause() }
  resumeReading(): void { this.#socket.resume() }

  cut(cause: Error): void {
    const events = this.#events
    this.#events = null
    this.#phase = 'over'
    this.#socket.terminate()
    events?.lost(cause)
  }

  /** The closing handshake is under way, whoever began it. */
  #awaitEnd(): void {
    this.#phase = 'closing'
    this.#output.end()
    this.#socket.resume()
    this.#deadline?.cancel()
    this.#deadline = this.#shared.clock.after(closingTimeout, () => { this.#socket.terminate() })
  }

  #gone(): void {
    const events = this.#events
    this.#events = null
    this.#deadline?.cancel()
    this.#output.end()
    this.#phase = 'over'
    this.#shared.liveness.forget(this)
    events?.lost(null)
  }
}
