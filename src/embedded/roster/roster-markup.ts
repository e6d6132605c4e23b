/** Rosters as XML (RFC 6121 §2.1). */
import type { RosterItem, StoredAccount } from '../../store/store.ts'
import { type Markup, tag, text } from '../../xml/write.ts'
import type { BareJid } from '../../xmpp/jid.ts'
import { NS_ROSTER } from './roster.ts'

export const itemMarkup = ({ jid, name, groups, subscription, ask, approved }: RosterItem): Markup =>
  tag('item', { jid, name, subscription, ask: ask ? 'subscribe' : null, approved: approved ? 'true' : null }, ...groups.map(group => tag('group', {}, text(group))))

/** §2.5: what tells of an item that is there no more. */
export const removalMarkup = (jid: BareJid): Markup => tag('item', { jid, subscription: 'remove' })

export const rosterMarkup = (version: number, items: readonly Markup[]): Markup => tag('query', { xmlns: NS_ROSTER, ver: String(version) }, ...items)

/** §2.6: the latest state of what has changed since `ver`, in the order of the changes; null where only the whole roster will do. */
export function changedSince(ver: string, roster: Iterable<RosterItem>, removed: StoredAccount['removed'], rosterVersion: number, maxRemoved: number):
readonly { readonly version: number, readonly item: Markup }[] | null {
  if (!/^\d{1,15}$/.test(ver)) return null
  const since = Number(ver)
  // A removal has a version of its own, so the last `maxRemoved` versions have no more removals than are remembered. Their number does not
  // tell: it sinks again when a contact comes back.
  if (since > rosterVersion || since < rosterVersion - maxRemoved) return null
  return [
    // An item that clients do not see may be one that they saw before it was removed.
    ...[...roster].map(item => ({ version: item.version, item: item.isListed ? itemMarkup(item) : removalMarkup(item.jid) })),
    ...removed.map(({ jid, version }) => ({ version, item: removalMarkup(jid) })),
  ].filter(({ version }) => version > since).sort((one, other) => one.version - other.version)
}
