// Bad input, "XML and framing", over a real WebSocket: before the stream is opened, before authentication, and in a session.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Element } from '../../src/xml/element.ts'
import { parse } from '../../src/xml/parse.ts'
import { defaultToml } from '../support/gateway.ts'
import { NS_FRAMING, NS_SASL, WireClient } from '../support/wire-client.ts'
import { badInputs } from '../unit/xml-bad-input.ts'
import { expectStreamError, Scene } from './scene.ts'

let scene: Scene
// Long enough for what must fail by its shape, not by its length.
before(async () => { scene = await Scene.start({ toml: `${defaultToml}websocket.max_stanza_size = 900_000\n` }) })
after(async () => { await scene.end() })

const phases = ['before the stream is opened', 'before authentication', 'in a session'] as const

async function clientIn(phase: typeof phases[number]): Promise<WireClient> {
  if (phase === 'in a session') return WireClient.login(scene.gateway, 'alice')
  const client = await WireClient.open(scene.gateway)
  if (phase === 'before authentication') await client.header()
  return client
}

/** Sends it, and sees the stream end with that error and nothing else happen. */
async function refused(client: WireClient, bytes: string | Buffer, condition: string): Promise<string> {
  client.send(bytes)
  const text = await expectStreamError(client, condition)
  client.send(`<close xmlns='${NS_FRAMING}'/>`)
  assert.equal(await client.closed, 1000)
  assert.equal((await scene.oneEvent('stream.error')).condition, condition)
  return text
}

const message = (content: string | Buffer, attributes = '') => Buffer.concat([Buffer.from(`<message xmlns='jabber:client' ${attributes}><body>`),
  Buffer.from(content), Buffer.from('</body></message>')])
