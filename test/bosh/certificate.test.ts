// Which certificate a session belongs to (XEP-0124 §19.1, behaviour page "BOSH": certificate binding), and what it is worth at each request.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { type Answer, BoshClient, HttpConnections } from '../support/bosh-client.ts'
import { makeAuthority, makeLeaf, makeSelfSigned, type TestCertificate } from '../support/certificates.ts'
import { Gateway } from '../support/gateway.ts'
import { TurnedClock } from '../support/turned-clock.ts'
import { listeners, message, terminates, textsIn, World } from './world.ts'

const auth = '<auth xmlns=\'urn:ietf:params:xml:ns:xmpp-sasl\' mechanism=\'EXTERNAL\'>=</auth>'
const pemOf = ({ certificatePem, privateKeyPem }: TestCertificate) => ({ cert: certificatePem, key: privateKeyPem })

/** Everything of an answer that can be seen, its time apart. */
function seen({ status, headers, text }: Answer): unknown {
  const { date, ...others } = headers
  assert.ok(date)
  return [status, others, text]
}

describe('a session and its certificate', () => {
  let world: World
  before(async () => { world = await World.start() })
  after(async () => { await world.stop() })
  afterEach(() => {
    world.leave()
    world.clock.advance(400_000)
  })

  test('an unknown sid, a foreign session, a session over plain HTTP and a dead one are answered with the same bytes, headers included', async () => {
    const [alice, dead] = [await world.login('alice'), await world.login('alice', { attributes: { content: 'text/html', ver: null } })]
    const [bob, nobody, plain, same] = [await world.connectAs('bob'), world.connect(), world.connect({ listener: listeners.plain }), await world.connectAs('alice')]
    world.clock.advance(59_000)
    const before = alice.rid
    const answers = [
      await same.post(alice.next('', { sid: 'A'.repeat(32) })),
      await same.post(alice.next('', { sid: `${alice.sid.slice(0, -1)}${alice.sid.endsWith('A') ? 'B' : 'A'}` })),
      await bob.post(alice.next()), await nobody.post(alice.next()), await plain.post(alice.next()),
      // Of no avail, either.
      await bob.post(alice.next('<nonsense/>')), await bob.post(alice.next('', { pause: 'abc' })), await bob.post(alice.next('', { rid: 'x' })),
      await bob.post(alice.next('', { type: 'terminate' })), await bob.post(alice.next('', { rid: String(before - 1) })),
    ]
    alice.rid = before
    assert.deepEqual(textsIn(await alice.send(message(alice.jid, 'goes on'))), ['goes on'])
    world.clock.advance(60_000)
    answers.push(await same.post(dead.next()), await dead.send(), await bob.post(dead.next()))
    terminates(answers[0]!, 'item-not-found')
    for (const answer of answers) assert.deepEqual(seen(answer), seen(answers[0]!))
  })

  test('a session that was opened without a certificate belongs to the first one that is shown, from then on', async () => {
    const anonymous = await world.open()
    const alice = await world.connectAs('alice')
    assert.match((await alice.post(anonymous.next(auth))).text, /<success/)
    for (const other of [await world.connectAs('bob'), world.connect()]) {
      terminates(await other.post(anonymous.next()), 'item-not-found')
      anonymous.rid -= 1
    }
    assert.match((await alice.post(anonymous.next('', { to: 'localhost', 'xmpp:restart': 'true', 'xmlns:xmpp': 'urn:xmpp:xbosh' }))).text, /<stream:features/)
  })

  test('a certificate that is not accepted binds as well', async () => {
    const mallory = await world.open({ identity: pemOf(makeSelfSigned({ commonName: 'mallory' })) })
    assert.doesNotMatch(mallory.creation.text, /EXTERNAL/)
    const other = world.connect({ identity: pemOf(makeSelfSigned({ commonName: 'mallory' })) })
    terminates(await other.post(mallory.next()), 'item-not-found')
    mallory.rid -= 1
    assert.match((await mallory.send(auth)).text, /not-authorized/)
  })

  test('a session that was opened without TLS may be continued with it, and gets no further by that', async () => {
    const plain = await world.open({ listener: listeners.plain })
    assert.match((await world.connect().post(plain.next(auth))).text, /not-authorized/)
    assert.match((await plain.send(auth)).text, /not-authorized/)
  })

  test('a session that was opened over TLS without a certificate is not continued over plain HTTP', async () => {
    const session = await world.open()
    terminates(await world.connect({ listener: listeners.plain }).post(session.next(auth)), 'item-not-found')
    session.rid -= 1
    assert.match((await session.send(auth)).text, /not-authorized/)
  })

  test('other connections with the same certificate are as good as the first', async () => {
    const alice = await world.login('alice')
    for (let n = 0; n < 3; n++) {
      const connections = await world.connectAs('alice')
      assert.deepEqual(textsIn(await connections.post(alice.next(message(alice.jid, String(n))))), [String(n)])
      connections.close()
    }
  })
})

describe('a certificate that expires', () => {
  const clock = new TurnedClock()
  const authority = makeAuthority({ notAfter: Date.now() + 86_400_000 })
  const identity = pemOf(makeLeaf(authority, { xmppAddrs: ['alice@localhost'], notAfter: Date.now() + 3_600_000 }))
  let gateway: Gateway
  before(async () => {
    gateway = await Gateway.start({
      clock, users: [], prepare: folder => writeFile(join(folder, 'certs', 'authority.crt'), authority.certificatePem),
      toml: `
[[listen.http]]
port = 0
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.cacertfile = "certs/authority.crt"
bosh.inactivity = 86_400
bosh.state_timeout = 86_400_000
`,
    })
  })
  after(async () => { await gateway.stop() })

  test('is worth nothing any more at the log-in, on the connection that showed it and on a new one', async () => {
    const sessions = [await BoshClient.open(gateway, { identity }), await BoshClient.open(gateway, { identity })]
    for (const { creation } of sessions) assert.match(creation.text, /EXTERNAL/)
    clock.advance(2 * 3_600_000)
    const [first, second] = sessions
    assert.match((await first!.send(auth)).text, /credentials-expired/)
    const fresh = new HttpConnections(gateway, { identity })
    assert.match((await fresh.post(second!.next(auth))).text, /credentials-expired/)
    assert.doesNotMatch((await BoshClient.open(gateway, { identity })).creation.text, /EXTERNAL/)
    fresh.close()
    for (const session of sessions) session.close()
  })
})
