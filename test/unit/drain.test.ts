/** How the gateway goes: nothing that was taken is lost, and nobody waits for longer than there is time (XEP-0198 §4, RFC 6120 §4.9.3.20). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NS_SM } from '../../src/xmpp/namespaces.ts'
import { RecordedTransport } from '../support/recorded-transport.ts'
import { ResumingHouse } from '../support/resuming-house.ts'
import { settled } from '../support/turned-clock.ts'

const { bind, enable } = ResumingHouse
const message = (to: string, id: string, type = 'chat'): string => `<message xmlns='jabber:client' type='${type}' to='${to}@example.net/r' id='${id}'/>`
const acknowledge = (client: RecordedTransport, h: number) => { client.say(`<a xmlns='${NS_SM}' h='${h}'/>`) }

/** What was heard, in short: `r`, `a 3`, `message 1`, `error 1`, `end system-shutdown`. */
const inShort = (client: RecordedTransport): readonly string[] => client.heard().flatMap(text => {
  if (text.startsWith('(')) return []
  const [, local = ''] = /^<(?:stream:)?(\w+)/.exec(text) ?? []
  if (local === 'error') return [`end ${/<([a-z-]+) xmlns='urn:ietf:params:xml:ns:xmpp-streams'/.exec(text)?.[1] ?? ''}`]
  const id = /^<\w+[^>]* (?:id|h)='([^']*)'/.exec(text)?.[1]
  const name = text.includes("type='error'") ? `${local} refused` : local
  return local === 'presence' ? [] : [id === undefined ? name : `${name} ${id}`]
})

/** Alice, Bob and Carol; those whose names are given use stream management. */
function scene(...managed: readonly string[]) {
  const house = new ResumingHouse()
  const [alice, bob, carol] = (['alice', 'bob', 'carol'] as const).map(name => {
    const client = bind(house.arrive(name))
    if (managed.includes(name)) enable(client)
    return client
  }) as [RecordedTransport, RecordedTransport, RecordedTransport]
  let isDone = false
  const drain = async (milliseconds = 3_000) => {
    void house.manager.drain(milliseconds).then(() => { isDone = true })
    await settled()
  }
  const pass = async (milliseconds: number) => {
    house.clock.advance(milliseconds)
    await settled()
    await settled()
    return isDone
  }
  return { house, alice, bob, carol, drain, pass, get isDone() { return isDone } }
}

