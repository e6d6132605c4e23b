/**
 * Presence (RFC 6121 §4): who comes and goes is shown to those who subscribed to it and to the account's own resources; directed presence reaches
 * whom it names, and is taken back at the end (§4.6). All contacts are of this house: what a probe would ask for is in memory.
 */
import { withAttribute } from '../xml/splice.ts'
import { tag } from '../xml/write.ts'
import { bareOf, isFull, type Jid } from '../xmpp/jid.ts'
import { NS_CLIENT } from '../xmpp/namespaces.ts'
import { type Stanza, stanzaMarkup } from '../xmpp/stanza.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import type { Account } from './account.ts'
import { type Glance, Introduction } from './introduction.ts'
import type { LastSeen } from './last-seen.ts'
import type { OfflineMessages } from './offline.ts'
import { availableOf, mayMeet, type Realm, withAccount } from './realm.ts'
import type { Resident } from './resident.ts'

/** More than these at once and the oldest is forgotten: bounded memory for what a client alone decides. */
const maxDirected = 1_000

export class PresenceRules {
  readonly #realm: Realm
  readonly #offline: OfflineMessages
  readonly #lastSeen: LastSeen

  constructor(realm: Realm, offline: OfflineMessages, lastSeen: LastSeen) {
    this.#realm = realm
    this.#offline = offline
    this.#lastSeen = lastSeen
  }

  /** Presence to nobody in particular. */
  broadcast(sender: Resident, stanza: Stanza): void | Promise<void> {
    const type = stanza.presenceType
    if (type === 'available') return this.#available(sender, stanza)
    if (type === 'unavailable') this.#unavailable(sender, stanza)
    // §3: a subscription is asked of somebody.
    else if (type !== 'error') throw new StanzaError('bad-request', 'presence of that type needs an address')
  }

  /** Presence to somebody: available, unavailable or an error. */
  direct(sender: Resident, stanza: Stanza, to: Jid): void {
    const type = stanza.presenceType
    if (sender.hasLeft) return
    // §4.6.3: remembered, so that its end can be told.
    if (type === 'available') remember(sender, to)
    else if (type === 'unavailable') sender.directed?.delete(to)
    this.#deliver(sender, to, withAttribute(stanza.wire, 'from', sender.jid))
  }

