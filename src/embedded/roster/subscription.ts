/**
 * What a subscription stanza does to the roster item of its sender and to that of its recipient (RFC 6121 §3, appendix A). The nine states of
 * the appendix are `subscription`, `ask` (pending out) and `request` (pending in) of the item.
 */
import type { RosterItem, SubscriptionState } from '../../store/store.ts'
import type { BareJid } from '../../xmpp/jid.ts'

export type SubscriptionType = 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed'

export interface Outcome {
  /** Null where there is none any more, or never was. The very item where nothing has changed. */
  readonly item: RosterItem | null
  /** Outbound: the stanza goes on to the contact. Inbound: clients are shown it. */
  readonly isPassedOn: boolean
  /** What clients see of the item has changed. */
  readonly isPushed: boolean
  /** Inbound: the account answers this at once. */
  readonly reply: 'subscribed' | null
  /** The other side begins to see the account's presence, or sees it no more. */
  readonly presence: 'shown' | 'hidden' | null
}

/** An item of which nothing is known but the contact. */
export const newItem = (jid: BareJid): RosterItem =>
  ({ jid, name: null, groups: [], subscription: 'none', ask: false, approved: false, request: null, isListed: false, version: 0 })

const sees = (state: SubscriptionState): boolean => state === 'to' || state === 'both'
const isSeen = (state: SubscriptionState): boolean => state === 'from' || state === 'both'
const stateOf = (to: boolean, from: boolean): SubscriptionState => to ? from ? 'both' : 'to' : from ? 'from' : 'none'

const nothing = (item: RosterItem | null, isPassedOn = false): Outcome => ({ item, isPassedOn, isPushed: false, reply: null, presence: null })

/** The account sends it. `version` is that of the roster with this change. */
export function outbound(item: RosterItem | null, contact: BareJid, type: SubscriptionType, version: number): Outcome {
  const before = item ?? newItem(contact)
  const { subscription, ask, request, approved } = before
  const to = sees(subscription)
  const from = isSeen(subscription)
  const changed = (change: Partial<RosterItem>, rest: Partial<Outcome> = {}): Outcome =>
    ({ ...nothing({ ...before, isListed: true, version, ...change }, true), isPushed: true, ...rest })
  switch (type) {
    case 'subscribe':
      // A.2.1
      return to || ask ? nothing(item, true) : changed({ ask: true })
    case 'unsubscribe':
      // A.2.2
      return to || ask ? changed({ subscription: stateOf(false, from), ask: false }) : nothing(item, true)
    case 'subscribed':
      // A.2.3
      if (request !== null) return changed({ subscription: stateOf(to, true), request: null }, { presence: 'shown' })
      // §3.4.2: approved before it is asked.
      return from || approved ? nothing(item) : changed({ approved: true }, { isPassedOn: false })
    case 'unsubscribed':
      // A.2.4, and §3.4.2: the approval is taken back.
      if (from) return changed({ subscription: stateOf(to, false), approved: false }, { presence: 'hidden' })
      if (request !== null) return { ...nothing(listedOnly({ ...before, request: null, approved: false, version: approved ? version : before.version }), true), isPushed: approved }
      return approved ? changed({ approved: false }, { isPassedOn: false }) : nothing(item)
  }
}

/** The account receives it from the contact. `stanza` is kept where it has to be shown again. */
export function inbound(item: RosterItem | null, contact: BareJid, type: SubscriptionType, version: number, stanza: Uint8Array): Outcome {
  const before = item ?? newItem(contact)
  const { subscription, ask, request, approved } = before
  const to = sees(subscription)
  const from = isSeen(subscription)
  const changed = (change: Partial<RosterItem>, rest: Partial<Outcome> = {}): Outcome =>
    ({ ...nothing({ ...before, version, ...change }, true), isPushed: true, ...rest })
  switch (type) {
    case 'subscribe':
      // A.3.1. Who asks again may have missed the answer, and what followed it.
      if (from) return { ...nothing(item), reply: 'subscribed', presence: 'shown' }
      if (approved) return changed({ subscription: stateOf(to, true), request: null }, { isPassedOn: false, reply: 'subscribed', presence: 'shown' })
      if (request !== null) return nothing(item)
      // It takes the place of whatever is remembered of an item that was removed, so it tells of the removal from now on (§2.6).
      return nothing({ ...before, request: stanza, version: before.isListed ? before.version : version }, true)
    case 'unsubscribe':
      // A.3.2
      if (from) return changed({ subscription: stateOf(to, false) }, { presence: 'hidden' })
      return request === null ? nothing(item) : nothing(listedOnly({ ...before, request: null }), true)
    case 'subscribed':
      // A.3.3
      return ask ? changed({ subscription: stateOf(true, from), ask: false }) : nothing(item)
    case 'unsubscribed':
      // A.3.4
      return ask || to ? changed({ subscription: stateOf(false, from), ask: false }) : nothing(item)
  }
}

/** An item of which only the request was known is none without it. */
const listedOnly = (item: RosterItem): RosterItem | null => item.isListed ? item : null
