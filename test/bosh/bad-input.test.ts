// Bad input, "BOSH": in every case a typed answer, one event, and nobody else notices.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type Attributes, bodyText, type BoshClient } from '../support/bosh-client.ts'
import { RawWebSocket } from '../support/raw-websocket.ts'
import { attributesOf, empty, isGone, listeners, message, quiet, terminates, textsIn, World } from './world.ts'

let world: World
let carol: BoshClient
before(async () => { world = await World.start() })
after(async () => { await world.stop() })
beforeEach(async () => {
  carol = await world.login('carol')
  world.forget()
})
afterEach(() => {
  world.leave()
  world.clock.advance(400_000)
  assert.deepEqual(world.gateway.events.filter(({ level }) => level === 'error'), [])
})

describe('rid', () => {
  const rids: readonly (readonly [string, string])[] = [
    ['2^53', '9007199254740992'], ['2^53+1, which no double can tell from 2^53', '9007199254740993'], ['1e3', '1e3'], ['0x10', '0x10'], ['white space', ' 5'],
    ['a tab', '5\t'], ['negative', '-1'], ['a fraction', '5.0'], ['4 kB of digits', '1'.repeat(4_096)], ['4 kB of zeros before it', `${'0'.repeat(4_096)}5`],
    ['zero', '0'], ['a sign', '+5'], ['Infinity', 'Infinity'], ['NaN', 'NaN'], ['other digits', '５'], ['empty', ''],
  ]
  for (const [name, rid] of rids) {
    test(`${name}: bad-request for a new session, and the end of one that is there`, async () => {
      terminates((await world.open({ attributes: { rid } })).creation, 'bad-request')
      await world.oneEvent('bosh.refused', carol)
      const alice = await world.login('alice')
      world.forget()
      const { answer: held } = await alice.hold()
      terminates(await alice.send(quiet, { rid }), 'bad-request')
      terminates(await held, 'other-request')
      await world.oneEvent('stream.lost', carol)
    })
  }
  test('2^53-1 is taken, and the next there is none', async () => {
    const alice = await world.open({ attributes: { rid: '9007199254740991' } })
    assert.ok(alice.sid)
    world.forget()
    terminates(await alice.send('', { rid: '9007199254740992' }), 'bad-request')
    await world.oneEvent('stream.lost', carol)
  })
  test('the same one in parallel on two connections: one of them gets the answer, and nothing comes twice', async () => {
    const [alice, bob] = [await world.login('alice'), await world.login('bob', { attributes: { hold: '0' } })]
    for (let round = 0; round < 5; round++) {
      const content = alice.next(message(bob.jid, `once ${round}`) + message(alice.jid, 'back'))
      const answers = await Promise.all([alice.connections.post(content), alice.connections.post(content)])
      assert.deepEqual(answers.map(answer => textsIn(answer).join()).filter(text => text !== '').length >= 1, true)
      for (const answer of answers) assert.ok(answer.status === 200 && ['error', null].includes(answer.body.attributes.get('type') ?? null), answer.text)
      assert.deepEqual(textsIn(await bob.send(quiet)), [`once ${round}`])
    }
    await world.isUndisturbed(carol)
  })
  test('the same one with another body: the first counts', async () => {
    const [alice, bob] = [await world.login('alice'), await world.login('bob', { attributes: { hold: '0' } })]
    const sent = [alice.next(message(bob.jid, 'first')), alice.next(quiet)]
    const first = alice.connections.request({ content: sent[0]! })
    await first.taken
    const again = alice.connections.request({ content: sent[0]!.replace('first', 'second') })
    await again.taken
    assert.equal(attributesOf(await first.answer).type, 'error')
    await alice.connections.request({ content: sent[1]! }).taken
    empty(await again.answer)
    assert.deepEqual(textsIn(await bob.send()), ['first'])
    await world.isUndisturbed(carol)
  })
  test('beyond the window, with 10 MB of data: each ends its session before anything is kept', async () => {
    for (let n = 0; n < 40; n++) {
      const alice = await world.open()
      world.forget()
      terminates(await alice.send(message('bob@localhost', 'x'.repeat(250_000)), { rid: String(alice.rid + 10 + n) }), 'item-not-found')
      await world.oneEvent('stream.lost', carol)
    }
  })
})

