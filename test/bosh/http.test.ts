// What HTTP has to say at the BOSH endpoint (behaviour page "BOSH": CORS, HTTP, limits), on real connections.
import assert from 'node:assert/strict'
import { METHODS } from 'node:http'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { type Answer, type BoshClient, BoshClient as Client, bodyText, type HttpRequest } from '../support/bosh-client.ts'
import { Gateway } from '../support/gateway.ts'
import { empty, isGone, listedOrigin, listeners, message, quiet, terminates, textsIn, World } from './world.ts'

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
  world.clock.advance(200_000)
  world.clock.advance(200_000)
})

const sessionRequest = bodyText({ rid: '5', to: 'localhost', hold: '1', wait: '60', ver: '1.11' })

/** Every kind of answer that the listener has, by what asks for it. */
const kinds: readonly (readonly [name: string, status: number, request: HttpRequest])[] = [
  ['a session that is opened', 200, { content: sessionRequest }],
  ['an unknown session', 200, { content: bodyText({ rid: '5', sid: 'x' }) }],
  ['bad XML', 200, { content: '<body' }],
  ['bad attributes of a client without "ver"', 400, { content: bodyText({ rid: 'x', to: 'localhost' }) }],
  ['an unknown domain', 200, { content: bodyText({ rid: '5', to: 'example.org' }) }],
  ['a body that is too long', 200, { content: 'x'.repeat(262_145) }],
  ['a content coding', 415, { content: sessionRequest, headers: { 'Content-Encoding': 'gzip' } }],
  ['GET', 200, { method: 'GET' }],
  ['HEAD', 200, { method: 'HEAD' }],
  ['PUT', 405, { method: 'PUT', content: sessionRequest }],
  ['an unknown path', 404, { path: '/http-bin', content: sessionRequest }],
]

const cors = ({ headers }: Answer) => [headers['access-control-allow-origin'], headers['access-control-allow-credentials'], headers.vary]

describe('CORS', () => {
  for (const [name, status, request] of kinds) {
    test(`${name}: the answer may be read by pages of a listed origin and of the listener's own, with credentials`, async () => {
      const connections = world.connect()
      for (const origin of [listedOrigin, world.gateway.origin()]) {
        const answer = await connections.request({ ...request, headers: { ...request.headers, Origin: origin } }).answer
        assert.equal(answer.status, status, answer.text)
        assert.deepEqual(cors(answer), [origin, 'true', 'Origin'])
        assert.equal(answer.headers['x-content-type-options'], 'nosniff')
      }
    })
    test(`${name}: who sends no Origin gets no such header, and a shared cache is told that it matters`, async () => {
      const answer = await world.connect().request(request).answer
      assert.equal(answer.status, status)
      assert.deepEqual(cors(answer), [undefined, undefined, 'Origin'])
      assert.equal(answer.headers['x-content-type-options'], 'nosniff')
    })
    test(`${name}: pages of another origin may not read the answer`, async () => {
      const answer = await world.connect().request({ ...request, headers: { ...request.headers, Origin: 'https://evil.example' } }).answer
      assert.deepEqual(cors(answer), [undefined, undefined, 'Origin'])
    })
  }
  test('a request that was held, a terminate and a stream error have the headers, too', async () => {
    const alice = await world.login('alice')
    const ask = (content: string, attributes = {}) => alice.connections.request({ content: alice.next(content, attributes), headers: { Origin: listedOrigin } })
    const held = ask(quiet)
    await held.taken
    const bad = ask('<nonsense/>')
    for (const answer of [await held.answer, await bad.answer, await ask('', { type: 'terminate' }).answer]) assert.deepEqual(cors(answer), [listedOrigin, 'true', 'Origin'])
  })
})

