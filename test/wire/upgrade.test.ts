// Bad input, "WebSocket": what HTTP says before the upgrade (behaviour page "WebSocket").
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { isUpgradeTo } from '../../plugins/websocket.ts'
import { defaultToml } from '../support/gateway.ts'
import { RawWebSocket, textFrame, upgradeRequest } from '../support/raw-websocket.ts'
import { NS_FRAMING } from '../support/wire-client.ts'
import { Scene } from './scene.ts'

let scene: Scene
before(async () => {
  scene = await Scene.start({ toml: `${defaultToml}origins = ["https://chat.example.org", "https://other.example.org:8443"]\n` })
})
after(async () => { await scene.end() })

const open = `<open xmlns='${NS_FRAMING}' to='localhost' version='1.0'/>`

/** Asks for an upgrade, as alice: her certificate must not matter. */
async function ask(headers: Parameters<typeof upgradeRequest>[1] = {}, requests = 1): Promise<{ readonly raw: RawWebSocket, readonly status: number, readonly head: string }> {
  const raw = await RawWebSocket.connect(scene.gateway, { identity: await scene.gateway.identity('alice') })
  raw.write(upgradeRequest(scene.gateway, headers).repeat(requests))
  const { status, head } = await raw.response()
  return { raw, status, head }
}

async function refused(options: Parameters<typeof upgradeRequest>[1], expected: number): Promise<string> {
  const { raw, status, head } = await ask(options)
  assert.equal(status, expected)
  assert.doesNotMatch(head, /sec-websocket-accept/i)
  await raw.ended
  assert.equal((await scene.oneEvent('websocket.refused')).status, expected)
  return head
}

async function accepted(options: Parameters<typeof upgradeRequest>[1]): Promise<void> {
  const { raw, status, head } = await ask(options)
  assert.equal(status, 101)
  assert.match(head, /^sec-websocket-protocol: xmpp\r?$/im)
  raw.write(textFrame(open))
  assert.match(await raw.text(), /^<open /)
  raw.destroy()
  await scene.oneEvent('stream.lost')
}

describe('Origin', () => {
  const port = () => scene.gateway.port()
  const evil: readonly (readonly [string, () => string])[] = [
    ['https://evil.example', () => 'https://evil.example'],
    ['null', () => 'null'],
    ['a look-alike suffix of a listed one', () => 'https://chat.example.org.evil.example'],
    ['a look-alike prefix of a listed one', () => 'https://evilchat.example.org'],
    ['a subdomain of a listed one', () => 'https://a.chat.example.org'],
    ['a listed one with another port', () => 'https://chat.example.org:8443'],
    ['a listed one without its port', () => 'https://other.example.org'],
    ['a listed one with another scheme', () => 'http://chat.example.org'],
    ['a listed one with a path', () => 'https://chat.example.org/'],
    ['a listed one in upper case, which no browser sends', () => 'HTTPS://CHAT.EXAMPLE.ORG'],
    ['two of them', () => 'https://chat.example.org https://evil.example'],
    ['one with user information', () => 'https://chat.example.org@evil.example'],
    ['the own host with another port', () => `https://localhost:${port() === 1 ? 2 : 1}`],
    ['the own host with another scheme', () => `http://localhost:${port()}`],
    ['a look-alike suffix of the own host', () => `https://localhost.evil.example:${port()}`],
    ['empty', () => ''],
  ]
  for (const [name, origin] of evil) {
    test(`${name}: 403 before the upgrade, whatever certificate comes along`, async () => { await refused({ headers: { Origin: origin() } }, 403) })
  }
  test('given twice, once allowed and once not: 403', async () => {
    await refused({ headers: { Origin: ['https://chat.example.org', 'https://evil.example'] } }, 403)
  })
  test('a Host header made up to fit the Origin does not fit: 403', async () => {
    await refused({ headers: { Host: 'evil.example/?', Origin: 'https://evil.example' } }, 403)
  })
  test('a listed one is allowed', async () => {
    await accepted({ headers: { Origin: 'https://chat.example.org' } })
    await accepted({ headers: { Origin: 'https://other.example.org:8443' } })
  })
  test('the listener\'s own is always allowed', async () => { await accepted({ headers: { Origin: scene.gateway.origin() } }) })
  test('none at all is no browser, and allowed', async () => { await accepted({}) })
})

