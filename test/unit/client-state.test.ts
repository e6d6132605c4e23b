/** What is held back from a client in the background (XEP-0352), and what never is. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HeldPresence, HoldingRules } from '../../src/session/client-state.ts'
import type { FullJid } from '../../src/xmpp/jid.ts'
import { ResumingHouse } from '../support/resuming-house.ts'

const own = 'alice@example.net/r' as FullJid
const presence = (from: string | null, { type = null, content = '' }: { readonly type?: string | null, readonly content?: string } = {}): Uint8Array =>
  Buffer.from(`<presence xmlns='jabber:client'${from === null ? '' : ` from='${from}'`}${type === null ? '' : ` type='${type}'`}>${content}</presence>`)
const texts = (wires: Iterable<Uint8Array>): readonly string[] => [...wires].map(wire => Buffer.from(wire).toString())

describe('held presence', () => {
  test('is the latest of each resource, in the order in which those came', () => {
    const held = new HeldPresence(new HoldingRules(), own)
    const last = [presence('carol@example.net/x'), presence('bob@example.net/two', { type: 'unavailable' }), presence('bob@example.net/one', { content: '<show>xa</show>' })]
    for (const wire of [presence('bob@example.net/one'), presence('bob@example.net/two'), last[0]!, last[1]!, last[2]!]) assert.ok(held.hold(wire))
    assert.deepEqual(texts(held.takeAll()), texts(last))
    assert.deepEqual(texts(held.takeAll()), [])
  })

  test('is of those who come and go: subscriptions, probes, errors, other stanzas and one\'s own presence never wait', () => {
    const held = new HeldPresence(new HoldingRules(), own)
    const others = ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe', 'error', 'invisible'].map(type => presence('bob@example.net/r', { type }))
    const stanzas = ['<message', '<iq type=\'get\' id=\'1\'', '<message type=\'headline\''].map(start => Buffer.from(`${start} xmlns='jabber:client' from='bob@example.net/r'><q xmlns='q'/>${start.includes('iq') ? '</iq>' : '</message>'}`))
    for (const wire of [...others, ...stanzas, presence(own), presence(null)]) assert.equal(held.hold(wire), false, Buffer.from(wire).toString())
    assert.ok(held.hold(presence('alice@example.net/other')))
  })

  test('is bounded in number and in bytes, of which those count that are there', () => {
    const many = new HeldPresence(new HoldingRules(), own)
    for (let n = 0; n < 499; n++) many.hold(presence(`bob@example.net/${n}`))
    assert.equal(many.isFull, false)
    many.hold(presence('bob@example.net/499'))
    assert.ok(many.isFull)
    many.takeAll()
    assert.equal(many.isFull, false)
    const long = new HeldPresence(new HoldingRules(), own)
    const status = `<status>${'x'.repeat(40_000)}</status>`
    for (let n = 0; n < 3; n++) long.hold(presence('bob@example.net/r', { content: status }))
    assert.equal(long.isFull, false)
    long.hold(presence('carol@example.net/r', { content: status }))
    assert.ok(long.isFull)
  })

  test('lies in memory of its own: what came with it may be a thousand times as large', () => {
    const held = new HeldPresence(new HoldingRules(), own)
    const large = Buffer.alloc(100_000)
    const wire = presence('bob@example.net/r')
    large.set(wire, 1_000)
    held.hold(large.subarray(1_000, 1_000 + wire.length))
    const [kept] = held.takeAll()
    assert.equal(kept?.buffer.byteLength, wire.length)
  })
})

describe('a session in the background', () => {
  const inactive = "<inactive xmlns='urn:xmpp:csi:0'/>"
  const active = "<active xmlns='urn:xmpp:csi:0'/>"
  const scene = () => {
    const house = new ResumingHouse()
    const alice = ResumingHouse.bind(house.arrive('alice'))
    const bob = ResumingHouse.bind(house.arrive('bob'))
    const show = (id: string) => { bob.say(`<presence xmlns='jabber:client' to='alice@example.net/r' id='${id}'/>`) }
    return { house, alice, bob, show }
  }
  const idsIn = (heard: readonly string[]) => heard.flatMap(text => /^<presence.* id='([^']*)'/.exec(text)?.[1] ?? [])

  test('has not been sent what waits: it is counted when it goes (XEP-0198 §4)', () => {
    const { alice, bob, show } = scene()
    ResumingHouse.enable(alice)
    alice.say(inactive)
    show('1')
    assert.deepEqual(alice.heard(), [])
    // There is nothing to acknowledge yet.
    alice.say("<a xmlns='urn:xmpp:sm:3' h='0'/>")
    bob.say("<message xmlns='jabber:client' to='alice@example.net/r' id='m'/>")
    assert.deepEqual(alice.heard().map(text => /^<\w+/.exec(text)?.[0]), ['<presence', '<message'])
    alice.say("<a xmlns='urn:xmpp:sm:3' h='2'/>")
    assert.deepEqual(alice.heard(), [])
  })

  test('that loses its connection is spared the same while it is away, and is active when it comes back (XEP-0352 §5.2)', () => {
    const { house, alice, bob, show } = scene()
    const id = ResumingHouse.enable(alice)
    alice.say(inactive)
    show('1')
    alice.events.lost(null)
    show('2')
    const back = house.arrive('alice')
    assert.deepEqual(idsIn(ResumingHouse.resume(back, id)), ['2'])
    show('3')
    assert.deepEqual(idsIn(back.heard()), ['3'])
    assert.deepEqual(bob.heard(), [])
  })

  test('that dies takes the presence with it that waited, and nothing goes back to anybody', () => {
    const { house, alice, bob, show } = scene()
    ResumingHouse.enable(alice)
    alice.say(inactive)
    show('1')
    alice.events.footer()
    house.clock.advance(1_000)
    assert.deepEqual(bob.heard().filter(text => !text.includes("type='unavailable'")), [])
  })

  test('gets everything when too much waits, and stays where it is', () => {
    const { alice, bob, show } = scene()
    alice.say(inactive)
    for (let n = 0; n < 3; n++) bob.say(`<presence xmlns='jabber:client' to='alice@example.net/r' id='${n}'><status>${'x'.repeat(66_000)}</status></presence>`)
    assert.deepEqual(idsIn(alice.heard()), ['0', '1', '2'])
    show('small')
    assert.deepEqual(alice.heard(), [])
    alice.say(active)
    assert.deepEqual(idsIn(alice.heard()), ['small'])
  })

  test('is a stranger to those words before it is bound', () => {
    const house = new ResumingHouse()
    const early = house.arrive('alice')
    early.say(inactive)
    assert.match(early.heard().join(''), /<unsupported-stanza-type /)
  })
})
