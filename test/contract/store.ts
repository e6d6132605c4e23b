/** What a Store promises, whatever keeps it: run it on each implementation. */
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { type Change, maxRemoved, type Store } from '../../src/store/store.ts'
import type { Jid } from '../../src/xmpp/jid.ts'
import { bare } from '../support/external-certificate.ts'
import { bytes, commit, idsOf, item, juliet, keep, loaded, nothing, nurse, onStores, type Reopen, romeo, rosterOf, set, textOf, wiresOf } from './store-scene.ts'
import { storeValues } from './store-values.ts'

export interface StoreTraits {
  /** Closes it, and opens it anew; null where nothing outlives it. */
  readonly reopen: Reopen
}

export function storeContract(title: string, make: () => Promise<Store>, { reopen }: StoreTraits): void {
  const on = onStores(make, reopen)

  describe(`Store contract: ${title}`, () => {
    on('of whom nothing is kept there is nothing', async store => {
      assert.deepEqual(await store.load(juliet), nothing)
      assert.equal(await store.vcard(juliet), null)
      assert.equal(await store.privateXml(juliet, 'some:ns', 'storage'), null)
      assert.equal(await store.privateBytes(juliet), 0)
      assert.equal(await store.lastActivity(juliet), null)
      assert.deepEqual(await store.messages(juliet, 0, 10), [])
      await store.dropMessages(juliet, 10)
      await store.forget(juliet)
      await commit(store, { kind: 'unblock', jid: romeo }, { kind: 'unblock-all' }, { kind: 'vcard', xml: null }, { kind: 'private', ns: 'a', local: 'b', xml: null })
      await store.commit([])
      await store.commit([{ account: juliet, changes: [] }])
      assert.equal(await store.keepMessages(juliet, [], 0), 'kept')
      assert.deepEqual(await store.load(juliet), nothing)
    })

    on('an account is known from then on, also when its roster changes', async (store, again) => {
      await commit(store, set(romeo))
      assert.equal((await store.load(juliet)).isKnown, false)
      await commit(store, { kind: 'known' })
      await commit(store, { kind: 'known' }, set(nurse, { version: 2 }))
      const { isKnown, rosterVersion } = await (await again(store)).load(juliet)
      assert.deepEqual([isKnown, rosterVersion], [true, 2])
    })

    on('who has asked to subscribe to an account is found, also where nobody has logged in to it', async (store, again) => {
      const benvolio = bare('benvolio@example.net')
      await store.commit([
        { account: romeo, changes: [set(juliet, { ask: true, subscription: 'from' })] },
        { account: nurse, changes: [set(juliet, { ask: true }), set(romeo, { ask: true, version: 2 })] },
        { account: benvolio, changes: [set(juliet, { request: bytes('<presence/>') })] },
      ])
      const found = await again(store)
      assert.deepEqual(await found.askers(juliet, 10), [nurse, romeo])
      assert.deepEqual(await found.askers(juliet, 1), [nurse])
      assert.deepEqual(await found.askers(benvolio, 10), [])
      await found.commit([{ account: nurse, changes: [set(juliet, { version: 3 })] }, { account: romeo, changes: [{ kind: 'roster-remove', jid: juliet, version: 2 }] }])
      assert.deepEqual(await found.askers(juliet, 10), [])
    })

    on('an item comes back as it was set, whatever it is', async (store, again) => {
      const subscriptions = ['none', 'to', 'from', 'both'] as const
      const items = subscriptions.flatMap(subscription => [false, true].flatMap(ask => [false, true].flatMap(approved => [false, true].flatMap(isListed => [null, '<presence type="subscribe"/>'].map(request =>
        item(bare(`${[subscription, ask, approved, isListed, request === null].join('-')}@example.net`), {
          subscription, ask, approved, isListed, request: request === null ? null : bytes(request), name: ask ? 'Benvolio' : null, groups: isListed ? ['Friends', 'Montague'] : [],
        }))))))
      await commit(store, ...items.map((one): Change => ({ kind: 'roster-set', item: one })))
      const roster = await rosterOf(await again(store))
      assert.deepEqual(roster, items.toSorted((one, other) => one.jid < other.jid ? -1 : 1).map(one => ({ ...one, request: one.request === null ? null : new Uint8Array(one.request) })))
    })

    on('an item that is set again has nothing of what it was', async store => {
      await commit(store, set(romeo, { name: 'Romeo', groups: ['Friends'], subscription: 'both', ask: true, approved: true, request: bytes('<presence/>'), isListed: false, version: 3 }))
      await commit(store, set(romeo, { version: 4 }))
      assert.deepEqual(await loaded(store, juliet), { ...nothing, roster: [item(romeo, { version: 4 })], rosterVersion: 4 })
    })

    on('the version of a roster never goes back', async store => {
      await commit(store, set(romeo, { version: 7 }))
      await commit(store, set(nurse, { version: 5 }))
      assert.equal((await store.load(juliet)).rosterVersion, 7)
      await commit(store, { kind: 'roster-remove', jid: nurse, version: 6 })
      assert.equal((await store.load(juliet)).rosterVersion, 7)
    })

    on('who is removed is remembered with the version, until set again', async (store, again) => {
      await commit(store, set(romeo), set(nurse, { version: 2 }))
      await commit(store, { kind: 'roster-remove', jid: romeo, version: 3 }, { kind: 'roster-remove', jid: nurse, version: 4 })
      assert.deepEqual(await loaded(await again(store), juliet), { ...nothing, removed: [{ jid: romeo, version: 3 }, { jid: nurse, version: 4 }], rosterVersion: 4 })
    })

    on('who is removed again is remembered once, with the later version', async store => {
      await commit(store, set(romeo), { kind: 'roster-remove', jid: romeo, version: 2 }, { kind: 'roster-remove', jid: romeo, version: 3 })
      assert.deepEqual((await store.load(juliet)).removed, [{ jid: romeo, version: 3 }])
      await commit(store, set(romeo, { version: 4 }))
      assert.deepEqual(await loaded(store, juliet), { ...nothing, roster: [item(romeo, { version: 4 })], rosterVersion: 4 })
    })

    on(`the latest ${maxRemoved} removals are remembered, and not many more`, async store => {
      const gone = Array.from({ length: maxRemoved * 2 + 7 }, (_, index) => bare(`gone${index}@example.net`))
      await commit(store, ...gone.map((jid, index): Change => ({ kind: 'roster-remove', jid, version: index + 1 })))
      const { removed } = await store.load(juliet)
      assert.deepEqual(removed.slice(-maxRemoved).map(({ jid }) => jid), gone.slice(-maxRemoved))
      assert.ok(removed.length <= maxRemoved * 2)
    })

    on('who is blocked is so once, whichever kind of JID it is, until unblocked', async (store, again) => {
      const jids = ['capulet.example', 'tybalt@capulet.example', 'tybalt@capulet.example/sword', 'capulet.example/gate'] as unknown as Jid[]
      await commit(store, ...jids.map((jid): Change => ({ kind: 'block', jid })), { kind: 'block', jid: jids[0]! })
      assert.deepEqual((await loaded(await again(store), juliet)).blocked, jids.toSorted())
    })

    on('unblocking is of that JID alone, or of all', async store => {
      const jids = ['capulet.example', 'tybalt@capulet.example', 'tybalt@capulet.example/sword'] as unknown as Jid[]
      await commit(store, ...jids.map((jid): Change => ({ kind: 'block', jid })))
      await store.commit([{ account: romeo, changes: [{ kind: 'block', jid: jids[0]! }] }])
      await commit(store, { kind: 'unblock', jid: jids[1]! })
      assert.deepEqual((await loaded(store, juliet)).blocked, [jids[0], jids[2]])
      await commit(store, { kind: 'unblock-all' })
      assert.deepEqual([(await store.load(juliet)).blocked, (await store.load(romeo)).blocked], [[], [jids[0]]])
    })

    on('a vCard is the last one, until removed', async (store, again) => {
      await commit(store, { kind: 'vcard', xml: bytes('<vCard/>') })
      await commit(store, { kind: 'vcard', xml: bytes('<vCard xmlns="vcard-temp"><FN>Giulietta</FN></vCard>') })
      const reopened = await again(store)
      assert.equal(textOf(await reopened.vcard(juliet)), '<vCard xmlns="vcard-temp"><FN>Giulietta</FN></vCard>')
      assert.equal(await reopened.vcard(romeo), null)
      await commit(reopened, { kind: 'vcard', xml: null })
      assert.equal(await reopened.vcard(juliet), null)
    })

    on('private XML is kept by namespace and name, and counted in bytes', async (store, again) => {
      const put = (ns: string, local: string, xml: string | null): Change => ({ kind: 'private', ns, local, xml: xml === null ? null : bytes(xml) })
      await commit(store, put('a', 'b c', 'one'), put('a b', 'c', 'two'), put('a', 'B c', 'three'), put('', '', 'four'))
      await commit(store, put('a', 'b c', 'Zwölf'))
      await store.commit([{ account: romeo, changes: [put('a', 'b c', 'of Romeo')] }])
      const reopened = await again(store)
      const read = async (ns: string, local: string) => textOf(await reopened.privateXml(juliet, ns, local))
      assert.deepEqual([await read('a', 'b c'), await read('a b', 'c'), await read('a', 'B c'), await read('', ''), await read('b c', 'a')], ['Zwölf', 'two', 'three', 'four', null])
      assert.equal(await reopened.privateBytes(juliet), 6 + 3 + 5 + 4)
      await commit(reopened, put('a', 'b c', null))
      assert.deepEqual([await read('a', 'b c'), await reopened.privateBytes(juliet)], [null, 12])
    })

    on('the last activity is the last that was told', async (store, again) => {
      await commit(store, { kind: 'last-activity', seconds: 1, status: 'gone' })
      await commit(store, { kind: 'last-activity', seconds: 4_102_444_800, status: '' })
      assert.deepEqual(await (await again(store)).lastActivity(juliet), { seconds: 4_102_444_800, status: '' })
    })

    on('changes are made in their order', async store => {
      await commit(store, { kind: 'block', jid: romeo }, { kind: 'unblock-all' }, { kind: 'block', jid: nurse }, set(romeo), { kind: 'roster-remove', jid: romeo, version: 2 },
        { kind: 'vcard', xml: bytes('a') }, { kind: 'vcard', xml: null }, { kind: 'vcard', xml: bytes('b') })
      assert.deepEqual(await loaded(store, juliet), { ...nothing, blocked: [nurse], removed: [{ jid: romeo, version: 2 }], rosterVersion: 2 })
      assert.equal(textOf(await store.vcard(juliet)), 'b')
    })

    on('what one account keeps is not another\'s', async store => {
      await commit(store, { kind: 'known' }, set(romeo), { kind: 'block', jid: nurse }, { kind: 'vcard', xml: bytes('a') })
      await keep(store, juliet, 'one')
      assert.deepEqual([await store.load(romeo), await store.vcard(romeo), await store.messages(romeo, 0, 10)], [nothing, null, []])
      await store.forget(romeo)
      assert.equal((await store.load(juliet)).isKnown, true)
    })

    on('both sides of a subscription change together', async (store, again) => {
      await store.commit([{ account: juliet, changes: [set(romeo, { subscription: 'to' })] }, { account: romeo, changes: [set(juliet, { subscription: 'from' })] }])
      const reopened = await again(store)
      assert.deepEqual([await rosterOf(reopened), await rosterOf(reopened, romeo)], [[item(romeo, { subscription: 'to' })], [item(juliet, { subscription: 'from' })]])
    })

    on('where one of several changes cannot be kept none is, of no account; and what was asked for at the same time is', async store => {
      const good = Array.from({ length: 20 }, (_, index) => bare(`good${index}@example.net`))
      const outcomes = await Promise.allSettled([
        ...good.slice(0, 10).map(account => store.commit([{ account, changes: [{ kind: 'known' }] }])),
        store.commit([
          { account: juliet, changes: [{ kind: 'known' }, set(romeo)] }, { account: nurse, changes: [{ kind: 'known' }] },
          { account: romeo, changes: [{ kind: 'last-activity', seconds: null as unknown as number, status: '' }] },
        ]),
        ...good.slice(10).map(account => store.commit([{ account, changes: [{ kind: 'known' }] }])),
      ])
      assert.deepEqual(outcomes.map(({ status }) => status), outcomes.map((_, index) => index === 10 ? 'rejected' : 'fulfilled'))
      for (const account of good) assert.equal((await store.load(account)).isKnown, true)
      for (const account of [juliet, romeo, nurse]) assert.deepEqual(await store.load(account), nothing)
      assert.equal(await store.lastActivity(romeo), null)
      await commit(store, { kind: 'known' })
      assert.equal((await store.load(juliet)).isKnown, true)
    })

    on('messages are given in the order in which they were kept, also by portions, and stay', async (store, again) => {
      await keep(store, juliet, 'one')
      await keep(store, romeo, 'of Romeo')
      await keep(store, juliet, 'two', 'three')
      const reopened = await again(store)
      const all = await reopened.messages(juliet, 0, 10)
      assert.deepEqual(all.map(({ wire, at }) => [textOf(wire), at]), [['one', 1], ['two', 1], ['three', 1]])
      assert.deepEqual(idsOf(all), idsOf(all).toSorted((one, other) => one - other))
      assert.equal(new Set(idsOf(all)).size, 3)
      const first = await reopened.messages(juliet, 0, 2)
      assert.deepEqual(wiresOf(first), ['one', 'two'])
      assert.deepEqual(wiresOf(await reopened.messages(juliet, first[1]!.id, 2)), ['three'])
      assert.deepEqual([(await reopened.load(juliet)).hasMessages, wiresOf(await reopened.messages(juliet, 0, 10))], [true, ['one', 'two', 'three']])
    })

    on('messages are dropped up to that one, and only those of the account', async store => {
      await keep(store, juliet, 'one', 'two')
      await keep(store, romeo, 'of Romeo')
      await keep(store, juliet, 'three')
      const [, two] = await store.messages(juliet, 0, 10)
      await store.dropMessages(juliet, two!.id)
      assert.deepEqual(wiresOf(await store.messages(juliet, 0, 10)), ['three'])
      await store.dropMessages(juliet, Number.MAX_SAFE_INTEGER)
      assert.deepEqual([(await store.load(juliet)).hasMessages, (await store.load(romeo)).hasMessages], [false, true])
    })

    on('ids grow, also when all messages were dropped and the store was opened anew', async (store, again) => {
      await keep(store, juliet, 'one', 'two')
      const before = idsOf(await store.messages(juliet, 0, 10)).at(-1)!
      await store.dropMessages(juliet, before)
      const reopened = await again(store)
      await keep(reopened, juliet, 'three')
      const [three] = await reopened.messages(juliet, before, 10)
      assert.ok(three !== undefined && three.id > before)
      await reopened.forget(juliet)
      await keep(reopened, juliet, 'four')
      assert.deepEqual(wiresOf(await reopened.messages(juliet, three.id, 10)), ['four'])
    })

    on('what would be more than there may be is not kept at all', async store => {
      const keeping = (max: number, ...texts: readonly string[]) => store.keepMessages(juliet, texts.map(text => ({ wire: bytes(text), at: 1 })), max)
      assert.equal(await keeping(0, 'none'), 'full')
      assert.equal(await keeping(2, 'one'), 'kept')
      assert.equal(await keeping(2, 'two', 'three'), 'full')
      assert.deepEqual(wiresOf(await store.messages(juliet, 0, 10)), ['one'])
      assert.equal(await keeping(2, 'two'), 'kept')
      assert.equal(await keeping(2, 'three'), 'full')
      assert.equal(await store.keepMessages(romeo, [{ wire: bytes('of Romeo'), at: 1 }], 1), 'kept')
      const [one] = await store.messages(juliet, 0, 1)
      await store.dropMessages(juliet, one!.id)
      assert.equal(await keeping(2, 'four'), 'kept')
      assert.deepEqual(wiresOf(await store.messages(juliet, 0, 10)), ['two', 'four'])
    })

    on('many accounts at once: each has its own, in order', async (store, again) => {
      const accounts = Array.from({ length: 40 }, (_, index) => bare(`many${index}@example.net`))
      await Promise.all(accounts.map(async (account, number) => {
        await store.commit([{ account, changes: [{ kind: 'known' }] }])
        for (let turn = 1; turn <= 10; turn += 1) {
          await Promise.all([
            store.commit([{ account, changes: [set(bare(`friend${turn}@example.net`), { version: turn, name: `${number}` })] }]),
            store.keepMessages(account, [{ wire: bytes(`${number}.${turn}`), at: turn }], 100),
          ])
        }
      }))
      const reopened = await again(store)
      for (const [number, account] of accounts.entries()) {
        const { isKnown, roster, rosterVersion } = await reopened.load(account)
        assert.deepEqual([isKnown, roster.length, rosterVersion, new Set(roster.map(({ name }) => name))], [true, 10, 10, new Set([`${number}`])])
        assert.deepEqual(wiresOf(await reopened.messages(account, 0, 100)), Array.from({ length: 10 }, (_, turn) => `${number}.${turn + 1}`))
      }
    })

    on('a hundred changes of one account at once are all made', async store => {
      await Promise.all(Array.from({ length: 100 }, (_, index) => commit(store, set(bare(`friend${index}@example.net`), { version: index + 1 }))))
      const { roster, rosterVersion } = await store.load(juliet)
      assert.deepEqual([roster.length, rosterVersion], [100, 100])
    })

    on('who is forgotten has never been there', async (store, again) => {
      await commit(store, { kind: 'known' }, set(romeo), { kind: 'roster-remove', jid: nurse, version: 2 }, { kind: 'block', jid: nurse }, { kind: 'vcard', xml: bytes('a') },
        { kind: 'private', ns: 'a', local: 'b', xml: bytes('c') }, { kind: 'last-activity', seconds: 1, status: '' })
      await keep(store, juliet, 'one')
      await store.commit([{ account: romeo, changes: [{ kind: 'known' }, set(juliet)] }])
      await store.forget(juliet)
      const reopened = await again(store)
      assert.deepEqual([await reopened.load(juliet), await reopened.vcard(juliet), await reopened.privateBytes(juliet), await reopened.lastActivity(juliet), await reopened.messages(juliet, 0, 10)],
        [nothing, null, 0, null, []])
      assert.deepEqual(await rosterOf(reopened, romeo), [item(juliet)])
    })

    on('what is given is not changed by who gave it afterwards', async store => {
      const wire = bytes('one')
      const xml = bytes('one')
      const keeping = store.keepMessages(juliet, [{ wire, at: 1 }], 10)
      const committing = commit(store, { kind: 'vcard', xml })
      wire.fill(0x61)
      xml.fill(0x61)
      await Promise.all([keeping, committing])
      assert.deepEqual([wiresOf(await store.messages(juliet, 0, 1)), textOf(await store.vcard(juliet))], [['one'], 'one'])
    })

    on('closed twice is closed, and what was asked for before is kept', async (store, again) => {
      const keeping = keep(store, juliet, 'one')
      await store.close()
      assert.equal(await keeping, 'kept')
      await store.close()
      assert.deepEqual(wiresOf(await (await again(store)).messages(juliet, 0, 1)), ['one'])
    })

    storeValues(on)

    if (reopen !== null) on('closed is closed: nothing is opened again', async store => {
      await store.close()
      await assert.rejects(store.load(juliet))
      await assert.rejects(commit(store, { kind: 'known' }))
    })
  })
}
