// XEP-0124 §16 to §19: what is said of streams that are not offered, errors, and security.
import assert from 'node:assert/strict'
import Fastify, { type FastifyInstance } from 'fastify'
import { bosh } from '../../plugins/bosh.ts'
import { registerCrossOrigin } from '../../plugins/cross-origin.ts'
import { OriginPolicy } from '../../plugins/origin-policy.ts'
import { Peers } from '../../plugins/peer.ts'
import { ClientCertificates } from '../../src/transport/client-certificates.ts'
import { boshOptions } from '../../src/transport/bosh-options.ts'
import type { BoshSessions } from '../../src/transport/bosh-sessions.ts'
import { BoshClient, bodyText } from '../support/bosh-client.ts'
import { Gateway } from '../support/gateway.ts'
import { RawWebSocket } from '../support/raw-websocket.ts'
import { recordingLog, TurnedClock } from '../support/turned-clock.ts'
import Value from 'typebox/value'
import type { AnyClause } from './clause.ts'
import { empty, isGone, listedOrigin, listeners, message, quiet, terminates, textsIn, type World } from './world.ts'

const sessionRequest = { rid: '5', to: 'localhost', hold: '1', wait: '60' }

/** A request with alice's sid over these connections is answered as one with an unknown sid, and alice goes on. */
const isRefusedTo = (connect: (world: World) => Promise<ReturnType<World['connect']>>) => async (world: World): Promise<void> => {
  const alice = await world.login('alice')
  const stranger = await connect(world)
  const before = alice.rid
  const [stolen, unknown] = [await stranger.post(alice.next(message(alice.jid, 'stolen'), { type: 'terminate' })), await stranger.post(alice.next('', { sid: 'A'.repeat(32) }))]
  terminates(stolen, 'item-not-found')
  const { date: _stolenDate, ...stolenHeaders } = stolen.headers
  const { date: _unknownDate, ...unknownHeaders } = unknown.headers
  assert.deepEqual([stolen.text, stolenHeaders], [unknown.text, unknownHeaders])
  alice.rid = before
  assert.deepEqual(textsIn(await alice.send(message(alice.jid, 'goes on'))), ['goes on'])
}

/** The endpoint with a fault behind it. */
async function faulty(): Promise<{ readonly server: FastifyInstance, readonly events: ReturnType<typeof recordingLog>['events'] }> {
  const server = Fastify() as unknown as FastifyInstance
  const { log, events } = recordingLog()
  const clock = new TurnedClock()
  const origins = new OriginPolicy([listedOrigin], true)
  const sessions = { create() { throw new Error('a bug') }, find() { throw new Error('a bug') } } as unknown as BoshSessions
  const peers = new Peers(new ClientCertificates(server.server, { tls: null, clock, log }))
  await registerCrossOrigin(server, { origins, peers })
  await server.register(bosh, { bosh: Value.Create(boshOptions), sessions, origins, peers, clock, log })
  return { server, events }
}