describe('a gateway that drains', () => {
  test('has nothing to wait for where nothing is unacknowledged, and ends nobody by itself', async () => {
    const scenery = scene('alice')
    await scenery.drain()
    assert.ok(scenery.isDone)
    assert.deepEqual([inShort(scenery.alice), inShort(scenery.bob)], [[], []])
    scenery.house.manager.shutdown()
    // What was handled is said last of all.
    assert.deepEqual([inShort(scenery.alice), inShort(scenery.bob)], [['a 0', 'end system-shutdown'], ['end system-shutdown']])
    assert.equal(scenery.house.manager.streamCount, 0)
  })

  test('asks for every acknowledgement that it lacks, however few, until it has them', async () => {
    const { alice, bob, drain, pass } = scene('alice')
    bob.say(message('alice', '1'))
    assert.deepEqual(inShort(alice), ['message 1'])
    await drain()
    assert.deepEqual(inShort(alice), ['r'])
    assert.equal(await pass(100), false)
    acknowledge(alice, 0)
    assert.deepEqual(inShort(alice), ['r'])
    acknowledge(alice, 1)
    assert.deepEqual(inShort(alice), [])
    assert.equal(await pass(20), true)
    assert.deepEqual(inShort(bob), [])
  })

  test('takes nothing more: who counts is not told that it was handled, who does not is told that it was not', async () => {
    const { alice, bob, carol, drain } = scene('alice')
    alice.say(message('carol', 'before'))
    await drain()
    alice.say(message('carol', 'behind'))
    alice.say(`<r xmlns='${NS_SM}'/>`)
    for (const xml of [message('carol', 'no'), "<iq xmlns='jabber:client' type='get' id='i'><q xmlns='q'/></iq>", "<iq xmlns='jabber:client' type='result' id='i'/>",
      message('carol', 'e', 'error'), "<presence xmlns='jabber:client' to='carol@example.net/r' id='p'/>"]) bob.say(xml)
    assert.deepEqual(inShort(alice), ['a 1'])
    assert.deepEqual(inShort(bob), ['message refused no', 'iq refused i'])
    assert.deepEqual(inShort(carol), ['message before'])
  })

  test('gives back what nobody acknowledges while who sent it is there, and waits for these to acknowledge that', async () => {
    const { house, alice, bob, carol, drain, pass } = scene('alice', 'bob')
    bob.say(message('alice', 'b'))
    carol.say(message('alice', 'c'))
    alice.heard()
    await drain(3_000)
    assert.deepEqual(inShort(alice), ['r'])
    assert.equal(await pass(1_999), false)
    assert.deepEqual([inShort(bob), inShort(carol)], [[], []])
    assert.equal(await pass(1), false)
    assert.deepEqual(inShort(alice), ['a 0', 'end system-shutdown'])
    await pass(20)
    assert.deepEqual([inShort(bob), inShort(carol)], [['message refused b', 'r'], ['message refused c']])
    acknowledge(bob, 1)
    assert.equal(await pass(20), true)
    house.manager.shutdown()
    assert.deepEqual([inShort(bob), inShort(carol)], [['a 1', 'end system-shutdown'], ['end system-shutdown']])
  })

  test('is done after that time, whoever is silent', async () => {
    const { alice, bob, house, drain, pass } = scene('alice', 'bob')
    bob.say(message('alice', 'b'))
    alice.heard()
    await drain(3_000)
    await pass(2_000)
    assert.equal(await pass(999), false)
    assert.equal(await pass(1), true)
    house.manager.shutdown()
    assert.deepEqual(inShort(bob), ['message refused b', 'r', 'a 1', 'end system-shutdown'])
    assert.equal(house.clock.pending, 0, 'a timer is left')
  })

  test('gives back at once what waits for those who are not there, and for those who go meanwhile: nobody comes back', async () => {
    const { alice, bob, carol, drain, pass } = scene('alice', 'carol')
    alice.events.lost(null)
    bob.say(message('alice', '1'))
    bob.say(message('carol', '2'))
    await drain()
    await pass(0)
    assert.deepEqual(inShort(bob), ['message refused 1'])
    carol.events.lost(null)
    assert.equal(await pass(20), true)
    assert.deepEqual(inShort(bob), ['message refused 2'])
  })

  test('does not go while somebody is about to get what another has missed', async () => {
    const { house, alice, bob, drain } = scene('alice')
    bob.say(message('alice', '1'))
    await drain()
    // The look that comes next finds nobody who has anything to acknowledge; but Bob has not been told.
    house.clock.after(20, () => { alice.events.lost(null) })
    house.clock.advance(40)
    await settled()
    assert.deepEqual(inShort(bob), ['message refused 1'])
  })

  test('lets nobody in, whether to a new session or to one that waits', async () => {
    const { house, alice, drain } = scene('alice')
    const early = house.arrive('bob')
    const again = house.arrive('alice')
    alice.events.lost(null)
    await drain()
    early.say("<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
    again.say(`<resume xmlns='${NS_SM}' previd='id-5' h='0'/>`)
    assert.deepEqual([inShort(early), inShort(again)], [['end system-shutdown'], ['end system-shutdown']])
    const visitor = new RecordedTransport(() => ({ kind: 'none' }))
    house.manager.accept(visitor)
    assert.deepEqual(inShort(visitor), ['end system-shutdown'])
  })
})

test('a shutdown without any time ends first who leaves something unacknowledged: whoever sent it is there to be told', async () => {
  const { house, alice, bob, carol } = scene('carol', 'alice')
  // Bob was first; he is ended last all the same.
  bob.say(message('alice', '1'))
  bob.say(message('carol', '2'))
  await house.manager.drain(0)
  house.manager.shutdown()
  assert.deepEqual(inShort(bob), ['message refused 1', 'message refused 2', 'end system-shutdown'])
  assert.deepEqual([inShort(alice).at(-1), inShort(carol).at(-1)], ['end system-shutdown', 'end system-shutdown'])
})
