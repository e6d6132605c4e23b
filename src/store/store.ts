/** What the embedded domain keeps of its accounts: declared here, so that every database keeps it alike (RFC 6121 §2, §3; XEP-0049, 0054, 0012, 0160, 0191). */
import type { BareJid, Jid } from '../xmpp/jid.ts'

export type SubscriptionState = 'none' | 'to' | 'from' | 'both'

export interface RosterItem {
  readonly jid: BareJid
  readonly name: string | null
  readonly groups: readonly string[]
  readonly subscription: SubscriptionState
  /** The account has asked to subscribe, and nobody has answered (pending out). */
  readonly ask: boolean
  /** RFC 6121 §3.4: a request of this contact is approved before it comes. */
  readonly approved: boolean
  /** Pending in: the contact's request, stand-alone, kept to be shown again (§3.1.3). */
  readonly request: Uint8Array | null
  /** False: only the request is known; the item is in no roster that clients see. */
  readonly isListed: boolean
  /** That of the roster when the item was changed last. */
  readonly version: number
}

/** So many removals are remembered for roster versioning (RFC 6121 §2.6): who has missed more is given the whole roster. */
export const maxRemoved = 100

/** An account as it is loaded: in one round trip. */
export interface StoredAccount {
  /** Somebody has logged in to it at least once: before, there is no such account for others. */
  readonly isKnown: boolean
  readonly roster: readonly RosterItem[]
  /** The latest removals, for roster versioning (RFC 6121 §2.6); not all that there ever were. */
  readonly removed: readonly { readonly jid: BareJid, readonly version: number }[]
  readonly rosterVersion: number
  readonly blocked: readonly Jid[]
  /** Whether messages are kept for it. */
  readonly hasMessages: boolean
}

export type Change =
  | { readonly kind: 'known' }
  | { readonly kind: 'roster-set', readonly item: RosterItem }
  | { readonly kind: 'roster-remove', readonly jid: BareJid, readonly version: number }
  | { readonly kind: 'block', readonly jid: Jid }
  | { readonly kind: 'unblock', readonly jid: Jid }
  | { readonly kind: 'unblock-all' }
  | { readonly kind: 'vcard', readonly xml: Uint8Array | null }
  | { readonly kind: 'private', readonly ns: string, readonly local: string, readonly xml: Uint8Array | null }
  | { readonly kind: 'last-activity', readonly seconds: number, readonly status: string }

/** What changes about one account, in order. */
export interface AccountChanges { readonly account: BareJid, readonly changes: readonly Change[] }

/** `at` in milliseconds since the epoch. */
export interface KeptMessage { readonly wire: Uint8Array, readonly at: number }

/** `id` grows with every message that is kept for the account. */
export interface OfflineMessage extends KeptMessage { readonly id: number }

/** `seconds`: since the epoch. */
export interface LastActivity { readonly seconds: number, readonly status: string }

/** Every method rejects when the database cannot be reached, or does not answer within its time. */
export interface Store {
  load(account: BareJid): Promise<StoredAccount>
  /** Atomic, also where several accounts are concerned (both sides of a subscription); durable when it resolves. */
  commit(parts: readonly AccountChanges[]): Promise<void>
  /** Whose rosters say that they asked to subscribe to the account, at most `max`; none whose JID is too long to be a key. */
  askers(account: BareJid, max: number): Promise<readonly BareJid[]>
  vcard(account: BareJid): Promise<Uint8Array | null>
  privateXml(account: BareJid, ns: string, local: string): Promise<Uint8Array | null>
  /** Of all private XML that is kept for it. */
  privateBytes(account: BareJid): Promise<number>
  lastActivity(account: BareJid): Promise<LastActivity | null>
  /** All of them or none: `full` where there would be more than `max`. Durable when it resolves. */
  keepMessages(account: BareJid, messages: readonly KeptMessage[], max: number): Promise<'kept' | 'full'>
  /** In the order in which they were kept, those with an id greater than `after`. They stay until `dropMessages`. */
  messages(account: BareJid, after: number, max: number): Promise<readonly OfflineMessage[]>
  /** Those with that id or a lesser one. */
  dropMessages(account: BareJid, upTo: number): Promise<void>
  /** Whatever is kept of an account that is no more (`meerkat user delete`). */
  forget(account: BareJid): Promise<void>
  close(): Promise<void>
}