  /** §4.3.2: those who are subscribed are told; the others learn nothing, not even whether there is such an account. */
  probe(sender: Resident, to: Jid): void | Promise<void> {
    return withAccount(this.#realm, to, contact => {
      if (!contact.isKnown || !contact.isSeenBy(sender.account.jid) || contact.blocks(sender.jid)) return
      const wires = [...this.#meant(to)].flatMap(({ availability, jid }) =>
        availability !== null && mayMeet(contact, jid, sender.account, sender.jid) ? [availability.wire] : [])
      for (const wire of wires) sender.session.deliver(wire)
      if (wires.length === 0) sender.session.deliver(stanzaMarkup('presence', { type: 'unavailable', from: to, to: sender.jid }))
    })
  }

  /** The resource has gone: those who saw it are told (§4.5.2). It is out of the directory already. */
  depart(resident: Resident): void {
    const { availability, directed } = resident
    resident.arrival = resident.introduction = null
    if (availability === null && directed === null) return
    resident.availability = null
    const wire = unavailableFrom(resident)
    const told = new Set<Resident>()
    if (availability !== null) this.#toAll(resident, wire, told)
    this.#takeBack(resident, wire, told)
    if (availability !== null) this.#lastSeen.note(resident.account, '')
  }

  /** `viewer` begins to see the account, or sees it no more: §3.1.5, §3.2.2, §3.3.2, XEP-0191 §3.3. */
  show(account: Account, viewer: Jid, isVisible: boolean): void {
    for (const resident of availableOf(this.#realm, account.jid)) {
      const wire = isVisible ? resident.availability?.wire : unavailableFrom(resident)
      if (wire === undefined) continue
      for (const other of this.#meant(viewer)) if (mayMeet(account, resident.jid, other.account, other.jid)) other.session.deliver(wire)
    }
  }

  /** Who meets whom: the resources of the account, and of those who see it, are seen by it, or were sent its presence (XEP-0191 §3.3, §3.4). */
  meetings(account: Account): ReadonlyMap<Resident, ReadonlySet<Resident>> {
    const contacts = [...new Set([...account.audience, ...account.watched])].flatMap(jid => [...availableOf(this.#realm, jid)])
    return new Map([...this.#realm.directory.ofAccount(account.jid)].map(own => {
      const sent = [...own.directed ?? []].flatMap(jid => [...this.#meant(jid as Jid)])
      const others = own.availability === null ? sent : [...contacts, ...sent]
      return [own, new Set(others.filter(other => mayMeet(account, own.jid, other.account, other.jid)))]
    }))
  }

  /** The account has blocked somebody, or does so no more. `before` is who met whom until then. */
  meetingsChanged(account: Account, before: ReadonlyMap<Resident, ReadonlySet<Resident>>): void {
    for (const [own, others] of this.meetings(account)) {
      const until = before.get(own) ?? new Set()
      for (const other of until) if (!others.has(other) && isKnownTo(own, other)) other.session.deliver(unavailableFrom(own))
      for (const other of others) {
        if (until.has(other) || own.availability === null) continue
        if (account.isSeenBy(other.account.jid)) other.session.deliver(own.availability.wire)
        if (other.account.isSeenBy(account.jid) && other.availability !== null) own.session.deliver(other.availability.wire)
      }
    }
  }

  /** Those whom the account sees and has blocked, or resources of them: it does not hear what becomes of them. */
  hidden(account: Account): readonly Jid[] {
    const watched: ReadonlySet<Jid> = new Set(account.watched)
    const resources = [...account.blocked].filter(jid => isFull(jid) && watched.has(bareOf(jid)))
    return [...account.watched, ...resources].filter(jid => account.blocks(jid))
  }

  /** It has blocked some of those no more: that they have left meanwhile is told (XEP-0191 §3.4), as a probe would be answered (§4.3.2). */
  hiddenChanged(account: Account, before: readonly Jid[]): void {
    for (const jid of before) {
      if (account.blocks(jid)) continue
      for (const own of availableOf(this.#realm, account.jid)) {
        const isThere = [...this.#meant(jid)].some(other => other.availability !== null && mayMeet(account, own.jid, other.account, other.jid))
        if (!isThere) own.session.deliver(stanzaMarkup('presence', { type: 'unavailable', from: jid, to: own.jid }))
      }
    }
  }

  #available(sender: Resident, stanza: Stanza): void | Promise<void> {
    if (sender.hasLeft) return
    const priority = priorityOf(stanza)
    const come = () => { this.#come(sender, stanza, priority) }
    if (sender.arrival !== null && priority >= 0) {
      // It says this instead.
      sender.arrival = come
      return
    }
    // XEP-0160 §2
    const takesMessages = priority >= 0 && (sender.availability === null || sender.availability.priority < 0)
    // One that is being kept right now belongs to them.
    if (takesMessages && (sender.account.hasMessages || sender.account.isBusy)) {
      sender.arrival = come
      return this.#offline.giveTo(sender)
    }
    sender.arrival = null
    come()
  }

  #come(sender: Resident, stanza: Stanza, priority: number): void {
    const isInitial = sender.availability === null
    const wire = withAttribute(stanza.wire, 'from', sender.jid)
    const since = sender.availability?.priority === priority ? sender.availability.since : this.#realm.clock.elapsed()
    // A copy of its own: `wire` is part of a larger allocation that would live as long.
    sender.availability = { priority, wire: new Uint8Array(wire), since }
    sender.lastPriority = priority
    this.#toAll(sender, wire, null)
    if (!isInitial) return
    // §4.2.2: and it is shown the others of its account, and, in the place of probes (§4.3), those whom it may see.
    sender.introduction = new Introduction(sender, this.#shownTo(sender))
    sender.introduction.goOn()
  }

  *#shownTo({ account, jid }: Resident): Iterator<Glance, undefined> {
    for (const own of availableOf(this.#realm, account.jid)) if (own.jid !== jid) yield () => own.availability?.wire
    for (const contact of account.watched) {
      for (const other of availableOf(this.#realm, contact)) {
        yield () => other.account.isSeenBy(account.jid) && mayMeet(other.account, other.jid, account, jid) ? other.availability?.wire : undefined
      }
    }
    // §3.1.3: requests that nobody has answered are shown again.
    for (const { request, jid: contact } of account.roster.values()) {
      if (request !== null) yield () => account.blocks(contact) ? null : account.roster.get(contact)?.request
    }
  }

  #unavailable(sender: Resident, stanza: Stanza): void {
    const { availability } = sender
    const wire = withAttribute(stanza.wire, 'from', sender.jid)
    const told = new Set<Resident>()
    // §4.5.2: its own resources hear it as well, itself included.
    if (!sender.hasLeft) this.#toAll(sender, wire, told)
    sender.availability = sender.arrival = sender.introduction = null
    this.#takeBack(sender, wire, told)
    if (availability !== null) this.#lastSeen.note(sender.account, statusOf(stanza))
  }

  /** §4.2.2, §4.4.2, §4.5.2: to the available resources of the account and of those who are subscribed. */
  #toAll(sender: Resident, wire: Uint8Array, told: Set<Resident> | null): void {
    const { account, jid } = sender
    const { directory } = this.#realm
    const tell = (resident: Resident) => {
      resident.session.deliver(wire)
      told?.add(resident)
    }
    for (const resident of directory.ofAccount(account.jid)) if (resident.availability !== null) tell(resident)
    for (const contact of account.onlineAudience) {
      for (const resident of directory.ofAccount(contact)) {
        if (resident.availability !== null && mayMeet(account, jid, resident.account, resident.jid)) tell(resident)
      }
    }
  }

  /** §8.5.2.1.2, §8.5.3.2.2: to the resource, or to all that are available; silence where there is none. */
  #deliver(sender: Resident, to: Jid, wire: Uint8Array, told: ReadonlySet<Resident> | null = null): void {
    for (const resident of this.#meant(to)) {
      if (told?.has(resident) !== true && !resident.account.blocks(sender.jid)) resident.session.deliver(wire)
    }
  }

  #meant(to: Jid): Iterable<Resident> {
    if (!isFull(to)) return availableOf(this.#realm, bareOf(to))
    const resident = this.#realm.directory.get(to)
    return resident === undefined ? [] : [resident]
  }

  #takeBack(sender: Resident, wire: Uint8Array, told: ReadonlySet<Resident>): void {
    for (const jid of sender.directed ?? []) if (!sender.account.blocks(jid as Jid)) this.#deliver(sender, jid as Jid, wire, told)
    sender.directed = null
  }
}

/** It was shown its presence, by a subscription or directly. */
const isKnownTo = ({ account, availability, directed }: Resident, other: Resident): boolean => directed?.has(other.jid) === true
  || directed?.has(other.account.jid) === true || (availability !== null && account.isSeenBy(other.account.jid))

const unavailableFrom = ({ jid }: Resident): Uint8Array => Buffer.from(tag('presence', { xmlns: NS_CLIENT, type: 'unavailable', from: jid }))

function remember(sender: Resident, to: Jid): void {
  sender.directed ??= new Set()
  sender.directed.add(to)
  if (sender.directed.size <= maxDirected) return
  const [oldest] = sender.directed
  if (oldest !== undefined) sender.directed.delete(oldest)
}

const childOf = (stanza: Stanza, name: string) => stanza.wire.childCount === 0 ? undefined
  : stanza.element().children.find(({ ns, local }) => ns === NS_CLIENT && local === name)

const statusOf = (stanza: Stanza): string => childOf(stanza, 'status')?.text ?? ''

/** RFC 6121 §4.7.2.3: an integer from −128 to 127, 0 where absent. */
function priorityOf(stanza: Stanza): number {
  const given = childOf(stanza, 'priority')
  if (given === undefined) return 0
  const text = given.text.trim()
  const priority = /^[+-]?\d{1,3}$/.test(text) ? Number(text) : NaN
  if (priority >= -128 && priority <= 127) return priority
  throw new StanzaError('bad-request', 'a priority is an integer from -128 to 127')
}
