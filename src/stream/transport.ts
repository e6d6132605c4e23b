/** What carries one XML stream. WebSocket, BOSH and TCP differ only below this line. */
import type { ChannelBindings } from '../sasl/channel-binding.ts'
import type { Carrier } from '../telemetry/traffic.ts'
import type { CertificateVerdict } from '../x509/verdict.ts'
import type { ScannedElement } from '../xml/scanned.ts'
import type { Markup } from '../xml/write.ts'
import type { ResponseHeader, StreamHeader } from '../xmpp/stream-header.ts'
import type { StreamError } from '../xmpp/stream-error.ts'

/** Facts about the connection, fixed when it is accepted and never guessed later; STARTTLS replaces them once. */
export interface ConnectionFacts {
  readonly transport: Carrier
  readonly remoteAddress: string
  /** TLS protects the way from the client to us (or to a proxy that we trust). */
  readonly secure: boolean
  /** What the peer's certificate is worth now. The evidence is fixed; the dates are compared at each call (external.md §1). */
  certificate(): CertificateVerdict
  /** Computed when asked for: most logins do without. */
  channelBindings(): ChannelBindings
}

/** What a transport tells its stream: synchronously, in arrival order, never after `footer` or `lost`. */
export interface TransportEvents {
  header(header: StreamHeader): void
  /** A first-level child of the stream. */
  inbound(element: ScannedElement): void
  /** The peer sent what no stream may carry, or too much of it: the stream ends with this error. */
  fault(error: StreamError): void
  /** The peer closed its stream: `<close/>`, `</stream:stream>`, or type='terminate'. */
  footer(): void
  /** The connection went away without a footer; the session may still be resumed. */
  lost(cause: Error | null): void
}

/** What a listener takes, to be announced (XEP-0478). */
export interface StreamLimits {
  /** Bytes of one first-level element. */
  readonly maxBytes: number
  /** Milliseconds of silence after which the client is looked for, or its stream ends; null where it may be silent for ever. */
  readonly idle: number | null
}

/** The way from plain text to TLS (RFC 6120 §5). */
export interface Upgrade {
  /** Nothing is negotiated before it. */
  readonly required: boolean
  /**
   * Sends `<proceed/>` and goes over to TLS. Of what was received in clear nothing remains; whatever has come already behind `<starttls/>`
   * ends the connection. A header opens the next stream, with facts of its own.
   */
  start(): void
}

/** Carries one XML stream. */
export interface Transport {
  readonly facts: ConnectionFacts
  /** Milliseconds allowed for each step of negotiation. */
  readonly stateTimeout: number
  readonly limits: StreamLimits
  /** Null where TLS is there already, or is HTTP's business. */
  readonly upgrade: Upgrade | null
  /** Where the events go. Called once, synchronously on accept, before any byte is read. */
  listen(events: TransportEvents): void
  open(header: ResponseHeader): void
  /** Writes one self-contained element. What cannot be written within the transport's limits ends in `lost`. */
  send(wire: Uint8Array | Markup): void
  /** Whether so many bytes more that could wait are to be sent now: together with what the peer has not read they are far from the transport's limits. */
  hasRoomFor(bytes: number): boolean
  /** Calls `act` when all that was sent until now has left for the peer, as far as that can be told here; never, where the connection ends before. */
  whenSent(act: () => void): void
  /** The peer begins a new stream now (RFC 6120 §4.3.3): the next that it says is a header. */
  restart(): void
  /** Takes nothing more from the peer for so many milliseconds; what is under way may still arrive. */
  pause(milliseconds: number): void
  /** Sends the stream error, if it is for one, and the footer; then ends the connection in good order. Idempotent; no event follows. */
  close(error: StreamError | null): void
}