describe('Origin', () => {
  const evil: readonly (readonly [string, () => string])[] = [
    ['https://evil.example', () => 'https://evil.example'], ['null', () => 'null'], ['empty', () => ''],
    ['a look-alike suffix', () => `${listedOrigin}.evil.example`], ['another port', () => `${listedOrigin}:8443`], ['another scheme', () => listedOrigin.replace('https', 'http')],
    ['the own host with another scheme', () => world.gateway.origin().replace('https', 'http')], ['the own host without its port', () => 'https://localhost'],
    ['two of them', () => `${listedOrigin} https://evil.example`],
  ]
  for (const [name, origin] of evil) {
    test(`${name}: 403 whatever certificate and sid come along, and nothing happens to the session`, async () => {
      const alice = await world.login('alice')
      world.forget()
      const connections = await world.connectAs('alice')
      const answer = await connections.request({ content: alice.next(message(alice.jid, 'stolen'), { type: 'terminate' }), headers: { Origin: origin() } }).answer
      assert.deepEqual([answer.status, ...cors(answer)], [403, undefined, undefined, 'Origin'])
      assert.equal((await world.oneEvent('bosh.refused', carol)).status, 403)
      alice.rid -= 1
      assert.deepEqual(textsIn(await alice.send(message(alice.jid, 'goes on'))), ['goes on'])
    })
  }
})