describe('the session request', () => {
  const bad: readonly (readonly [string, Attributes, string])[] = [
    ['without "to"', { to: null }, 'improper-addressing'], ['to a user', { to: 'alice@localhost' }, 'host-unknown'], ['to __proto__', { to: '__proto__' }, 'host-unknown'],
    ['wait -1', { wait: '-1' }, 'bad-request'], ['wait 1e9', { wait: '1e9' }, 'bad-request'], ['wait ""', { wait: '' }, 'bad-request'],
    ['hold -1', { hold: '-1' }, 'bad-request'], ['hold 2^64', { hold: '18446744073709551616' }, 'bad-request'], ['hold x', { hold: 'x' }, 'bad-request'],
    ['a content type with a line break', { content: 'text/xml\nX: y' }, 'bad-request'], ['an unknown type', { type: 'constructor' }, 'bad-request'],
    ['a pause', { pause: 'abc' }, 'bad-request'],
  ]
  for (const [name, attributes, condition] of bad) {
    test(`${name}: ${condition}`, async () => {
      terminates((await world.open({ attributes })).creation, condition)
      await world.oneEvent('bosh.refused', carol)
    })
  }
  test('without hold and wait, or with absurd ones: as if less had been asked for', async () => {
    const agreed = async (attributes: Attributes) => {
      const { wait, hold, requests } = attributesOf((await world.open({ attributes })).creation)
      return [wait, hold, requests].join()
    }
    assert.equal(await agreed({ wait: null, hold: null }), '0,0,2')
    assert.equal(await agreed({ hold: '1000000', wait: '1000000' }), '60,3,4')
    assert.equal(await agreed({ hold: '9007199254740991', wait: '9007199254740991' }), '60,3,4')
    await world.isUndisturbed(carol)
  })
  test('a version that is none is no version', async () => {
    for (const ver of ['', 'x', '1', '1.', '.1', '1.1.1', '-1.0', '1e1.0', `1.${'0'.repeat(5_000)}`]) {
      assert.equal((await world.open({ attributes: { ver } })).creation.body.attributes.has('ver'), false, ver)
    }
    await world.isUndisturbed(carol)
  })
})

describe('pause', () => {
  for (const [pause, condition] of [['99999999', 'policy-violation'], ['9007199254740991', 'policy-violation'], ['abc', 'bad-request'], ['-1', 'bad-request'], ['1e2', 'bad-request']] as const) {
    test(`${pause}: ${condition}, and the session is over`, async () => {
      const alice = await world.login('alice')
      world.forget()
      terminates(await alice.send('', { pause }), condition)
      await world.oneEvent('stream.lost', carol)
      assert.ok(world.gateway.eventsNamed('session.ended').some(({ jid }) => jid === alice.jid))
    })
  }
})

