/**
 * The server's rules for stanzas (RFC 6120 §10, RFC 6121 §8): which rules each is a matter of, and what the sender hears where it cannot
 * go where it should. One router serves all domains of this house, over one directory.
 */
import { withAttribute } from '../xml/splice.ts'
import { Directory } from '../session/directory.ts'
import type { Unacknowledged } from '../session/stream-management.ts'
import { bareOf, domainOf, type FullJid, isFull, type Jid, parseJid } from '../xmpp/jid.ts'
import { errorReply, type Stanza } from '../xmpp/stanza.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import { AskedAccount } from './asked-account.ts'
import type { Account } from './account.ts'
import { withoutForgedDelay } from './delay.ts'
import type { Asked, IqDispatch } from './iq-dispatch.ts'
import { LastSeen } from './last-seen.ts'
import { MessageRules } from './message-rules.ts'
import { OfflineMessages } from './offline.ts'
import { PresenceRules } from './presence.ts'
import { type Realm, withAccount } from './realm.ts'
import { SubscriptionRules } from './subscriptions.ts'
import { UndeliveredRules } from './undelivered.ts'
import type { Resident } from './resident.ts'

const unavailable = (text: string) => new StanzaError('service-unavailable', text)

/** XEP-0191 §3.3: what is sent to those whom the sender has blocked himself. */
const blockedByOneself = () => new StanzaError('not-acceptable', 'you have blocked that address', {
  type: 'cancel', specific: { ns: 'urn:xmpp:blocking:errors', local: 'blocked' },
})

export class Router {
  readonly #directory: Directory<Resident>
  readonly #domains: ReadonlySet<string>
  readonly #realm: Realm
  readonly #iqs: IqDispatch
  readonly #messages: MessageRules
  readonly #presence: PresenceRules
  readonly #subscriptions: SubscriptionRules
  readonly #undelivered: UndeliveredRules