describe('preflight', () => {
  const ask = (origin: string, options: Parameters<World['connect']>[0] = {}) => world.connect(options).request({
    method: 'OPTIONS', headers: { 'Content-Type': null, Origin: origin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type' } }).answer

  test('needs no certificate: 204, POST and Content-Type allowed, for hours', async () => {
    for (const origin of [listedOrigin, world.gateway.origin()]) {
      const answer = await ask(origin)
      assert.deepEqual([answer.status, ...cors(answer)], [204, origin, 'true', 'Origin'])
      assert.match(String(answer.headers['access-control-allow-methods']), /\bPOST\b/)
      assert.match(String(answer.headers['access-control-allow-headers']), /\bContent-Type\b/)
      assert.equal(answer.headers['access-control-max-age'], '7200')
    }
  })
  test('of another origin is not granted', async () => {
    const answer = await ask('https://evil.example')
    assert.deepEqual([answer.status, ...cors(answer)], [404, undefined, undefined, 'Origin'])
  })
  test('on a listener that requires a certificate there is none without: the connection ends before HTTP begins', async () => {
    await assert.rejects(ask(world.gateway.origin(), { listener: listeners.requiring }))
    await world.oneEvent('certificate.missing', carol)
    assert.equal((await (await world.connectAs('alice', { listener: listeners.requiring })).request({ method: 'OPTIONS', headers: { Origin: world.gateway.origin() } }).answer).status, 204)
  })
})

describe('methods', () => {
  test('GET shows people a page, HEAD its headers', async () => {
    const connections = world.connect()
    const { status, headers, text } = await connections.request({ method: 'GET' }).answer
    assert.deepEqual([status, headers['content-type']], [200, 'text/html; charset=utf-8'])
    assert.match(text, /BOSH/)
    assert.equal((await connections.request({ method: 'HEAD' }).answer).text, '')
  })
  test('any other is answered with 405 and what there is', async () => {
    const taken = new Set(['GET', 'HEAD', 'POST', 'OPTIONS', 'CONNECT'])
    const connections = world.connect({ connections: 1 })
    for (const method of METHODS.filter(name => !taken.has(name))) {
      const { status, headers } = await connections.request({ method }).answer
      assert.deepEqual([status, headers.allow], [405, 'GET, HEAD, POST, OPTIONS'], method)
    }
  })
  test('content codings are refused with 415, "identity" is none', async () => {
    const connections = world.connect()
    for (const coding of ['gzip', 'deflate', 'br', 'zstd', 'x-gzip', 'identity, gzip', '']) {
      assert.equal((await connections.request({ content: sessionRequest, headers: { 'Content-Encoding': coding } }).answer).status, 415, coding)
      await world.oneEvent('bosh.refused', carol)
    }
    assert.equal((await connections.request({ content: sessionRequest, headers: { 'Content-Encoding': 'identity' } }).answer).status, 200)
  })
})

describe('limits', () => {
  test('a body of max_stanza_size is taken, one that is longer is not', async () => {
    const padded = (length: number) => {
      const request = bodyText({ rid: '5', to: 'localhost', hold: '1', wait: '60', ver: '1.11', from: '' })
      return request.replace('from=\'\'', `from='${'x'.repeat(length - request.length)}'`)
    }
    const connections = world.connect({ listener: listeners.strict })
    assert.equal(padded(10_000).length, 10_000)
    assert.ok((await connections.post(padded(10_000))).body.attributes.has('sid'))
    terminates(await connections.post(padded(10_001)), 'policy-violation')
    assert.equal((await world.oneEvent('bosh.refused', carol)).status, 413)
  })
  test('sessions of one certificate: as many as max_sessions_per_certificate, and more when one has gone', async () => {
    const open = async () => world.open({ identity: await world.gateway.identity('alice'), listener: listeners.strict })
    const first = await open()
    await open()
    terminates((await open()).creation, 'policy-violation')
    await world.oneEvent('bosh.refused', carol)
    assert.ok((await world.open({ identity: await world.gateway.identity('bob'), listener: listeners.strict })).sid)
    await first.send('', { type: 'terminate' })
    world.clock.advance(12_000)
    assert.ok((await open()).sid)
  })
  test('sessions of one address: as many as max_sessions_per_address', async () => {
    const gateway = await Gateway.start({ toml: `
[[listen.http]]
port = 0
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.cacertfile = "certs/ca.crt"
bosh.max_sessions_per_address = 2
` })
    const clients = [await Client.open(gateway), await Client.open(gateway), await Client.open(gateway)]
    assert.deepEqual(clients.map(({ sid }) => sid !== ''), [true, true, false])
    terminates(clients[2]!.creation, 'policy-violation')
    for (const client of clients) client.close()
    await gateway.stop()
  })
  test('what waits behind a gap: no more than max_deferred_bytes', async () => {
    const alice = await world.login('alice', { listener: listeners.strict, attributes: { hold: '2' } })
    world.forget()
    const gap = alice.next(quiet)
    const { answer: waiting } = await alice.hold(message(alice.jid, 'x'.repeat(6_000)))
    terminates(await alice.send(message(alice.jid, 'x'.repeat(6_000))), 'policy-violation')
    empty(await waiting)
    terminates(await alice.connections.post(gap), 'item-not-found')
    assert.deepEqual((await world.faults()).map(({ event }) => event), ['stream.lost'])
    await world.isUndisturbed(carol)
  })
  test('a client that does not fetch what is sent to it is ended at max_unread_bytes, and told when it comes', async () => {
    const [alice, bob] = [await world.login('alice', { attributes: { hold: '0' } }), await world.login('bob')]
    world.forget()
    for (let n = 0; n < 6; n++) empty(await alice.send(message(bob.jid, 'x'.repeat(200_000))))
    assert.equal((await world.faults())[0]?.event, 'stream.lost')
    // With everything that waited: more than the parser of these tests takes.
    assert.match((await bob.send()).text, /^<body [^>]*type='terminate' condition='policy-violation'>(?:<message.*?<\/message>){6}<\/body>$/)
    await isGone(bob)
    await world.isUndisturbed(carol)
  })
})

test('a gateway that stops does not cut a response that is on its way', async () => {
  const gateway = await Gateway.start({ toml: `
[limits]
max_unread_bytes = 100_000_000
[[listen.http]]
port = 0
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.cacertfile = "certs/ca.crt"
bosh.max_stanza_size = 16_000_000
` })
  const [alice, bob] = [await Client.login(gateway, 'alice'), await Client.login(gateway, 'bob')]
  const { answer } = await bob.hold()
  await alice.hold(message(bob.jid, 'x'.repeat(15_000_000)))
  await gateway.stop()
  assert.ok((await answer).text.length > 15_000_000)
  for (const client of [alice, bob]) client.close()
})
