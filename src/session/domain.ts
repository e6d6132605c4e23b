/** What a session binds to: the embedded domain, or a server upstream. Declared here by its consumer. */
import type { Principal } from '../auth/credentials.ts'
import type { Domainpart, FullJid } from '../xmpp/jid.ts'
import type { Stanza } from '../xmpp/stanza.ts'
import type { Session } from './session.ts'
import type { Unacknowledged } from './stream-management.ts'

/** Why a session left its domain. */
export type Departure = 'closed' | 'lost' | 'replaced' | 'expired' | 'revoked' | 'distrusted' | 'shutdown'

export interface Domain {
  readonly name: Domainpart
  /** Reserves a full JID (RFC 6120 §7). Refuses with StanzaError `bad-request`, `conflict` or `resource-constraint`. */
  bind(principal: Principal, requested: string | null): FullJid | Promise<FullJid>
  /** Starts the duplex flow for a bound session. */
  attach(session: Session): Attachment
}

export interface Attachment {
  /** Client → domain. `stanza.from` was checked. */
  receive(stanza: Stanza): void
  detach(reason: Departure): void
  /** After `detach`: what the session was given and its client never acknowledged, in order (XEP-0198 §4). */
  undelivered(stanzas: readonly Unacknowledged[]): void
}
