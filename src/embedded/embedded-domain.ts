/** The domain that Meerkat serves by itself: one small XMPP server for its users. */
import type { Principal } from '../auth/credentials.ts'
import type { Attachment, Domain } from '../session/domain.ts'
import type { Session } from '../session/session.ts'
import { type Domainpart, type FullJid, fullJid, prepareResourcepart } from '../xmpp/jid.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import { Resident } from './resident.ts'
import type { Router } from './router.ts'

export class EmbeddedDomain implements Domain {
  readonly name: Domainpart
  readonly #router: Router
  readonly #newResource: () => string

  /** `newResource` makes an unpredictable resourcepart (RFC 6120 §7.6). */
  constructor(name: Domainpart, router: Router, newResource: () => string) {
    this.name = name
    this.#router = router
    this.#newResource = newResource
  }

  bind(principal: Principal, requested: string | null): FullJid {
    if (requested === null) return fullJid(principal.account, this.#newResource())
    const prepared = prepareResourcepart(requested)
    // RFC 6120 §7.7.2.1
    if (prepared === null) throw new StanzaError('bad-request', 'that is no resourcepart (RFC 7622 §3.4)')
    return fullJid(principal.account, prepared)
  }

  attach(session: Session): Attachment {
    const resident = new Resident(session, this.#router)
    this.#router.arrive(resident)
    return resident
  }
}
