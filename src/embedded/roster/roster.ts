/** What a client may do to its roster (RFC 6121 §2): values in, values out. */
import type { RosterItem } from '../../store/store.ts'
import { type BareJid, isFull, parseJid } from '../../xmpp/jid.ts'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import { newItem } from './subscription.ts'

export const NS_ROSTER = 'jabber:iq:roster'

/** Characters of a name, and of a group's; groups of an item. */
const maxName = 1_023
const maxGroups = 100

/** What a roster set asks for. */
export type RosterRequest =
  | { readonly kind: 'set', readonly jid: BareJid, readonly name: string | null, readonly groups: readonly string[] }
  | { readonly kind: 'remove', readonly jid: BareJid }

/** §2.1.5, §2.3.3: throws a StanzaError for one that is refused. */
export function readRosterSet(query: Element): RosterRequest {
  const [item, ...others] = query.children
  if (item === undefined || others.length > 0 || item.ns !== NS_ROSTER || item.local !== 'item') throw new StanzaError('bad-request', 'a roster set has one item')
  const given = item.attributes.get('jid')
  if (given === undefined) throw new StanzaError('bad-request', 'an item has a JID')
  const jid = parseJid(given)
  if (jid === null || isFull(jid)) throw new StanzaError('bad-request', 'the JID of an item is a bare JID')
  if (item.attributes.get('subscription') === 'remove') return { kind: 'remove', jid }
  const name = item.attributes.get('name') ?? null
  const groups = item.children.filter(({ ns, local }) => ns === NS_ROSTER && local === 'group').map(({ text }) => text)
  // §2.3.3
  if (new Set(groups).size < groups.length) throw new StanzaError('bad-request', 'a group stands twice')
  if (groups.includes('')) throw new StanzaError('not-acceptable', 'a group has a name')
  if (groups.length > maxGroups) throw new StanzaError('not-acceptable', `an item is in at most ${maxGroups} groups`)
  if ([name ?? '', ...groups].some(text => text.length > maxName)) throw new StanzaError('not-acceptable', 'a name is too long')
  return { kind: 'set', jid, name: name === '' ? null : name, groups }
}

/** §2.3: a client names and groups, and nothing else. */
export const withNames = (item: RosterItem | null, { jid, name, groups }: Extract<RosterRequest, { kind: 'set' }>, version: number): RosterItem =>
  ({ ...item ?? newItem(jid), name, groups, isListed: true, version })

/** What clients see. */
export const listed = (roster: Iterable<RosterItem>): readonly RosterItem[] => [...roster].filter(({ isListed }) => isListed)
