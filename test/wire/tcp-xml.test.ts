// Bad input, "XML and framing", over real TCP: whole and byte by byte, in clear, in TLS and in a session; and what is odd and good.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Element } from '../../src/xml/element.ts'
import { streamHeader, TcpClient } from '../support/tcp-client.ts'
import { c2sListener, tcpLogin, withListeners } from '../support/tcp-scene.ts'
import { streamErrorIn } from '../support/wire-client.ts'
import { badInputs } from '../unit/xml-bad-input.ts'
import { inStream, scanInStream } from '../unit/xml-in-stream.ts'
import { Scene, until } from './scene.ts'

const plain = 1, direct = 2, narrow = 3
let scene: Scene
before(async () => {
  scene = await Scene.start({ toml: withListeners(c2sListener('tls.mode = "starttls"'), c2sListener('tls.mode = "tls"'),
    c2sListener('tls.mode = "starttls"\nmax_stanza_size = 10_000')) })
})
after(async () => { await scene.end() })

const conditionOf = { 'not-well-formed': 'not-well-formed', 'restricted-xml': 'restricted-xml', 'bad-format': 'bad-format', limit: 'policy-violation' } as const

/** Reads until the stream error, which must be this one, and the end of the connection behind it. Returns the text. */
async function expectError(client: TcpClient, condition: string): Promise<string> {
  for (;;) {
    const heard = await client.next()
    assert.ok(heard.kind === 'element' || heard.kind === 'header', `${heard.kind} came`)
    const error = heard.kind === 'element' ? streamErrorIn(heard.element) : null
    if (error === null) continue
    assert.equal(error.condition, condition, error.text)
    assert.equal((await client.next()).kind, 'footer')
    await client.ended
    return error.text
  }
}

async function refused(client: TcpClient, bytes: string | Uint8Array, condition: string): Promise<string> {
  client.send(bytes)
  const text = await expectError(client, condition)
  assert.equal((await scene.oneEvent('stream.error')).condition, condition)
  return text
}

/** Writes every byte by itself, and lets each leave before the next is written. */
async function dribble(client: TcpClient, bytes: Uint8Array): Promise<void> {
  for (const byte of bytes) {
    if (client.socket.destroyed) return
    await new Promise<void>(resolve => { client.socket.write(Uint8Array.of(byte), () => { resolve() }) })
  }
}

describe('everything that the scanner refuses', () => {
  for (const way of ['in one piece', 'byte by byte'] as const) {
    test(`ends the stream with its condition, ${way}`, async () => {
      assert.ok(badInputs.length > 100)
      let count = 0
      for (const { name, bytes, fault } of badInputs) {
        const expected = inStream.has(name) ? inStream.get(name) : fault
        // Some of it is good in a stream, or not over yet.
        if (expected === null || expected === undefined || (way === 'byte by byte' && bytes.length > 300)) continue
        // An element that comes before the fault is heard of before it.
        const [first] = scanInStream(bytes, []).elements
        const condition = first === undefined ? conditionOf[expected] : first.local === 'iq' ? 'not-authorized' : 'unsupported-stanza-type'
        count += 1
        const client = await TcpClient.connect(scene.gateway.port(plain))
        await client.header()
        if (way === 'byte by byte') await dribble(client, bytes)
        else client.send(bytes)
        // What would only end a document is told when more comes.
        if (!client.socket.destroyed) client.send('</other>')
        await expectError(client, condition).catch((cause: unknown) => { throw new Error(name, { cause }) })
        assert.equal((await scene.oneEvent('stream.error')).condition, condition, name)
      }
      assert.ok(count > 100)
    })
  }
})

const message = (content: string) => `<message xmlns='jabber:client' to='bob@localhost'><body>${content}</body></message>`
const cases: readonly (readonly [name: string, input: string | Buffer, condition: string])[] = [
  ['a DOCTYPE', '<!DOCTYPE m [<!ENTITY a "b">]><message/>', 'restricted-xml'],
  ['a comment', '<!-- a -->', 'restricted-xml'],
  ['a processing instruction', '<?php echo 1?>', 'restricted-xml'],
  ['text between stanzas', 'hello', 'bad-format'],
  ['mismatched tags', '<message><body></message></body>', 'not-well-formed'],
  ['NUL', Buffer.from([...Buffer.from('<message>'), 0]), 'not-well-formed'],
  ['bytes that are no UTF-8', Buffer.from([...Buffer.from('<message>'), 0xC0, 0x80]), 'not-well-formed'],
  ['an undeclared prefix', '<x:y/>', 'not-well-formed'],
  ['20,000 levels of nesting', '<a>'.repeat(20_000), 'policy-violation'],
  ['50,000 attributes', `<message ${Array.from({ length: 50_000 }, (_, n) => `a${n}=''`).join(' ')}/>`, 'policy-violation'],
  ['50,000 namespace declarations', `<message ${Array.from({ length: 50_000 }, (_, n) => `xmlns:a${n}='u'`).join(' ')}/>`, 'policy-violation'],
  ['an element that belongs to nothing', '<element xmlns="urn:x"/>', 'unsupported-stanza-type'],
  ['a stream within the stream', streamHeader().slice(21) + '</stream:stream>', 'unsupported-stanza-type'],
  ['a stanza of another namespace', '<message xmlns="jabber:server"/>', 'invalid-namespace'],
]

