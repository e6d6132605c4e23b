/**
 * Presence without a roster (RFC 6121 §4): a user's own resources see each other (§4.2.2: everybody is implicitly
 * subscribed to himself), and directed presence reaches whom it names and is taken back at the end (§4.6).
 */
import { withAttribute } from '../xml/splice.ts'
import { tag } from '../xml/write.ts'
import type { Directory } from '../session/directory.ts'
import type { Clock } from '../telemetry/clock.ts'
import { bareOf, isFull, type Jid } from '../xmpp/jid.ts'
import { NS_CLIENT } from '../xmpp/namespaces.ts'
import type { Stanza } from '../xmpp/stanza.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import type { Resident } from './resident.ts'

/** More than these at once and the oldest is forgotten: bounded memory for what a client alone decides. */
const maxDirected = 1_000

export class PresenceRules {
  readonly #directory: Directory<Resident>

  readonly #clock: Pick<Clock, 'now'>

  constructor(directory: Directory<Resident>, clock: Pick<Clock, 'now'>) {
    this.#directory = directory
    this.#clock = clock
  }

  receive(sender: Resident, stanza: Stanza, to: Jid | null): void {
    const type = stanza.presenceType
    if (type === null) throw new StanzaError('bad-request', 'there is no such type of presence')
    if (to === null) this.#broadcast(sender, stanza)
    else this.#direct(sender, stanza, to)
  }

  /** The resource has gone: those who saw it are told (§4.5.2). It is out of the directory already. */
  depart(resident: Resident): void {
    const { availability, directed } = resident
    if (availability === null && directed === null) return
    resident.availability = null
    const wire = Buffer.from(tag('presence', { xmlns: NS_CLIENT, type: 'unavailable', from: resident.jid }))
    if (availability !== null) this.#toOwnResources(resident, wire)
    this.#takeBack(resident, wire)
  }

  #broadcast(sender: Resident, stanza: Stanza): void {
    const type = stanza.presenceType
    if (type === 'available') {
      const initial = sender.availability === null
      const wire = withAttribute(stanza.wire, 'from', sender.jid)
      // A copy of its own: `wire` is part of a larger allocation that would live as long.
      const priority = priorityOf(stanza)
      const since = sender.availability?.priority === priority ? sender.availability.since : this.#clock.now()
      sender.availability = { priority, wire: new Uint8Array(wire), since }
      sender.lastPriority = priority
      this.#toOwnResources(sender, wire)
      if (!initial) return
      for (const { jid, availability } of this.#directory.ofAccount(sender.account)) {
        if (jid !== sender.jid && availability !== null) sender.session.deliver(availability.wire)
      }
    } else if (type === 'unavailable') {
      const wire = withAttribute(stanza.wire, 'from', sender.jid)
      this.#toOwnResources(sender, wire)
      sender.availability = null
      this.#takeBack(sender, wire)
    } else if (type !== 'error') {
      // §3: a subscription is asked of somebody.
      throw new StanzaError('bad-request', 'presence of that type needs an address')
    }
  }

  #direct(sender: Resident, stanza: Stanza, to: Jid): void {
    const type = stanza.presenceType
    // §4.3.2: what nobody subscribed to, nobody may probe.
    if (type === 'probe') return
    // §4.6.3: remembered, so that its end can be told.
    if (type === 'available') remember(sender, to)
    else if (type === 'unavailable') sender.directed?.delete(to)
    // RFC 6121 §3.1.2: subscriptions are the account's, not the resource's.
    const from = type === 'available' || type === 'unavailable' || type === 'error' ? sender.jid : sender.account
    this.#deliver(to, withAttribute(stanza.wire, 'from', from))
  }

  /** §8.5.2.1.2, §8.5.3.2.2: to the resource, or to all that are available; silence where there is none. */
  #deliver(to: Jid, wire: Uint8Array): void {
    if (isFull(to)) {
      this.#directory.get(to)?.session.deliver(wire)
      return
    }
    for (const { availability, session } of this.#directory.ofAccount(bareOf(to))) {
      if (availability !== null) session.deliver(wire)
    }
  }

  #toOwnResources(sender: Resident, wire: Uint8Array): void {
    for (const { availability, session } of this.#directory.ofAccount(sender.account)) {
      if (availability !== null) session.deliver(wire)
    }
  }

  #takeBack(sender: Resident, wire: Uint8Array): void {
    for (const jid of sender.directed ?? []) this.#deliver(jid as Jid, wire)
    sender.directed = null
  }
}

function remember(sender: Resident, to: Jid): void {
  sender.directed ??= new Set()
  sender.directed.add(to)
  if (sender.directed.size <= maxDirected) return
  const [oldest] = sender.directed
  if (oldest !== undefined) sender.directed.delete(oldest)
}

/** RFC 6121 §4.7.2.3: an integer from −128 to 127, 0 where absent. */
function priorityOf(stanza: Stanza): number {
  if (stanza.wire.childCount === 0) return 0
  const given = stanza.element().children.find(({ ns, local }) => ns === NS_CLIENT && local === 'priority')
  if (given === undefined) return 0
  const text = given.text.trim()
  const priority = /^[+-]?\d{1,3}$/.test(text) ? Number(text) : NaN
  if (priority >= -128 && priority <= 127) return priority
  throw new StanzaError('bad-request', 'a priority is an integer from -128 to 127')
}
