// Every limit that a client can run into (src/telemetry/limit.ts) is counted when it does: that one, and no other.
import assert from 'node:assert/strict'
import { createConnection, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { ClientOptions } from 'ws'
import { type LimitName, limitNames } from '../../src/telemetry/limit.ts'
import { BoshClient, bodyText, type SessionOptions } from '../support/bosh-client.ts'
import { valueOf } from '../support/exposition.ts'
import { Gateway } from '../support/gateway.ts'
import { addAccounts, fewIterations } from '../support/password-accounts.ts'
import { metricsToml, scrape } from '../support/scrape.ts'
import { TcpClient } from '../support/tcp-client.ts'
import { c2sListener, tcpLogin } from '../support/tcp-scene.ts'
import { TurnedClock } from '../support/turned-clock.ts'
import { NS_SASL, WireClient } from '../support/wire-client.ts'

const tls = 'tls.certfile = "certs/server.crt"\ntls.keyfile = "certs/server.key"\ntls.cacertfile = "certs/ca.crt"\n'
/** By their index. */
const listeners = { narrow: 0, plain: 1, oneForEachCertificate: 2, tcp: 3 } as const

const roomyToml = `
[general]
hosts = ["localhost"]
[[listen.http]]
port = 0
${tls}websocket = { max_stanza_size = 10_000, state_timeout = 5_000 }
bosh = { max_stanza_size = 10_000, max_hold = 2, max_deferred_bytes = 10_000, polling = 7, inactivity = 11, max_pause = 33, state_timeout = 5_000 }
[[listen.http]]
ip = "127.0.0.2"
port = 0
bosh = { max_sessions_per_address = 1, request_timeout = 2_000 }
[[listen.http]]
ip = "127.0.0.3"
port = 0
${tls}bosh = { max_sessions_per_certificate = 1 }
${c2sListener('tls.mode = "starttls_required"\nmax_stanza_size = 10_000\nstate_timeout = 5_000')}[auth]
methods = ["pki", "internal"]
sasl_mechanisms = ["external", "plain"]
[auth.attempts]
max_failures = 2
max_failures_per_account = 3
max_failures_per_address = 4
[limits]
max_unread_bytes = 10_000
max_sessions_per_account = 2
max_stanzas_per_second = 1
max_stanza_burst = 20
[session]
max_unacked_stanzas = 10
max_unacked_bytes = 10_000
${fewIterations}${metricsToml}`

const crowdedToml = `
[general]
hosts = ["localhost"]
[[listen.http]]
port = 0
[limits]
max_connections = 3
max_connections_per_address = 2
${metricsToml}`

const clock = new TurnedClock()
const chat = (to: string | null, length: number): string => `<message xmlns='jabber:client' to='${to}' type='chat'><body>${'x'.repeat(length)}</body></message>`

let roomy: Gateway
let crowded: Gateway
const leaving: (() => void)[] = []
before(async () => {
  roomy = await Gateway.start({ toml: roomyToml, clock, prepare: folder => addAccounts(folder, { alice: 'open sesame' }) })
  crowded = await Gateway.start({ toml: crowdedToml })
})
after(async () => {
  for (const leave of leaving) leave()
  await Promise.all([turning(roomy.stop()), crowded.stop()])
})

const turn = (): Promise<void> => new Promise(resolve => { setImmediate(resolve) })

/** Turns the clock until it is settled. */
async function turning<T>(what: Promise<T>): Promise<T> {
  for (;;) {
    const settled = await Promise.race([what.then(() => true, () => true), turn().then(() => false)])
    if (settled) return what
    clock.advance(100)
  }
}

async function bosh(options: SessionOptions = {}): Promise<BoshClient> {
  const client = await BoshClient.open(roomy, options)
  leaving.push(() => { client.close() })
  return client
}
async function boshLogin(name: string, options: SessionOptions = {}): Promise<BoshClient> {
  const client = await BoshClient.login(roomy, name, options)
  leaving.push(() => { client.close() })
  return client
}
async function webSocket(options: Parameters<typeof WireClient.open>[1] = {}): Promise<WireClient> {
  const client = await WireClient.open(roomy, options)
  leaving.push(() => { client.socket.terminate() })
  return client
}
async function webSocketLogin(name: string): Promise<WireClient> {
  const client = await WireClient.login(roomy, name)
  leaving.push(() => { client.socket.terminate() })
  return client
}

/** Somebody who uses XEP-0198 and never acknowledges anything. */
async function silentLogin(name: string): Promise<WireClient> {
  const client = await webSocketLogin(name)
  client.send("<enable xmlns='urn:xmpp:sm:3'/>")
  assert.equal((await client.next()).local, 'enabled')
  return client
}

/** `ws` hands every option on to TLS. */
const fromAddress = (localAddress: string): ClientOptions & { readonly localAddress: string } => ({ localAddress })

/** A password that is wrong, from an address of the loopback. */
async function guess(name: string, localAddress: string): Promise<void> {
  const client = await webSocket({ socket: fromAddress(localAddress) })
  await client.header()
  client.send(`<auth xmlns='${NS_SASL}' mechanism='PLAIN'>${Buffer.from(`\0${name}\0a wrong one`).toString('base64')}</auth>`)
  assert.equal((await client.next()).local, 'failure')
  client.socket.terminate()
}

function connectTo(gateway: Gateway, localAddress: string): Socket {
  const socket = createConnection({ host: '127.0.0.1', port: gateway.port(), localAddress })
  socket.on('error', () => undefined)
  leaving.push(() => { socket.destroy() })
  return socket
}

interface Row {
  readonly limit: LimitName
  readonly gateway?: () => Gateway
  /** Runs into it once. */
  readonly act: () => Promise<unknown>
  /** Over and over, until it is counted. */
  readonly meanwhile?: () => void
}

const rows: readonly Row[] = [
  { limit: 'bosh.max_stanza_size', act: async () => (await bosh()).connections.post('x'.repeat(10_001)) },
  { limit: 'bosh.max_hold', act: async () => (await bosh()).send('', { rid: '1000009' }) },
  { limit: 'bosh.max_pause', act: async () => (await bosh()).send('', { pause: '34' }) },
  {
    limit: 'bosh.polling',
    act: async () => {
      const client = await bosh({ attributes: { hold: '0', wait: '0' } })
      await client.send()
      await client.send()
    },
  },
  {
    limit: 'bosh.inactivity',
    act: async () => {
      await boshLogin('alice')
      clock.advance(12_000)
    },
  },
  {
    limit: 'bosh.max_deferred_bytes',
    act: async () => {
      const client = await boshLogin('alice', { attributes: { hold: '2' } })
      for (const ahead of [1, 2]) client.connections.request({ content: bodyText({ rid: String(client.rid + ahead), sid: client.sid }, chat(client.jid, 6_000)) })
    },
  },
  {
    limit: 'bosh.max_sessions_per_address',
    act: async () => {
      await bosh({ listener: listeners.plain })
      await bosh({ listener: listeners.plain })
    },
  },
  {
    limit: 'bosh.max_sessions_per_certificate',
    act: async () => {
      const identity = await roomy.identity('alice')
      await bosh({ listener: listeners.oneForEachCertificate, identity })
      await bosh({ listener: listeners.oneForEachCertificate, identity })
    },
  },
  {
    limit: 'bosh.request_timeout',
    act: async () => {
      const { ip, port, boshPath } = roomy.listening[listeners.plain]!
      const socket = createConnection({ host: ip, port })
      leaving.push(() => { socket.destroy() })
      socket.write(`POST ${boshPath} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n<body`)
    },
    meanwhile: () => { clock.advance(100) },
  },
  {
    limit: 'bosh.state_timeout',
    act: async () => {
      await bosh()
      clock.advance(6_000)
    },
  },
  {
    limit: 'limits.max_unread_bytes',
    act: async () => {
      const [alice, bob] = [await boshLogin('alice'), await boshLogin('bob')]
      for (let n = 0; n < 2; n++) alice.request(chat(bob.jid, 6_000))
    },
  },
  {
    limit: 'limits.max_stanzas_per_second',
    act: async () => { (await boshLogin('alice')).request('<presence xmlns=\'jabber:client\' to=\'nobody@localhost\' type=\'unavailable\'/>'.repeat(21)) },
  },
  {
    limit: 'session.max_unacked_stanzas',
    act: async () => {
      const { jid } = await silentLogin('bob')
      const alice = await webSocketLogin('alice')
      for (let n = 0; n < 11; n++) alice.send(chat(jid, 10))
    },
    meanwhile: () => { clock.advance(100) },
  },
  {
    limit: 'session.max_unacked_bytes',
    act: async () => {
      const { jid } = await silentLogin('bob')
      const alice = await webSocketLogin('alice')
      for (let n = 0; n < 2; n++) alice.send(chat(jid, 6_000))
    },
    meanwhile: () => { clock.advance(100) },
  },
  {
    limit: 'limits.max_sessions_per_account',
    act: async () => {
      await webSocketLogin('alice')
      await webSocketLogin('alice')
      await assert.rejects(webSocketLogin('alice'))
    },
  },
  {
    limit: 'websocket.max_stanza_size',
    act: async () => { (await webSocketLogin('alice')).send(chat('bob@localhost', 10_000)) },
  },
  {
    limit: 'websocket.state_timeout',
    act: async () => {
      await webSocket()
      clock.advance(6_000)
    },
  },
  {
    limit: 'tcp.max_stanza_size',
    act: async () => {
      const client = await tcpLogin(roomy, listeners.tcp, 'alice')
      leaving.push(() => { client.destroy() })
      client.send(chat('bob@localhost', 10_000))
    },
  },
  {
    limit: 'tcp.state_timeout',
    act: async () => {
      const client = await TcpClient.connect(roomy.port(listeners.tcp))
      leaving.push(() => { client.destroy() })
      await client.header()
      clock.advance(6_000)
    },
  },
  {
    limit: 'xml',
    act: async () => { (await webSocketLogin('alice')).send(`<message xmlns='jabber:client'>${'<a>'.repeat(200)}${'</a>'.repeat(200)}</message>`) },
  },
  {
    limit: 'authentication_failures',
    act: async () => {
      const client = await webSocket()
      await client.header()
      for (let n = 0; n < 3; n++) {
        client.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>=</auth>`)
        await client.next()
      }
    },
  },
  {
    limit: 'auth.attempts.max_failures',
    act: async () => { for (let n = 0; n < 3; n++) await guess('one', '127.0.1.1') },
  },
  {
    limit: 'auth.attempts.max_failures_per_account',
    act: async () => { for (const address of ['127.0.2.1', '127.0.2.2', '127.0.2.3', '127.0.2.4']) await guess('many', address) },
  },
  {
    limit: 'auth.attempts.max_failures_per_address',
    act: async () => { for (const name of ['five', 'of', 'them', 'or', 'so']) await guess(name, '127.0.3.1') },
  },
  {
    limit: 'limits.max_connections_per_address', gateway: () => crowded,
    act: async () => { for (let n = 0; n < 3; n++) connectTo(crowded, '127.0.0.1') },
  },
  {
    limit: 'limits.max_connections', gateway: () => crowded,
    act: async () => { for (let n = 0; n < 2; n++) connectTo(crowded, '127.0.0.2') },
  },
]

describe('a limit is counted when a client runs into it, and no other is', () => {
  for (const { limit, gateway = () => roomy, act, meanwhile } of rows) {
    test(limit, async () => {
      // Whoever is left of the test before has gone.
      for (const leave of gateway() === roomy ? leaving.splice(0) : []) leave()
      for (let n = 0; n < 20; n++) {
        clock.advance(20_000)
        await turn()
      }
      const counts = async () => {
        const families = await scrape(gateway())
        return new Map(limitNames.map(name => [name, valueOf(families, 'meerkat_limit_hits_total', { limit: name }) ?? 0]))
      }
      const before = await counts()
      await act()
      const grown = async () => [...await counts()].filter(([name, count]) => count > (before.get(name) ?? 0)).map(([name]) => name)
      for (const deadline = Date.now() + 10_000; (await grown()).length === 0;) {
        if (Date.now() > deadline) assert.fail('it was not counted')
        meanwhile?.()
      }
      assert.deepEqual(await grown(), [limit])
    })
  }

  test('all of them are here', () => {
    assert.deepEqual(limitNames.filter(name => !rows.some(({ limit }) => limit === name)), [])
  })
})
