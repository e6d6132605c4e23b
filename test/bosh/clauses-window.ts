// XEP-0124 §11 to §15: too many requests, polling, the end, request ids, key sequences.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Attributes, BoshClient } from '../support/bosh-client.ts'
import type { AnyClause } from './clause.ts'
import { attributesOf, empty, isGone, listeners, message, quiet, terminates, textsIn, type World } from './world.ts'

/** As many requests as may be under way, none of them answered: the first never arrives. */
async function backlog(world: World, last: string): Promise<{ readonly alice: BoshClient, readonly gap: string }> {
  const alice = await world.login('alice')
  const gap = alice.next(quiet)
  await alice.hold(last)
  return { alice, gap }
}

const hashed = (text: string): string => createHash('sha1').update(text).digest('hex')

/** K(1) to K(n) (§15.3). */
function keySequence(seed: string, n: number): readonly string[] {
  const keys = [hashed(seed)]
  while (keys.length < n) keys.push(hashed(keys.at(-1) ?? ''))
  return keys
}

const keys = keySequence('one', 5)
const others = keySequence('another', 5)

const withKeys = (world: World, attributes: Attributes = {}): Promise<BoshClient> => world.open({ attributes: { newkey: keys[4]!, hold: '0', ...attributes } })

/** A request with the wrong key, or none, is not processed and ends the session. */
const wrongKey = (key: string | null) => async (world: World): Promise<void> => {
  const alice = await withKeys(world)
  assert.match((await alice.send(abort, { key: keys[3]! })).text, /aborted/)
  const before = world.gateway.eventsNamed('auth.failure').length
  terminates(await alice.send(abort, { key }), 'item-not-found')
  assert.equal(world.gateway.eventsNamed('auth.failure').length, before)
  terminates(await alice.send('', { key: keys[2]! }), 'item-not-found')
}
const abort = '<abort xmlns=\'urn:ietf:params:xml:ns:xmpp-sasl\'/>'

