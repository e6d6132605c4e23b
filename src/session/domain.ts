/** What a session binds to: the embedded domain, or a server upstream. Declared here by its consumer. */
import type { Principal } from '../auth/credentials.ts'
import type { Markup } from '../xml/write.ts'
import type { Domainpart, FullJid } from '../xmpp/jid.ts'
import type { Stanza } from '../xmpp/stanza.ts'
import type { Session } from './session.ts'
import type { Unacknowledged } from './stream-management.ts'

/** Why a session left its domain. */
export type Departure = 'closed' | 'lost' | 'replaced' | 'expired' | 'revoked' | 'distrusted' | 'shutdown'

export interface Domain {
  readonly name: Domainpart
  /** What it says of itself among the stream features, to those who have logged in. */
  readonly streamFeatures: readonly Markup[]
  /** Reserves a full JID (RFC 6120 §7). Refuses with StanzaError `bad-request`, `conflict` or `resource-constraint`. */
  bind(principal: Principal, requested: string | null): FullJid | Promise<FullJid>
  /** Starts the duplex flow for a bound session. */
  attach(session: Session): Attachment
}

export interface Attachment {
  /**
   * Client → domain, one stanza after the other. `stanza.from` was checked. What is returned settles when the stanza has been dealt with:
   * what it changed is kept, and who has to know has been told. Nothing is returned where that is so already.
   */
  receive(stanza: Stanza): void | Promise<void>
  detach(reason: Departure): void
  /** After `detach`: what the session was given and its client never acknowledged, in order (XEP-0198 §4). */
  undelivered(stanzas: readonly Unacknowledged[]): void
}
