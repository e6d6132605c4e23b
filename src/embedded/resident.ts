/** One bound resource in the embedded domain: its session, and what its presence says of it (RFC 6121 §4). */
import type { Attachment, Departure } from '../session/domain.ts'
import type { Session } from '../session/session.ts'
import type { Unacknowledged } from '../session/stream-management.ts'
import type { FullJid } from '../xmpp/jid.ts'
import type { Stanza } from '../xmpp/stanza.ts'
import type { Account } from './account.ts'
import type { FeatureResource } from './feature-account.ts'
import type { Introduction } from './introduction.ts'
import type { Router } from './router.ts'

/** What a resource that is available told the world. */
export interface Availability {
  /** RFC 6121 §4.7.2.3: −128 to 127. A negative one gets nothing that is sent to the bare JID. */
  readonly priority: number
  /** The last broadcast, stamped, to be shown to resources that become available later. */
  readonly wire: Uint8Array
  /** Since when it has had this priority: milliseconds of `Clock.elapsed`. */
  readonly since: number
}

export class Resident implements Attachment, FeatureResource {
  readonly jid: FullJid
  readonly account: Account
  readonly session: Session
  readonly #router: Router
  /** Null for a connected resource that sent no presence, or an unavailable one (RFC 6121 §4.1). */
  availability: Availability | null = null
  /** That of its last availability; null where there was none. */
  lastPriority: number | null = null
  /** Whom it sent directed presence (RFC 6121 §4.6); null until the first. */
  directed: Set<string> | null = null
  /** It has asked for the roster, and is told of changes (RFC 6121 §2.2: an interested resource). */
  isInterested = false
  wantsBlocklist = false
  /** What it sent before it left may still be dealt with; it is nobody to be seen any more. */
  hasLeft = false
  /** What follows the answer to the request that is being dealt with. */
  afterAnswer: (() => void) | null = null
  /** What it says to the world as soon as it has been given what was kept; null where it has said it, or does not come. */
  arrival: (() => void) | null = null
  /** It is being given what was kept: what is newer waits behind that. */
  isBehind = false
  /** Its client has no room for the rest of that just now. */
  awaitsRoom = false
  /** What it is being shown of others; null where nothing is left of that. */
  introduction: Introduction | null = null
  #wantsCarbons = false

  constructor(session: Session, account: Account, router: Router) {
    this.session = session
    this.jid = session.jid
    this.account = account
    this.#router = router
  }

  get wantsCarbons(): boolean { return this.#wantsCarbons }

  set wantsCarbons(wants: boolean) {
    if (wants !== this.#wantsCarbons && !this.hasLeft) this.account.copied += wants ? 1 : -1
    this.#wantsCarbons = wants
  }

  arrive(): void {
    const { arrival } = this
    this.arrival = null
    arrival?.()
  }

  receive(stanza: Stanza): void | Promise<void> { return this.#router.route(this, stanza) }

  detach(_reason: Departure): void {
    this.wantsCarbons = false
    this.hasLeft = true
    this.#router.depart(this)
  }

  undelivered(stanzas: readonly Unacknowledged[]): void { this.#router.undelivered(this, stanzas) }
}
