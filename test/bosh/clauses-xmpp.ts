// XEP-0206: XMPP over BOSH.
import assert from 'node:assert/strict'
import { NS_XBOSH } from '../support/bosh-client.ts'
import type { AnyClause } from './clause.ts'
import { attributesOf, listeners, message, terminates, textsIn, type World } from './world.ts'

const auth = '<auth xmlns=\'urn:ietf:params:xml:ns:xmpp-sasl\' mechanism=\'EXTERNAL\'>=</auth>'
const NS_STREAMS = 'http://etherx.jabber.org/streams'

/** Alice has opened a session, and logged in but for the restart. */
async function beforeRestart(world: World) {
  const alice = await world.open({ identity: await world.gateway.identity('alice') })
  assert.equal((await alice.send(auth)).body.children[0]?.local, 'success')
  return alice
}

const restartsWith = (attributes: Readonly<Record<string, string | null>>) => async (world: World): Promise<void> => {
  const { body } = await (await beforeRestart(world)).restart(attributes)
  assert.deepEqual(body.children.map(({ ns, local }) => `${ns} ${local}`), [`${NS_STREAMS} features`])
}

const restartFails = (attributes: Readonly<Record<string, string | null>>, condition: string) => async (world: World): Promise<void> => {
  const [error] = terminates(await (await beforeRestart(world)).restart(attributes), 'remote-stream-error')
  assert.equal(error?.children[0]?.local, condition)
}

