/** Rosters and subscriptions at work (RFC 6121 §2, §3): what changes on both sides is kept together, then clients are told. */
import { maxRemoved, type RosterItem } from '../store/store.ts'
import type { Element } from '../xml/element.ts'
import { withAttribute } from '../xml/splice.ts'
import type { Markup } from '../xml/write.ts'
import { type BareJid, isFull, parseJid } from '../xmpp/jid.ts'
import { type Stanza, stanzaMarkup } from '../xmpp/stanza.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import { Account } from './account.ts'
import type { PresenceRules } from './presence.ts'
import type { Realm } from './realm.ts'
import type { Resident } from './resident.ts'
import { endedBy, Exchange, type Inbound, removal, type Turn } from './roster/exchange.ts'
import { listed, readRosterSet, withNames } from './roster/roster.ts'
import { changedSince, itemMarkup, removalMarkup, rosterMarkup } from './roster/roster-markup.ts'
import { inbound, type Outcome, outbound, type SubscriptionType } from './roster/subscription.ts'

/** Bytes of a request that are kept as they are: strangers decide how many there are, and how long. */
const maxRequest = 4_096

export class SubscriptionRules {
  readonly #realm: Realm
  readonly #presence: PresenceRules

  constructor(realm: Realm, presence: PresenceRules) {
    this.#realm = realm
    this.#presence = presence
  }

  /** §3.1.2 and its like: a client sends it. Subscriptions are the account's, not the resource's. */
  receive({ account }: Resident, stanza: Stanza, type: SubscriptionType, contact: BareJid): void | Promise<void> {
    // Everybody is implicitly subscribed to himself.
    if (contact === account.jid) return
    return this.#send(account, contact, type, stampedWith(account.jid, contact, type, stanza))
  }

  /** §2.1.4, §2.6: the roster; null where the client is told what has changed since instead, or that nothing has. */
  readRoster(account: Account, resident: Resident, ver: string | null): Markup | null {
    const { roster, rosterVersion } = account
    const hasMissedLittle = ver !== null && changesSince(account, ver) !== null
    const since = hasMissedLittle ? ver : String(rosterVersion)
    // §2.6.3: an empty result, and then a push for each. What changes before the result is written is pushed after it, not before.
    resident.afterAnswer = () => {
      resident.isInterested = true
      for (const { version, item } of changesSince(account, since) ?? []) this.#pushTo(resident, rosterMarkup(version, [item]))
    }
    return hasMissedLittle ? null : rosterMarkup(rosterVersion, listed(roster.values()).map(itemMarkup))
  }

  /** §2.3, §2.5: a client changes its roster. Resolves when that is kept, and all who have to know have been told. */
  async setRoster(account: Account, query: Element): Promise<void> {
    const request = readRosterSet(query)
    const { jid } = request
    if (request.kind === 'remove') {
      await this.#remove(account, jid)
      return
    }
    await account.perform(async () => {
      const item = account.roster.get(jid) ?? null
      this.#assertRoom(account, item)
      const named = withNames(item, request, account.rosterVersion + 1)
      await account.commit([{ kind: 'roster-set', item: named }])
      this.#push(account, itemMarkup(named), named.version)
    })
  }