export const errorClauses: readonly AnyClause[] = [
  { section: 'XEP-0124 §16.2', level: 'MUST', clause: 'only who offers several streams says "stream"', async test(world) {
    assert.equal((await world.open()).creation.body.attributes.has('stream'), false)
  } },
  { section: 'XEP-0124 §16.3', level: 'MUST', clause: 'a request for another stream is then an ordinary one', async test(world) {
    const alice = await world.login('alice')
    assert.deepEqual(textsIn(await alice.send(message(alice.jid, 'x'), { to: 'other.localhost', route: 'xmpp:localhost:1', from: 'bob@localhost', stream: 'x', 'xml:lang': 'de' })), ['x'])
  } },

  { section: 'XEP-0124 §17.1', level: 'SHOULD', clause: 'a client that sent no "ver" gets 400 for bad-request', async test(world) {
    const connections = world.connect()
    for (const attributes of [{ wait: '-1' }, { rid: '0' }, { hold: 'x' }]) {
      assert.equal((await connections.post(bodyText({ ...sessionRequest, ...attributes }))).status, 400)
      terminates(await connections.post(bodyText({ ...sessionRequest, ver: '1.6', ...attributes })), 'bad-request')
    }
    const alice = await world.open({ attributes: { ver: null } })
    assert.equal((await alice.send('', { pause: 'abc' })).status, 400)
  } },
  { section: 'XEP-0124 §17.1', level: 'SHOULD', clause: '403 for policy-violation', async test(world) {
    const alice = await world.open({ attributes: { ver: null } })
    assert.equal((await alice.send('', { pause: '99999999' })).status, 403)
    const identity = await world.gateway.identity('alice')
    for (let n = 0; n < 2; n++) await world.open({ identity, listener: listeners.strict })
    assert.equal((await world.open({ identity, listener: listeners.strict, attributes: { ver: null } })).creation.status, 403)
    terminates((await world.open({ identity, listener: listeners.strict })).creation, 'policy-violation')
  } },
  { section: 'XEP-0124 §17.1', level: 'SHOULD', clause: '404 for item-not-found', async test(world) {
    const alice = await world.open({ attributes: { ver: null } })
    assert.equal((await alice.send('', { rid: '9007199254740991' })).status, 404)
  } },
  { section: 'XEP-0124 §17.1', level: 'SHOULD NOT', clause: 'nobody else gets an HTTP status but 200', async test(world) {
    const alice = await world.open()
    terminates(await alice.send('', { rid: '9007199254740991' }), 'item-not-found')
  } },

  { section: 'XEP-0124 §17.2', level: 'MAY', clause: 'bad-request: a request that is none ends the session that it names', async test(world) {
    const alice = await world.login('alice')
    const { answer: held } = await alice.hold()
    terminates(await alice.send('<body xmlns=\'http://jabber.org/protocol/httpbind\'/>'), 'bad-request')
    terminates(await held, 'other-request')
    assert.ok(world.gateway.eventsNamed('session.ended').some(({ jid }) => jid === alice.jid))
  } },
  { section: 'XEP-0124 §17.2', level: 'MAY', clause: 'host-gone',
    exception: 'the served domains change at a restart only, which is system-shutdown' },
  { section: 'XEP-0124 §17.2', level: 'MAY', clause: 'host-unknown',
    async test(world) { terminates((await world.open({ attributes: { to: 'evil.example' } })).creation, 'host-unknown') } },
  { section: 'XEP-0124 §17.2', level: 'MAY', clause: 'improper-addressing',
    async test(world) { terminates((await world.open({ attributes: { to: null } })).creation, 'improper-addressing') } },
  { section: 'XEP-0124 §17.2', level: 'MAY', clause: 'internal-server-error, with everything in the log and nothing to the client', async test() {
    const { server, events } = await faulty()
    const { statusCode, body, headers } = await server.inject({ method: 'POST', url: '/http-bind', headers: { origin: listedOrigin }, payload: bodyText(sessionRequest) })
    assert.deepEqual([statusCode, body], [200, '<body xmlns=\'http://jabber.org/protocol/httpbind\' type=\'terminate\' condition=\'internal-server-error\'/>'])
    assert.equal(headers['access-control-allow-origin'], listedOrigin)
    assert.deepEqual(events.map(({ event }) => event), ['http.bug'])
    await server.close()
  } },
  { section: 'XEP-0124 §17.2', level: 'MAY', clause: 'item-not-found',
    async test(world) { await isGone(await world.open({ attributes: { to: 'evil.example' } })) } },
  { section: 'XEP-0124 §17.2', level: 'MAY', clause: 'other-request: what the requests hear that were held while another broke the rules',
    async test(world) {
    const alice = await world.login('alice', { attributes: { hold: '2' } })
    const { answer: one } = await alice.hold(quiet)
    const { answer: other } = await alice.hold(quiet)
    terminates(await alice.send('', { pause: '99999' }), 'policy-violation')
    terminates(await one, 'other-request')
    empty(await other)
  } },
  { section: 'XEP-0124 §17.2', level: 'MAY', clause: 'remote-connection-failed',
    exception: 'there is no connection to a server that could fail: it is in the same process' },
  { section: 'XEP-0124 §17.2', level: 'SHOULD', clause: 'stream errors are reported as remote-stream-error only', async test(world) {
    const alice = await world.login('alice')
    const [error] = terminates(await alice.send('<message xmlns=\'jabber:server\'/>'), 'remote-stream-error')
    assert.deepEqual([error?.ns, error?.local, error?.children[0]?.local], ['http://etherx.jabber.org/streams', 'error', 'invalid-namespace'])
  } },
  { section: 'XEP-0124 §17.2', level: 'MAY', clause: 'see-other-uri',
    exception: 'clients hear system-shutdown; other addresses are for host-meta to tell (XEP-0156)' },
  { section: 'XEP-0124 §17.2', level: 'MAY', clause: 'system-shutdown: every held request is told before the gateway ends, and new sessions are refused',
    async test() {
    const gateway = await Gateway.start({ users: ['alice@localhost'] })
    const alice = await BoshClient.login(gateway, 'alice')
    const { answer: held } = await alice.hold()
    await gateway.stop()
    assert.deepEqual(terminates(await held, 'system-shutdown'), [])
    alice.close()
  } },
  { section: 'XEP-0124 §17.2', level: 'SHOULD', clause: 'undefined-condition, with what it is about',
    exception: 'everything that ends a session has a condition of its own' },
  { section: 'XEP-0124 §17.3', level: 'MAY', clause: 'a recoverable error does not end the session', async test(world) {
    const alice = await world.login('alice')
    const poll = alice.next()
    const older = alice.connections.request({ content: poll })
    await older.taken
    const newer = alice.connections.request({ content: poll })
    assert.equal((await older.answer).body.attributes.get('type'), 'error')
    await newer.taken
    await alice.hold(quiet)
    empty(await newer.answer)
  } },

  { section: 'XEP-0124 §18.1', level: 'SHOULD NOT', clause: 'pipelining is not to be used; requests that come so are answered in order',
    async test(world) {
    const alice = await world.login('alice')
    const raw = await RawWebSocket.connect(world.gateway, { identity: await world.gateway.identity('alice') })
    const post = (content: string) => `POST /http-bind HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${Buffer.byteLength(content)}\r\n\r\n${content}`
    raw.write(post(alice.next(quiet)) + post(alice.next(message(alice.jid, 'second'))))
    assert.match((await raw.response()).body, /second/)
    raw.destroy()
  } },

  { section: 'XEP-0124 §19.1', level: 'SHOULD', clause: 'connections are encrypted: a certificate counts on those only', async test(world) {
    const { creation } = await world.open({ listener: listeners.plain })
    assert.doesNotMatch(creation.text, /EXTERNAL/)
  } },
  { section: 'XEP-0124 §19.1', level: 'MUST', clause: 'a session that began over TLS goes on over TLS only',
    test: isRefusedTo(async world => world.connect({ listener: listeners.plain })) },
  { section: 'XEP-0124 §19.1', level: 'SHOULD', clause: 'and with the same certificate: not with another one',
    test: isRefusedTo(world => world.connectAs('bob')) },
  { section: 'XEP-0124 §19.1', level: 'SHOULD', clause: 'nor with none', test: isRefusedTo(async world => world.connect()) },
  { section: 'XEP-0124 §19.1', level: 'SHOULD', clause: 'the connection of such a request is closed',
    exception: 'the request is answered as if there were no such session: who guesses cannot tell an unknown sid, somebody else\'s and a dead one apart' },
  { section: 'XEP-0124 §19.1', level: 'SHOULD NOT', clause: 'and the session itself is not ended by it, not even by a request that asks for that',
    test: isRefusedTo(world => world.connectAs('carol')) },
  { section: 'XEP-0124 §19.2', level: 'SHOULD', clause: 'the way from here to the server is encrypted',
    exception: 'there is none: the server is in the same process' },
  { section: 'XEP-0124 §19.3', level: 'MUST', clause: 'sids are unpredictable and never the same: 192 random bits', async test(world) {
    const sids = await Promise.all(Array.from({ length: 10 }, async () => (await world.open()).sid))
    assert.equal(new Set(sids.flatMap(sid => [sid.slice(0, 8), sid.slice(8, 16), sid.slice(16, 24), sid.slice(24)])).size, 40)
  } },
]
