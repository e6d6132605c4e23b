// Bad input, "XML and framing", inside a <body/>: refused as a request before a session, and the same meaning for what is delivered.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import type { Element } from '../../src/xml/element.ts'
import { parse } from '../../src/xml/parse.ts'
import { type BoshClient, NS_HTTPBIND } from '../support/bosh-client.ts'
import { badInputs } from '../unit/xml-bad-input.ts'
import { listeners, message, terminates, World } from './world.ts'

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

const wrapped = (content: Uint8Array, attributes = 'rid=\'5\' to=\'localhost\' ver=\'1.11\''): Buffer =>
  Buffer.concat([Buffer.from(`<body xmlns='${NS_HTTPBIND}' ${attributes}>`), content, Buffer.from('</body>')])
const repeat = (count: number, one: (n: number) => string): string => Array.from({ length: count }, (_, n) => one(n)).join('')

/** What is bad only where it stands around a document is no case here. */
const badContent = badInputs.filter(({ fault, name }) => (fault === 'not-well-formed' || fault === 'restricted-xml') && !name.startsWith('a CDATA section with white space'))

test('everything that the scanner refuses is refused as a request: bad-request and one event', async () => {
  assert.ok(badInputs.length > 100)
  const connections = world.connect({ connections: 1 })
  for (const { name, bytes } of badInputs) {
    terminates(await connections.post(bytes), bytes.length > 262_144 ? 'policy-violation' : 'bad-request')
    assert.equal((await world.faults()).length, 1, name)
  }
  await world.isUndisturbed(carol)
})

test('and so it is inside a <body/>', async () => {
  assert.ok(badContent.length > 80)
  const connections = world.connect({ connections: 1 })
  for (const { name, bytes } of badContent) {
    const answer = await connections.post(wrapped(bytes))
    assert.match(answer.text, /condition='bad-request'/, `${name}: ${answer.text}`)
    assert.equal((await world.faults()).length, 1, name)
  }
  await world.isUndisturbed(carol)
})

