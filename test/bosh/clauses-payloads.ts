// XEP-0124 §8 to §10: payloads both ways, acknowledgements, inactivity.
import assert from 'node:assert/strict'
import type { AnyClause } from './clause.ts'
import { attributesOf, empty, isGone, message, quiet, terminates, textsIn, type World } from './world.ts'

const two = async (world: World, attributes = {}) => ({ alice: await world.login('alice'), bob: await world.login('bob', { attributes }) })

export const payloadClauses: readonly AnyClause[] = [
  { section: 'XEP-0124 §8', level: 'SHOULD', clause: 'payloads are forwarded as soon as they come', async test(world) {
    const { alice, bob } = await two(world)
    const { answer: held } = await bob.hold()
    const { answer: waiting } = await alice.hold(message(bob.jid, 'now'))
    assert.deepEqual(textsIn(await held), ['now'])
    assert.equal(await world.turnUntil(waiting), 60_000)
  } },
  { section: 'XEP-0124 §8', level: 'MUST', clause: 'payloads are forwarded in the order of the rids, whatever the order of arrival',
    async test(world) {
    const { alice, bob } = await two(world, {})
    const first = alice.next(message(bob.jid, 'one'))
    const second = alice.next(message(bob.jid, 'two'))
    const later = alice.connections.request({ content: second })
    await later.taken
    const earlier = alice.connections.request({ content: first })
    empty(await earlier.answer)
    assert.deepEqual(textsIn(await bob.send()), ['one', 'two'])
  } },
  { section: 'XEP-0124 §8', level: 'MUST', clause: 'every request is answered with 200 and a <body/>', async test(world) {
    const alice = await world.login('alice', { attributes: { hold: '0' } })
    empty(await alice.send(quiet))
  } },
  { section: 'XEP-0124 §8', level: 'RECOMMENDED', clause: 'a request is held until there is a payload for it', async test(world) {
    const { alice, bob } = await two(world)
    const { answer: held } = await bob.hold()
    world.clock.advance(59_000)
    await alice.hold(message(bob.jid, 'at last'))
    assert.deepEqual(textsIn(await held), ['at last'])
  } },
  { section: 'XEP-0124 §8', level: 'SHOULD NOT', clause: 'no request is held longer than "wait"', async test(world) {
    const alice = await world.login('alice', { attributes: { wait: '25' } })
    const { answer: held } = await alice.hold()
    assert.equal(await world.turnUntil(held), 25_000)
  } },
  { section: 'XEP-0124 §8', level: 'SHOULD NOT', clause: 'no more requests are held than "hold"', async test(world) {
    for (const hold of [1, 2, 3]) {
      const alice = await world.login('alice', { attributes: { hold: String(hold) } })
      const held: Promise<unknown>[] = []
      for (let n = 0; n <= hold; n++) held.push((await alice.hold(quiet)).answer)
      const [oldest, ...others] = held
      await oldest
      assert.equal(await Promise.race([...others, Promise.resolve('held')]), 'held')
    }
  } },
  { section: 'XEP-0124 §8', level: 'MUST', clause: 'responses are sent in the order of the rids', async test(world) {
    const { alice, bob } = await two(world, { hold: '3' })
    const answered: number[] = []
    const requests = [0, 1, 2].map(() => bob.next(quiet))
    for (const n of [2, 1, 0]) {
      const { answer, taken } = bob.connections.request({ content: requests[n]! })
      void answer.then(() => { answered.push(n) })
      await taken
    }
    for (const n of [0, 1, 2]) {
      await alice.send(message(alice.jid, 'x') + message(bob.jid, String(n)))
      while (answered.length <= n) await new Promise(resolve => { setImmediate(resolve) })
    }
    assert.deepEqual(answered, [0, 1, 2])
  } },
  { section: 'XEP-0124 §8', level: 'SHOULD', clause: 'when the waiting period is over the response is an empty <body/>', async test(world) {
    const alice = await world.login('alice')
    const { answer: held } = await alice.hold()
    await world.turnUntil(held)
    empty(await held)
  } },
  { section: 'XEP-0124 §8', level: 'SHOULD', clause: 'payloads for the client leave as soon as they come: those of one request in one response',
    async test(world) {
    const { alice, bob } = await two(world)
    const { answer: held } = await bob.hold()
    await alice.hold([1, 2, 3].map(n => message(bob.jid, String(n))).join(''))
    assert.deepEqual(textsIn(await held), ['1', '2', '3'])
  } },
  { section: 'XEP-0124 §8', level: 'MUST', clause: 'an empty request waits as one with payloads does', async test(world) {
    const { alice, bob } = await two(world)
    for (const content of ['', quiet]) {
      const { answer: held } = await bob.hold(content)
      await alice.send(message(bob.jid, 'x') + message(alice.jid, 'x'))
      assert.deepEqual(textsIn(await held), ['x'])
    }
  } },

  { section: 'XEP-0124 §9.1', level: 'MAY', clause: '"ack" is the highest rid up to which every request has come', async test(world) {
    const alice = await world.login('alice', { attributes: { ack: '1' } })
    const { answer: held } = await alice.hold()
    const later = alice.request(quiet)
    assert.deepEqual(attributesOf(await held).ack, String(alice.rid - 1))
    await later.taken
  } },
  { section: 'XEP-0124 §9.1', level: 'MUST', clause: 'where there are acknowledgements, the first answer has one', async test(world) {
    assert.equal(attributesOf((await world.open({ rid: 5, attributes: { ack: '1' } })).creation).ack, '5')
  } },
  { section: 'XEP-0124 §9.1', level: 'SHOULD NOT', clause: 'no "ack" that says no more than the response itself', async test(world) {
    const alice = await world.login('alice', { attributes: { ack: '1' } })
    assert.equal(attributesOf(await alice.send(message(alice.jid, 'x'))).ack, undefined)
  } },
  { section: 'XEP-0124 §9.2', level: 'MAY', clause: 'a request whose "ack" lags is answered at once', async test(world) {
    const { answer } = await lagging(world)
    assert.equal(attributesOf(await answer).type, undefined)
  } },
  { section: 'XEP-0124 §9.2', level: 'SHOULD', clause: 'such a response reports the missing one, and how many milliseconds ago it was sent',
    async test(world) {
    const { answer, missing } = await lagging(world)
    const { report, time } = attributesOf(await answer)
    assert.deepEqual([report, time], [String(missing), '8000'])
  } },
  { section: 'XEP-0124 §9.2', level: 'MAY', clause: 'an "ack" of what is not kept any more, or was never sent, does no harm', async test(world) {
    const alice = await world.login('alice', { attributes: { ack: '1' } })
    for (const ack of ['1', '9007199254740991', '0', 'x', '-1']) {
      assert.deepEqual(textsIn(await alice.send(message(alice.jid, ack), { ack })), [ack])
    }
  } },

  { section: 'XEP-0124 §10', level: 'SHOULD', clause: 'after the inactivity period the session ends, and nobody is told', async test(world) {
    const { alice, bob } = await two(world)
    world.clock.advance(59_000)
    await alice.send(message(alice.jid, 'still here'))
    world.clock.advance(1_000)
    assert.match((await alice.send(`<iq xmlns='jabber:client' type='get' id='p' to='${bob.jid}'><ping xmlns='urn:xmpp:ping'/></iq>`)).text, /service-unavailable/)
    assert.ok(world.gateway.eventsNamed('session.ended').some(({ jid, reason }) => jid === bob.jid && reason === 'lost'))
  } },
  { section: 'XEP-0124 §10', level: 'SHOULD', clause: 'then it is as if it had never been', async test(world) {
    const alice = await world.open()
    const before = alice.next()
    world.clock.advance(60_000)
    const [dead, unknown] = [await alice.connections.post(before), await alice.send('', { sid: 'A'.repeat(32) })]
    terminates(dead, 'item-not-found')
    assert.equal(dead.text, unknown.text)
  } },
  { section: 'XEP-0124 §10', level: 'SHOULD', clause: 'while a request is held no time is counted', async test(world) {
    const alice = await world.login('alice')
    const { answer: held } = await alice.hold()
    assert.equal(await world.turnUntil(held), 60_000)
    world.clock.advance(59_000)
    assert.deepEqual(textsIn(await alice.send(message(alice.jid, 'x'))), ['x'])
  } },
  { section: 'XEP-0124 §10', level: 'SHOULD', clause: 'a held request whose connection went away is not held', async test(world) {
    const alice = await world.login('alice')
    const sent = alice.request()
    await sent.taken
    sent.abort()
    const turned = await world.turnUntil(ended(world, alice.jid))
    assert.ok(turned < 90_000, `${turned} ms, as if the request had been held until its time was over`)
    await isGone(alice)
  } },
  { section: 'XEP-0124 §10', level: 'SHOULD', clause: 'a client may be inactive for ever where no period was announced',
    exception: 'one is always announced' },
  { section: 'XEP-0124 §10', level: 'RECOMMENDED', clause: 'the period is a little more than a round trip on a bad network',
    async test(world) { assert.equal(attributesOf((await world.open()).creation).inactivity, '60') } },
  { section: 'XEP-0124 §10', level: 'SHOULD', clause: 'a pause is answered at once, with every request that was held', async test(world) {
    const alice = await world.login('alice', { attributes: { hold: '2' } })
    const { answer: one } = await alice.hold(quiet)
    const { answer: other } = await alice.hold(quiet)
    const pause = await alice.send('', { pause: '120' })
    for (const answer of [await one, await other, pause]) empty(answer)
  } },
  { section: 'XEP-0124 §10', level: 'SHOULD', clause: 'and lengthens the inactivity period to what was asked for', async test(world) {
    const alice = await world.login('alice')
    await alice.send('', { pause: '120' })
    world.clock.advance(119_000)
    assert.deepEqual(textsIn(await alice.send(message(alice.jid, 'back'))), ['back'])
  } },
  { section: 'XEP-0124 §10', level: 'SHOULD', clause: 'or shortens it', async test(world) {
    const alice = await world.login('alice')
    await alice.send('', { pause: '10' })
    world.clock.advance(10_000)
    await isGone(alice)
  } },
  { section: 'XEP-0124 §10', level: 'SHOULD', clause: 'a pause longer than "maxpause" breaks the rules', async test(world) {
    for (const pause of ['121', '99999999']) {
      const alice = await world.open()
      terminates(await alice.send('', { pause }), 'policy-violation')
      await isGone(alice)
    }
  } },
  { section: 'XEP-0124 §10', level: 'MUST NOT', clause: 'the response to a pause has no payloads, whatever waits', async test(world) {
    const { alice, bob } = await two(world)
    await alice.hold(message(bob.jid, 'later'))
    empty(await bob.send('', { pause: '60' }))
    assert.deepEqual(textsIn(await bob.send()), ['later'])
  } },
  { section: 'XEP-0124 §10', level: 'SHOULD', clause: 'the next request sets the period back to normal', async test(world) {
    const alice = await world.login('alice', { attributes: { hold: '0' } })
    await alice.send('', { pause: '120' })
    await alice.send(quiet)
    world.clock.advance(70_000)
    await isGone(alice)
  } },
]

/** A request that acknowledges less than was sent eight seconds ago, and its answer, for which no clock is turned. */
async function lagging(world: World) {
  const alice = await world.login('alice', { attributes: { ack: '1' } })
  const missing = alice.rid
  await alice.send(message(alice.jid, 'lost on the way'))
  world.clock.advance(8_000)
  return { missing, answer: alice.send('', { ack: String(missing - 1) }) }
}

/** Resolves when the session of that JID has ended. */
async function ended({ gateway }: World, jid: string): Promise<void> {
  while (!gateway.eventsNamed('session.ended').some(event => event.jid === jid)) await new Promise(resolve => { setImmediate(resolve) })
}
