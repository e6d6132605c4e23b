/**
 * One account in memory: its roster and its blocklist, as they are in the store. Memory follows the store: a change is seen when it is durable, so
 * what fails has changed nothing.
 */
import { type BareJid, domainOf, type Jid } from '../xmpp/jid.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import { type Change, maxRemoved, type OfflineMessage, type RosterItem, type Store, type StoredAccount } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import { isBlocked } from './blocklist.ts'
import { Handover } from './handover.ts'

export class Account {
  readonly jid: BareJid
  /** How many of its resources are bound. */
  residents = 0
  /** How many of them want copies of what the others say and hear (XEP-0280). */
  copied = 0
  /** When somebody asked for it last: milliseconds of `Clock.elapsed`. */
  touchedAt = 0
  /** Those of its audience who are online, while it is: `OnlineAudience` sees to that. */
  readonly onlineAudience = new Set<BareJid>()
  /** What became of the messages that are kept for it. */
  readonly handover: Handover
  /** A drop of kept messages is on its way. */
  isDropping = false
  readonly #store: Store
  readonly #log: Log
  readonly #roster = new Map<BareJid, RosterItem>()
  #removed: StoredAccount['removed'] = []
  #rosterVersion = 0
  readonly #blocked = new Set<Jid>()
  #isKnown = false
  #hasMessages = false
  #watched: readonly BareJid[] | null = null
  #last: Promise<unknown> = Promise.resolve()
  #underWay = 0
  /** The store failed, perhaps after it had done what it was asked: memory may not be as the store is. */
  #isInDoubt = false
  readonly #isBlocking: boolean
  readonly #rosterChanged: (account: Account, contact: BareJid | null) => void

  /**
   * `isBlocking`: whether the blocklist has an effect (XEP-0191). `rosterChanged` is told of each item that is another one, null where all may be.
   * `handover`: from when it was in memory before.
   */
  constructor(jid: BareJid, stored: StoredAccount, store: Store, log: Log, isBlocking = true,
    rosterChanged: (account: Account, contact: BareJid | null) => void = () => undefined, handover = new Handover()) {
    this.handover = handover
    this.jid = jid
    this.#store = store
    this.#log = log
    this.#isBlocking = isBlocking
    this.#rosterChanged = rosterChanged
    this.#take(stored)
  }

