// Requests to features without a domain behind them: one account in memory, its store, and what its resources hear.
import { features } from '../../src/embedded/catalogue.ts'
import type { AskedOf, Feature } from '../../src/embedded/feature.ts'
import type { FeatureAccount, FeatureChange, FeatureResource } from '../../src/embedded/feature-account.ts'
import { IqDispatch } from '../../src/embedded/iq-dispatch.ts'
import type { FeatureOptions } from '../../src/embedded/options.ts'
import { type BareJid, bareOf, type FullJid, type Jid, parseJid } from '../../src/xmpp/jid.ts'
import { defaultOptions } from './neighbourhood.ts'
import { stanza } from './recorded-outbound.ts'
import { RememberedStore } from './remembered-store.ts'
import { recordingLog, TurnedClock } from './turned-clock.ts'

export const jid = (text: string): Jid => parseJid(text)!

/** A resource that keeps what it is given. */
export class Listener implements FeatureResource {
  readonly jid: FullJid
  readonly session = { deliver: (wire: Uint8Array): void => { this.given.push(Buffer.from(wire).toString()) } }
  readonly given: string[] = []
  wantsBlocklist = false
  wantsCarbons = false

  constructor(address: string) { this.jid = jid(address) as FullJid }

  /** What it was given since this was last asked. */
  heard(): readonly string[] { return this.given.splice(0) }
}

export class RememberedAccount implements FeatureAccount {
  readonly jid: BareJid
  readonly watchers = new Set<BareJid>()
  readonly resources: Listener[] = []
  readonly available: Listener[] = []
  readonly blocked = new Set<Jid>()
  readonly #store: RememberedStore
  #last: Promise<unknown> = Promise.resolve()

  constructor(address: BareJid, store: RememberedStore) {
    this.jid = address
    this.#store = store
  }

  showsPresenceTo(other: BareJid): boolean { return other === this.jid || this.watchers.has(other) }
  readRoster(): null { return null }
  async setRoster(): Promise<void> { /* The rig has no rosters. */ }
  commit(changes: readonly FeatureChange[] | (() => Promise<readonly FeatureChange[]>)): Promise<void> {
    const done = this.#last.then(async () => { await this.#store.commit([{ account: this.jid, changes: typeof changes === 'function' ? await changes() : changes }]) })
    this.#last = done.catch(() => undefined)
    return done
  }
  async block(jids: readonly Jid[]): Promise<void> { for (const one of jids) this.blocked.add(one) }
  async unblock(jids: readonly Jid[] | null): Promise<void> { for (const one of jids ?? [...this.blocked]) this.blocked.delete(one) }
}

export class FeatureRig {
  readonly clock = new TurnedClock()
  readonly store = new RememberedStore()
  readonly romeo = new Listener('romeo@example.net/orchard')
  readonly events: readonly unknown[]
  readonly dispatch: IqDispatch
  readonly #accounts = new Map<BareJid, RememberedAccount>()

  constructor(options: Partial<FeatureOptions> = {}, spoken: readonly Feature[] = features) {
    const { log, events } = recordingLog()
    this.events = events
    let ids = 0
    this.dispatch = new IqDispatch(spoken, {
      software: { name: 'Meerkat', version: '1.2.3' }, clock: this.clock, store: this.store, options: { ...defaultOptions, ...options }, log,
      newId: () => `id-${ids += 1}`,
    })
    this.account('romeo@example.net').resources.push(this.romeo)
  }

  /** From now on the store keeps and finds nothing. */
  loseStore(): void { this.store.before = async () => { throw new Error('the database is away') } }

  /** What is kept of an account. */
  async kept(address: string): Promise<{ readonly vcard: string | null, readonly privateBytes: number }> {
    const account = bareOf(jid(address))
    const card = await this.store.vcard(account)
    return { vcard: card === null ? null : Buffer.from(card).toString(), privateBytes: await this.store.privateBytes(account) }
  }

  account(address: string): RememberedAccount {
    const bare = bareOf(jid(address))
    const account = this.#accounts.get(bare) ?? new RememberedAccount(bare, this.store)
    this.#accounts.set(bare, account)
    return account
  }

  /** What Romeo hears when he sends this IQ; `who` asks in his place. */
  async ask(xml: string, who: Listener = this.romeo): Promise<readonly string[]> {
    const request = stanza(xml)
    const to = request.to === null ? null : jid(request.to)
    const at: AskedOf = to === null || to === bareOf(who.jid) ? 'account' : to.includes('@') ? 'contact' : 'server'
    await this.dispatch.answer(request, who, at === 'server' ? { at } : { at, account: async () => this.account(bareOf(to ?? who.jid)) }, to)
    return who.heard()
  }

  /** The payload of the one answer, or its condition in brackets. */
  async outcome(xml: string, who: Listener = this.romeo): Promise<string> {
    const heard = await this.ask(xml, who)
    return summary(heard.at(-1) ?? '(nothing)')
  }
}

export function summary(answer: string): string {
  const condition = /<error type='\w+'><([a-z-]+) /.exec(answer)?.[1]
  if (condition !== undefined) return `(${condition})`
  return /^<iq [^>]*type='result'[^>]*>(.*)<\/iq>$/s.exec(answer)?.[1] ?? (/^<iq [^>]*type='result'[^>]*\/>$/.test(answer) ? '' : answer)
}
