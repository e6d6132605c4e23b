/** One bound resource in the embedded domain: its session, and what its presence says of it (RFC 6121 §4). */
import type { Attachment, Departure } from '../session/domain.ts'
import type { Session } from '../session/session.ts'
import type { Unacknowledged } from '../session/stream-management.ts'
import type { BareJid, FullJid } from '../xmpp/jid.ts'
import { bareOf } from '../xmpp/jid.ts'
import type { Stanza } from '../xmpp/stanza.ts'
import type { Router } from './router.ts'

/** What a resource that is available told the world. */
export interface Availability {
  /** RFC 6121 §4.7.2.3: −128 to 127. A negative one gets nothing that is sent to the bare JID. */
  readonly priority: number
  /** The last broadcast, stamped, to be shown to resources that become available later. */
  readonly wire: Uint8Array
  /** Since when it has had this priority, in milliseconds since the epoch. */
  readonly since: number
}

export class Resident implements Attachment {
  readonly jid: FullJid
  readonly account: BareJid
  readonly session: Session
  readonly #router: Router
  /** Null for a connected resource that sent no presence, or an unavailable one (RFC 6121 §4.1). */
  availability: Availability | null = null
  /** That of its last availability; null where there was none. */
  lastPriority: number | null = null
  /** Whom it sent directed presence (RFC 6121 §4.6); null until the first. */
  directed: Set<string> | null = null

  constructor(session: Session, router: Router) {
    this.session = session
    this.jid = session.jid
    this.account = bareOf(session.jid)
    this.#router = router
  }

  receive(stanza: Stanza): void { this.#router.route(this, stanza) }

  detach(_reason: Departure): void { this.#router.depart(this) }

  undelivered(stanzas: readonly Unacknowledged[]): void { this.#router.undelivered(this, stanzas) }
}