export const windowClauses: readonly AnyClause[] = [
  { section: 'XEP-0124 §11', level: 'SHOULD', clause: 'more unanswered requests than "requests": policy-violation or, as the rid is beyond the window, item-not-found',
    async test(world) {
    const { alice } = await backlog(world, quiet)
    terminates(await alice.send(quiet), 'item-not-found')
    await isGone(alice)
  } },
  { section: 'XEP-0124 §11', level: 'MAY', clause: 'one request more may terminate', async test(world) {
    const { alice, gap } = await backlog(world, quiet)
    const last = alice.request('', { type: 'terminate' })
    await last.taken
    terminates(await alice.connections.post(gap), null)
    empty(await last.answer)
  } },
  { section: 'XEP-0124 §11', level: 'MAY', clause: 'or pause', async test(world) {
    const { alice, gap } = await backlog(world, quiet)
    const last = alice.request('', { pause: '60' })
    await last.taken
    empty(await alice.connections.post(gap))
    empty(await last.answer)
  } },
  { section: 'XEP-0124 §11', level: 'MUST', clause: 'any number is allowed where no "requests" was announced', exception: 'it is always announced' },
  { section: 'XEP-0124 §11', level: 'SHOULD', clause: 'as many requests as allowed, the last one empty and within "polling" of the one before: policy-violation',
    async test(world) {
    const alice = await world.login('alice')
    world.clock.advance(10_000)
    const { answer: held } = await alice.hold(quiet)
    world.clock.advance(4_000)
    terminates(await alice.send(), 'policy-violation')
    terminates(await held, 'other-request')
    await isGone(alice)
  } },
  { section: 'XEP-0124 §11', level: 'SHOULD', clause: 'not so where "polling" has passed, or something was sent', async test(world) {
    for (const [seconds, content] of [[5, ''], [0, quiet]] as const) {
      const alice = await world.login('alice')
      const { answer: held } = await alice.hold()
      world.clock.advance(seconds * 1_000)
      await alice.hold(content)
      empty(await held)
    }
  } },
  { section: 'XEP-0124 §11', level: 'MUST', clause: 'any frequency is allowed where no "polling" was announced',
    exception: 'it is always announced' },

  { section: 'XEP-0124 §12', level: 'SHOULD', clause: 'a session with wait or hold "0" is one that polls', async test(world) {
    for (const attributes of [{ hold: '0' }, { wait: '0' }]) {
      const alice = await world.login('alice', { attributes })
      world.clock.advance(5_000)
      empty(await alice.send())
    }
  } },
  { section: 'XEP-0124 §12', level: 'MAY', clause: 'demand polling by "requests" 1', exception: 'never done; it is NOT RECOMMENDED' },
  { section: 'XEP-0124 §12', level: 'SHOULD', clause: 'such a session has a longer inactivity period', async test(world) {
    assert.equal(attributesOf((await world.open({ attributes: { hold: '0' } })).creation).inactivity, '70')
  } },
  { section: 'XEP-0124 §12', level: 'SHOULD', clause: 'longer by more than "polling"', async test(world) {
    const { inactivity, polling } = attributesOf((await world.open({ listener: listeners.strict, attributes: { wait: '0' } })).creation)
    assert.ok(Number(inactivity) - 11 > Number(polling))
  } },
  { section: 'XEP-0124 §12', level: 'SHOULD', clause: 'two empty requests within "polling", the first of them answered with nothing: policy-violation',
    async test(world) {
    const alice = await world.login('alice', { attributes: { hold: '0' } })
    world.clock.advance(6_000)
    empty(await alice.send())
    world.clock.advance(4_000)
    terminates(await alice.send(), 'policy-violation')
    await isGone(alice)
  } },
  { section: 'XEP-0124 §12', level: 'SHOULD', clause: 'not so where the first brought something, or one of them sent something', async test(world) {
    const [alice, bob] = [await world.login('alice', { attributes: { hold: '0' } }), await world.login('bob', { attributes: { hold: '0' } })]
    await bob.send(message(alice.jid, 'x'))
    assert.deepEqual(textsIn(await alice.send()), ['x'])
    empty(await alice.send())
    empty(await alice.send(quiet))
    empty(await alice.send())
  } },
  { section: 'XEP-0124 §12', level: 'SHOULD', clause: 'a repeated request is not another one', async test(world) {
    const alice = await world.login('alice', { attributes: { hold: '0' } })
    world.clock.advance(6_000)
    const poll = alice.next()
    for (let n = 0; n < 3; n++) empty(await alice.connections.post(poll))
    world.clock.advance(5_000)
    empty(await alice.send())
  } },

  { section: 'XEP-0124 §13', level: 'MUST', clause: 'payloads in a terminate request are forwarded first', async test(world) {
    const [alice, bob] = [await world.login('alice'), await world.login('bob')]
    const { answer: held } = await bob.hold()
    terminates(await alice.send(message(bob.jid, 'goodbye'), { type: 'terminate' }), null)
    assert.deepEqual(textsIn(await held), ['goodbye'])
    assert.ok(world.gateway.eventsNamed('session.ended').some(({ jid, reason }) => jid === alice.jid && reason === 'closed'))
  } },
  { section: 'XEP-0124 §13', level: 'SHOULD', clause: 'the oldest request that is held is told that the session is over', async test(world) {
    const alice = await world.login('alice')
    const { answer: held } = await alice.hold()
    const last = alice.request('', { type: 'terminate' })
    terminates(await held, null)
    await last.answer
  } },
  { section: 'XEP-0124 §13', level: 'SHOULD', clause: 'the terminate request and all others get an empty <body/>', async test(world) {
    const alice = await world.login('alice', { attributes: { hold: '2' } })
    const { answer: held } = await alice.hold(quiet)
    const { answer: other } = await alice.hold(quiet)
    empty(await alice.send('', { type: 'terminate' }))
    terminates(await held, null)
    empty(await other)
    await isGone(alice)
  } },

  { section: 'XEP-0124 §14.1', level: 'MUST', clause: 'rids up to 2^53-1 are taken', async test(world) {
    const alice = await world.login('alice', { rid: Number.MAX_SAFE_INTEGER - 5 })
    assert.deepEqual(textsIn(await alice.send(message(alice.jid, 'x'))), ['x'])
    const last = alice.rid
    assert.equal(last, Number.MAX_SAFE_INTEGER)
    assert.deepEqual(textsIn(await alice.send(message(alice.jid, 'y'))), ['y'])
    terminates(await alice.send('', { rid: '9007199254740992' }), 'bad-request')
  } },
  { section: 'XEP-0124 §14.2', level: 'MUST', clause: 'payloads are forwarded, and requests answered, in the order of the rids', async test(world) {
    const alice = await world.login('alice', { attributes: { hold: '3' } })
    const requests = ['one', 'two', 'three'].map(text => alice.next(message(alice.jid, text)))
    const sent = []
    for (const content of requests.toReversed()) {
      const one = alice.connections.request({ content })
      await one.taken
      sent.unshift(one.answer)
    }
    const heard = (await Promise.race([Promise.all(sent.slice(0, 1)), Promise.all(sent)])).flatMap(textsIn)
    assert.deepEqual(heard, ['one', 'two', 'three'])
  } },
  { section: 'XEP-0124 §14.2', level: 'SHOULD', clause: 'the window is as large as "requests"', async test(world) {
    for (const hold of [1, 2, 3]) {
      const alice = await world.login('alice', { attributes: { hold: String(hold) } })
      alice.rid += hold
      const { answer: waiting } = await alice.hold(quiet)
      assert.equal(await Promise.race([waiting, Promise.resolve('waiting')]), 'waiting')
    }
  } },
  { section: 'XEP-0124 §14.2', level: 'MUST', clause: 'a rid beyond the window ends the session with item-not-found', async test(world) {
    for (const hold of [1, 3]) {
      const alice = await world.login('alice', { attributes: { hold: String(hold) } })
      alice.rid += hold + 1
      terminates(await alice.send(quiet), 'item-not-found')
      assert.ok(world.gateway.eventsNamed('session.ended').some(({ jid }) => jid === alice.jid))
    }
  } },
  { section: 'XEP-0124 §14.3', level: 'SHOULD', clause: 'the latest responses are kept, as many as there may be requests', async test(world) {
    const alice = await world.login('alice', { attributes: { hold: '3' } })
    const requests = ['1', '2', '3', '4'].map(text => alice.next(message(alice.jid, text)))
    for (const content of requests) await alice.connections.post(content)
    for (const [n, content] of requests.entries()) assert.deepEqual(textsIn(await alice.connections.post(content)), [String(n + 1)])
  } },
  { section: 'XEP-0124 §14.3', level: 'SHOULD', clause: 'a repeated request gets the same response again, and its payloads are not forwarded again',
    async test(world) {
    const [alice, bob] = [await world.login('alice'), await world.login('bob', { attributes: { hold: '0' } })]
    const [rid, sid] = [String(alice.rid), alice.sid]
    const first = await alice.send(message(alice.jid, 'x') + message(bob.jid, 'once'))
    for (const content of [message(alice.jid, 'x') + message(bob.jid, 'once'), message(bob.jid, 'something else'), '']) {
      alice.rid -= 1
      assert.equal((await alice.send(content, { rid, sid })).text, first.text)
    }
    assert.deepEqual(textsIn(await bob.send()), ['once'])
    world.clock.advance(5_000)
    empty(await bob.send())
  } },
  { section: 'XEP-0124 §14.3', level: 'SHOULD', clause: 'a response that was written, and whose connection died before it came, is there for the repeat',
    async test(world) {
    const [alice, bob] = [await world.login('alice'), await world.login('bob')]
    const poll = bob.next()
    const lost = bob.connections.request({ content: poll })
    await lost.taken
    const { answer: waiting } = await alice.hold(message(bob.jid, 'not lost'))
    lost.abort()
    assert.deepEqual(textsIn(await bob.connections.post(poll)), ['not lost'])
    assert.equal(await Promise.race([waiting, Promise.resolve('waiting')]), 'waiting')
  } },
  { section: 'XEP-0124 §14.3', level: 'SHOULD', clause: 'a repeat of a request that is held frees that one with a recoverable error, and is held in its place',
    async test(world) {
    const alice = await world.login('alice')
    const poll = alice.next()
    const older = alice.connections.request({ content: poll })
    await older.taken
    const newer = alice.connections.request({ content: poll })
    await newer.taken
    assert.equal((await older.answer).text, '<body xmlns=\'http://jabber.org/protocol/httpbind\' type=\'error\'/>')
    const bob = await world.login('bob')
    await bob.hold(message(alice.jid, 'to the newer one'))
    assert.deepEqual(textsIn(await newer.answer), ['to the newer one'])
  } },
  { section: 'XEP-0124 §14.3', level: 'MAY', clause: 'limit how often one rid may be repeated',
    exception: 'not done: a repeat costs no more than any other request, and brings nothing that the first did not' },
  { section: 'XEP-0124 §14.3', level: 'MUST', clause: 'a response that is no longer kept: item-not-found', async test(world) {
    const alice = await world.login('alice')
    terminates(await alice.send('', { rid: '1000000' }), 'item-not-found')
  } },
  { section: 'XEP-0124 §14.3', level: 'MUST', clause: 'a rid that is too small is answered as one that is too large', async test(world) {
    const alice = await world.login('alice')
    const small = await alice.send('', { rid: '1' })
    const large = await alice.send('', { rid: '9007199254740991' })
    assert.equal(small.text, large.text)
  } },

  { section: 'XEP-0124 §15.4', level: 'MAY', clause: 'keys are verified: the SHA-1 of each is the one before', async test(world) {
    const alice = await withKeys(world)
    for (const key of [keys[3]!, keys[2]!, keys[1]!]) assert.match((await alice.send(abort, { key })).text, /aborted/)
  } },
  { section: 'XEP-0124 §15.3', level: 'SHOULD', clause: 'case does not count in keys', async test(world) {
    const alice = await withKeys(world, { newkey: keys[4]!.toUpperCase() })
    assert.match((await alice.send(abort, { key: keys[3]! })).text, /aborted/)
  } },
  { section: 'XEP-0124 §15.4', level: 'MUST NOT', clause: 'a request with another key is not processed, and ends the session',
    test: wrongKey(others[2]!) },
  { section: 'XEP-0124 §15.4', level: 'MUST', clause: 'nor is one whose key comes too late in the sequence', test: wrongKey(keys[1]!) },
  { section: 'XEP-0124 §15.4', level: 'MUST', clause: 'nor is one without a key', test: wrongKey(null) },
  { section: 'XEP-0124 §15.5', level: 'MUST', clause: 'the client may go on with another sequence', async test(world) {
    const alice = await withKeys(world)
    assert.match((await alice.send(abort, { key: keys[3]!, newkey: others[4]! })).text, /aborted/)
    assert.match((await alice.send(abort, { key: others[3]! })).text, /aborted/)
    terminates(await alice.send(abort, { key: keys[2]! }), 'item-not-found')
  } },
]