  constructor(domains: ReadonlySet<string>, iqs: IqDispatch, realm: Omit<Realm, 'directory'>) {
    this.#domains = domains
    this.#iqs = iqs
    this.#directory = new Directory<Resident>()
    this.#realm = { ...realm, directory: this.#directory }
    const offline = new OfflineMessages(this.#realm)
    this.#messages = new MessageRules(this.#realm, offline)
    this.#presence = new PresenceRules(this.#realm, offline, new LastSeen(this.#realm))
    this.#subscriptions = new SubscriptionRules(this.#realm, this.#presence)
    this.#undelivered = new UndeliveredRules(this.#realm, offline)
  }

  arrive(resident: Resident): void {
    this.#realm.accounts.arrive(resident.account)
    this.#directory.add(resident)
  }

  depart(resident: Resident): void {
    this.#directory.remove(resident)
    this.#presence.depart(resident)
    this.#realm.accounts.depart(resident.account)
  }

  /** What `resident`, which has gone, did not acknowledge. */
  undelivered(resident: Resident, stanzas: readonly Unacknowledged[]): void { this.#undelivered.passOn(resident, stanzas) }

  /** Returns a promise where something is to be looked up, or kept, first. */
  route(sender: Resident, given: Stanza): void | Promise<void> {
    const stanza = withoutForgedDelay(given, this.#domains)
    // The short way, which nearly every stanza takes: a message to a full JID that is bound, spelt as it is bound.
    if (stanza.kind === 'message' && stanza.to !== null) {
      const recipient = this.#directory.get(stanza.to)
      if (recipient !== undefined && recipient.account.isPlain && sender.account.isPlain) {
        recipient.session.deliver(withAttribute(stanza.wire, 'from', sender.jid))
        return
      }
    }
    try {
      const later = this.#route(sender, stanza)
      return later instanceof Promise ? later.catch((error: unknown) => { this.#fail(sender, stanza, error) }) : undefined
    } catch (error) {
      this.#fail(sender, stanza, error)
    }
  }

  #route(sender: Resident, stanza: Stanza): void | Promise<void> {
    const to = stanza.to === null ? null : parseJid(stanza.to)
    if (to === null && stanza.to !== null) throw new StanzaError('jid-malformed', 'the address in "to" is no JID')
    switch (stanza.kind) {
      case 'message':
        // RFC 6120 §10.3.1: a message without an address is for the sender's own account.
        this.#assertMayWrite(sender, to ?? sender.account.jid)
        return this.#messages.receive(sender, stanza, to ?? sender.account.jid)
      case 'presence':
        return this.#presenceTo(sender, stanza, to)
      case 'iq':
        return this.#iq(sender, stanza, to)
    }
  }

  #presenceTo(sender: Resident, stanza: Stanza, to: Jid | null): void | Promise<void> {
    const type = stanza.presenceType
    if (type === null) throw new StanzaError('bad-request', 'there is no such type of presence')
    if (to === null) return this.#presence.broadcast(sender, stanza)
    this.#assertMayWrite(sender, to)
    switch (type) {
      case 'available':
      case 'unavailable':
      case 'error':
        this.#presence.direct(sender, stanza, to)
        return
      case 'probe':
        return this.#presence.probe(sender, to)
      default:
        return this.#subscriptions.receive(sender, stanza, type, bareOf(to))
    }
  }

  #iq(sender: Resident, stanza: Stanza, to: Jid | null): void | Promise<void> {
    if (stanza.iqType === null) {
      throw new StanzaError('bad-request', 'an IQ has an id, a type of get, set, result or error, and one payload in a request')
    }
    if (to !== null) this.#assertMayWrite(sender, to)
    const isRequest = stanza.iqType === 'get' || stanza.iqType === 'set'
    const isServer = to !== null && !to.includes('@')
    if (to !== null && !isServer && isFull(to)) {
      if (isRequest && this.#iqs.isGuarded(stanza)) return this.#guardedIq(sender, stanza, to)
      const recipient = this.#directory.get(to)
      // XEP-0191 §3.3: to whom is blocked there is nobody.
      if (recipient !== undefined && !recipient.account.blocks(sender.jid)) recipient.session.deliver(withAttribute(stanza.wire, 'from', sender.jid))
      // RFC 6121 §8.5.3.2.3
      else if (isRequest) throw unavailable('that resource is not connected')
      return
    }
    // An answer to us, who ask nothing: RFC 6120 §8.2.3 forbids to answer it.
    if (!isRequest) return
    if (isServer) {
      if (isFull(to)) throw unavailable('nothing here answers that request')
      return this.#answer(sender, stanza, { at: 'server' }, to)
    }
    // RFC 6120 §10.3.3: without an address, the server answers for the sender's account.
    if (to === null || to === sender.account.jid) {
      return this.#answer(sender, stanza, { at: 'account', account: () => Promise.resolve(this.#asked(sender.account)) }, to)
    }
    // RFC 6121 §8.5.2.1.3: for that of another, where the protocol has an answer for others.
    return withAccount(this.#realm, to, account => {
      // One that does not exist is asked like any other, so that nobody learns which do (XEP-0030 §8, XEP-0054 §3.3).
      if (account.blocks(sender.jid)) throw unavailable('nothing here answers that request')
      return this.#answer(sender, stanza, { at: 'contact', account: () => Promise.resolve(this.#asked(account)) }, to)
    })
  }

  /** The same is said of a resource that is connected, of one that is not, and where there is no such account. */
  #guardedIq(sender: Resident, stanza: Stanza, to: FullJid): void | Promise<void> {
    return withAccount(this.#realm, to, account => {
      if (account.blocks(sender.jid)) throw unavailable('that resource is not connected')
      if (!account.isSeenBy(sender.account.jid)) throw new StanzaError('forbidden', 'only for those who may see the presence of that account')
      const recipient = this.#directory.get(to)
      if (recipient === undefined) throw unavailable('that resource is not connected')
      recipient.session.deliver(withAttribute(stanza.wire, 'from', sender.jid))
    })
  }

  #answer(sender: Resident, stanza: Stanza, asked: Asked, to: Jid | null): void | Promise<void> {
    const later = this.#iqs.answer(stanza, sender, asked, to)
    const follow = () => {
      const { afterAnswer } = sender
      sender.afterAnswer = null
      afterAnswer?.()
    }
    return later === undefined ? follow() : later.then(follow)
  }

  #asked(account: Account): AskedAccount { return new AskedAccount(account, this.#realm, this.#presence, this.#subscriptions) }

  #assertMayWrite(sender: Resident, to: Jid): void {
    // RFC 6120 §10.4: there is no way to other servers from here.
    if (!this.#domains.has(domainOf(to))) throw new StanzaError('remote-server-not-found', 'this server reaches no other domain')
    if (sender.account.blocks(to)) throw blockedByOneself()
  }

  #fail(sender: Resident, stanza: Stanza, error: unknown): void {
    if (!(error instanceof StanzaError)) throw error
    this.#refuse(sender, stanza, error)
  }

  /** RFC 6120 §8.3.1: the error comes from where the stanza was to go; an error or a result is never answered by one. */
  #refuse(sender: Resident, stanza: Stanza, error: StanzaError): void {
    if (stanza.isError || (stanza.kind === 'iq' && stanza.wire.attribute('type') === 'result')) return
    const to = stanza.to === null ? null : parseJid(stanza.to)
    const reply = errorReply(stanza, error, to ?? originOf(sender.jid, stanza), sender.jid)
    sender.session.deliver(reply)
    if (stanza.kind === 'message') this.#messages.refused(sender, stanza, reply)
  }
}

/** Where there is no usable address, the answer comes from the account, or for a malformed one from the server. */
const originOf = (sender: FullJid, stanza: Stanza): Jid => stanza.to === null ? bareOf(sender) : domainOf(sender) as string as Jid
