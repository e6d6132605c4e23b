// A store without a database: for the rules, which do not know where what they keep is kept.
import assert from 'node:assert/strict'
import { type AccountChanges, type Change, type KeptMessage, type LastActivity, maxRemoved, type OfflineMessage, type RosterItem, type Store, type StoredAccount } from '../../src/store/store.ts'
import type { BareJid, Jid } from '../../src/xmpp/jid.ts'

interface Remembered {
  isKnown: boolean
  readonly roster: Map<BareJid, RosterItem>
  removed: { readonly jid: BareJid, readonly version: number }[]
  rosterVersion: number
  readonly blocked: Set<Jid>
  messages: OfflineMessage[]
  vcard: Uint8Array | null
  readonly privateXml: Map<string, Uint8Array>
  lastActivity: LastActivity | null
}

export const noAccount: StoredAccount = { isKnown: false, roster: [], removed: [], rosterVersion: 0, blocked: [], hasMessages: false }

export class RememberedStore implements Store {
  readonly accounts = new Map<BareJid, Remembered>()
  /** What every call waits for: a test may let it fail, or take its time. */
  before: (method: string) => Promise<void> = () => Promise.resolve()
  #ids = 0

  async load(account: BareJid): Promise<StoredAccount> {
    await this.before('load')
    const found = this.accounts.get(account)
    if (found === undefined) return noAccount
    const { isKnown, roster, removed, rosterVersion, blocked, messages } = found
    return { isKnown, roster: [...roster.values()], removed, rosterVersion, blocked: [...blocked], hasMessages: messages.length > 0 }
  }

  async commit(given: readonly AccountChanges[]): Promise<void> {
    const parts = structuredClone(given)
    await this.before('commit')
    // All or nothing.
    for (const change of parts.flatMap(({ changes }) => changes)) if (change.kind === 'last-activity') assert.ok(Number.isInteger(change.seconds))
    for (const { account, changes } of parts) for (const change of changes) apply(this.#of(account), change)
  }

  async askers(account: BareJid, max: number): Promise<readonly BareJid[]> {
    await this.before('askers')
    return [...this.accounts].filter(([, { roster }]) => roster.get(account)?.ask === true).map(([jid]) => jid).sort().slice(0, max)
  }

  async vcard(account: BareJid): Promise<Uint8Array | null> {
    await this.before('vcard')
    return this.accounts.get(account)?.vcard ?? null
  }

  async privateXml(account: BareJid, ns: string, local: string): Promise<Uint8Array | null> {
    await this.before('privateXml')
    return this.accounts.get(account)?.privateXml.get(`${local} ${ns}`) ?? null
  }

  async privateBytes(account: BareJid): Promise<number> {
    await this.before('privateBytes')
    return [...this.accounts.get(account)?.privateXml.values() ?? []].reduce((sum, { length }) => sum + length, 0)
  }

  async lastActivity(account: BareJid): Promise<LastActivity | null> {
    await this.before('lastActivity')
    return this.accounts.get(account)?.lastActivity ?? null
  }

  async keepMessages(account: BareJid, given: readonly KeptMessage[], max: number): Promise<'kept' | 'full'> {
    const messages = structuredClone(given)
    await this.before('keepMessages')
    const kept = this.#of(account)
    if (messages.length > 0 && kept.messages.length + messages.length > max) return 'full'
    for (const message of messages) {
      this.#ids += 1
      kept.messages.push({ ...message, id: this.#ids })
    }
    return 'kept'
  }

  async messages(account: BareJid, after: number, max: number): Promise<readonly OfflineMessage[]> {
    await this.before('messages')
    return (this.accounts.get(account)?.messages ?? []).filter(({ id }) => id > after).slice(0, max)
  }

  async dropMessages(account: BareJid, upTo: number): Promise<void> {
    await this.before('dropMessages')
    const kept = this.#of(account)
    kept.messages = kept.messages.filter(({ id }) => id > upTo)
  }

  async forget(account: BareJid): Promise<void> {
    await this.before('forget')
    this.accounts.delete(account)
  }

  async close(): Promise<void> { await Promise.resolve() }

  #of(account: BareJid): Remembered {
    const found = this.accounts.get(account) ?? { isKnown: false, roster: new Map<BareJid, RosterItem>(), removed: [], rosterVersion: 0, blocked: new Set<Jid>(),
      messages: [], vcard: null, privateXml: new Map<string, Uint8Array>(), lastActivity: null }
    this.accounts.set(account, found)
    return found
  }
}

function apply(account: Remembered, change: Change): void {
  switch (change.kind) {
    case 'known': account.isKnown = true; return
    case 'roster-set':
      account.roster.set(change.item.jid, change.item)
      account.removed = account.removed.filter(({ jid }) => jid !== change.item.jid)
      account.rosterVersion = Math.max(account.rosterVersion, change.item.version)
      return
    case 'roster-remove':
      account.roster.delete(change.jid)
      account.removed = [...account.removed.filter(({ jid }) => jid !== change.jid), { jid: change.jid, version: change.version }].slice(-maxRemoved)
      account.rosterVersion = Math.max(account.rosterVersion, change.version)
      return
    case 'block': account.blocked.add(change.jid); return
    case 'unblock': account.blocked.delete(change.jid); return
    case 'unblock-all': account.blocked.clear(); return
    case 'vcard': account.vcard = change.xml; return
    case 'private':
      if (change.xml === null) account.privateXml.delete(`${change.local} ${change.ns}`)
      else account.privateXml.set(`${change.local} ${change.ns}`, change.xml)
      return
    case 'last-activity': account.lastActivity = { seconds: change.seconds, status: change.status }
  }
}
