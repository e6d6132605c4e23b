/** What the contract of the store is told with: a few accounts, and what is to be kept of them. */
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { Change, OfflineMessage, RosterItem, Store, StoredAccount } from '../../src/store/store.ts'
import type { BareJid } from '../../src/xmpp/jid.ts'
import { bare } from '../support/external-certificate.ts'

export type Reopen = ((store: Store) => Promise<Store>) | null
export type On = (what: string, body: (store: Store, again: (store: Store) => Promise<Store>) => Promise<void>) => void

export const [juliet, romeo, nurse] = [bare('juliet@example.net'), bare('romeo@example.net'), bare('nurse@example.net')]
export const bytes = (text: string): Uint8Array => Buffer.from(text)
export const textOf = (xml: Uint8Array | null): string | null => xml === null ? null : Buffer.from(xml).toString()
export const nothing: StoredAccount = { isKnown: false, roster: [], removed: [], rosterVersion: 0, blocked: [], hasMessages: false }

/** Bytes that nothing compresses: long keys are really long. */
export function noise(length: number, seed = 'noise'): string {
  let text = ''
  for (let round = 0; text.length < length; round += 1) text += createHash('sha256').update(`${seed}${round}`).digest('hex')
  return text.slice(0, length)
}

export const item = (jid: BareJid, more: Partial<RosterItem> = {}): RosterItem =>
  ({ jid, name: null, groups: [], subscription: 'none', ask: false, approved: false, request: null, isListed: true, version: 1, ...more })
export const set = (jid: BareJid, more: Partial<RosterItem> = {}): Change => ({ kind: 'roster-set', item: item(jid, more) })

/** In an order of its own: a store has none of items. */
export async function loaded(store: Store, account: BareJid): Promise<StoredAccount> {
  const stored = await store.load(account)
  return {
    ...stored, roster: stored.roster.toSorted((one, other) => one.jid < other.jid ? -1 : 1).map(found => ({ ...found, request: found.request === null ? null : new Uint8Array(found.request) })),
    blocked: stored.blocked.toSorted(),
  }
}
export const rosterOf = async (store: Store, account = juliet) => (await loaded(store, account)).roster
export const wiresOf = (messages: readonly OfflineMessage[]) => messages.map(({ wire }) => textOf(wire))
export const idsOf = (messages: readonly OfflineMessage[]) => messages.map(({ id }) => id)
export const commit = (store: Store, ...changes: readonly Change[]) => store.commit([{ account: juliet, changes }])
export const keep = (store: Store, account: BareJid, ...texts: readonly string[]) => store.keepMessages(account, texts.map(text => ({ wire: bytes(text), at: 1 })), 100)

/** A test with a store of its own. Where nothing outlives it, opening it anew does nothing. */
export const onStores = (make: () => Promise<Store>, reopen: Reopen): On => (what, body) => void test(what, async () => {
  let last = await make()
  try {
    await body(last, async store => {
      last = reopen === null ? store : await reopen(store)
      return last
    })
  } finally {
    await last.close()
  }
})
