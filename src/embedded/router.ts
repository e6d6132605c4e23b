/**
 * The server's rules for stanzas (RFC 6120 §10, RFC 6121 §8): where each goes, and what the sender hears where it cannot
 * go there. One router serves all domains of this house, over one directory.
 */
import { withAttribute } from '../xml/splice.ts'
import { Directory } from '../session/directory.ts'
import type { Unacknowledged } from '../session/stream-management.ts'
import type { Clock } from '../telemetry/clock.ts'
import { bareOf, domainOf, type FullJid, isFull, type Jid, parseJid } from '../xmpp/jid.ts'
import { errorReply, type Stanza } from '../xmpp/stanza.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import type { IqDispatch } from './iq-dispatch.ts'
import { mostAvailable, nonNegative } from './availability.ts'
import { PresenceRules } from './presence.ts'
import { UndeliveredRules } from './undelivered.ts'
import type { Resident } from './resident.ts'

const unavailable = (text: string) => new StanzaError('service-unavailable', text)

export class Router {
  readonly #directory = new Directory<Resident>()
  readonly #domains: ReadonlySet<string>
  readonly #iqs: IqDispatch
  readonly #presence: PresenceRules
  readonly #undelivered: UndeliveredRules

  constructor(domains: ReadonlySet<string>, iqs: IqDispatch, clock: Pick<Clock, 'now'>) {
    this.#domains = domains
    this.#iqs = iqs
    this.#presence = new PresenceRules(this.#directory, clock)
    this.#undelivered = new UndeliveredRules(this.#directory)
  }

  arrive(resident: Resident): void { this.#directory.add(resident) }

  depart(resident: Resident): void {
    this.#directory.remove(resident)
    this.#presence.depart(resident)
  }

  /** What `resident`, which has gone, did not acknowledge. */
  undelivered(resident: Resident, stanzas: readonly Unacknowledged[]): void {
    for (const stanza of stanzas) this.#undelivered.passOn(resident, stanza)
  }

  route(sender: Resident, stanza: Stanza): void {
    // The short way, which nearly every stanza takes: a message to a full JID that is bound, spelt as it is bound.
    if (stanza.kind === 'message' && stanza.to !== null) {
      const recipient = this.#directory.get(stanza.to)
      if (recipient !== undefined) {
        recipient.session.deliver(withAttribute(stanza.wire, 'from', sender.jid))
        return
      }
    }
    try {
      this.#route(sender, stanza)
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
      this.#refuse(sender, stanza, error)
    }
  }

  #route(sender: Resident, stanza: Stanza): void {
    const to = stanza.to === null ? null : parseJid(stanza.to)
    if (to === null && stanza.to !== null) throw new StanzaError('jid-malformed', 'the address in "to" is no JID')
    switch (stanza.kind) {
      case 'message':
        // RFC 6120 §10.3.1: a message without an address is for the sender's own account.
        this.#message(sender, stanza, to ?? sender.account)
        return
      case 'presence':
        if (to !== null) this.#assertServed(to)
        this.#presence.receive(sender, stanza, to)
        return
      case 'iq':
        this.#iq(sender, stanza, to)
    }
  }

  #message(sender: Resident, stanza: Stanza, to: Jid): void {
    this.#assertServed(to)
    const type = stanza.messageType
    const recipients = isFull(to) && this.#directory.get(to)
    if (recipients) {
      // RFC 6121 §8.5.3.1: a resource that is bound gets what is sent to it, available or not.
      recipients.session.deliver(withAttribute(stanza.wire, 'from', sender.jid))
      return
    }
    // RFC 6121 §8.5.3.2.1: to a resource that is gone, only a chat message goes on to the account.
    if (isFull(to) && type !== 'chat') {
      if (type === 'normal' || type === 'groupchat') throw unavailable('that resource is not connected')
      return
    }
    const chosen = this.#forAccount(type, this.#directory.ofAccount(bareOf(to)))
    if (chosen.length === 0) {
      // RFC 6121 §8.5.2.2.1: nobody there, and nothing is stored: the sender is told; a headline or an error just ends.
      if (type === 'headline' || type === 'error') return
      throw unavailable(type === 'groupchat' ? 'an account takes no groupchat messages' : 'the recipient is not available')
    }
    const wire = withAttribute(stanza.wire, 'from', sender.jid)
    for (const resident of chosen) resident.session.deliver(wire)
  }

  /** RFC 6121 §8.5.2.1.1: who gets a message to the bare JID. */
  #forAccount(type: Stanza['messageType'], residents: ReadonlySet<Resident>): readonly Resident[] {
    switch (type) {
      case 'normal':
      case 'chat':
        return mostAvailable(residents)
      case 'headline':
        return nonNegative(residents)
      case 'groupchat':
      case 'error':
        return []
    }
  }

  #iq(sender: Resident, stanza: Stanza, to: Jid | null): void {
    if (stanza.iqType === null) {
      throw new StanzaError('bad-request', 'an IQ has an id, a type of get, set, result or error, and one payload in a request')
    }
    if (to !== null) this.#assertServed(to)
    const isRequest = stanza.iqType === 'get' || stanza.iqType === 'set'
    const isServer = to !== null && !to.includes('@')
    if (to !== null && !isServer && isFull(to)) {
      const recipient = this.#directory.get(to)
      if (recipient !== undefined) recipient.session.deliver(withAttribute(stanza.wire, 'from', sender.jid))
      // RFC 6121 §8.5.3.2.3
      else if (isRequest) throw unavailable('that resource is not connected')
      return
    }
    // An answer to us, who ask nothing: RFC 6120 §8.2.3 forbids to answer it.
    if (!isRequest) return
    if (isServer && !isFull(to)) sender.session.deliver(this.#iqs.answer(stanza, sender.jid, 'server', to))
    // RFC 6120 §10.3.3: without an address, the server answers for the sender's account.
    else if (to === null || to === sender.account) sender.session.deliver(this.#iqs.answer(stanza, sender.jid, 'account', to))
    // RFC 6121 §8.5.2.1.3: the server answers for the account, and has nothing to say to others.
    else throw unavailable('nothing here answers that request')
  }

  /** RFC 6120 §10.4: there is no way to other servers from here. */
  #assertServed(to: Jid): void {
    if (!this.#domains.has(domainOf(to))) throw new StanzaError('remote-server-not-found', 'this server reaches no other domain')
  }

  /** RFC 6120 §8.3.1: the error comes from where the stanza was to go; an error or a result is never answered by one. */
  #refuse(sender: Resident, stanza: Stanza, error: StanzaError): void {
    if (stanza.isError || (stanza.kind === 'iq' && stanza.wire.attribute('type') === 'result')) return
    const to = stanza.to === null ? null : parseJid(stanza.to)
    sender.session.deliver(errorReply(stanza, error, to ?? originOf(sender.jid, stanza), sender.jid))
  }
}

/** Where there is no usable address, the answer comes from the account, or for a malformed one from the server. */
const originOf = (sender: FullJid, stanza: Stanza): Jid => stanza.to === null ? bareOf(sender) : domainOf(sender) as string as Jid
