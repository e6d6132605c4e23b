/** A bound resource: what a client is to its domain. One session, one full JID. */
import type { Principal } from '../auth/credentials.ts'
import type { OutboundStream, StanzaSink } from '../stream/stream-services.ts'
import type { ConnectionFacts } from '../stream/transport.ts'
import { bareOf, type FullJid, parseJid } from '../xmpp/jid.ts'
import type { Stanza } from '../xmpp/stanza.ts'
import { StreamError } from '../xmpp/stream-error.ts'
import type { Attachment, Departure } from './domain.ts'
import type { RateLimiter } from './rate-limiter.ts'

export class Session implements StanzaSink {
  readonly jid: FullJid
  readonly principal: Principal
  readonly #stream: OutboundStream
  readonly #limiter: RateLimiter | null
  readonly #ended: (session: Session, reason: Departure) => void
  #attachment: Attachment | null = null
  #over = false

  constructor(jid: FullJid, principal: Principal, stream: OutboundStream, limiter: RateLimiter | null,
    ended: (session: Session, reason: Departure) => void) {
    this.jid = jid
    this.principal = principal
    this.#stream = stream
    this.#limiter = limiter
    this.#ended = ended
  }

  /** Of the connection that it is reached by. */
  get facts(): ConnectionFacts { return this.#stream.facts }

  attach(attachment: Attachment): void { this.#attachment = attachment }

  /** Client → domain. */
  receive(stanza: Stanza): void {
    const { from } = stanza
    if (from !== null && from !== this.jid && !this.#isOurs(from)) {
      throw new StreamError('invalid-from', 'a stanza whose "from" is not this session')
    }
    if (this.#limiter !== null) {
      const milliseconds = this.#limiter.take()
      if (milliseconds > 0) this.#stream.pause(milliseconds)
    }
    this.#attachment?.receive(stanza)
  }

  /** Domain → client. */
  deliver(wire: Uint8Array): void {
    if (!this.#over) this.#stream.send(wire)
  }

  /** Ends the session and its stream. */
  end(reason: Departure, error: StreamError | null): void {
    if (this.#over) return
    // Left first, so that nothing that the departure causes is written behind the stream error.
    try {
      this.#leave(reason)
    } finally {
      this.#stream.end(error)
    }
  }

  streamEnded(how: 'closed' | 'lost' | 'failed'): void { this.#leave(how === 'lost' ? 'lost' : 'closed') }

  #leave(reason: Departure): void {
    if (this.#over) return
    this.#over = true
    try {
      this.#attachment?.detach(reason)
    } finally {
      // Whatever became of the domain: a session that is over is in nobody's way.
      this.#ended(this, reason)
    }
  }

  /** RFC 6120 §8.1.2.1: `from`, where the client gives one, is the bound full JID or its bare JID. */
  #isOurs(from: string): boolean {
    const prepared = parseJid(from)
    return prepared !== null && (prepared === this.jid || prepared === bareOf(this.jid))
  }
}
