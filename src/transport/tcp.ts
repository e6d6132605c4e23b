/** One XML stream over one TCP connection (RFC 6120 §3 to §5), with STARTTLS where its listener offers it. */
import type { Socket } from 'node:net'
import { streamErrorMarkup } from '../stream/stream-error-markup.ts'
import type { ConnectionFacts, StreamLimits, Transport, TransportEvents, Upgrade } from '../stream/transport.ts'
import type { Timer } from '../telemetry/clock.ts'
import type { XmlLimits } from '../xml/limits.ts'
import type { ScannedElement } from '../xml/scanned.ts'
import { StreamScanner } from '../xml/stream-scanner.ts'
import { type Markup, tag } from '../xml/write.ts'
import { XmlError } from '../xml/xml-error.ts'
import { NS_TLS } from '../xmpp/namespaces.ts'
import { StreamError } from '../xmpp/stream-error.ts'
import type { ResponseHeader } from '../xmpp/stream-header.ts'
import { streamErrorOf } from './framing.ts'
import type { Liveness, Watched } from './liveness.ts'
import { Output, type OutputShared, type Readable } from './output.ts'
import { readStreamHeader, seeOtherHostMarkup, streamFooter, streamHeaderMarkup } from './stream-framing.ts'

/** The closing handshake, ours and TCP's, has so many milliseconds. */
const closingTimeout = 5_000

/** A piece of fewer bytes that leaves an element unfinished is a tiny one: no client sends those in a row who means well. */
const tinyBytes = 64
/** After so many tiny pieces the client is read from in gulps, with so many milliseconds between two: each read costs far more than a byte of it. */
const maxTinyPieces = 8
const gulpInterval = 20

/** Written behind all else, it says when that has gone. */
const nothing = new Uint8Array(0)

const proceed = tag('proceed', { xmlns: NS_TLS })

/** What all TCP streams of a listener share. */
export interface TcpShared extends OutputShared {
  readonly stateTimeout: number
  readonly xmlLimits: XmlLimits
  /** As announced. */
  readonly limits: StreamLimits
  /** Where clients may go when this gateway stops, as `domainpart:port`; null where nobody knows. */
  readonly seeOtherHost: string | null
  readonly liveness: Liveness
}

/** How a listener goes over to TLS. */
export interface StartTls {
  /** Nothing but TLS may come next. */
  readonly required: boolean
  /** Hands the socket over. `secured` is called at most once; where TLS fails the socket closes. */
  begin(socket: Socket, secured: (tls: Socket, facts: ConnectionFacts) => void): void
}

export class TcpTransport implements Transport, Watched, Readable {
  readonly #shared: TcpShared
  #startTls: StartTls | null
  #socket: Socket
  #facts: ConnectionFacts
  #scanner: StreamScanner
  #output: Output
  #events: TransportEvents | null = null
  /** `upgrading`: TLS is being negotiated. `closing`: our footer is out, theirs is awaited, or the end of the connection. */
  #phase: 'open' | 'upgrading' | 'closing' | 'over' = 'open'
  /** Our header is out, and no new stream is awaited: white space may be sent. */
  #isOpened = false
  #closedByPeer = false
  #tinyPieces = 0
  #deadline: Timer | null = null
  quietSweeps = 0

  /** `startTls` is null where TLS is there already. */
  constructor(socket: Socket, facts: ConnectionFacts, startTls: StartTls | null, shared: TcpShared) {
    this.#shared = shared
    this.#startTls = startTls
    this.#socket = socket
    this.#facts = facts
    this.#scanner = this.#newScanner()
    this.#output = new Output(socket, this, shared)
  }

