// Requests that come through a proxy, and those that only say so: over real connections to a whole gateway, on every path.
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type DialectName, dialectNames } from '../../src/config/forwarding-keys.ts'
import { BoshWay, Connections, type Headers } from '../support/bosh-way.ts'
import { makeAuthority, makeLeaf } from '../support/certificates.ts'
import { Gateway } from '../support/gateway.ts'
import { forwardsChains, type HeaderLine, writers } from '../support/forwarded-headers.ts'
import { proxied } from '../support/proxied-users.ts'
import { WireClient } from '../support/wire-client.ts'

const { root, middle, alice, bob, carol, expired, foreign } = proxied

const forwarded = (dialect: DialectName, ...chain: readonly { readonly der: Uint8Array }[]): Headers => Object.fromEntries(writers[dialect](chain.map(({ der }) => der)))
const said = { 'X-Forwarded-For': '192.0.2.1', 'X-Forwarded-Proto': 'https' }

const trusting = (lines: string) => `\n[[listen.http]]\nport = 0\ntls.cacertfile = "ca.pem"\n${lines}\n`
const behind = (dialect: DialectName, lines = '') => trusting(`trusted_proxies = ["127.0.0.1"]\nforwarded_certificate = "${dialect}"\n${lines}`)
/** Listeners with port 0 are one port on several addresses; everybody comes from 127.0.0.1. */
const toml = (...listeners: readonly string[]) => `[general]\nhosts = ["localhost"]\n[limits]\nmax_connections_per_address = 20\n${
  listeners.map((lines, index) => lines.replace('port = 0', `port = 0\nip = "127.0.0.${index + 1}"`)).join('')}`
const withAuthorities = async (folder: string) => { await writeFile(join(folder, 'ca.pem'), root.cert) }

const hostOf = (gateway: Gateway, index: number) => `${gateway.listening[index]!.ip}:${gateway.port(index)}`
const wsOf = (gateway: Gateway, index: number) => `ws://${hostOf(gateway, index)}/xmpp-websocket`
const wayOf = (gateway: Gateway, index: number) => ({ origin: `http://${hostOf(gateway, index)}` })
const refusals = (gateway: Gateway) => gateway.eventsNamed('forwarded.refused')

async function statusOfUpgrade(gateway: Gateway, index: number, headers: Headers): Promise<number> {
  const error: unknown = await WireClient.open(gateway, { url: wsOf(gateway, index), socket: { headers: headers as Record<string, string> } }).then(client => client.quit(), (reason: unknown) => reason)
  return Number(/Unexpected server response: (\d+)/.exec(String(error))?.[1] ?? 101)
}