describe('Sec-WebSocket-Protocol', () => {
  for (const value of [null, 'xmpp2', 'XMPP', 'xmp', 'xmpp-framing', 'chat, superchat', '"xmpp"', 'xmpp;q=1', '__proto__', 'constructor']) {
    test(`${value ?? 'none'}: 400 before the upgrade`, async () => { await refused({ headers: { 'Sec-WebSocket-Protocol': value } }, 400) })
  }
  test('a list that names xmpp twice, or has an empty element, is malformed: 400', async () => {
    await refused({ headers: { 'Sec-WebSocket-Protocol': 'xmpp, xmpp' } }, 400)
    await refused({ headers: { 'Sec-WebSocket-Protocol': 'xmpp, , chat' } }, 400)
  })
  test('xmpp among others is taken, in one header or in two', async () => {
    await accepted({ headers: { 'Sec-WebSocket-Protocol': 'chat,xmpp , other' } })
    await accepted({ headers: { 'Sec-WebSocket-Protocol': ['chat', 'xmpp'] } })
  })
  test('a list with very many spaces is read in linear time', async () => {
    // 32,000 spaces are more than Node's parser lets through in one request: 431 there, and what it lets through takes no time.
    const { raw, status } = await ask({ headers: { 'Sec-WebSocket-Protocol': `chat${' '.repeat(32_000)}, xmpp` } })
    assert.equal(status, 431)
    await raw.ended
    await scene.oneEvent('http.refused')
    const start = process.cpuUsage()
    for (const list of [`chat${' '.repeat(15_000)},xmpp`, `${' ,'.repeat(7_500)}xmpp2`, `${'a,'.repeat(7_500)}b`]) {
      const { raw, status } = await ask({ headers: { 'Sec-WebSocket-Protocol': list } })
      assert.ok(status === 101 || status === 400)
      raw.destroy()
      await scene.oneEvent(status === 101 ? 'stream.lost' : 'websocket.refused')
    }
    const { user, system } = process.cpuUsage(start)
    assert.ok(user + system < 1_000_000, `${user + system} µs; quadratic time takes many seconds`)
  })
})