const cases: readonly (readonly [name: string, content: string])[] = [
  ['a second root behind', '</body><body>'], ['an end of the stream', '<iq xmlns=\'jabber:client\'/></stream:stream><iq xmlns=\'jabber:client\'/>'],
  ['text', 'text'], ['a CDATA section', '<![CDATA[text]]>'], ['a character reference', '&#120;'], ['a nested wrapper', `<body xmlns='${NS_HTTPBIND}'/>`],
  ['a nested wrapper by its default namespace', '<body/>'], ['20,000 levels', `${'<a>'.repeat(20_000)}${'</a>'.repeat(20_000)}`],
  ['50,000 attributes', `<a${repeat(20_000, n => ` a${n}=''`)}/>`], ['very many declarations', `<a${repeat(10_000, n => ` xmlns:b${n}='u'`)}/>`],
  ['a very long name', `<${'a'.repeat(100_000)}/>`],
]
for (const [name, content] of cases) {
  test(`${name}: bad-request, in linear time`, async () => {
    const start = process.cpuUsage()
    terminates(await world.connect().post(wrapped(Buffer.from(content))), 'bad-request')
    const { user, system } = process.cpuUsage(start)
    assert.ok(user + system < 500_000, `${user + system} µs`)
    await world.oneEvent('bosh.refused', carol)
  })
}
test('a 1 MiB attribute is refused by its length, before it is parsed', async () => {
  terminates(await world.connect().post(wrapped(Buffer.from(`<a b='${'x'.repeat(1_048_576)}'/>`))), 'policy-violation')
  await world.oneEvent('bosh.refused', carol)
})
test('a DOCTYPE bomb costs under 10 ms of CPU, here with everything else that its request costs', async () => {
  const bomb = `<!DOCTYPE m [<!ENTITY l0 "${'ha'.repeat(100)}">${repeat(1_000, n => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`)}]><m>&l1000;</m>`
  const connections = world.connect({ connections: 1 })
  for (let round = 0; ; round++) {
    const start = process.cpuUsage()
    terminates(await connections.post(bomb), 'bad-request')
    const { user, system } = process.cpuUsage(start)
    await world.oneEvent('bosh.refused', carol)
    // The first round warms up, and the machine is shared: one of a few must show what it costs by itself.
    if ((user + system) / 1_000 < 10) return
    assert.ok(round < 10, `${user + system} µs`)
  }
})

describe('in a session', () => {
  const streamErrors: readonly (readonly [string, string, string])[] = [
    ['a stanza of somebody else', '<message xmlns=\'jabber:client\' from=\'bob@localhost\' to=\'bob@localhost\'/>', 'invalid-from'],
    ['<auth/> after success', '<auth xmlns=\'urn:ietf:params:xml:ns:xmpp-sasl\' mechanism=\'EXTERNAL\'>=</auth>', 'unsupported-stanza-type'],
    ['an element that is no stanza', '<constructor xmlns=\'__proto__\'/>', 'unsupported-stanza-type'],
    ['a child of the namespace of BOSH', '<iq type=\'get\'/>', 'invalid-namespace'],
    ['an <open/> of WebSocket', '<open xmlns=\'urn:ietf:params:xml:ns:xmpp-framing\' to=\'localhost\' version=\'1.0\'/>', 'unsupported-stanza-type'],
  ]
  for (const [name, content, condition] of streamErrors) {
    test(`${name}: remote-stream-error with <${condition}/>`, async () => {
      const alice = await world.login('alice')
      world.forget()
      const [error] = terminates(await alice.send(content), 'remote-stream-error')
      assert.equal(error?.children[0]?.local, condition)
      await world.oneEvent('stream.error', carol)
    })
  }
  test('a stanza before authentication: remote-stream-error with <not-authorized/>', async () => {
    for (const listener of [listeners.tls, listeners.plain]) {
      const [error] = terminates(await (await world.open({ listener })).send(message('carol@localhost', 'x')), 'remote-stream-error')
      assert.equal(error?.children[0]?.local, 'not-authorized')
      await world.oneEvent('stream.error', carol)
    }
  })
  test('what is no XML names no session, so it ends none', async () => {
    const alice = await world.login('alice')
    world.forget()
    terminates(await alice.connections.post(alice.next('<message>').slice(0, -3)), 'bad-request')
    await world.oneEvent('bosh.refused', carol)
    alice.rid -= 1
    await world.isUndisturbed(alice)
  })
  test('a log-in with data that is no base64, or too long, fails, and after three times the stream ends', async () => {
    const alice = await world.open({ identity: await world.gateway.identity('alice') })
    const auth = (data: string) => `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>${data}</auth>`
    world.forget()
    assert.match((await alice.send(auth('===='))).text, /<incorrect-encoding\/>/)
    assert.match((await alice.send(auth('A'.repeat(10_240)))).text, /<incorrect-encoding\/>/)
    terminates(await alice.send(auth('b')), 'remote-stream-error')
    assert.deepEqual((await world.faults()).map(({ event }) => event), ['auth.failure', 'auth.failure', 'auth.failure', 'stream.error'])
    await world.isUndisturbed(carol)
  })
})

describe('the same meaning', () => {
  const plain = ({ ns, local, attributes, children, text }: Element): unknown => ({ ns, local, attributes: [...attributes].sort(), text, children: children.map(plain) })
  const contents: readonly (readonly [string, string])[] = [
    ['&#x1F600;', '<body>&#x1F600;</body>'], ['CDATA, which is text', '<body><![CDATA[<b>&amp;]] ></b>]]></body>'], ['line ends', '<body>a\r\nb\rc\n&#13;d</body>'],
    ['tabs in attributes', '<x xmlns=\'u\' a=\'\t1&#9;2\r\n3\'/>'], ['numbers such as 007 and 1e3', '<x xmlns=\'u\' a=\'007\'>1e3</x><y xmlns=\'u\'>0x10</y>'],
    ['<a></a> and <a/>', '<a xmlns=\'u\'></a><a xmlns=\'u\'/><a xmlns=\'u\'> </a>'],
    ['__proto__, constructor and toString', '<__proto__ xmlns=\'u\' constructor=\'1\' __proto__=\'2\' toString=\'3\'><constructor/></__proto__>'],
    ['an undone default namespace', '<a xmlns=\'\'><b xmlns=\'u\'><c xmlns=\'\'/></b></a>'], ['escapes', '<body>&lt;b&gt;&amp;amp;&quot;&apos;</body>'],
  ]
  for (const [name, content] of contents) {
    test(`${name}: delivered with the same meaning`, async () => {
      const [alice, bob] = [await world.login('alice'), await world.login('bob')]
      const stanza = `<message xmlns='jabber:client' to='${bob.jid}' id='m' xml:lang='de'>${content}</message>`
      const { answer: held } = await bob.hold()
      await alice.hold(stanza)
      const sent = parse(Buffer.from(stanza))
      const [heard] = (await held).body.children
      assert.deepEqual(heard?.children.map(plain), sent.children.map(plain))
      assert.deepEqual([...heard?.attributes ?? []].filter(([key]) => key !== 'from').sort(), [...sent.attributes].sort())
    })
  }

  const inherited: readonly (readonly [string, (bob: string, sid: string, rid: number) => string])[] = [
    ['prefixes that the wrapper declares', (bob, sid, rid) =>
      `<body xmlns='${NS_HTTPBIND}' xmlns:c='jabber:client' xmlns:x='urn:x' rid='${rid}' sid='${sid}'><c:message to='${bob}'><x:a x:b='1'/></c:message></body>`],
    ['a default namespace that the wrapper declares for its children', (bob, sid, rid) =>
      `<b:body xmlns:b='${NS_HTTPBIND}' xmlns='jabber:client' xmlns:x='urn:x' rid='${rid}' sid='${sid}'><message to='${bob}'><x:a x:b='1'/></message></b:body>`],
    ['a prefix that the wrapper declares, and the stanza anew', (bob, sid, rid) =>
      `<body xmlns='${NS_HTTPBIND}' xmlns:x='urn:other' rid='${rid}' sid='${sid}'><message xmlns='jabber:client' xmlns:x='urn:x' to='${bob}'><x:a x:b='1'/></message></body>`],
  ]
  for (const [name, request] of inherited) {
    test(`${name}: the stanza declares them itself when it is delivered`, async () => {
      const [alice, bob] = [await world.login('alice'), await world.login('bob')]
      const { answer: held } = await bob.hold()
      await alice.connections.request({ content: request(bob.jid, alice.sid, alice.rid) }).taken
      const [heard] = (await held).body.children
      assert.deepEqual([heard?.ns, heard?.local, heard?.children.map(({ ns, local, attributes }) => [ns, local, [...attributes.values()]])],
        ['jabber:client', 'message', [['urn:x', 'a', ['1']]]])
    })
  }
})
