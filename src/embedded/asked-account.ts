/** An account, as the protocols see it that answer requests: what they change is kept, and who has to know is told. */
import type { BareJid, Jid } from '../xmpp/jid.ts'
import type { Change } from '../store/store.ts'
import type { Element } from '../xml/element.ts'
import type { Markup } from '../xml/write.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import type { Account } from './account.ts'
import type { FeatureAccount, FeatureChange, FeatureResource } from './feature-account.ts'
import type { PresenceRules } from './presence.ts'
import { availableOf, type Realm } from './realm.ts'
import type { Resident } from './resident.ts'
import type { SubscriptionRules } from './subscriptions.ts'

export class AskedAccount implements FeatureAccount {
  readonly #account: Account
  readonly #realm: Realm
  readonly #presence: PresenceRules
  readonly #subscriptions: SubscriptionRules

  constructor(account: Account, realm: Realm, presence: PresenceRules, subscriptions: SubscriptionRules) {
    this.#account = account
    this.#realm = realm
    this.#presence = presence
    this.#subscriptions = subscriptions
  }

  get jid(): BareJid { return this.#account.jid }
  get blocked(): Iterable<Jid> { return this.#account.blocked }
  get available(): Iterable<Resident> { return availableOf(this.#realm, this.jid) }
  get resources(): Iterable<Resident> { return this.#realm.directory.ofAccount(this.jid) }

  showsPresenceTo(other: BareJid): boolean { return this.#account.isSeenBy(other) }

  readRoster(resource: FeatureResource, ver: string | null): Markup | null {
    const resident = this.#realm.directory.get(resource.jid)
    return resident === undefined ? null : this.#subscriptions.readRoster(this.#account, resident, ver)
  }

  setRoster(query: Element): Promise<void> { return this.#subscriptions.setRoster(this.#account, query) }

  commit(changes: readonly FeatureChange[] | (() => Promise<readonly FeatureChange[]>)): Promise<void> {
    return this.#account.perform(async () => { await this.#account.commit(typeof changes === 'function' ? await changes() : changes) })
  }

  /** XEP-0191 §3.3: whoever saw the account sees it leave. */
  async block(jids: readonly Jid[], max: number): Promise<void> {
    await this.#change(account => {
      const added = jids.filter(jid => !account.blocked.has(jid))
      if (added.length > 0 && account.blocked.size + added.length > max) throw new StanzaError('policy-violation', `an account blocks at most ${max} JIDs`)
      return added.map(jid => ({ kind: 'block', jid }))
    })
  }

  /** XEP-0191 §3.4: whoever may see the account sees it again. */
  async unblock(jids: readonly Jid[] | null): Promise<void> {
    await this.#change(account => jids === null ? [{ kind: 'unblock-all' }] : jids.filter(jid => account.blocked.has(jid)).map(jid => ({ kind: 'unblock', jid })))
  }

  #change(changesOf: (account: Account) => readonly Change[]): Promise<void> {
    const account = this.#account
    return account.perform(async () => {
      const before = this.#presence.meetings(account)
      const hidden = this.#presence.hidden(account)
      await account.commit(changesOf(account))
      this.#presence.meetingsChanged(account, before)
      this.#presence.hiddenChanged(account, hidden)
    })
  }
}