const repeat = (count: number, one: (n: number) => string) => Array.from({ length: count }, (_, n) => one(n)).join('')
const laughs = repeat(9, n => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`)

const cases: readonly (readonly [name: string, input: string | Buffer, condition: string])[] = [
  ['a DOCTYPE with nested entities', `<!DOCTYPE m [<!ENTITY l0 "ha">${laughs}]><message xmlns='jabber:client'><body>&l9;</body></message>`, 'restricted-xml'],
  ['a DOCTYPE that redefines &lt;', '<!DOCTYPE m [<!ENTITY lt "&#38;#60;">]><message xmlns=\'jabber:client\'>&lt;</message>', 'restricted-xml'],
  ['a DOCTYPE that names a file', '<!DOCTYPE m SYSTEM "file:///etc/passwd"><message xmlns=\'jabber:client\'/>', 'restricted-xml'],
  ['two elements in one message', '<presence xmlns=\'jabber:client\'/><presence xmlns=\'jabber:client\'/>', 'bad-format'],
  ['a smuggled end of the stream', '<iq xmlns=\'jabber:client\'/></stream:stream><iq xmlns=\'jabber:client\'/>', 'bad-format'],
  ['white space only', ' \n\t ', 'bad-format'],
  ['nothing at all', '', 'bad-format'],
  ['an XML declaration', '<?xml version=\'1.0\'?><presence xmlns=\'jabber:client\'/>', 'bad-format'],
  ['half an element', '<message xmlns=\'jabber:client\'><body>', 'not-well-formed'],
  ['<stream:stream>', '<stream:stream xmlns=\'jabber:client\' xmlns:stream=\'http://etherx.jabber.org/streams\' to=\'localhost\' version=\'1.0\'>', 'not-well-formed'],
  ['mismatched tags', '<message xmlns=\'jabber:client\'><body></message></body>', 'not-well-formed'],
  ['a duplicate attribute', '<message xmlns=\'jabber:client\' to=\'bob@localhost\' to=\'carol@localhost\'/>', 'not-well-formed'],
  ['a duplicate attribute by namespace', '<message xmlns=\'jabber:client\' xmlns:a=\'u\' xmlns:b=\'u\' a:x=\'\' b:x=\'\'/>', 'not-well-formed'],
  ['< in a value', '<message xmlns=\'jabber:client\' id=\'<\'/>', 'not-well-formed'],
  ['a bare & in a value', '<message xmlns=\'jabber:client\' id=\'a & b\'/>', 'not-well-formed'],
  ['an undeclared prefix', '<message xmlns=\'jabber:client\'><x:y/></message>', 'not-well-formed'],
  ['rebinding xml', '<message xmlns=\'jabber:client\' xmlns:xml=\'u\'/>', 'not-well-formed'],
  ['rebinding xmlns', '<message xmlns=\'jabber:client\' xmlns:xmlns=\'u\'/>', 'not-well-formed'],
  [']]> in text', message(']]>'), 'not-well-formed'],
  ['NUL', message(Buffer.of(0)), 'not-well-formed'],
  ['a control character', message(Buffer.of(0x0B)), 'not-well-formed'],
  ['U+FFFE', message('\uFFFE'), 'not-well-formed'],
  ['&#0;', message('&#0;'), 'not-well-formed'],
  ['&#xD800;', message('&#xD800;'), 'not-well-formed'],
  ['&#x110000;', message('&#x110000;'), 'not-well-formed'],
  ['a byte order mark between two elements', '<presence xmlns=\'jabber:client\'/>\uFEFF<presence xmlns=\'jabber:client\'/>', 'bad-format'],
  ['UTF-16 that is UTF-8, too', Buffer.from('<presence xmlns=\'jabber:client\'/>', 'utf16le'), 'not-well-formed'],
  ['a comment', '<message xmlns=\'jabber:client\'><!-- --></message>', 'restricted-xml'],
  ['a processing instruction', '<message xmlns=\'jabber:client\'><?php?></message>', 'restricted-xml'],
  ['an entity that nobody declared', message('&nbsp;'), 'restricted-xml'],
  ['20,000 levels of nesting', `<message xmlns='jabber:client'>${'<a>'.repeat(20_000)}${'</a>'.repeat(20_000)}</message>`, 'policy-violation'],
  ['50,000 attributes', `<message xmlns='jabber:client'${repeat(50_000, n => ` a${n}=''`)}/>`, 'policy-violation'],
  ['50,000 namespace declarations', `<message xmlns='jabber:client'>${repeat(500, n => `<a${repeat(100, k => ` xmlns:b${n * 100 + k}='u'`)}>`)}</message>`, 'policy-violation'],
  ['50,000 namespace declarations of one element', `<message xmlns='jabber:client'${repeat(50_000, n => ` xmlns:b${n}='u'`)}/>`, 'policy-violation'],
]

for (const phase of phases) {
  describe(phase, () => {
    for (const [name, input, condition] of cases) {
      test(`${name} ends the stream with <${condition}/>`, async () => { await refused(await clientIn(phase), input, condition) })
    }

    test('a 1 MiB attribute ends the stream with <policy-violation/> before it was read', async () => {
      const client = await clientIn(phase)
      client.send(`<message xmlns='jabber:client' id='${'x'.repeat(1_048_576)}'/>`)
      assert.match(await expectStreamError(client, 'policy-violation'), /longer/)
      assert.equal(await client.closed, 1009)
      assert.equal((await scene.oneEvent('stream.error')).condition, 'policy-violation')
    })
  })
}

describe('everything that the scanner refuses', () => {
  // What is no UTF-8 at all is refused one layer below, by the WebSocket (1007).
  const isText = (bytes: Uint8Array) => Buffer.from(bytes).equals(Buffer.from(Buffer.from(bytes).toString()))
  const conditionOf = { 'not-well-formed': 'not-well-formed', 'restricted-xml': 'restricted-xml', 'bad-format': 'bad-format', limit: 'policy-violation' } as const

  test('ends the stream with its condition, or the WebSocket with 1007 where it is not UTF-8', async () => {
    assert.ok(badInputs.length > 100)
    for (const { name, bytes, fault } of badInputs) {
      const client = await WireClient.open(scene.gateway)
      client.send(Buffer.from(bytes))
      if (isText(bytes)) {
        await expectStreamError(client, conditionOf[fault])
        assert.equal((await scene.oneEvent('stream.error')).condition, conditionOf[fault], name)
        client.socket.terminate()
      } else {
        assert.equal(await client.closed, 1007, name)
        await scene.oneEvent('stream.lost')
      }
    }
  })
})

describe('work is bounded', () => {
  const bomb = (depth: number) => `<!DOCTYPE m [<!ENTITY l0 "${'ha'.repeat(100)}">${repeat(depth, n => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`)}]><m>&l${depth};</m>`

  test('a DOCTYPE bomb costs under 10 ms of CPU, here with everything else that its connection costs', async () => {
    for (let round = 0; ; round++) {
      const client = await WireClient.open(scene.gateway)
      await client.header()
      const start = process.cpuUsage()
      client.send(bomb(1_000))
      await expectStreamError(client, 'restricted-xml')
      const { user, system } = process.cpuUsage(start)
      client.socket.terminate()
      await scene.oneEvent('stream.error')
      // The first round warms up, and the machine is shared: one of a few must show what it costs by itself.
      if ((user + system) / 1_000 < 10) return
      assert.ok(round < 10, `${user + system} µs`)
    }
  })
})

describe('the same meaning', () => {
  let alice: WireClient
  let bob: WireClient
  before(async () => {
    alice = await WireClient.login(scene.gateway, 'alice', { resource: 'one' })
    bob = await WireClient.login(scene.gateway, 'bob', { resource: 'one' })
  })

  const plain = ({ ns, local, attributes, children, text }: Element): unknown => ({ ns, local, attributes: [...attributes].sort(), text, children: children.map(plain) })
  const relayed = async (xml: string): Promise<{ readonly sent: Element, readonly heard: Element }> => {
    alice.send(xml)
    return { sent: parse(Buffer.from(xml)), heard: await bob.next() }
  }

  const contents: readonly (readonly [string, string])[] = [
    ['&#x1F600;', '<body>&#x1F600;</body>'],
    ['CDATA, which is text', '<body><![CDATA[<b>&amp;]] ></b>]]></body>'],
    ['line ends', '<body>a\r\nb\rc\n&#13;d</body>'],
    ['tabs in attributes', '<x xmlns=\'u\' a=\'\t1&#9;2\r\n3\'/>'],
    ['numbers such as 007 and 1e3', '<x xmlns=\'u\' a=\'007\'>1e3</x><y xmlns=\'u\'>0x10</y><z xmlns=\'u\'>+1.0</z>'],
    ['<a></a> and <a/>', '<a xmlns=\'u\'></a><a xmlns=\'u\'/><a xmlns=\'u\'> </a>'],
    ['__proto__, constructor and toString', '<__proto__ xmlns=\'u\' constructor=\'1\' __proto__=\'2\' toString=\'3\'><constructor/><toString>hasOwnProperty</toString></__proto__>'],
    ['a prefix named __proto__', '<__proto__:a xmlns:__proto__=\'constructor\' __proto__:valueOf=\'1\'/>'],
    ['an undone default namespace', '<a xmlns=\'\'><b xmlns=\'u\'><c xmlns=\'\'/></b></a>'],
    ['escapes', '<body>&lt;b&gt;&amp;amp;&quot;&apos;</body>'],
    ['white space that counts', '<body xml:space=\'preserve\'>  a  </body>'],
  ]
  for (const [name, content] of contents) {
    test(`${name}: delivered with the same meaning`, async () => {
      const { sent, heard } = await relayed(`<message xmlns='jabber:client' to='${bob.jid}' id='m' xml:lang='de'>${content}</message>`)
      assert.deepEqual(heard.children.map(plain), sent.children.map(plain))
      assert.equal(heard.text, sent.text)
      assert.deepEqual([...heard.attributes].filter(([key]) => key !== 'from').sort(), [...sent.attributes].sort())
      assert.equal(heard.attributes.get('from'), alice.jid)
      await scene.nothingHappened()
    })
  }

  test('a stanza with a prefix of its own for jabber:client reaches bob as the same stanza', async () => {
    const { heard } = await relayed(`<c:message xmlns:c='jabber:client' to='${bob.jid}'><c:body>x</c:body></c:message>`)
    assert.deepEqual([heard.ns, heard.local, heard.children[0]?.ns, heard.children[0]?.text], ['jabber:client', 'message', 'jabber:client', 'x'])
    await scene.nothingHappened()
  })

  test('a stanza that names its own full or bare JID in "from" is delivered with the full one', async () => {
    for (const from of [alice.jid, 'alice@localhost', 'ALICE@LOCALHOST/one']) {
      const { heard } = await relayed(`<message xmlns='jabber:client' from='${from}' to='${bob.jid}'/>`)
      assert.equal(heard.attributes.get('from'), alice.jid)
    }
    await scene.nothingHappened()
  })

  for (const from of ['bob@localhost', 'bob@localhost/one', 'alice@localhost/other', 'localhost', 'alice@elsewhere', '', 'a@b@c']) {
    test(`a stanza whose "from" is ${JSON.stringify(from)} ends its stream with <invalid-from/> (RFC 6120 §8.1.2.1), and nobody gets it`, async () => {
      const mallory = await WireClient.login(scene.gateway, 'alice', { resource: 'two' })
      await refused(mallory, `<message xmlns='jabber:client' from='${from}' to='${bob.jid}'><body>forged</body></message>`, 'invalid-from')
      alice.send(`<message xmlns='jabber:client' to='${bob.jid}' id='next'/>`)
      assert.equal((await bob.next()).attributes.get('id'), 'next')
    })
  }
})

describe('out of turn', () => {
  const stanza = '<message xmlns=\'jabber:client\' to=\'bob@localhost\'><body>x</body></message>'

  test('a stanza before the stream is opened ends it with <not-authorized/>', async () => {
    await refused(await clientIn('before the stream is opened'), stanza, 'not-authorized')
  })
  test('a stanza before authentication ends the stream with <not-authorized/> (RFC 6120 §4.9.3.12)', async () => {
    await refused(await clientIn('before authentication'), stanza, 'not-authorized')
  })
  test('a stanza after success and before the new stream ends it with <not-authorized/>', async () => {
    const client = await WireClient.open(scene.gateway, { identity: await scene.gateway.identity('alice') })
    await client.authenticate()
    await refused(client, stanza, 'not-authorized')
  })
  test('a stanza before a resource is bound ends the stream with <not-authorized/> (RFC 6120 §7.1)', async () => {
    const client = await WireClient.open(scene.gateway, { identity: await scene.gateway.identity('alice') })
    await client.authenticate()
    await client.header()
    await refused(client, stanza, 'not-authorized')
  })
  test('<auth/> after success ends the stream: directly after it, on the new stream, and in a session', async () => {
    const auth = `<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>=</auth>`
    const client = await WireClient.open(scene.gateway, { identity: await scene.gateway.identity('alice') })
    await client.authenticate()
    await refused(client, auth, 'bad-format')
    const restarted = await WireClient.open(scene.gateway, { identity: await scene.gateway.identity('alice') })
    await restarted.authenticate()
    await restarted.header()
    await refused(restarted, auth, 'unsupported-stanza-type')
    await refused(await clientIn('in a session'), auth, 'unsupported-stanza-type')
  })
  test('a second <open/> before authentication or in a session ends the stream with <policy-violation/>: a restart comes after success only', async () => {
    const open = `<open xmlns='${NS_FRAMING}' to='localhost' version='1.0'/>`
    await refused(await clientIn('before authentication'), open, 'policy-violation')
    await refused(await clientIn('in a session'), open, 'policy-violation')
  })
  test('an element of the framing namespace that is none of its own ends the stream with <unsupported-stanza-type/>', async () => {
    await refused(await clientIn('in a session'), `<pause xmlns='${NS_FRAMING}'/>`, 'unsupported-stanza-type')
  })
  test('stanzas of another content namespace end the stream with <invalid-namespace/>', async () => {
    await refused(await clientIn('in a session'), '<message xmlns=\'jabber:server\' to=\'bob@localhost\'/>', 'invalid-namespace')
    await refused(await clientIn('in a session'), '<message to=\'bob@localhost\'/>', 'invalid-namespace')
  })

  const headers: readonly (readonly [string, string, string])[] = [
    ['of another namespace', '<open xmlns=\'jabber:client\' to=\'localhost\' version=\'1.0\'/>', 'invalid-namespace'],
    ['without "to"', `<open xmlns='${NS_FRAMING}' version='1.0'/>`, 'improper-addressing'],
    ['to an unknown host', `<open xmlns='${NS_FRAMING}' to='example.org' version='1.0'/>`, 'host-unknown'],
    ['to a user', `<open xmlns='${NS_FRAMING}' to='alice@localhost' version='1.0'/>`, 'host-unknown'],
    ['to __proto__', `<open xmlns='${NS_FRAMING}' to='__proto__' version='1.0'/>`, 'host-unknown'],
    ['without a version', `<open xmlns='${NS_FRAMING}' to='localhost'/>`, 'unsupported-version'],
    ['of version 0.9', `<open xmlns='${NS_FRAMING}' to='localhost' version='0.9'/>`, 'unsupported-version'],
    ['of version "one"', `<open xmlns='${NS_FRAMING}' to='localhost' version='one'/>`, 'unsupported-version'],
  ]
  for (const [name, open, condition] of headers) {
    test(`an <open/> ${name} ends the stream with <${condition}/>, after an <open/> of ours (RFC 6120 §4.9.1.2)`, async () => {
      const client = await WireClient.open(scene.gateway)
      client.send(open)
      assert.equal((await client.next()).local, 'open')
      await expectStreamError(client, condition)
      client.socket.terminate()
      await scene.oneEvent('stream.error')
    })
  }
  test('a version is compared by number (RFC 6120 §4.7.5): 1.1, 01.0 and 2.0 are answered with 1.0', async () => {
    for (const version of ['1.1', '01.0', '1.10', '2.0']) {
      const client = await WireClient.open(scene.gateway)
      client.send(`<open xmlns='${NS_FRAMING}' to='LOCALHOST' version='${version}'/>`)
      assert.equal((await client.next()).attributes.get('version'), '1.0')
      await client.quit()
    }
    await scene.nothingHappened()
  })
  test('"from" is only a hint before authentication, whoever it names: the certificate says who it is (external.md §6); after it the own name is let through', async () => {
    for (const from of ['bob@localhost', 'bob@elsewhere.example/home', 'alice@localhost']) {
      const client = await WireClient.open(scene.gateway, { identity: await scene.gateway.identity('alice') })
      await client.header('localhost', ` from='${from}'`)
      client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>`)
      assert.equal((await client.next()).local, 'success')
      const { features } = await client.header('localhost', " from='Alice@LocalHost'")
      assert.equal(features.children[0]?.local, 'bind')
      await client.quit()
    }
    await scene.nothingHappened()
  })
  test('a restart by another account\'s name in "from" ends the stream with <invalid-from/>', async () => {
    const client = await WireClient.open(scene.gateway, { identity: await scene.gateway.identity('alice') })
    await client.authenticate()
    await refused(client, `<open xmlns='${NS_FRAMING}' to='localhost' from='bob@localhost' version='1.0'/>`, 'invalid-from')
  })
})