export const xmppClauses: readonly AnyClause[] = [
  { section: 'XEP-0206 §2', level: 'MUST', clause: 'a <body/> with <stream:features/> declares the prefix "stream"', async test(world) {
    const { creation: { text } } = await world.open()
    assert.match(text, /^<body [^>]*xmlns:stream='http:\/\/etherx\.jabber\.org\/streams'[^>]*><stream:features/)
  } },
  { section: 'XEP-0206 §2', level: 'MUST', clause: 'a <body/> with <stream:error/> declares it too, and has the condition remote-stream-error',
    async test(world) {
    const alice = await world.open()
    const answer = await alice.send(message('bob@localhost', 'too early'))
    terminates(answer, 'remote-stream-error')
    assert.match(answer.text, /^<body [^>]*xmlns:stream='http:\/\/etherx\.jabber\.org\/streams'[^>]*><stream:error/)
  } },
  { section: 'XEP-0206 §2', level: 'SHOULD', clause: 'stanzas are in the namespace jabber:client: those that we send', async test(world) {
    const [alice, bob] = [await world.login('alice'), await world.login('bob')]
    const { answer: held } = await bob.hold()
    await alice.hold(`<c:message xmlns:c='jabber:client' to='${bob.jid}'><c:body>x</c:body></c:message>`)
    assert.deepEqual((await held).body.children.map(({ ns, local }) => [ns, local]), [['jabber:client', 'message']])
  } },
  { section: 'XEP-0206 §2', level: 'SHOULD', clause: 'and those that we take: a child without a namespace of its own is one of BOSH, and no stanza',
    async test(world) {
    const alice = await world.login('alice')
    const [error] = terminates(await alice.send('<message to=\'bob@localhost\'><body>x</body></message>'), 'remote-stream-error')
    assert.equal(error?.children[0]?.local, 'invalid-namespace')
  } },
  { section: 'XEP-0206 §2', level: 'RECOMMENDED', clause: 'no TLS within the stream: it is never offered', async test(world) {
    assert.doesNotMatch((await world.open({ listener: listeners.plain })).creation.text, /starttls/)
    const [error] = terminates(await (await world.open()).send('<starttls xmlns=\'urn:ietf:params:xml:ns:xmpp-tls\'/>'), 'remote-stream-error')
    assert.equal(error?.children[0]?.local, 'unsupported-stanza-type')
  } },
  { section: 'XEP-0206 §3', level: 'SHOULD', clause: '"xmpp:version" is the version of the stream', async test(world) {
    for (const version of ['1.0', '1.10', '2.0', null]) assert.ok((await world.open({ attributes: { 'xmpp:version': version } })).creation.text.includes('<stream:features'))
    const [error] = terminates((await world.open({ attributes: { 'xmpp:version': '0.9' } })).creation, 'remote-stream-error')
    assert.equal(error?.children[0]?.local, 'unsupported-version')
  } },
  { section: 'XEP-0206 §3', level: 'SHOULD', clause: 'whatever prefix the client has for that namespace', async test(world) {
    const [error] = terminates((await world.open({ attributes: { 'xmpp:version': null, 'xmlns:xmpp': null, 'xmlns:x': NS_XBOSH, 'x:version': '0.9' } })).creation, 'remote-stream-error')
    assert.equal(error?.children[0]?.local, 'unsupported-version')
    assert.ok((await world.open({ attributes: { 'xmlns:xmpp': 'urn:something-else', 'xmpp:version': '0.9' } })).creation.text.includes('<stream:features'))
  } },
  { section: 'XEP-0206 §4', level: 'SHOULD', clause: '"xmpp:version" and <stream:features/> come with the first answer', async test(world) {
    const { creation: { text, body } } = await world.open({ identity: await world.gateway.identity('alice') })
    assert.match(text, /^<body [^>]*xmlns:xmpp='urn:xmpp:xbosh'[^>]* xmpp:version='1\.0'/)
    assert.deepEqual(body.children.map(({ ns, local }) => [ns, local]), [[NS_STREAMS, 'features']])
  } },
  { section: 'XEP-0206 §4', level: 'MUST', clause: '"xmpp:restartlogic" announces restarts', async test(world) {
    assert.match((await world.open()).creation.text, /^<body [^>]*xmlns:xmpp='urn:xmpp:xbosh'[^>]* xmpp:restartlogic='true'/)
  } },
  { section: 'XEP-0206 §4', level: 'MAY', clause: '"authid" is the stream\'s id',
    async test(world) { assert.match(attributesOf((await world.open()).creation).authid ?? '', /^[\w-]{32}$/) } },
  { section: 'XEP-0206 §5', level: 'MAY', clause: 'EXTERNAL is offered to who showed a good certificate, and to nobody else', async test(world) {
    assert.match((await world.open({ identity: await world.gateway.identity('alice') })).creation.text, /<mechanism>EXTERNAL<\/mechanism>/)
    assert.doesNotMatch((await world.open()).creation.text, /<mechanism>/)
  } },
  { section: 'XEP-0206 §5', level: 'MUST', clause: 'a restart is "xmpp:restart" with the value "true"',
    test: restartsWith({ 'xmpp:restart': 'true' }) },
  { section: 'XEP-0206 §5', level: 'MUST', clause: 'or "1", or either with white space around it (xs:boolean)', async test(world) {
    await restartsWith({ 'xmpp:restart': '1' })(world)
    await restartsWith({ 'xmpp:restart': ' true ' })(world)
  } },
  { section: 'XEP-0206 §5', level: 'MUST', clause: 'by whatever prefix',
    test: restartsWith({ 'xmpp:restart': null, 'xmlns:xmpp': null, 'xmlns:r': NS_XBOSH, 'r:restart': 'true' }) },
  { section: 'XEP-0206 §5', level: 'MUST', clause: '"false" and "0" are none, nor is an attribute of another namespace', async test(world) {
    for (const attributes of [{ 'xmpp:restart': 'false' }, { 'xmpp:restart': '0' }, { 'xmlns:xmpp': 'urn:xmpp:xbosh2' }]) {
      const alice = await beforeRestart(world)
      const { answer, taken } = alice.request('', { 'xmpp:restart': 'true', 'xmlns:xmpp': NS_XBOSH, ...attributes })
      await taken
      assert.equal(await Promise.race([answer, Promise.resolve('held')]), 'held')
    }
  } },
  { section: 'XEP-0206 §5', level: 'SHOULD', clause: 'a restart names the domain, or is for the same one as before',
    test: restartsWith({ to: null }) },
  { section: 'XEP-0206 §5', level: 'MUST', clause: 'a restart for another domain is refused: the identity is one of this one',
    test: restartFails({ to: 'other.localhost' }, 'not-authorized') },
  { section: 'XEP-0206 §5', level: 'SHOULD', clause: 'stanzas in a restart request are ignored', async test(world) {
    const alice = await beforeRestart(world)
    const { body } = await alice.send(message('bob@localhost', 'ignored'), { to: 'localhost', 'xmpp:restart': 'true', 'xmlns:xmpp': NS_XBOSH })
    assert.deepEqual(body.children.map(({ local }) => local), ['features'])
  } },
  { section: 'XEP-0206 §5', level: 'MUST', clause: '"from" in a restart is compared with the certificate\'s identity: the same', async test(world) {
    await restartsWith({ from: 'alice@localhost' })(world)
    await restartsWith({ from: 'Alice@LOCALHOST' })(world)
  } },
  { section: 'XEP-0206 §5', level: 'MUST', clause: '"from" in a restart is compared with the certificate\'s identity: another',
    test: restartFails({ from: 'bob@localhost' }, 'invalid-from') },
  { section: 'XEP-0206 §5', level: 'MUST', clause: 'after success nothing goes on in the old stream', async test(world) {
    const alice = await beforeRestart(world)
    const [error] = terminates(await alice.send(message('bob@localhost', 'too early')), 'remote-stream-error')
    assert.equal(error?.children[0]?.local, 'not-authorized')
  } },
  { section: 'XEP-0206 §5', level: 'MUST', clause: 'a restart opens a new stream, after success and not before', async test(world) {
    const alice = await world.open()
    const [error] = terminates(await alice.restart(), 'remote-stream-error')
    assert.equal(error?.children[0]?.local, 'policy-violation')
  } },
  { section: 'XEP-0206 §5', level: 'MUST', clause: 'the features of the new stream reach the client', async test(world) {
    const { body } = await (await beforeRestart(world)).restart()
    assert.deepEqual(body.children[0]?.children.map(({ local }) => local), ['bind', 'session', 'sm', 'csi', 'limits', 'c', 'ver', 'sub'])
  } },
  { section: 'XEP-0206 §6', level: 'SHOULD', clause: 'a fatal stream error comes as a copy of <stream:error/>, behind the stanzas that were on their way',
    async test(world) {
    const alice = await world.login('alice')
    const answer = await alice.send(`${message(alice.jid, 'before')}<message xmlns='jabber:client' from='bob@localhost/x' to='bob@localhost'/>${message(alice.jid, 'behind')}`)
    const children = terminates(answer, 'remote-stream-error')
    assert.deepEqual(children.map(({ local }) => local), ['message', 'error'])
    assert.deepEqual(textsIn(answer), ['before'])
    assert.deepEqual(children[1]?.children.map(({ ns, local }) => `${ns} ${local}`), ['urn:ietf:params:xml:ns:xmpp-streams invalid-from', 'urn:ietf:params:xml:ns:xmpp-streams text'])
  } },
  { section: 'XEP-0206 §7', level: 'RECOMMENDED', clause: 'to a client that has gone: presence is dropped, an IQ request is answered with service-unavailable',
    async test(world) {
    const [alice, bob] = [await world.login('alice'), await world.login('bob')]
    await bob.send('', { type: 'terminate' })
    const answer = await alice.send(`<presence xmlns='jabber:client' to='${bob.jid}'/><iq xmlns='jabber:client' type='get' id='p' to='${bob.jid}'><ping xmlns='urn:xmpp:ping'/></iq>`)
    assert.equal(answer.body.children.length, 1)
    assert.match(answer.text, /service-unavailable/)
  } },
  { section: 'XEP-0206 §7', level: 'RECOMMENDED', clause: 'a message to a client that has gone is answered with recipient-unavailable',
    exception: 'it is answered with service-unavailable, as RFC 6121 §8.5.3.2.1 has it since for whatever carries the stream' },
  { section: 'XEP-0206 §7', level: 'RECOMMENDED', clause: 'what waits for a client that never comes back goes back to its sender',
    exception: 'where the client uses stream management (XEP-0198), which knows what it never acknowledged; otherwise it is lost, as it is on a broken WebSocket' },
]
