/** The nine states of RFC 6121 appendix A, as roster items. */
import { newItem } from '../../src/embedded/roster/subscription.ts'
import type { RosterItem, SubscriptionState } from '../../src/store/store.ts'
import { parseBareJid } from '../../src/xmpp/jid.ts'

/** In the order of the appendix. */
export const stateNames = ['None', 'None + Pending Out', 'None + Pending In', 'None + Pending Out+In', 'To', 'To + Pending In', 'From', 'From + Pending Out',
  'Both'] as const
export type StateName = typeof stateNames[number]

export const contact = parseBareJid('juliet@example.com')!
export const request: Uint8Array = Buffer.from('<presence xmlns=\'jabber:client\' type=\'subscribe\' from=\'juliet@example.com\'/>')

/** An item that clients see, in that state, as it was at version 3. */
export const itemIn = (state: StateName, rest: Partial<RosterItem> = {}): RosterItem => ({
  ...newItem(contact),
  name: 'Juliet',
  groups: ['Capulets'],
  subscription: state.split(' ', 1)[0]!.toLowerCase() as SubscriptionState,
  ask: state.includes('Pending Out'),
  request: /Pending (?:Out\+)?In/.test(state) ? request : null,
  isListed: true,
  version: 3,
  ...rest,
})

/** What is not there is in the state "None". */
export function nameOf(item: RosterItem | null): string {
  if (item === null) return 'None'
  const { subscription, ask, request: pending } = item
  const base = subscription[0]!.toUpperCase() + subscription.slice(1)
  const out = [ask ? 'Out' : '', pending === null ? '' : 'In'].filter(Boolean).join('+')
  return out === '' ? base : `${base} + Pending ${out}`
}