  get facts(): ConnectionFacts { return this.#facts }
  get stateTimeout(): number { return this.#shared.stateTimeout }
  get limits(): StreamLimits { return this.#shared.limits }
  get isSlowedDown(): boolean { return this.#phase === 'open' && this.#output.isPaused }
  get unreadBytes(): number { return this.#socket.writableLength }

  get upgrade(): Upgrade | null {
    return this.#startTls === null ? null : { required: this.#startTls.required, start: () => { this.#upgrade() } }
  }

  listen(events: TransportEvents): void {
    this.#events = events
    this.#shared.liveness.watch(this)
    this.#attach(this.#socket)
  }

  open(header: ResponseHeader): void {
    this.#isOpened = true
    this.#write(streamHeaderMarkup(header))
  }

  send(wire: Uint8Array | Markup): void { this.#write(wire) }

  hasRoomFor(bytes: number): boolean { return this.#output.hasRoomFor(bytes) }

  whenSent(act: () => void): void {
    if (this.#phase !== 'open') return
    this.#socket.write(nothing, error => { if (error === undefined || error === null) act() })
  }

  restart(): void {
    this.#isOpened = false
    this.#scanner.restart()
  }

  pause(milliseconds: number): void {
    if (this.#phase === 'open') this.#output.pause(milliseconds)
  }

  close(error: StreamError | null): void {
    // In the middle of a TLS handshake there is no way to say anything.
    if (this.#phase === 'upgrading') this.#end()
    if (this.#phase !== 'open') return
    if (error !== null) this.#write(this.#told(error))
    this.#write(streamFooter)
    if (this.#isOver()) return
    this.#phase = 'closing'
    this.#events = null
    this.#output.end()
    // What still comes is read and dropped: a connection that is closed with unread input loses what was written last.
    this.resumeReading()
    this.#deadline = this.#shared.clock.after(closingTimeout, () => { this.#socket.destroy() })
    // RFC 6120 §4.4: when both have said goodbye. §4.9.1.1: after an error there is nothing to wait for.
    if (error !== null || this.#closedByPeer) this.#socket.end()
  }

  /** A stream ends with one error, and where else to go says more than that there is nobody here any more. */
  #told(error: StreamError): Markup {
    const { seeOtherHost } = this.#shared
    return error.condition === 'system-shutdown' && seeOtherHost !== null ? seeOtherHostMarkup(seeOtherHost) : streamErrorMarkup(error)
  }

  /** A white-space keepalive (RFC 6120 §4.6.1) says that we are here and is not answered: TCP itself finds out that the peer is not. */
  ping(): void {
    this.quietSweeps = 0
    if (this.#phase === 'open' && this.#isOpened) this.#write(' ' as Markup)
  }

  die(): void { this.cut(new Error('the client is not there any more')) }

  pauseReading(): void { this.#socket.pause() }
  resumeReading(): void { this.#socket.resume() }

  cut(cause: Error): void {
    const events = this.#events
    this.#end()
    events?.lost(cause)
  }

  // Reading.

  #attach(socket: Socket): void {
    socket.on('data', this.#read)
    socket.on('end', this.#ended)
    socket.on('error', () => { /* 'close' follows */ })
    socket.on('close', () => { this.#gone() })
  }

  readonly #read = (chunk: Buffer): void => {
    this.quietSweeps = 0
    try {
      this.#scanner.write(chunk)
      this.#pace(chunk.length)
    } catch (error) {
      if (!(error instanceof XmlError)) throw error
      if (this.#phase === 'closing') this.#socket.end()
      else this.#events?.fault(streamErrorOf(error, 'tcp.max_stanza_size'))
    }
  }

  #pace(length: number): void {
    if (!this.#scanner.isPartial) {
      this.#tinyPieces = 0
      return
    }
    if (length < tinyBytes) this.#tinyPieces += 1
    if (this.#tinyPieces > maxTinyPieces && this.#phase === 'open' && !this.#output.isPaused) this.#output.pause(gulpInterval)
  }

  #newScanner(): StreamScanner {
    return new StreamScanner({
      header: root => { this.#header(root) },
      element: element => { this.#events?.inbound(element) },
      footer: () => { this.#footer() },
    }, this.#shared.xmlLimits)
  }

  #header(root: ScannedElement): void {
    const header = readStreamHeader(root)
    if (header instanceof StreamError) this.#events?.fault(header)
    else this.#events?.header(header)
  }

  #footer(): void {
    if (this.#phase === 'closing') this.#socket.end()
    this.#closedByPeer = true
    const events = this.#events
    this.#events = null
    events?.footer()
  }

  /** The peer will say nothing more. It said no goodbye, or this would be over. */
  readonly #ended = (): void => {
    if (this.#phase === 'open') this.#gone()
    else this.#socket.end()
  }

  #gone(): void {
    const events = this.#events
    this.#end()
    events?.lost(null)
  }

  #end(): void {
    this.#events = null
    this.#phase = 'over'
    this.#deadline?.cancel()
    this.#output.end()
    this.#scanner.stop()
    this.#shared.liveness.forget(this)
    this.#socket.destroy()
  }

  // Writing.

  /** Asked after something was written, which may have been too much. */
  #isOver(): boolean { return this.#phase !== 'open' }

  #write(wire: Uint8Array | Markup): void {
    if (this.#phase !== 'open') return
    this.#output.hold()
    this.#socket.write(wire)
    this.#output.check()
  }

  // STARTTLS.

  /** RFC 6120 §5.4.2.3: behind `<proceed/>` there is nothing but TLS. */
  #upgrade(): void {
    const startTls = this.#startTls
    if (startTls === null || this.#phase !== 'open') return
    // Taken for input after the handshake, this would be somebody else's words in the client's mouth; nobody sends it who waits for <proceed/>.
    if (this.#scanner.bytesBehind > 0) {
      this.cut(new Error('plain text after <starttls/>'))
      return
    }
    const socket = this.#socket
    this.#phase = 'upgrading'
    this.#startTls = null
    this.#isOpened = false
    this.#scanner.stop()
    socket.off('data', this.#read).off('end', this.#ended).pause()
    // When all that was written in clear has left. What has come by then is not looked at: it is TLS, or the handshake fails of it.
    this.#output.hold()
    socket.write(proceed, () => {
      if (this.#phase === 'upgrading') startTls.begin(socket, (tls, facts) => { this.#secured(tls, facts) })
    })
  }

  #secured(tls: Socket, facts: ConnectionFacts): void {
    if (this.#phase !== 'upgrading') {
      tls.destroy()
      return
    }
    this.#output.end()
    this.#phase = 'open'
    this.#socket = tls
    this.#facts = facts
    this.#scanner = this.#newScanner()
    this.#output = new Output(tls, this, this.#shared)
    this.#attach(tls)
  }
}