describe('the opening handshake', () => {
  test('2,000 headers: 431, one event, and the gateway lives', async () => {
    const { raw, status } = await ask({ headers: { 'X-Many': Array.from({ length: 2_000 }, (_, n) => String(n)) } })
    assert.equal(status, 431)
    await raw.ended
    assert.equal((await scene.oneEvent('http.refused')).status, 431)
  })
  for (const [name, headers] of [
    ['no key', { 'Sec-WebSocket-Key': null }], ['a key that is none', { 'Sec-WebSocket-Key': 'short' }],
    ['version 12', { 'Sec-WebSocket-Version': '12' }], ['no version', { 'Sec-WebSocket-Version': null }],
  ] as const) {
    test(`${name}: 400, and the version that is spoken (RFC 6455 §4.4)`, async () => {
      assert.match(await refused({ headers }, 400), /^sec-websocket-version: 13\r?$/im)
    })
  }
  test('a GET that asks for no upgrade, or for another one: 426 (RFC 9110 §15.5.22)', async () => {
    assert.match(await refused({ headers: { Connection: null, Upgrade: null } }, 426), /^upgrade: websocket\r?$/im)
    await refused({ headers: { Upgrade: 'h2c' } }, 426)
  })
  test('a page of another origin is refused with 403 there, too', async () => {
    await refused({ headers: { Connection: null, Upgrade: null, Origin: 'https://evil.example' } }, 403)
  })
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    test(`${method} is answered in HTTP with 404, whether it asks for an upgrade or not`, async () => {
      for (const headers of [{}, { Connection: null, Upgrade: null }]) {
        const { raw, status } = await ask({ method, headers: { ...headers, 'Content-Length': '0' } })
        assert.equal(status, 404)
        raw.destroy()
      }
      await scene.nothingHappened()
    })
  }
  test('an upgrade at another path is answered in HTTP, and the connection remains one of HTTP', async () => {
    const raw = await RawWebSocket.connect(scene.gateway)
    for (const [path, expected] of [['/healthz', 200], ['/no-such-path', 404], ['/xmpp-websocket/', 404], ['/healthz', 200]] as const) {
      raw.write(upgradeRequest(scene.gateway, { path }))
      assert.equal((await raw.response()).status, expected, path)
    }
    raw.destroy()
    await scene.nothingHappened()
  })
  test('only a GET that asks for "websocket" at the endpoint leaves HTTP', () => {
    const request = { method: 'GET', url: '/ws', headers: { upgrade: 'WebSocket' } }
    assert.equal(isUpgradeTo('/ws', request), true)
    assert.equal(isUpgradeTo('/ws', { ...request, url: '/ws?a' }), true)
    for (const other of [{ url: '/wss' }, { url: '/' }, { url: '/w%73' }, { method: 'POST' }, { headers: {} }, { headers: { upgrade: 'h2c' } }]) {
      assert.equal(isUpgradeTo('/ws', { ...request, ...other }), false, JSON.stringify(other))
    }
  })
  for (const [name, bytes] of [
    ['no HTTP at all', '\x16\x03\x01 hello\r\n\r\n'], ['a header line without a colon', 'GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n'],
    ['a Content-Length with a Transfer-Encoding', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ] as const) {
    test(`${name}: 400 and the end of the connection`, async () => {
      const raw = await RawWebSocket.connect(scene.gateway)
      raw.write(bytes)
      assert.equal((await raw.response()).status, 400)
      await raw.ended
      assert.equal((await scene.oneEvent('http.refused')).status, 400)
    })
  }

  test('an <open/> in the same segment as the upgrade is not lost', async () => {
    const raw = await RawWebSocket.connect(scene.gateway)
    raw.write(Buffer.concat([Buffer.from(upgradeRequest(scene.gateway)), textFrame(open)]))
    assert.equal((await raw.response()).status, 101)
    assert.match(await raw.text(), /^<open /)
    assert.match(await raw.text(), /features/)
    raw.destroy()
    await scene.oneEvent('stream.lost')
  })
  test('neither is one that comes in two halves, the first with the upgrade', async () => {
    const raw = await RawWebSocket.connect(scene.gateway)
    const bytes = textFrame(open)
    raw.write(Buffer.concat([Buffer.from(upgradeRequest(scene.gateway)), bytes.subarray(0, 9)]))
    assert.equal((await raw.response()).status, 101)
    raw.write(bytes.subarray(9))
    assert.match(await raw.text(), /^<open /)
    raw.destroy()
    await scene.oneEvent('stream.lost')
  })
  test('an upgrade a byte at a time is an upgrade', async () => {
    const raw = await RawWebSocket.connect(scene.gateway)
    raw.socket.setNoDelay(true)
    for (const byte of Buffer.concat([Buffer.from(upgradeRequest(scene.gateway)), textFrame(open)])) raw.write(Buffer.of(byte))
    assert.equal((await raw.response()).status, 101)
    assert.match(await raw.text(), /^<open /)
    raw.destroy()
    await scene.oneEvent('stream.lost')
  })
  test('a client that goes away in the middle of it leaves nothing behind', async () => {
    for (const bytes of [60, Infinity]) {
      const raw = await RawWebSocket.connect(scene.gateway)
      // Both sides agree that the TLS handshake is over.
      raw.write(upgradeRequest(scene.gateway, { path: '/healthz' }))
      assert.equal((await raw.response()).status, 200)
      raw.write(upgradeRequest(scene.gateway).slice(0, bytes))
      raw.socket.end()
      await raw.ended
      await scene.undisturbed()
    }
    assert.deepEqual(scene.gateway.events.filter(({ level }) => level === 'error'), [])
    scene.forget()
  })
})