describe('the body of a request', () => {
  const head = (fields: string) => `POST /http-bind HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n\r\n`
  const strict = { listener: listeners.strict, tls: { host: '127.0.0.4' } }

  test('that comes one byte a second: no longer than request_timeout', async () => {
    const raw = await RawWebSocket.connect(world.gateway, strict)
    const bytes = bodyText({ rid: '5', to: 'localhost' })
    raw.write(head(`Content-Length: ${bytes.length}`))
    const answer = raw.response()
    for (let n = 0; n < 4 && world.gateway.eventsNamed('bosh.refused').at(-1)?.status !== 408; n++) {
      raw.write(bytes.slice(n, n + 1))
      await world.connect().request({ method: 'GET' }).answer
      world.clock.advance(1_000)
    }
    const { body } = await answer
    assert.match(body, /type='terminate' condition='policy-violation'/)
    await raw.ended
    assert.equal((await world.oneEvent('bosh.refused', carol)).status, 408)
  })
  test('that never comes, or whose connection ends before: nothing is left', async () => {
    const raw = await RawWebSocket.connect(world.gateway)
    raw.write(`${head('Content-Length: 100')}<body`)
    await world.isUndisturbed(carol)
    raw.destroy()
    await raw.ended
    await world.isUndisturbed(carol)
    assert.deepEqual(world.gateway.events.filter(({ level }) => level === 'error'), [])
  })
  test('chunked, of 9 MiB: refused at max_stanza_size, and the rest is not read', async () => {
    const raw = await RawWebSocket.connect(world.gateway)
    raw.write(head('Transfer-Encoding: chunked'))
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536, 'x'), Buffer.from('\r\n')])
    for (let n = 0; n < 144 && !raw.socket.destroyed; n++) raw.write(chunk)
    const { status, head: fields, body } = await raw.response()
    assert.equal(status, 200)
    assert.match(fields, /^connection: close\r?$/im)
    assert.match(body, /type='terminate' condition='policy-violation'/)
    raw.destroy()
    assert.equal((await world.oneEvent('bosh.refused', carol)).status, 413)
  })
  test('whose Content-Length is 9 MiB: refused before it comes', async () => {
    const raw = await RawWebSocket.connect(world.gateway)
    raw.write(head('Content-Length: 9437184'))
    assert.match((await raw.response()).body, /policy-violation/)
    await raw.ended
    assert.equal((await world.oneEvent('bosh.refused', carol)).status, 413)
  })
  test('Content-Length with Transfer-Encoding: 400 and the end of the connection', async () => {
    for (const fields of ['Content-Length: 5\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: chunked\r\nContent-Length: 5', 'Content-Length: 5\r\nContent-Length: 6',
      'Content-Length: -5', 'Content-Length: 5x', 'Transfer-Encoding: chunked, identity']) {
      const raw = await RawWebSocket.connect(world.gateway)
      raw.write(`${head(fields)}0\r\n\r\n`)
      assert.equal((await raw.response()).status, 400, fields)
      await raw.ended
      await world.oneEvent('http.refused', carol)
    }
  })
  test('a gzip bomb: 415 before a byte of it is unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000, ' '))
    const { status } = await world.connect().request({ content: bomb, headers: { 'Content-Encoding': 'gzip' } }).answer
    assert.equal(status, 415)
    await world.oneEvent('bosh.refused', carol)
    // Nor is it where nobody says that it is one.
    terminates(await world.connect().post(bomb), 'bad-request')
    await world.oneEvent('bosh.refused', carol)
  })
})

describe('others', () => {
  test('a client that repeats a dead sid ten times a second gets the same answer each time, in no time', async () => {
    const alice = await world.open()
    const request = alice.next()
    world.clock.advance(61_000)
    carol = await world.login('carol')
    world.forget()
    const { user: before } = process.cpuUsage()
    for (let n = 0; n < 100; n++) {
      terminates(await alice.connections.post(request), 'item-not-found')
      world.clock.advance(100)
    }
    const { user: after } = process.cpuUsage()
    assert.ok(after - before < 2_000_000, `${after - before} µs`)
    assert.equal((await world.faults()).length, 100)
    await world.isUndisturbed(carol)
  })
  test('a session of certificate A, and requests with certificate B, with none, over plain HTTP: one event each', async () => {
    const alice = await world.login('alice')
    world.forget()
    for (const connections of [await world.connectAs('bob'), world.connect(), world.connect({ listener: listeners.plain })]) {
      terminates(await connections.post(alice.next(quiet, { type: 'terminate' })), 'item-not-found')
      alice.rid -= 1
      await world.oneEvent('bosh.refused', carol)
    }
    await world.isUndisturbed(alice)
  })
  test('a connection that breaks at any moment of a request does no harm', async () => {
    const alice = await world.login('alice', { attributes: { hold: '0' } })
    const raws = []
    for (let cut = 1; cut < 400; cut += 23) {
      const content = alice.next(message(alice.jid, String(cut)))
      const bytes = `POST /http-bind HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${content.length}\r\n\r\n${content}`
      const raw = await RawWebSocket.connect(world.gateway, { identity: await world.gateway.identity('alice') })
      raw.write(bytes.slice(0, cut))
      raw.socket.end()
      raws.push(raw.ended)
      assert.deepEqual(textsIn(await alice.connections.post(content)), [String(cut)])
    }
    await Promise.all(raws)
    await alice.send('', { type: 'terminate' })
    await isGone(alice)
    await world.isUndisturbed(carol)
  })
})
