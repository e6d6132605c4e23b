/**
 * What one act changes about the rosters of the two whom it concerns (RFC 6121 §2.5.2, §3): turn by turn, each on what the one before it left
 * behind. Nothing has happened until the turns are kept, all together.
 */
import type { Change, RosterItem } from '../../store/store.ts'
import type { BareJid } from '../../xmpp/jid.ts'
import type { Outcome, SubscriptionType } from './subscription.ts'

/** A roster that is changed. */
export interface Rostered {
  readonly jid: BareJid
  readonly roster: ReadonlyMap<BareJid, RosterItem>
  readonly rosterVersion: number
}

/** The stanza that came. */
export interface Inbound { readonly type: SubscriptionType, readonly wire: Uint8Array }

export interface Turn<Owner extends Rostered> {
  readonly owner: Owner
  readonly contact: BareJid
  readonly outcome: Outcome
  /** Of the roster after it. */
  readonly version: number
  readonly changes: readonly Change[]
  /** Null for what the owner did himself. */
  readonly inbound: Inbound | null
}

export class Exchange<Owner extends Rostered> {
  readonly #turns: Turn<Owner>[] = []

  get turns(): readonly Turn<Owner>[] { return this.#turns }

  /** `act` is told what the roster of `owner` has of the contact by now, and which version a change makes it. */
  take(owner: Owner, contact: BareJid, act: (item: RosterItem | null, version: number) => Outcome, inbound: Inbound | null = null): Outcome {
    const last = this.#turns.findLast(turn => turn.owner === owner)
    const item = last === undefined ? owner.roster.get(contact) ?? null : last.outcome.item
    const version = last?.version ?? owner.rosterVersion
    const outcome = act(item, version + 1)
    const changes = changesOf(contact, item, outcome, version)
    this.#turns.push({ owner, contact, outcome, inbound, changes, version: Math.max(version, ...changes.map(versionOf)) })
    return outcome
  }
}

function changesOf(jid: BareJid, before: RosterItem | null, { item }: Outcome, version: number): readonly Change[] {
  if (item === before) return []
  if (item !== null) return [{ kind: 'roster-set', item }]
  // Each has a version of its own, also where clients saw nothing: else strangers who come and go would push out what is remembered for them (§2.6).
  return [{ kind: 'roster-remove', jid, version: version + 1 }]
}

const versionOf = (change: Change): number => change.kind === 'roster-set' ? change.item.version : change.kind === 'roster-remove' ? change.version : 0

const isSeen = ({ subscription }: RosterItem): boolean => subscription === 'from' || subscription === 'both'

/** §2.5: the account removes the item from its roster. */
export const removal = (item: RosterItem): Outcome => ({ item: null, isPassedOn: true, isPushed: true, reply: null, presence: isSeen(item) ? 'hidden' : null })

/** §2.5.2: what there was of subscriptions ends, both ways. */
export const endedBy = (removed: RosterItem): readonly ('unsubscribed' | 'unsubscribe')[] => [
  ...isSeen(removed) || removed.request !== null ? ['unsubscribed' as const] : [],
  ...removed.ask || removed.subscription === 'to' || removed.subscription === 'both' ? ['unsubscribe' as const] : [],
]
