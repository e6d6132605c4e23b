/** Message carbons (XEP-0280): what one resource says and hears is copied to the others that want it. */
import { raw, tag } from '../xml/write.ts'
import { NS_CLIENT } from '../xmpp/namespaces.ts'
import { type Stanza, stanzaMarkup } from '../xmpp/stanza.ts'
import type { Account } from './account.ts'
import type { Realm } from './realm.ts'
import type { Resident } from './resident.ts'

export const NS_CARBONS = 'urn:xmpp:carbons:2'
const NS_FORWARD = 'urn:xmpp:forward:0'
const NS_HINTS = 'urn:xmpp:hints'
const NS_MUC_USER = 'http://jabber.org/protocol/muc#user'

/** Receipts, chat states and chat markers belong to a conversation although they have no words; the last is an invitation. */
const conversational: ReadonlySet<string> = new Set(['urn:xmpp:receipts', 'http://jabber.org/protocol/chatstates', 'urn:xmpp:chat-markers:0', 'jabber:x:conference'])

/** §6.1. An error is eligible where what it answers was: our own, for nobody remembers what others answer. */
export function isEligible(stanza: Stanza): boolean {
  const type = stanza.messageType
  if (type === 'groupchat' || type === 'error') return false
  const { children } = stanza.element()
  // §9: both ways of asking for no copies.
  if (children.some(({ ns, local }) => (ns === NS_CARBONS && local === 'private') || (ns === NS_HINTS && local === 'no-copy'))) return false
  if (type === 'chat') return true
  if (type === 'normal' && children.some(({ ns, local }) => ns === NS_CLIENT && local === 'body')) return true
  return children.some(({ ns, local, children: inner }) => conversational.has(ns) || (ns === NS_MUC_USER && local === 'x' && inner.some(child => child.local === 'invite')))
}

/** One of our own copies, which nobody else can make: no client writes as the account itself. */
export const isCopy = (stanza: Stanza, account: Account): boolean =>
  stanza.from === account.jid && stanza.element().children.some(({ ns, local }) => ns === NS_CARBONS && (local === 'sent' || local === 'received'))

/** Those of the account that want copies, and are none of `except`. */
export const wantingCopies = ({ directory }: Realm, account: Account, except: readonly Resident[]): readonly Resident[] =>
  account.copied === 0 ? [] : [...directory.ofAccount(account.jid)].filter(resident => resident.wantsCarbons && !except.includes(resident))

/** Copies of `wire`, which is the message of that type as it was delivered. `give` is called for each. */
export function copy(residents: readonly Resident[], account: Account, direction: 'sent' | 'received', type: string | null, wire: Uint8Array,
  give: (resident: Resident, wire: Uint8Array) => void): void {
  if (residents.length === 0) return
  const forwarded = tag(direction, { xmlns: NS_CARBONS }, tag('forwarded', { xmlns: NS_FORWARD }, raw(Buffer.from(wire).toString())))
  for (const resident of residents) give(resident, stanzaMarkup('message', { from: account.jid, to: resident.jid, type }, forwarded))
}
