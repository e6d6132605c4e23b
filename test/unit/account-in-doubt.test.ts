// A store that fails after it has done what it was asked: memory and the database are of one mind again before anything else changes.
import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { Account } from '../../src/embedded/account.ts'
import type { Change } from '../../src/store/store.ts'
import { bare } from '../support/external-certificate.ts'
import { item } from '../contract/store-scene.ts'
import { noAccount, RememberedStore } from '../support/remembered-store.ts'
import { recordingLog } from '../support/turned-clock.ts'

const [juliet, romeo] = [bare('juliet@example.net'), bare('romeo@example.net')]
const blocking: readonly Change[] = [{ kind: 'block', jid: romeo }]
const listing = (version: number): readonly Change[] => [{ kind: 'roster-set', item: item(romeo, { version }) }]

/** As a database whose answer to COMMIT is lost; `isDone`: what had been asked was done all the same. */
class Forgetful extends RememberedStore {
  loses: { isDone: boolean } | null = null
  override async commit(parts: Parameters<RememberedStore['commit']>[0]): Promise<void> {
    if (this.loses?.isDone !== false) await super.commit(parts)
    if (this.loses !== null) throw new Error('no answer')
  }
}

describe('an account whose store gave no answer', () => {
  let store: Forgetful
  let account: Account
  beforeEach(() => {
    store = new Forgetful()
    account = new Account(juliet, noAccount, store, recordingLog().log)
  })
  const commit = (changes: readonly Change[]) => account.perform(() => account.commit(changes))
  const refused = (changes: readonly Change[]) => assert.rejects(commit(changes), { name: 'StanzaError', condition: 'internal-server-error' })

  test('has what was done after all, as soon as the store can be asked', async () => {
    store.loses = { isDone: true }
    await refused([...listing(3), ...blocking])
    assert.deepEqual([account.rosterVersion, account.blocks(romeo)], [0, false])
    await account.idle()
    assert.deepEqual([account.rosterVersion, [...account.roster.keys()], account.blocks(romeo)], [3, [romeo], true])
    store.loses = null
    await commit([{ kind: 'unblock-all' }])
    assert.equal(account.blocks(romeo), false)
  })

  test('has not what was not done, and goes on', async () => {
    store.loses = { isDone: false }
    await refused(listing(3))
    store.loses = null
    await commit(listing(1))
    assert.equal(account.rosterVersion, 1)
  })

  test('changes nothing on the ground of what was wrong, however long the store is away', async () => {
    store.loses = { isDone: true }
    store.before = method => method === 'load' ? Promise.reject(new Error('away')) : Promise.resolve()
    await refused(listing(3))
    await account.idle()
    assert.equal(account.rosterVersion, 0)
    store.loses = null
    await refused(listing(1))
    store.before = () => Promise.resolve()
    // Its version was made of the old one.
    await refused(listing(1))
    assert.equal(account.rosterVersion, 3)
    await commit(listing(4))
    assert.equal((await store.load(juliet)).rosterVersion, 4)
  })

  test('and one that changed together with it are both asked for', async () => {
    const other = new Account(romeo, noAccount, store, recordingLog().log)
    store.loses = { isDone: true }
    await assert.rejects(Account.performBoth(account, other, () => account.commitWith([
      { account, changes: listing(1) }, { account: other, changes: [{ kind: 'roster-set', item: item(juliet, { version: 5 }) }] },
    ])))
    await Promise.all([account.idle(), other.idle()])
    assert.deepEqual([account.rosterVersion, other.rosterVersion], [1, 5])
  })

  test('may have kept a message, and looks for it', async () => {
    store.before = method => method === 'keepMessages' ? Promise.reject(new Error('no answer')) : Promise.resolve()
    await assert.rejects(account.perform(() => account.keepMessage(new Uint8Array(), 1, 10)))
    assert.equal(account.hasMessages, true)
    assert.deepEqual(await account.perform(() => account.messages(10)), [])
    assert.equal(account.hasMessages, false)
  })
})

test('an account whose blocklist has no effect has none, also when it is loaded anew', async () => {
  const store = new Forgetful()
  await store.commit([{ account: juliet, changes: blocking }])
  const account = new Account(juliet, await store.load(juliet), store, recordingLog().log, false)
  assert.equal(account.isPlain, true)
  store.loses = { isDone: true }
  await assert.rejects(account.perform(() => account.commit(listing(1))))
  await account.idle()
  assert.deepEqual([account.rosterVersion, account.isPlain], [1, true])
})
