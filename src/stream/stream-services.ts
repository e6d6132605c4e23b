/** What a receiving stream asks of the house: declared here by its consumer, given by the session manager. */
import type { Principal } from '../auth/credentials.ts'
import type { MechanismKey } from '../sasl/catalogue.ts'
import type { SaslContext, SaslPeer } from '../sasl/mechanism.ts'
import type { Clock } from '../telemetry/clock.ts'
import type { Log } from '../telemetry/log.ts'
import type { TrafficByCarrier } from '../telemetry/traffic.ts'
import type { ScannedElement } from '../xml/scanned.ts'
import type { Markup } from '../xml/write.ts'
import type { Domainpart, FullJid } from '../xmpp/jid.ts'
import type { Stanza } from '../xmpp/stanza.ts'
import type { StanzaCondition } from '../xmpp/stanza-error.ts'
import type { StreamError } from '../xmpp/stream-error.ts'
import type { ResumeRequest } from './stream-management-elements.ts'
import type { Announcements } from './features.ts'
import type { ConnectionFacts } from './transport.ts'

/** Where an established stream puts its stanzas; the session implements it. */
export interface StanzaSink {
  readonly jid: FullJid
  receive(stanza: Stanza): void
  /** Takes an element that is no stanza. False where it belongs to no feature that was negotiated. */
  control(element: ScannedElement): boolean
  /** The stream is over. `lost`: without a goodbye, so that a session may survive it (XEP-0198 §5). */
  streamEnded(how: 'closed' | 'lost' | 'failed'): void
}

/** The stream as the session above it sees it. */
export interface OutboundStream {
  /** Of the connection beneath. */
  readonly facts: ConnectionFacts
  /** Sends a stanza. */
  send(wire: Uint8Array): void
  /** Sends an element that is no stanza. */
  say(markup: Markup): void
  /** Whether so many bytes more that could wait are to be sent now. */
  hasRoomFor(bytes: number): boolean
  /** Calls `act` when all that was sent until now has left for the client; never, where the connection ends before. */
  whenSent(act: () => void): void
  /** Reads nothing more from the client for so many milliseconds. */
  pause(milliseconds: number): void
  /** Ends the stream: with a stream error, or in good order. Idempotent. */
  end(error: StreamError | null): void
  /** Ends the stream for whatever was thrown while something that it brought was dealt with. */
  fail(error: unknown): void
}

export type Binding = () => StanzaSink

/** What became of a `<resume/>` (XEP-0198 §5). */
export type Resumption =
  | { readonly kind: 'resumed', readonly sink: StanzaSink,
    /** Stanzas of the client that were handled. */
    readonly handled: number,
    /** Sends again what the client has not handled: to be called as soon as it was told that it is back. */
    readonly proceed: () => void }
  | { readonly kind: 'failed', readonly condition: StanzaCondition, readonly handled: number | null,
    /** Where the stream cannot go on after this. */
    readonly error: StreamError | null }

/** One served domain, as far as negotiation is concerned. */
export interface ServedHost {
  readonly name: Domainpart
  /** What is configured for this host, in the order in which it is advertised. */
  readonly mechanisms: readonly MechanismKey[]
  /** What authenticated clients are told of the domain, beside what they can negotiate (RFC 6120 §4.3.2). */
  readonly streamFeatures: readonly Markup[]
  /** The context of one attempt on a connection. */
  readonly saslContext: (peer: SaslPeer) => SaslContext
  /**
   * Reserves a resource (RFC 6120 §7). What is returned binds it: to be called when the client is told at once, since from then on stanzas come,
   * and never for a stream that has gone. Both refuse with a StanzaError.
   */
  bind(stream: OutboundStream, principal: Principal, requested: string | null): Binding | Promise<Binding>
  /** Brings a session back that lost its stream, or has not noticed yet that it did. A promise: it is too early, ask again when that has settled. */
  resume(stream: OutboundStream, principal: Principal, request: ResumeRequest): Resumption | Promise<void>
}

export interface StreamServices {
  host(name: string): ServedHost | null
  /** An unpredictable stream id (RFC 6120 §4.7.3). */
  newStreamId(): string
  /** Called once for each stream, when it is over. */
  over(stream: OutboundStream): void
  readonly clock: Clock
  readonly log: Log
  /** Stream features as they are written. */
  readonly announcements: Announcements
  /** Where established streams count what goes through them. */
  readonly traffic: TrafficByCarrier
}
