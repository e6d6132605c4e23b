// XEP-0124 §7: how a session begins.
import assert from 'node:assert/strict'
import type { Attributes } from '../support/bosh-client.ts'
import type { AnyClause } from './clause.ts'
import { attributesOf, empty, isGone, listeners, message, terminates, textsIn, type World } from './world.ts'

/** What the session request's answer says to a session request with these attributes. */
const created = async (world: World, attributes: Attributes = {}, listener: number = listeners.tls): Promise<Record<string, string>> =>
  attributesOf((await world.open({ attributes, listener })).creation)

const refused = (attributes: Attributes, condition: string) => async (world: World): Promise<void> => {
  terminates((await world.open({ attributes })).creation, condition)
}

/** Those that belong into the answer to the session request, and into no other. */
const ofCreation = ['sid', 'wait', 'requests', 'ver', 'polling', 'inactivity', 'hold', 'from', 'maxpause', 'charsets', 'authid', 'accept',
  'xmpp:version', 'xmpp:restartlogic']

export const sessionClauses: readonly AnyClause[] = [
  { section: 'XEP-0124 §7.1', level: 'SHOULD', clause: '"to" names the domain: one that is served here',
    async test(world) { assert.equal((await created(world, { to: 'other.localhost' })).from, 'other.localhost') } },
  { section: 'XEP-0124 §7.1', level: 'SHOULD', clause: '"to" names the domain: without one there is no session',
    test: refused({ to: null }, 'improper-addressing') },
  { section: 'XEP-0124 §7.1', level: 'SHOULD', clause: '"to" names the domain: an empty one is none',
    test: refused({ to: '' }, 'improper-addressing') },
  { section: 'XEP-0124 §7.1', level: 'SHOULD', clause: '"to" names the domain: an unknown one opens no session',
    test: refused({ to: 'example.org' }, 'host-unknown') },
  { section: 'XEP-0124 §7.1', level: 'SHOULD', clause: '"xml:lang" is the language of what people read',
    exception: 'the gateway\'s own texts are in English, and say so; stanzas keep the language that they declare' },
  { section: 'XEP-0124 §7.1', level: 'MUST', clause: 'minor and major version are compared as separate integers', async test(world) {
    for (const [asked = '', agreed] of [['1.6', '1.6'], ['1.10', '1.10'], ['1.11', '1.11'], ['1.12', '1.11'], ['1.100', '1.11'], ['2.0', '1.11'], ['0.9', '0.9'], ['01.06', '1.6']]) {
      assert.equal((await created(world, { ver: asked })).ver, agreed, asked)
    }
  } },
  { section: 'XEP-0124 §7.1', level: 'MAY', clause: 'wait or hold "0": a session in which nothing waits', async test(world) {
    for (const attributes of [{ wait: '0' }, { hold: '0' }]) {
      const alice = await world.login('alice', { attributes })
      world.clock.advance(6_000)
      empty(await alice.send())
    }
  } },
  { section: 'XEP-0124 §7.1', level: 'SHOULD', clause: 'without wait and hold nothing waits either', async test(world) {
    const { wait, hold } = await created(world, { wait: null, hold: null })
    assert.deepEqual([wait, hold], ['0', '0'])
  } },
  { section: 'XEP-0124 §7.1', level: 'MAY', clause: '"route" is ignored where the domains are fixed: what a client names is never dialled',
    async test(world) {
    assert.equal((await created(world, { route: 'xmpp:127.0.0.1:1' })).from, 'localhost')
    await refused({ to: null, route: 'xmpp:localhost:5222' }, 'improper-addressing')(world)
  } },
  { section: 'XEP-0124 §7.1', level: 'MAY', clause: '"from" is taken for the originator of the stream', async test(world) {
    assert.ok((await created(world, { from: 'alice@localhost' })).sid)
  } },
  { section: 'XEP-0124 §7.1', level: 'MAY', clause: 'a client says by "ack" that it will acknowledge', async test(world) {
    assert.equal((await created(world, { ack: '1', rid: '4711' })).ack, '4711')
    assert.equal((await created(world)).ack, undefined)
  } },
  { section: 'XEP-0124 §7.1', level: 'MUST', clause: '"content" is the Content-Type of every response', async test(world) {
    const alice = await world.login('alice', { attributes: { content: 'text/html; charset=utf-8' } })
    assert.equal(alice.creation.headers['content-type'], 'text/html; charset=utf-8')
    for (const answer of [await alice.send(message(alice.jid, 'x')), await alice.send('', { type: 'terminate' })]) {
      assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8')
    }
  } },
  { section: 'XEP-0124 §7.1', level: 'MUST', clause: 'what is no media type does not become a header', async test(world) {
    for (const content of ['x', 'text/html\r\nSet-Cookie: a=b', 'text/html; a=b; c=d; e=f; g=h', `text/${'x'.repeat(200)}`, 'text/ html', 'é/x']) await refused({ content }, 'bad-request')(world)
  } },
  { section: 'XEP-0124 §7.1', level: 'MUST', clause: 'without "content" it is "text/xml; charset=utf-8"', async test(world) {
    const alice = await world.login('alice')
    for (const answer of [alice.creation, await alice.send(message(alice.jid, 'x')), await alice.send('', { type: 'terminate' })]) {
      assert.equal(answer.headers['content-type'], 'text/xml; charset=utf-8')
    }
  } },
  { section: 'XEP-0124 §7.1', level: 'MUST', clause: 'every later request has a valid sid', async test(world) {
    const alice = await world.open()
    for (const sid of ['', 'x', `${alice.sid}x`, alice.sid.slice(0, -1), alice.sid.toLowerCase(), `${alice.sid.slice(0, 16)}${'A'.repeat(16)}`, '__proto__']) {
      terminates(await alice.send('', { sid }), 'item-not-found')
    }
  } },
  { section: 'XEP-0124 §7.1', level: 'MUST NOT', clause: 'a session request has no sid', async test(world) {
    terminates((await world.open({ attributes: { sid: 'mine' } })).creation, 'item-not-found')
  } },

  { section: 'XEP-0124 §7.2', level: 'MUST', clause: 'the sid is opaque and unpredictable', async test(world) {
    const { sid } = await created(world)
    assert.match(sid!, /^[\w-]{32}$/)
  } },
  { section: 'XEP-0124 §7.2', level: 'MUST', clause: 'the sid is unique', async test(world) {
    const sids = new Set<string>()
    for (let n = 0; n < 20; n++) sids.add((await created(world)).sid!)
    assert.equal(sids.size, 20)
  } },
  { section: 'XEP-0124 §7.2', level: 'MUST', clause: '"wait" is at most what was asked for, and at most what the listener allows', async test(world) {
    assert.equal((await created(world, { wait: '17' })).wait, '17')
    assert.equal((await created(world, { wait: '3600' })).wait, '60')
    assert.equal((await created(world, { wait: '3600' }, listeners.strict)).wait, '20')
  } },
  { section: 'XEP-0124 §7.2', level: 'MUST', clause: '"requests" is larger than hold', async test(world) {
    for (const [hold, requests] of [['0', '2'], ['1', '2'], ['2', '3'], ['3', '4']]) assert.equal((await created(world, { hold: hold! })).requests, requests)
  } },
  { section: 'XEP-0124 §7.2', level: 'SHOULD NOT', clause: 'what is said of the session is said in the first answer only', async test(world) {
    const alice = await world.open({ identity: await world.gateway.identity('alice') })
    for (const name of ofCreation.filter(name => name !== 'accept')) assert.ok(alice.creation.body.attributes.has(name) || alice.creation.text.includes(`${name}=`), name)
    for (const answer of [await alice.send('<auth xmlns=\'urn:ietf:params:xml:ns:xmpp-sasl\' mechanism=\'EXTERNAL\'>=</auth>'), await alice.restart(), await alice.send('', { type: 'terminate' })]) {
      for (const name of ofCreation) assert.equal(answer.text.slice(0, answer.text.indexOf('>')).includes(` ${name}=`), false, `${name} in ${answer.text}`)
    }
  } },
  { section: 'XEP-0124 §7.2', level: 'SHOULD', clause: '"ver" is the lower one of both versions',
    async test(world) { assert.equal((await created(world, { ver: '1.6' })).ver, '1.6') } },
  { section: 'XEP-0124 §7.2', level: 'SHOULD', clause: '"polling" is the shortest interval', async test(world) {
    assert.equal((await created(world)).polling, '5')
    assert.equal((await created(world, {}, listeners.strict)).polling, '7')
  } },
  { section: 'XEP-0124 §7.2', level: 'SHOULD', clause: '"inactivity" is the longest', async test(world) {
    assert.equal((await created(world)).inactivity, '60')
    assert.equal((await created(world, {}, listeners.strict)).inactivity, '11')
  } },
  { section: 'XEP-0124 §7.2', level: 'MUST NOT', clause: '"hold" is never greater than asked for', async test(world) {
    for (const [asked, agreed] of [['0', '0'], ['1', '1'], ['3', '3'], ['1000000', '3']]) assert.equal((await created(world, { hold: asked! })).hold, agreed)
  } },
  { section: 'XEP-0124 §7.2', level: 'SHOULD', clause: '"from" is the server',
    async test(world) { assert.equal((await created(world)).from, 'localhost') } },
  { section: 'XEP-0124 §7.2', level: 'MAY', clause: 'announce by "accept" which content codings are unpacked',
    exception: 'none is: what is never unpacked cannot explode. A request with a content coding is answered with 415' },
  { section: 'XEP-0124 §7.2', level: 'MAY', clause: 'acknowledge, and say so by the rid of the session request',
    async test(world) { assert.equal((await created(world, { ack: '1', rid: '99' })).ack, '99') } },
  { section: 'XEP-0124 §7.2', level: 'SHOULD', clause: '"maxpause" announces pauses', async test(world) {
    assert.equal((await created(world)).maxpause, '120')
    assert.equal((await created(world, {}, listeners.strict)).maxpause, '33')
  } },
  { section: 'XEP-0124 §7.2', level: 'SHOULD', clause: 'both ways UTF-8', async test(world) {
    const [alice, bob] = [await world.login('alice'), await world.login('bob')]
    const { answer: held } = await bob.hold()
    await alice.hold(message(bob.jid, '日本語 😀 é'))
    assert.deepEqual(textsIn(await held), ['日本語 😀 é'])
  } },
  { section: 'XEP-0124 §7.2', level: 'MAY', clause: 'convert other character encodings',
    exception: 'never done: XMPP is UTF-8, and `charsets` says that there is nothing else' },
  { section: 'XEP-0124 §7.2', level: 'MAY', clause: 'name in "charsets" what can be converted',
    async test(world) { assert.equal((await created(world)).charsets, 'UTF-8') } },
  { section: 'XEP-0124 §7.2', level: 'MAY', clause: 'name the server in a later response',
    exception: 'it is known from the beginning, so the first answer has it' },
  { section: 'XEP-0124 §7.2', level: 'SHOULD', clause: 'a session goes on at another listener of the same gateway', async test(world) {
    const alice = await world.login('alice')
    const elsewhere = await world.connectAs('alice', { listener: listeners.requiring })
    assert.deepEqual(textsIn(await elsewhere.post(alice.next(message(alice.jid, 'here, too')))), ['here, too'])
    await alice.send('', { type: 'terminate' })
    await isGone(alice)
  } },
]
