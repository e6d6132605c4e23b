/** Rosters and subscriptions at work (RFC 6121 §2, §3): the change is kept, then clients are told, then the other side has its turn. */
import type { Change, RosterItem } from '../store/store.ts'
import type { Element } from '../xml/element.ts'
import { withAttribute } from '../xml/splice.ts'
import type { Markup } from '../xml/write.ts'
import { type BareJid, isFull, parseJid } from '../xmpp/jid.ts'
import { type Stanza, stanzaMarkup } from '../xmpp/stanza.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import { type Account, maxRemoved } from './account.ts'
import type { PresenceRules } from './presence.ts'
import { availableOf, type Realm } from './realm.ts'
import type { Resident } from './resident.ts'
import { listed, readRosterSet, withNames } from './roster/roster.ts'
import { changedSince, itemMarkup, removalMarkup, rosterMarkup } from './roster/roster-markup.ts'
import { inbound, type Outcome, outbound, type SubscriptionType } from './roster/subscription.ts'

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
    resident.isInterested = true
    const { roster, removed, rosterVersion } = account
    const changes = ver === null ? null : changedSince(ver, roster.values(), removed, rosterVersion, maxRemoved)
    if (changes === null) return rosterMarkup(rosterVersion, listed(roster.values()).map(itemMarkup))
    // §2.6.3: an empty result, and then a push for each.
    resident.afterAnswer = () => {
      for (const { version, item } of changes) this.#pushTo(resident, rosterMarkup(version, [item]))
    }
    return null
  }

  /** §2.3, §2.5: a client changes its roster. Resolves when that is kept, and all who have to know have been told. */
  async setRoster(account: Account, query: Element): Promise<void> {
    const request = readRosterSet(query)
    const { jid } = request
    if (request.kind === 'set') {
      await account.perform(async () => {
        const item = account.roster.get(jid) ?? null
        this.#assertRoom(account, item)
        await this.#change(account, withNames(item, request, account.rosterVersion + 1))
      })
      return
    }
    const removed = await account.perform(async () => {
      const item = account.roster.get(jid)
      if (item?.isListed !== true) throw new StanzaError('item-not-found', 'there is no such item in the roster')
      const version = account.rosterVersion + 1
      await account.commit([{ kind: 'roster-remove', jid, version }])
      this.#push(account, removalMarkup(jid))
      if (isSeen(item)) this.#presence.show(account, jid, false)
      return item
    })
    // §2.5.2: what there was of subscriptions ends, both ways.
    if (isSeen(removed) || removed.request !== null) await this.#arrive(jid, account.jid, 'unsubscribed')
    if (removed.ask || removed.subscription === 'to' || removed.subscription === 'both') await this.#arrive(jid, account.jid, 'unsubscribe')
  }

  async #send(account: Account, contact: BareJid, type: SubscriptionType, wire: Uint8Array): Promise<void> {
    const { isPassedOn, presence } = await account.perform(async () => {
      const item = account.roster.get(contact) ?? null
      const outcome = outbound(item, contact, type, account.rosterVersion + 1)
      if (outcome.item?.isListed === true) this.#assertRoom(account, item)
      await this.#apply(account, contact, item, outcome)
      // §3.2.2: who sees the account no more sees it leave first.
      if (outcome.presence === 'hidden') this.#presence.show(account, contact, false)
      return outcome
    })
    if (isPassedOn) await this.#arrive(contact, account.jid, type, wire)
    // §3.1.5
    if (presence === 'shown') this.#presence.show(account, contact, true)
  }

  /** §3.1.3 and its like: it comes to an account of this house. To one that does not exist it comes for nothing (§8.5.1). */
  async #arrive(to: BareJid, from: BareJid, type: SubscriptionType, wire: Uint8Array = stanzaMarkup('presence', { type, from, to })): Promise<void> {
    if (!to.includes('@')) return
    const account = await this.#realm.accounts.use(to)
    const outcome = await account.perform(async () => {
      // XEP-0191 §3.3: no answer, and no error.
      if (!account.isKnown || account.blocks(from)) return null
      const item = account.roster.get(from) ?? null
      const outcome = inbound(item, from, type, account.rosterVersion + 1, wire)
      await this.#apply(account, from, item, outcome)
      if (outcome.isPassedOn) this.#tell(account, type, wire)
      return outcome
    })
    if (outcome === null) return
    if (outcome.reply !== null) await this.#arrive(from, to, outcome.reply)
    if (outcome.presence !== null) this.#presence.show(account, from, outcome.presence === 'shown')
  }

  /** §3.1.3: a request is for those who are available; what comes of it, for those who have the roster, too. */
  #tell(account: Account, type: SubscriptionType, wire: Uint8Array): void {
    if (type === 'subscribe') for (const { session } of availableOf(this.#realm, account.jid)) session.deliver(wire)
    else for (const { session, isInterested, availability } of this.#realm.directory.ofAccount(account.jid)) if (isInterested || availability !== null) session.deliver(wire)
  }

  async #apply(account: Account, contact: BareJid, before: RosterItem | null, { item, isPushed }: Outcome): Promise<void> {
    if (item === before) return
    if (item !== null) {
      await this.#change(account, item, isPushed)
      return
    }
    // It was in no roster that clients see: its end is no version.
    await account.commit([{ kind: 'roster-remove', jid: contact, version: account.rosterVersion }])
  }

  async #change(account: Account, item: RosterItem, isPushed = true): Promise<void> {
    const change: Change = { kind: 'roster-set', item }
    await account.commit([change])
    if (isPushed) this.#push(account, itemMarkup(item))
  }

  /** §2.1.6: to each resource that has asked for the roster. */
  #push(account: Account, item: Markup): void {
    const query = rosterMarkup(account.rosterVersion, [item])
    for (const resident of this.#realm.directory.ofAccount(account.jid)) if (resident.isInterested) this.#pushTo(resident, query)
  }

  #pushTo({ session, jid }: Resident, query: Markup): void {
    session.deliver(stanzaMarkup('iq', { type: 'set', id: this.#realm.newId(), to: jid }, query))
  }

  #assertRoom({ roster }: Account, item: RosterItem | null): void {
    if (item?.isListed === true) return
    if (roster.size >= this.#realm.maxRosterItems) throw new StanzaError('resource-constraint', `a roster has at most ${this.#realm.maxRosterItems} items`)
  }
}

const isSeen = ({ subscription }: RosterItem): boolean => subscription === 'from' || subscription === 'both'

/** §3.1.2: from the bare JID and to the bare JID, with whatever else the client wrote. */
function stampedWith(from: BareJid, to: BareJid, type: SubscriptionType, stanza: Stanza): Uint8Array {
  const given = stanza.to === null ? null : parseJid(stanza.to)
  // One that names a resource is written anew: nobody has a use for the rest.
  if (given === null || isFull(given)) return stanzaMarkup('presence', { type, id: stanza.id, from, to })
  return withAttribute(stanza.wire, 'from', from)
}