describe('every dialect', () => {
  let gateway: Gateway
  before(async () => { gateway = await Gateway.start({ toml: toml(...dialectNames.map(dialect => behind(dialect))), prepare: withAuthorities }) })
  after(() => gateway.stop())

  for (const [index, dialect] of dialectNames.entries()) {
    test(`${dialect}: a user logs in over WebSocket and over BOSH, over TLS, by the proxy's word`, async () => {
      const headers = { ...said, ...forwarded(dialect, alice) }
      const client = await WireClient.open(gateway, { url: wsOf(gateway, index), socket: { headers } })
      await client.authenticate()
      assert.match(await client.bind(), /^alice@localhost\//)
      await client.quit()
      const connections = new Connections(wayOf(gateway, index))
      const session = new BoshWay(connections, headers)
      assert.match(await session.login(), /^alice@localhost\//)
      await session.leave()
      connections.close()
      const event = gateway.eventsNamed('auth.success').at(-1)
      assert.deepEqual([event?.address, event?.fingerprint], ['192.0.2.1', alice.fingerprint])
    })
    if (forwardsChains(dialect)) {
      test(`${dialect}: intermediates come along`, async () => {
        const connections = new Connections(wayOf(gateway, index))
        for (const [chain, outcome] of [[[carol, middle], 'success'], [[carol], 'not-authorized'], [[carol, foreign], 'not-authorized'], [[alice, middle], 'success']] as const) {
          const session = new BoshWay(connections, { ...said, ...forwarded(dialect, ...chain) })
          await session.open()
          assert.equal(await session.authenticate(), outcome)
        }
        connections.close()
      })
    }
  }
})

describe('who may not forward', () => {
  let gateway: Gateway
  const [own, plain, foreignProxy, tls] = [0, 1, 2, 3]
  before(async () => {
    gateway = await Gateway.start({
      toml: toml(behind('rfc9440'), '\n[[listen.http]]\nport = 0\n', trusting('trusted_proxies = ["10.0.0.1"]\nforwarded_certificate = "rfc9440"\n'),
        '\n[[listen.http]]\nport = 0\ntls.certfile = "certs/server.crt"\ntls.keyfile = "certs/server.key"\ntls.cacertfile = "certs/ca.crt"\n'),
      prepare: withAuthorities,
    })
  })
  after(() => gateway.stop())

  const paths = ['/', '/http-bind', '/xmpp-websocket', '/healthz', '/readyz', '/.well-known/host-meta', '/meerkat.js', '/nothing/there', '/%zz', '/?a=b']
  async function refusedEverywhere(index: number, headers: Headers, reason: string): Promise<void> {
    const origin = `http${gateway.listening[index]!.secure ? 's' : ''}://${hostOf(gateway, index)}`
    const connections = new Connections({ origin, ca: gateway.ca })
    for (const path of paths) {
      for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE', 'PROPFIND']) {
        const before = refusals(gateway).length
        const answer = await connections.request(path, { method, headers: { Origin: 'https://evil.example', ...headers } })
        assert.equal(answer.status, 400, `${method} ${path}`)
        assert.equal(answer.connection, 'close', `${method} ${path}`)
        const [event, ...more] = refusals(gateway).slice(before)
        assert.deepEqual([event?.reason, event?.status, event?.address, more], [reason, 400, '127.0.0.1', []], `${method} ${path}`)
        for (const value of Object.values(headers).flat().filter(one => one.length > 9 && one !== said['X-Forwarded-For'])) assert.ok(!JSON.stringify(event).includes(value))
      }
    }
    connections.close()
  }
  const secret = { 'Client-Cert': ':MIIsecretsecret:' }

  test('on a listener without the setting: 400 on every path and method, told and counted, whatever the dialect', async () => {
    await refusedEverywhere(plain, secret, 'not-expected')
    await refusedEverywhere(tls, secret, 'not-expected')
    for (const dialect of dialectNames) assert.equal(await statusOfUpgrade(gateway, plain, forwarded(dialect, alice)), 400)
    assert.equal(await statusOfUpgrade(gateway, plain, {}), 101)
  })
  test('nor does an expectation, or a path that is none, let it pass; without such a header they are answered as ever', async () => {
    const connections = new Connections(wayOf(gateway, plain))
    for (const [path, headers, status] of [['/healthz', { Expect: 'a-miracle' }, 200], ['/%zz', {}, 400]] as const) {
      assert.equal((await connections.request(path, { headers })).status, status)
      const before = refusals(gateway).length
      assert.equal((await connections.request(path, { headers: { ...headers, ...secret } })).status, 400)
      assert.deepEqual(refusals(gateway).slice(before).map(({ reason }) => reason), ['not-expected'])
    }
    connections.close()
  })
  test('from somebody who is not a configured proxy: 400, health included', async () => {
    await refusedEverywhere(foreignProxy, secret, 'not-a-proxy')
    assert.equal(await statusOfUpgrade(gateway, foreignProxy, forwarded('rfc9440', alice)), 400)
  })
  test('without any such header he is answered 403, for this listener is the proxies\' own; health is for everybody', async () => {
    const connections = new Connections(wayOf(gateway, foreignProxy))
    for (const path of ['/', '/http-bind', '/nothing']) assert.equal((await connections.request(path)).status, 403)
    for (const path of ['/healthz', '/readyz?x']) assert.equal((await connections.request(path)).status, 200)
    assert.equal(await statusOfUpgrade(gateway, foreignProxy, {}), 403)
    assert.equal(refusals(gateway).at(-1)?.reason, 'not-through-a-proxy')
    connections.close()
  })
  test('a proxy that forwards in another dialect, twice, or with underscores: 400 on every path', async () => {
    await refusedEverywhere(own, forwarded('haproxy', alice), 'other-dialect')
    await refusedEverywhere(own, { Client_Cert: `:${Buffer.from(alice.der).toString('base64')}:` }, 'look-alike')
    await refusedEverywhere(own, { 'Client-Cert': [':MIIsecretsecret:', ':MIIsecretsecret:'] }, 'repeated')
    await refusedEverywhere(own, { 'Client-Cert': 'MIIsecretsecret' }, 'malformed')
    await refusedEverywhere(own, { ...said, 'X-Forwarded-For': 'garbage-garbage' }, 'address')
    for (const headers of [forwarded('nginx', alice), { 'Client-Cert': [':MAA=:', ':MAA=:'] }, { Client_Cert: ':MAA=:' }]) assert.equal(await statusOfUpgrade(gateway, own, headers), 400)
  })
  test('a certificate of a client that speaks no TLS is a contradiction', async () => {
    await refusedEverywhere(own, { ...forwarded('rfc9440', alice), 'X-Forwarded-Proto': 'http' }, 'contradictory')
  })
  test('100 kB of certificate: refused, and the gateway goes on', async () => {
    const connections = new Connections(wayOf(gateway, own))
    assert.equal((await connections.request('/', { headers: { 'Client-Cert': `:${'A'.repeat(100_000)}:` } }).catch(() => ({ status: 431 }))).status, 431)
    assert.equal((await connections.request('/', { headers: { 'Client-Cert': `:${'A'.repeat(70_000)}:` } })).status, 400)
    assert.equal((await connections.request('/', { headers: forwarded('rfc9440', alice) })).status, 200)
    connections.close()
  })
})

describe('who the client is', () => {
  let gateway: Gateway
  const [lenient, strict, unforwarded] = [0, 1, 2]
  before(async () => {
    gateway = await Gateway.start({
      toml: toml(behind('haproxy'), behind('haproxy', 'tls.disconnect_on_failure = true\ntls.require_certificate = true'), '\n[[listen.http]]\nport = 0\ntrusted_proxies = ["127.0.0.1"]\n'),
      prepare: withAuthorities,
    })
  })
  after(() => gateway.stop())
  const seen = async (connections: Connections, headers: Headers) =>
    JSON.parse((await connections.request('/', { headers: { Accept: 'application/json', ...headers } })).text) as { connection: { address: string, tlsVersion: string | null },
      verdict: { kind: string, reason: string | null }, logins: { isOffered: boolean }[] }

  test('one connection of the proxy carries two users and a nobody, each for himself', async () => {
    const connections = new Connections({ ...wayOf(gateway, lenient), connections: 1 })
    const sessions = [new BoshWay(connections, { ...said, ...forwarded('haproxy', alice) }), new BoshWay(connections, { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '192.0.2.2', ...forwarded('haproxy', bob) })]
    for (const session of sessions) await session.open()
    const nobody = new BoshWay(connections, said)
    await nobody.open()
    assert.deepEqual(nobody.offered, [])
    for (const session of sessions) assert.equal(await session.authenticate(), 'success')
    assert.equal(await nobody.authenticate(), 'not-authorized')
    const [events] = [gateway.eventsNamed('auth.success').slice(-2)]
    assert.deepEqual(events.map(({ account, address }) => [account, address]), [['alice@localhost', '192.0.2.1'], ['bob@localhost', '192.0.2.2']])
    for (const wrong of [said, { ...said, ...forwarded('haproxy', bob) }]) {
      const body = await sessions[0]!.send('', {}, wrong)
      assert.equal(body.attributes.get('condition'), 'item-not-found')
    }
    connections.close()
  })
  test('the welcome page shows the forwarded certificate\'s verdict, and the visitor\'s own address', async () => {
    const connections = new Connections({ ...wayOf(gateway, lenient), connections: 1 })
    assert.deepEqual((await seen(connections, { ...said, ...forwarded('haproxy', alice) })).connection, { address: '192.0.2.1', tlsVersion: 'TLS, to a proxy' })
    for (const [chain, kind, reason] of [[[alice], 'accepted', null], [[], 'none', null], [[expired], 'refused', 'expired'], [[foreign], 'refused', 'untrusted'], [[bob], 'accepted', null]] as const) {
      const { verdict } = await seen(connections, { ...said, ...chain.length === 0 ? {} : forwarded('haproxy', ...chain) })
      assert.deepEqual([verdict.kind, verdict.reason], [kind, reason])
    }
    connections.close()
  })
  test('an opening handshake that is refused is logged with the visitor\'s address, not the proxy\'s', async () => {
    const connections = new Connections(wayOf(gateway, lenient))
    const { status } = await connections.request('/xmpp-websocket', { headers: { ...said, Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '12', 'Sec-WebSocket-Protocol': 'xmpp' } })
    assert.equal(status, 400)
    assert.equal(gateway.eventsNamed('websocket.refused').at(-1)?.address, '192.0.2.1')
    connections.close()
  })
  test('whether there is TLS is the proxy\'s word; a certificate says it too; silence does not', async () => {
    const connections = new Connections(wayOf(gateway, lenient))
    const tlsOf = async (headers: Headers) => (await seen(connections, headers)).connection.tlsVersion !== null
    assert.deepEqual([await tlsOf({}), await tlsOf({ 'X-Forwarded-Proto': 'http' }), await tlsOf(said), await tlsOf(forwarded('haproxy', alice)), await tlsOf({ Forwarded: 'for=192.0.2.1;proto=https' })],
      [false, false, true, true, true])
    connections.close()
  })
  test('a refused certificate is one without which the client goes on; under disconnect_on_failure it is answered 403', async () => {
    const connections = new Connections(wayOf(gateway, lenient))
    const session = new BoshWay(connections, { ...said, ...forwarded('haproxy', expired) })
    await session.open()
    assert.deepEqual(session.offered, [])
    assert.equal(await session.authenticate(), 'credentials-expired')
    const strictly = new Connections(wayOf(gateway, strict))
    for (const headers of [forwarded('haproxy', expired), forwarded('haproxy', foreign), {}]) {
      const { status, text } = await strictly.request('/', { headers: { ...said, ...headers } })
      assert.deepEqual([status, /certificate/i.test(text)], [403, true])
      assert.equal(await statusOfUpgrade(gateway, strict, { ...said, ...headers }), 403)
    }
    assert.equal(await statusOfUpgrade(gateway, strict, { ...said, ...forwarded('haproxy', alice) }), 101)
    assert.deepEqual([gateway.eventsNamed('certificate.missing').at(-1)?.source, gateway.eventsNamed('certificate.refused').at(-1)?.disconnected], ['forwarded', true])
    for (const each of [connections, strictly]) each.close()
  })
  test('a listener behind a proxy that forwards no certificates takes none', async () => {
    const connections = new Connections(wayOf(gateway, unforwarded))
    assert.equal((await connections.request('/', { headers: { ...said, ...forwarded('haproxy', alice) } })).status, 400)
    assert.deepEqual((await seen(connections, said)).verdict.kind, 'none')
    connections.close()
  })
  test('a page\'s own origin has the scheme that its visitor uses', async () => {
    const host = hostOf(gateway, lenient)
    assert.equal(await statusOfUpgrade(gateway, lenient, { ...said, Origin: `https://${host}` }), 101)
    assert.equal(await statusOfUpgrade(gateway, lenient, { ...said, Origin: `http://${host}` }), 403)
    assert.equal(await statusOfUpgrade(gateway, lenient, { ...said, 'X-Forwarded-Proto': 'http', Origin: `https://${host}` }), 403)
    assert.equal(await statusOfUpgrade(gateway, lenient, { ...said, Origin: 'https://evil.example' }), 403)
  })
  test('max_connections_per_address counts the clients, not the proxy', async () => {
    const open = (address: string) => WireClient.open(gateway, { url: wsOf(gateway, lenient), socket: { headers: { ...said, 'X-Forwarded-For': address } } })
    const clients = await Promise.all(Array.from({ length: 20 }, () => open('192.0.2.77')))
    await assert.rejects(open('192.0.2.77'), /429/)
    assert.deepEqual([gateway.eventsNamed('connection.refused').at(-1)?.address, gateway.eventsNamed('connection.refused').at(-1)?.limit], ['192.0.2.77', 'limits.max_connections_per_address'])
    const other = await open('192.0.2.78')
    const closed = clients.map(client => client.closed)
    for (const client of clients) client.socket.terminate()
    await Promise.all(closed)
    // The gateway hears of it a moment later.
    for (let tries = 0; ; tries++) {
      const again = await open('192.0.2.77').catch(() => null)
      if (again !== null) { await again.quit(); break }
      assert.ok(tries < 200, 'those who left are still counted')
    }
    await other.quit()
  })
})

describe('a Unix socket', () => {
  const socketToml = (path: string, lines = '') => toml(`\n[[listen.http]]\nsocket = "${path}"\ntrusted_proxies = ["unix"]\nforwarded_certificate = "rfc9440"\ntls.cacertfile = "ca.pem"\n${lines}`)
  test('its peers are proxies; it is there for owner and group only, and removed at the end', async () => {
    const gateway = await Gateway.start({ toml: socketToml('http.sock'), prepare: withAuthorities })
    const path = join(gateway.folder, 'http.sock')
    assert.equal((await stat(path)).mode & 0o777, 0o660)
    assert.deepEqual(gateway.listening.map(({ socket, port }) => [socket, port]), [[path, 0]])
    const connections = new Connections({ origin: 'http://localhost', socketPath: path })
    const session = new BoshWay(connections, { ...said, ...forwarded('rfc9440', alice) })
    assert.match(await session.login(), /^alice@localhost\//)
    const client = await WireClient.open(gateway, { url: `ws+unix://${path}:/xmpp-websocket`, socket: { headers: { ...said, ...forwarded('rfc9440', bob) } } })
    await client.authenticate()
    assert.match(await client.bind(), /^bob@localhost\//)
    await client.quit()
    connections.close()
    await gateway.app.close(0)
    await assert.rejects(stat(path), { code: 'ENOENT' })
    await gateway.stop()
  })
  test('one that a dead process left is replaced; one where somebody listens, and a file that is none, are not', async () => {
    const first = await Gateway.start({ toml: socketToml('http.sock'), prepare: withAuthorities })
    const path = join(first.folder, 'http.sock')
    await assert.rejects(Gateway.start({ toml: socketToml(path), prepare: withAuthorities }), { code: 'EADDRINUSE', syscall: 'listen' })
    assert.equal((await new Connections({ origin: 'http://localhost', socketPath: path }).request('/healthz')).status, 200)
    await assert.rejects(Gateway.start({ toml: socketToml('file'), prepare: async folder => { await withAuthorities(folder); await writeFile(join(folder, 'file'), 'x') } }), { code: 'EADDRINUSE' })
    await assert.rejects(Gateway.start({ toml: socketToml('none/here'), prepare: withAuthorities }), { code: 'ENOENT', syscall: 'listen' })
    await first.stop()
    // A server that is closed removes its socket, so the dead one is made of a copy.
    const stale = await Gateway.start({ toml: socketToml('sub/http.sock'), prepare: async folder => {
      await withAuthorities(folder)
      await mkdir(join(folder, 'sub'))
      const { rename } = await import('node:fs/promises')
      const dead = createServer().listen(join(folder, 'sub/dead'))
      await new Promise(resolve => { dead.once('listening', resolve) })
      await rename(join(folder, 'sub/dead'), join(folder, 'sub/http.sock'))
      await new Promise(resolve => { dead.close(resolve) })
      assert.ok((await stat(join(folder, 'sub/http.sock'))).isSocket())
    } })
    assert.equal((await new Connections({ origin: 'http://localhost', socketPath: join(stale.folder, 'sub/http.sock') }).request('/healthz')).status, 200)
    await stale.stop()
  })
})

describe('TLS between the proxy and the gateway', () => {
  const fingerprintOf = (pem: string) => new X509Certificate(pem).fingerprint256
  const own = makeLeaf(makeAuthority(), { commonName: 'proxy' })
  const tls = 'port = 0\ntls.certfile = "certs/server.crt"\ntls.keyfile = "certs/server.key"\ntls.cacertfile = "certs/ca.crt"\nforwarded_certificate = "rfc9440"\n'
  let gateway: Gateway
  before(async () => {
    // What the listener's tls demands of certificates is demanded of users': the proxy's own, though no authority vouches for it, ends no connection.
    gateway = await Gateway.start({ toml: toml(`[[listen.http]]\n${tls}tls.disconnect_on_failure = true\ntrusted_proxy_certificates = ["${fingerprintOf(own.certificatePem)}"]\n`,
      `[[listen.http]]\n${tls}trusted_proxy_certificates = ["${fingerprintOf(own.certificatePem)}"]\ntrusted_proxies = ["10.0.0.1"]\n`,
      `[[listen.http]]\n${tls}trusted_proxies = ["127.0.0.1", "::1"]\n`) })
  })
  after(() => gateway.stop())
  const connect = (index: number, identity: { cert: string, key: string } | null) => new Connections({ origin: `https://${hostOf(gateway, index)}`, ca: gateway.ca, identity })
  const proxy = { cert: own.certificatePem, key: own.privateKeyPem }
  const leafOf = async (name: string): Promise<HeaderLine> => ['Client-Cert', `:${new X509Certificate(await readFile(join(gateway.folder, `certs/${name}.crt`))).raw.toString('base64')}:`]

  test('who shows the pinned certificate is the proxy, and that certificate is nobody\'s log-in', async () => {
    const connections = connect(0, proxy)
    const session = new BoshWay(connections, Object.fromEntries([await leafOf('alice'), ...Object.entries(said)]))
    assert.match(await session.login(), /^alice@localhost\//)
    const { text } = await connections.request('/', { headers: { Accept: 'application/json', ...said } })
    assert.equal((JSON.parse(text) as { verdict: { kind: string } }).verdict.kind, 'none')
    connections.close()
  })
  test('a user\'s own certificate, though a trusted authority made it, makes no proxy; nor does none', async () => {
    for (const identity of [await gateway.identity('bob'), null]) {
      const connections = connect(0, identity)
      assert.equal((await connections.request('/', { headers: Object.fromEntries([await leafOf('alice')]) })).status, 400)
      assert.equal((await connections.request('/')).status, 403)
      connections.close()
    }
  })
  test('beside trusted_proxies both must hold', async () => {
    const connections = connect(1, proxy)
    assert.equal((await connections.request('/', { headers: Object.fromEntries([await leafOf('alice')]) })).status, 400)
    connections.close()
  })
  test('a user who goes around the proxy with his own certificate in TLS is nobody behind it', async () => {
    const connections = connect(2, await gateway.identity('bob'))
    const { text } = await connections.request('/', { headers: { Accept: 'application/json', ...said } })
    assert.equal((JSON.parse(text) as { verdict: { kind: string } }).verdict.kind, 'none')
    connections.close()
  })
  test('its connections are not counted as one client\'s once it has shown the certificate', async () => {
    const connections = connect(0, proxy)
    const open = (number: number) => WireClient.open(gateway, { url: `wss://localhost:${gateway.port(0)}/xmpp-websocket`, identity: proxy,
      socket: { headers: { ...said, 'X-Forwarded-For': `192.0.2.${number % 9}` } } })
    const clients: WireClient[] = []
    for (let count = 0; count < 30; count++) clients.push(await open(count))
    for (const client of clients) await client.quit()
    connections.close()
  })
})