for (const phase of ['in clear', 'in TLS', 'in a session'] as const) {
  describe(phase, () => {
    for (const [name, input, condition] of cases) {
      test(`${name} ends the stream with <${condition}/>`, async () => {
        const client = phase === 'in a session' ? await tcpLogin(scene.gateway, direct, 'alice')
          : phase === 'in TLS' ? await TcpClient.connectTls(scene.gateway.port(direct), { ca: scene.gateway.ca }) : await TcpClient.connect(scene.gateway.port(plain))
        if (phase !== 'in a session') await client.header()
        await refused(client, input, condition)
      })
    }
  })
}

describe('the stream header', () => {
  const ns = 'xmlns:stream=\'http://etherx.jabber.org/streams\''
  for (const [name, header, condition] of [
    ['of another namespace', '<stream:stream xmlns=\'jabber:client\' xmlns:stream=\'http://etherx.jabber.org/stream\' to=\'localhost\' version=\'1.0\'>', 'invalid-namespace'],
    ['of no namespace', '<stream to=\'localhost\' version=\'1.0\'>', 'invalid-namespace'],
    ['for servers', `<stream:stream xmlns='jabber:server' ${ns} to='localhost' version='1.0'>`, 'invalid-namespace'],
    ['of another name', `<stream:steam xmlns='jabber:client' ${ns} to='localhost' version='1.0'>`, 'bad-format'],
    ['without "to"', `<stream:stream xmlns='jabber:client' ${ns} version='1.0'>`, 'improper-addressing'],
    ['to an unknown host', `<stream:stream xmlns='jabber:client' ${ns} to='example.net' version='1.0'>`, 'host-unknown'],
    ['without a version', `<stream:stream xmlns='jabber:client' ${ns} to='localhost'>`, 'unsupported-version'],
    ['that is RFC 7395\'s', '<open xmlns=\'urn:ietf:params:xml:ns:xmpp-framing\' to=\'localhost\' version=\'1.0\'/>', 'invalid-namespace'],
    ['behind a DOCTYPE', `<!DOCTYPE stream><stream:stream xmlns='jabber:client' ${ns} to='localhost' version='1.0'>`, 'restricted-xml'],
    ['in UTF-16', Buffer.from(streamHeader(), 'utf16le'), 'not-well-formed'],
    ['that is HTTP', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', 'bad-format'],
  ] as const) {
    test(`one ${name} is answered with a header and <${condition}/> (RFC 6120 §4.9.1.2)`, async () => {
      const client = await TcpClient.connect(scene.gateway.port(plain))
      client.send(header)
      const first = await client.next()
      assert.equal(first.kind, 'header')
      await expectError(client, condition)
      assert.equal((await scene.oneEvent('stream.error')).condition, condition)
    })
  }

  test('with another prefix, single quotes, white space in front or an XML declaration is good', async () => {
    for (const header of [
      `<s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams' to='localhost' version='1.0'>`,
      '<stream xmlns="http://etherx.jabber.org/streams" to="localhost" version="1.0">',
      `\r\n \t<stream:stream ${ns} xmlns='jabber:client' to='LOCALHOST' version='1.10'>`,
      `<?xml version="1.0" encoding="utf-8"?>\n<stream:stream ${ns} xmlns='jabber:client' to='localhost' version='1.0'>`,
    ]) {
      const client = await TcpClient.connect(scene.gateway.port(plain))
      client.send(header)
      const heard = await client.next()
      assert.ok(heard.kind === 'header')
      assert.equal(heard.element.ns, 'http://etherx.jabber.org/streams')
      assert.deepEqual(['from', 'version', 'xml:lang'].map(name => heard.element.attributes.get(name)), ['localhost', '1.0', 'en'])
      assert.match(heard.element.attributes.get('id') ?? '', /^[\w-]{16,}$/)
      client.send(`</${/<([\w:]*stream)/.exec(header)?.[1] ?? ''}>`)
      await client.ended
    }
    await scene.nothingHappened()
  })
})

describe('limits', () => {
  test('a stanza longer than max_stanza_size ends the stream with <policy-violation/>, in one piece or dribbled, and the log says which limit', async () => {
    for (const isWhole of [true, false]) {
      const client = await TcpClient.connect(scene.gateway.port(narrow))
      await client.header()
      const bytes = Buffer.from(message('x'.repeat(10_000)))
      if (isWhole) client.send(bytes)
      else for (let n = 0; n < bytes.length; n += 100) client.send(bytes.subarray(n, n + 100))
      await expectError(client, 'policy-violation')
      const { limit, transport } = await scene.oneEvent('stream.error')
      assert.deepEqual([limit, transport], ['tcp.max_stanza_size', 'tcp'])
    }
  })

  test('a stream header longer than max_stanza_size ends the stream with <policy-violation/>', async () => {
    const client = await TcpClient.connect(scene.gateway.port(narrow))
    client.send(streamHeader('localhost', ` a='${'x'.repeat(10_000)}'`))
    assert.equal((await client.next()).kind, 'header')
    await expectError(client, 'policy-violation')
    assert.equal((await scene.oneEvent('stream.error')).limit, 'tcp.max_stanza_size')
  })

  test('white space without end in front of the stream is refused', async () => {
    const client = await TcpClient.connect(scene.gateway.port(narrow))
    client.send(' '.repeat(5_000))
    await expectError(client, 'policy-violation')
    await scene.oneEvent('stream.error')
  })
})

describe('cut anywhere', () => {
  const plainOf = ({ ns, local, attributes, children, text }: Element): unknown => ({ ns, local, attributes: [...attributes].sort(), text, children: children.map(plainOf) })

  test('many stanzas in one packet, and one stanza in many packets, arrive as they are', async () => {
    const alice = await tcpLogin(scene.gateway, direct, 'alice')
    const bob = await tcpLogin(scene.gateway, plain, 'bob')
    const xml = (n: number) => `<message to='${bob.jid}' id='n${n}'><body>${n} &lt; €😀</body><x:y xmlns:x='u' a='1'/></message>`
    alice.send(Array.from({ length: 500 }, (_, n) => xml(n)).join(' \n'))
    for (let n = 0; n < 500; n++) assert.equal((await bob.element()).attributes.get('id'), `n${n}`)
    const bytes = Buffer.from(xml(7))
    alice.send(bytes)
    const expected = plainOf(await bob.element())
    await dribble(alice, bytes)
    assert.deepEqual(plainOf(await bob.element()), expected)
    for (let cut = 1; cut < bytes.length; cut++) {
      await new Promise(resolve => { alice.socket.write(bytes.subarray(0, cut), resolve) })
      alice.send(bytes.subarray(cut))
      assert.deepEqual(plainOf(await bob.element()), expected, `cut at ${cut}`)
    }
    await alice.quit()
    await bob.quit()
    await scene.nothingHappened()
  })

  test('what a header declares is known to its stanzas, and goes with them to others', async () => {
    const alice = await TcpClient.connectTls(scene.gateway.port(direct), { ca: scene.gateway.ca, ...await scene.gateway.identity('alice') })
    const bob = await tcpLogin(scene.gateway, plain, 'bob')
    await alice.authenticate()
    await alice.header('localhost', ' xmlns:x=\'urn:x\' xml:lang=\'de\'')
    alice.send('<iq type=\'set\' id=\'b\'><bind xmlns=\'urn:ietf:params:xml:ns:xmpp-bind\'/></iq>')
    assert.equal((await alice.element()).attributes.get('type'), 'result')
    alice.send(`<message to='${bob.jid}'><x:y x:z='1'/></message>`)
    const heard = await bob.element()
    assert.deepEqual([heard.ns, heard.children[0]?.ns, heard.children[0]?.local], ['jabber:client', 'urn:x', 'y'])
    await alice.quit()
    await bob.quit()
    await scene.nothingHappened()
  })

  test('a whole negotiation byte by byte is a login like any other', async () => {
    const client = await TcpClient.connectTls(scene.gateway.port(direct), { ca: scene.gateway.ca, ...await scene.gateway.identity('alice') })
    const send = client.send.bind(client)
    let sending = Promise.resolve()
    client.send = xml => { sending = sending.then(() => dribble(client, Buffer.from(xml))) }
    await client.authenticate()
    await client.bind('slow')
    assert.equal(client.jid, 'alice@localhost/slow')
    client.send = send
    await client.quit()
    await scene.nothingHappened()
  })
})

test('</stream:stream> is answered with one, and the session is over (RFC 6120 §4.4)', async () => {
  const client = await tcpLogin(scene.gateway, plain, 'alice')
  const before = scene.gateway.eventsNamed('session.ended').length
  client.send('</stream:stream>')
  assert.equal((await client.next()).kind, 'footer')
  await client.ended
  assert.equal(scene.gateway.eventsNamed('session.ended')[before]?.reason, 'closed')
  await scene.nothingHappened()
})

test('a connection that ends without a footer is a lost one, half-closed or cut', async () => {
  for (const end of [(client: TcpClient) => { client.socket.end() }, (client: TcpClient) => { client.destroy() }]) {
    const client = await tcpLogin(scene.gateway, plain, 'alice')
    const before = scene.gateway.eventsNamed('session.ended').length
    end(client)
    await client.ended
    await until(() => scene.gateway.eventsNamed('session.ended').length > before, 'the end of the session')
    assert.equal(scene.gateway.eventsNamed('session.ended')[before]?.reason, 'lost')
    await scene.oneEvent('stream.lost')
  }
})