  /** Somebody has logged in to it: for others it exists. */
  get isKnown(): boolean { return this.#isKnown }
  get roster(): ReadonlyMap<BareJid, RosterItem> { return this.#roster }
  get rosterVersion(): number { return this.#rosterVersion }
  get removed(): StoredAccount['removed'] { return this.#removed }
  get blocked(): ReadonlySet<Jid> { return this.#blocked }
  /** Whether the store may have messages that no session was given. */
  get hasMessages(): boolean { return this.#hasMessages }
  /** Neither blocking nor copying is to be thought of: nearly always. */
  get isPlain(): boolean { return this.copied === 0 && this.#blocked.size === 0 }
  /** Somebody waits for something that changes it. */
  get isBusy(): boolean { return this.#underWay > 0 }

  /** Those who see its presence (RFC 6121 §4.2.2): subscription `from` or `both`. */
  get audience(): readonly BareJid[] {
    return [...this.#roster.values()].filter(({ subscription }) => subscription === 'from' || subscription === 'both').map(({ jid }) => jid)
  }

  /** Those whose presence it sees: subscription `to` or `both`. */
  get watched(): readonly BareJid[] {
    this.#watched ??= [...this.#roster.values()].filter(({ subscription }) => subscription === 'to' || subscription === 'both').map(({ jid }) => jid)
    return this.#watched
  }

  /** Whether that account may see its presence. */
  isSeenBy(other: BareJid): boolean {
    if (other === this.jid) return true
    const subscription = this.#roster.get(other)?.subscription
    return subscription === 'from' || subscription === 'both'
  }

  /** Whether it has blocked that JID (XEP-0191). It always hears its own server. */
  blocks(other: Jid): boolean {
    return this.#blocked.size > 0 && (other as string) !== domainOf(this.jid) && isBlocked(this.#blocked, this.jid, other)
  }

  /** Does one thing after the other: what changes the account, and what must not be overtaken by that. Never waits for another account within. */
  perform<Result>(act: () => Result | Promise<Result>): Promise<Result> {
    this.#underWay += 1
    const result = this.#last.then(act).finally(() => { this.#underWay -= 1 })
    this.#last = result.catch(() => undefined)
    return result
  }

  /** The same for two accounts at once, always in the same order of the two, so that nobody waits for himself. */
  static performBoth<Result>(one: Account, other: Account, act: () => Promise<Result>): Promise<Result> {
    const [first, second] = one.jid < other.jid ? [one, other] : [other, one]
    // Neither is dropped from memory while it waits for its turn: there would be two of it.
    second.#underWay += 1
    return first.perform(() => second.perform(act)).finally(() => { second.#underWay -= 1 })
  }

  /** Settles when nothing is under way that was when it was asked. */
  idle(): Promise<unknown> { return this.#last }

  /** To be called within `perform`. Durable, and to be seen, when it resolves; rejects with a StanzaError, and nothing has changed. */
  commit(changes: readonly Change[]): Promise<void> { return this.commitWith([{ account: this, changes }]) }

  /** The same where others change together with it: all of them, or none. */
  async commitWith(parts: readonly { readonly account: Account, readonly changes: readonly Change[] }[]): Promise<void> {
    const changed = parts.filter(({ changes }) => changes.length > 0)
    if (changed.length === 0) return
    for (const { account } of changed) if (account.#isInDoubt) await account.#makeSure()
    try {
      await this.#stored(store => store.commit(changed.map(({ account, changes }) => ({ account: account.jid, changes }))))
    } catch (error) {
      for (const { account } of changed) account.#doubt()
      throw error
    }
    for (const { account, changes } of changed) for (const change of changes) account.#apply(change)
  }

  /** Who waits for its answer to a request to subscribe, at most `max`, by their own rosters. To be called within `perform`. */
  askers(max: number): Promise<readonly BareJid[]> { return this.#stored(store => store.askers(this.jid, max)) }

  /** Keeps a message for later; `full` where there are as many as may be. To be called within `perform`. */
  async keepMessage(wire: Uint8Array, at: number, max: number): Promise<'kept' | 'full'> {
    const outcome = this.#stored(store => store.keepMessages(this.jid, [{ wire, at }], max))
    // Where the store fails it may be kept all the same.
    if (await outcome.catch(() => 'kept') === 'kept') this.#hasMessages = true
    return outcome
  }

  /** Messages that no session was given, the oldest. To be called within `perform`; fewer than `max` are all that there are. */
  async messages(max: number): Promise<readonly OfflineMessage[]> {
    const { handover } = this
    const { after } = handover
    const messages = await this.#stored(store => store.messages(this.jid, after, max))
    const isAll = messages.length < max
    // Somebody else may have emptied the store.
    handover.found(messages.map(({ id }) => id), after, isAll ? Infinity : messages.at(-1)?.id ?? Infinity)
    // What came back meanwhile lies before those that were asked for.
    if (isAll) this.#hasMessages = handover.after < after
    return messages.filter(({ id }) => handover.isToBeGiven(id))
  }

  /** Messages that a session was given are to be given again. */
  takeBack(id: number): void {
    this.handover.takeBack(id)
    this.messagesAreLeft()
  }

  /** Not all that were read have been given to somebody. */
  messagesAreLeft(): void { this.#hasMessages = true }

  /** Those with that id or a lesser one. */
  dropMessages(upTo: number): Promise<void> { return this.#stored(store => store.dropMessages(this.jid, upTo)) }

  /** As soon as the store answers again it is asked how things are. */
  #doubt(): void {
    if (this.#isInDoubt) return
    this.#isInDoubt = true
    this.perform(() => this.#isInDoubt ? this.#makeSure() : undefined).catch(() => undefined)
  }

  /** Memory is as the store is when it resolves. Rejects where what is asked for was made of a memory that was not, and where that cannot be known. */
  async #makeSure(): Promise<void> {
    const [version, blocked, isKnown] = [this.#rosterVersion, new Set(this.#blocked), this.#isKnown]
    this.#take(await this.#stored(store => store.load(this.jid)))
    this.#isInDoubt = false
    const isSame = this.#rosterVersion === version && this.#isKnown === isKnown && this.#blocked.symmetricDifference(blocked).size === 0
    if (!isSame) throw new StanzaError('internal-server-error', 'what the server failed to keep before is there now: look at it, and try again')
  }

  #take({ roster, removed, rosterVersion, blocked, isKnown, hasMessages }: StoredAccount): void {
    this.#roster.clear()
    for (const item of roster) this.#roster.set(item.jid, item)
    this.#removed = removed
    this.#rosterVersion = rosterVersion
    this.#blocked.clear()
    if (this.#isBlocking) for (const jid of blocked) this.#blocked.add(jid)
    this.#isKnown = isKnown
    this.#hasMessages = hasMessages
    this.#watched = null
    this.#rosterChanged(this, null)
  }

  async #stored<Result>(act: (store: Store) => Promise<Result>): Promise<Result> {
    try {
      return await act(this.#store)
    } catch (error) {
      this.#log.error({ event: 'store.failed', account: this.jid, error })
      throw new StanzaError('internal-server-error', 'the server could not keep that', { cause: error })
    }
  }

  #apply(change: Change): void {
    switch (change.kind) {
      case 'known':
        this.#isKnown = true
        return
      case 'roster-set':
        this.#roster.set(change.item.jid, change.item)
        this.#removed = this.#removed.filter(({ jid }) => jid !== change.item.jid)
        this.#rosterVersion = Math.max(this.#rosterVersion, change.item.version)
        this.#watched = null
        this.#rosterChanged(this, change.item.jid)
        return
      case 'roster-remove':
        this.#roster.delete(change.jid)
        this.#removed = [...this.#removed.filter(({ jid }) => jid !== change.jid), { jid: change.jid, version: change.version }].slice(-maxRemoved)
        this.#rosterVersion = Math.max(this.#rosterVersion, change.version)
        this.#watched = null
        this.#rosterChanged(this, change.jid)
        return
      case 'block':
        this.#blocked.add(change.jid)
        return
      case 'unblock':
        this.#blocked.delete(change.jid)
        return
      case 'unblock-all':
        this.#blocked.clear()
        return
      default:
        // What is asked for rarely is not kept in memory.
    }
  }
}
