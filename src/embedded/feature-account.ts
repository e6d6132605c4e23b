/** An account as features see it. Whatever changes it goes through here, so that one writer keeps the order and resources are told. */
import type { Element } from '../xml/element.ts'
import type { Markup } from '../xml/write.ts'
import type { BareJid, FullJid, Jid } from '../xmpp/jid.ts'

/** What a feature changes about an account and the store keeps. */
export type FeatureChange =
  | { readonly kind: 'vcard', readonly xml: Uint8Array | null }
  | { readonly kind: 'private', readonly ns: string, readonly local: string, readonly xml: Uint8Array | null }

/** A bound resource, as features see it. */
export interface FeatureResource {
  readonly jid: FullJid
  readonly session: { deliver(wire: Uint8Array): void }
  /** It has asked for the blocklist, and is told of changes (XEP-0191 §3.2). */
  wantsBlocklist: boolean
  /** It has asked for copies of messages (XEP-0280 §4). */
  wantsCarbons: boolean
}

export interface FeatureAccount {
  readonly jid: BareJid
  /** Whether `other` is subscribed to its presence (RFC 6121 §4.3.2, `from` or `both`); everybody is to himself. */
  showsPresenceTo(other: BareJid): boolean
  /** Those that sent presence and did not take it back. */
  readonly available: Iterable<FeatureResource>
  /** All that are bound. */
  readonly resources: Iterable<FeatureResource>
  readonly blocked: Iterable<Jid>
  /** What a roster get answers (RFC 6121 §2.1.4); from now on the resource is told of changes. Null where it has the roster of version `ver`, or is told the rest. */
  readRoster(resource: FeatureResource, ver: string | null): Markup | null
  /** Does what a roster set asks for (§2.1.5). Rejects with a StanzaError. */
  setRoster(query: Element): Promise<void>
  /** Durable when it resolves. A function is called when nobody else is changing the account; where it rejects nothing changes. */
  commit(changes: readonly FeatureChange[] | (() => Promise<readonly FeatureChange[]>)): Promise<void>
  /** Durable and in effect when it resolves: who is blocked sees the account leave (XEP-0191 §3.3). Those that are blocked already stay so. Rejects with a StanzaError where it would be more than `max`. */
  block(jids: readonly Jid[], max: number): Promise<void>
  /** The reverse (§3.4); null is all of them (§3.5). */
  unblock(jids: readonly Jid[] | null): Promise<void>
}
