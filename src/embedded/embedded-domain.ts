/** The domain that Meerkat serves by itself: one small XMPP server for its users. */
import type { Principal } from '../auth/credentials.ts'
import type { Attachment, Domain } from '../session/domain.ts'
import type { Session } from '../session/session.ts'
import type { Markup } from '../xml/write.ts'
import { bareOf, type Domainpart, type FullJid, fullJid, prepareResourcepart } from '../xmpp/jid.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import type { Accounts } from './accounts.ts'
import { begin } from './first-login.ts'
import { Resident } from './resident.ts'
import type { Router } from './router.ts'

interface Surroundings {
  readonly router: Router
  readonly accounts: Accounts
  /** What authenticated clients are told of the domain. */
  readonly streamFeatures: readonly Markup[]
  /** Makes an unpredictable resourcepart (RFC 6120 §7.6). */
  readonly newResource: () => string
  /** So many requests to subscribe are heard at the first log-in. */
  readonly maxRequests: number
}

export class EmbeddedDomain implements Domain {
  readonly name: Domainpart
  readonly streamFeatures: readonly Markup[]
  readonly #router: Router
  readonly #accounts: Accounts
  readonly #newResource: () => string
  readonly #maxRequests: number

  constructor(name: Domainpart, { router, accounts, streamFeatures, newResource, maxRequests }: Surroundings) {
    this.name = name
    this.streamFeatures = streamFeatures
    this.#router = router
    this.#accounts = accounts
    this.#newResource = newResource
    this.#maxRequests = maxRequests
  }

  /** Loads the account, so that all that follows finds it in memory. Whoever logs in for the first time begins to exist for others. */
  bind(principal: Principal, requested: string | null): FullJid | Promise<FullJid> {
    const jid = this.#jidOf(principal, requested)
    const account = this.#accounts.use(principal.account)
    if (!(account instanceof Promise) && account.isKnown) return jid
    return Promise.resolve(account).then(loaded => begin(loaded, this.#maxRequests)).then(() => jid)
  }

  attach(session: Session): Attachment {
    const account = this.#accounts.get(bareOf(session.jid))
    if (account === undefined) throw new StanzaError('internal-server-error', 'the account is not in memory any more')
    const resident = new Resident(session, account, this.#router)
    this.#router.arrive(resident)
    return resident
  }

  #jidOf(principal: Principal, requested: string | null): FullJid {
    if (requested === null) return fullJid(principal.account, this.#newResource())
    const prepared = prepareResourcepart(requested)
    // RFC 6120 §7.7.2.1
    if (prepared === null) throw new StanzaError('bad-request', 'that is no resourcepart (RFC 7622 §3.4)')
    return fullJid(principal.account, prepared)
  }
}