  async #remove(account: Account, jid: BareJid): Promise<void> {
    await this.#exchange(account, jid, (exchange, contact) => {
      const item = account.roster.get(jid)
      if (item?.isListed !== true) throw new StanzaError('item-not-found', 'there is no such item in the roster')
      exchange.take(account, jid, () => removal(item))
      if (contact !== null) for (const type of endedBy(item)) this.#arrive(exchange, contact, account, type)
    })
  }

  async #send(account: Account, jid: BareJid, type: SubscriptionType, wire: Uint8Array): Promise<void> {
    await this.#exchange(account, jid, (exchange, contact) => {
      const { isPassedOn } = exchange.take(account, jid, (item, version) => {
        const outcome = outbound(item, jid, type, version)
        if (outcome.item?.isListed === true) this.#assertRoom(account, item)
        return outcome
      })
      if (isPassedOn && contact !== null) this.#arrive(exchange, contact, account, type, wire)
    })
  }

  /** §3.1.3 and its like: it comes to the other side, which may answer at once. */
  #arrive(exchange: Exchange<Account>, to: Account, from: Account, type: SubscriptionType,
    wire: Uint8Array = stanzaMarkup('presence', { type, from: from.jid, to: to.jid })): void {
    // XEP-0191 §3.3: no answer, and no error.
    const isBlocked = to.blocks(from.jid)
    if (isBlocked && type === 'subscribe') return
    const { reply } = exchange.take(to, from.jid, (item, version) => {
      const outcome = inbound(item, from.jid, type, version, wire)
      // Strangers do not fill a roster without end.
      const isKept = item !== null || outcome.item === null || requestsOf(to) < this.#realm.maxRosterItems
      return isKept ? outcome : ignored
      // What ends or begins on the other side does so here: both sides stay of one mind. The words of whoever is blocked are not shown.
    }, isBlocked ? null : { type, wire })
    if (reply !== null) this.#arrive(exchange, from, to, reply)
  }

  /** What `plan` does to the rosters of the two is kept in one piece, and then shown. To an account that does not exist nothing comes (§8.5.1). */
  async #exchange(account: Account, jid: BareJid, plan: (exchange: Exchange<Account>, contact: Account | null) => void): Promise<void> {
    const found = jid === account.jid || !jid.includes('@') ? null : await this.#realm.accounts.use(jid)
    const act = async () => {
      const exchange = new Exchange<Account>()
      plan(exchange, found?.isKnown === true ? found : null)
      await account.commitWith(exchange.turns.map(({ owner, changes }) => ({ account: owner, changes })))
      for (const turn of exchange.turns) this.#show(turn)
      // §3.1.5: presence follows the answer.
      for (const { owner, contact, outcome } of exchange.turns) if (outcome.presence === 'shown') this.#presence.show(owner, contact, true)
    }
    await (found === null ? account.perform(act) : Account.performBoth(account, found, act))
  }

  #show({ owner, contact, outcome, inbound, version }: Turn<Account>): void {
    const { item, isPassedOn, isPushed, presence } = outcome
    // §3.2.2: who sees the account no more sees it leave first.
    if (presence === 'hidden') this.#presence.show(owner, contact, false)
    // §3.1.6: the stanza comes before the push.
    if (isPassedOn && inbound !== null) this.#tell(owner, inbound)
    if (isPushed) this.#push(owner, item?.isListed === true ? itemMarkup(item) : removalMarkup(contact), version)
  }

  /** §3.1.3: a request is for those who are available; what comes of it, for those who have asked for the roster (§3.1.6). */
  #tell({ jid }: Account, { type, wire }: Inbound): void {
    for (const { session, isInterested, availability } of this.#realm.directory.ofAccount(jid)) {
      if (type === 'subscribe' ? availability !== null : isInterested) session.deliver(wire)
    }
  }

  /** §2.1.6: to each resource that has asked for the roster. */
  #push({ jid }: Account, item: Markup, version: number): void {
    const query = rosterMarkup(version, [item])
    for (const resident of this.#realm.directory.ofAccount(jid)) if (resident.isInterested) this.#pushTo(resident, query)
  }

  #pushTo({ session, jid }: Resident, query: Markup): void {
    session.deliver(stanzaMarkup('iq', { type: 'set', id: this.#realm.newId(), to: jid }, query))
  }

  #assertRoom({ roster }: Account, item: RosterItem | null): void {
    const { maxRosterItems } = this.#realm
    if (item?.isListed !== true && listed(roster.values()).length >= maxRosterItems) throw new StanzaError('resource-constraint', `a roster has at most ${maxRosterItems} items`)
  }
}

const changesSince = ({ roster, removed, rosterVersion }: Account, ver: string) => changedSince(ver, roster.values(), removed, rosterVersion, maxRemoved)

/** Of strangers. */
const requestsOf = ({ roster }: Account): number => roster.size - listed(roster.values()).length

const ignored: Outcome = { item: null, isPassedOn: false, isPushed: false, reply: null, presence: null }

/** §3.1.2: from the bare JID and to the bare JID, with whatever else the client wrote. In an allocation of its own, for a request is kept. */
function stampedWith(from: BareJid, to: BareJid, type: SubscriptionType, stanza: Stanza): Uint8Array {
  const given = stanza.to === null ? null : parseJid(stanza.to)
  const wire = withAttribute(stanza.wire, 'from', from)
  // One that names a resource is written anew, and so is one that is too long: nobody has a use for the rest.
  const isAsGiven = given !== null && !isFull(given) && wire.length <= maxRequest
  return new Uint8Array(isAsGiven ? wire : stanzaMarkup('presence', { type, id: stanza.id, from, to }))
}
