/** The part of the store's contract that is about odd, long and hostile values. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Change } from '../../src/store/store.ts'
import type { BareJid, Jid } from '../../src/xmpp/jid.ts'
import { bare } from '../support/external-certificate.ts'
import { bytes, commit, item, juliet, keep, loaded, noise, nothing, type On, romeo, rosterOf, set, textOf, wiresOf } from './store-scene.ts'

export function storeValues(on: On): void {
  on('text means itself: quotes, wildcards and all; an empty name is not none', async (store, again) => {
    const odd = ['', ' ', 'null', "o'; DROP TABLE meerkat_roster; --", '"', '\\', '\\000', '$1', '?1', ':name', '%_', '[]', '["a"]', 'é', 'e\u0301', '\u{1F600}', '\uFFFD', '\u0085\u2028', '\t\n', '{"a":1}']
    await commit(store, ...odd.map((name, index): Change => set(bare(`odd${String(index).padStart(2, '0')}@example.net`), { name, groups: [name, `${name}${name}`], request: bytes(name) })))
    await commit(store, ...odd.map((ns): Change => ({ kind: 'private', ns, local: ns, xml: bytes(`<${ns}>`) })), { kind: 'last-activity', seconds: 0, status: odd.join('') })
    await keep(store, juliet, ...odd)
    const reopened = await again(store)
    assert.deepEqual((await rosterOf(reopened)).map(({ name, groups, request }) => [name, groups, textOf(request)]), odd.map(name => [name, [name, `${name}${name}`], name]))
    for (const ns of odd) assert.equal(textOf(await reopened.privateXml(juliet, ns, ns)), `<${ns}>`)
    assert.equal((await reopened.lastActivity(juliet))?.status, odd.join(''))
    assert.deepEqual(wiresOf(await reopened.messages(juliet, 0, 100)), odd)
  })

  on('what is in no XML, NUL and half a pair of surrogates, comes back as it was or is refused: nothing is kept in its place', async store => {
    for (const odd of ['a\0b', '\0', 'a\uD800', '\uDC00b']) {
      const kept = await commit(store, set(romeo, { name: odd }), { kind: 'known' }).then(() => true, () => false)
      assert.deepEqual(await loaded(store, juliet), kept ? { ...nothing, isKnown: true, roster: [item(romeo, { name: odd })], rosterVersion: 1 } : nothing, JSON.stringify(odd))
      await store.forget(juliet)
      await commit(store, set(romeo, { groups: [odd] }))
      assert.deepEqual(await rosterOf(store), [item(romeo, { groups: [odd] })])
      await store.forget(juliet)
    }
    for (const odd of [[0xFF], [0x61, 0xC3], [0xED, 0xA0, 0x80], [0x61, 0]]) {
      const [wire, before] = [Uint8Array.from(odd), await store.messages(juliet, 0, 10)]
      const kept = await store.keepMessages(juliet, [{ wire, at: 1 }], 10).then(() => true, () => false)
      assert.deepEqual((await store.messages(juliet, 0, 10)).map(message => [...message.wire]), kept ? [...before.map(message => [...message.wire]), odd] : before.map(message => [...message.wire]))
    }
  })

  on('JIDs of 3,071 bytes are as good as any: in rosters, among removals, blocked, and as accounts', async (store, again) => {
    const [local, domain] = [noise(1023, 'local'), noise(1023, 'domain')]
    // Apart only at the end.
    const [one, other] = [`${local}@${domain.slice(1)}a`, `${local}@${domain.slice(1)}b`] as unknown as BareJid[]
    const [full, fuller] = [`${one}/${noise(1022)}a`, `${one}/${noise(1022)}b`] as unknown as Jid[]
    const wide = `${'Ж'.repeat(511)}@${'é'.repeat(400)}.example` as unknown as BareJid
    for (const account of [one!, wide]) {
      const changes: Change[] = [{ kind: 'known' }, set(one!), set(other!, { version: 2 }), set(wide, { version: 3 }), { kind: 'block', jid: full! }, { kind: 'block', jid: fuller! }, { kind: 'block', jid: wide }]
      await store.commit([{ account, changes }, { account: other!, changes: [] }])
      await store.commit([{ account, changes: [set(other!, { version: 4, name: 'again' }), { kind: 'roster-remove', jid: one!, version: 5 }, { kind: 'unblock', jid: fuller! }] }])
      await keep(store, account, 'one')
    }
    const reopened = await again(store)
    for (const account of [one!, wide]) {
      assert.deepEqual(await loaded(reopened, account), {
        isKnown: true, roster: [item(other!, { version: 4, name: 'again' }), item(wide, { version: 3 })].toSorted((first, second) => first.jid < second.jid ? -1 : 1),
        removed: [{ jid: one, version: 5 }], rosterVersion: 5, blocked: [full, wide].toSorted(), hasMessages: true,
      })
    }
    assert.deepEqual(await reopened.load(other!), nothing)
    await reopened.forget(one!)
    assert.deepEqual([await reopened.load(one!), (await reopened.load(wide)).isKnown], [nothing, true])
  })

  on('namespaces and names of any length are apart, and one that looks like the key of another is another', async store => {
    const long = noise(20_000)
    const names = [`${long}a`, `${long}b`, 'x'.repeat(799), 'x'.repeat(800), 'x'.repeat(801), `/${createHash('sha256').update(`${long}a`).digest('base64url')}`, '/', '']
    await commit(store, ...names.flatMap((ns): Change[] => [{ kind: 'private', ns, local: 'a', xml: bytes(`${ns} a`) }, { kind: 'private', ns: 'a', local: ns, xml: bytes(`a ${ns}`) }]))
    for (const ns of names) {
      assert.equal(textOf(await store.privateXml(juliet, ns, 'a')), `${ns} a`)
      assert.equal(textOf(await store.privateXml(juliet, 'a', ns)), `a ${ns}`)
    }
  })

  on('what is kept may be megabytes', async (store, again) => {
    const long = `<vCard>${noise(5_000_000)}ü</vCard>`
    await commit(store, { kind: 'vcard', xml: bytes(long) }, { kind: 'private', ns: 'a', local: 'b', xml: bytes(long) }, set(romeo, { name: long, request: bytes(long), groups: [long] }))
    await keep(store, juliet, long)
    const reopened = await again(store)
    assert.ok(textOf(await reopened.vcard(juliet)) === long && textOf(await reopened.privateXml(juliet, 'a', 'b')) === long)
    assert.equal(await reopened.privateBytes(juliet), Buffer.byteLength(long))
    const [found] = await rosterOf(reopened)
    assert.ok(found?.name === long && textOf(found.request) === long && found.groups[0] === long)
    assert.ok(wiresOf(await reopened.messages(juliet, 0, 1))[0] === long)
  })
}
