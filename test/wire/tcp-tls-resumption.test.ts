// TLS sessions over TCP, by STARTTLS and by direct TLS, that were made while something was still good, or without it, and are offered again when it is not:
// none is resumed, and none logs in (external.md §1). Over HTTP: tls-resumption.test.ts.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { ConnectionOptions } from 'node:tls'
import { ClientAuthority } from '../support/client-authority.ts'
import { Gateway } from '../support/gateway.ts'
import { lossesOfTrust } from '../support/lost-trust.ts'
import { requireProgram } from '../support/services.ts'
import { footer, streamHeader, TcpClient } from '../support/tcp-client.ts'
import { c2sListener, withListeners } from '../support/tcp-scene.ts'
import { TurnedClock } from '../support/turned-clock.ts'
import { NS_SASL } from '../support/wire-client.ts'

const asking = 'tls.crl_files = ["certs/lists.crl"]'
/** The strict ones end the connection of a certificate that they refuse, as is usual here. Those that ask for none resume sessions: the control. */
const listeners = {
  starttls: `tls.mode = "starttls_required"\ntls.disconnect_on_failure = false\n${asking}`,
  direct: `tls.mode = "tls"\ntls.disconnect_on_failure = false\n${asking}`,
  strictStarttls: `tls.mode = "starttls"\n${asking}`,
  strictDirect: `tls.mode = "tls"\n${asking}`,
  controlStarttls: 'tls.mode = "starttls"\ntls.verify_mode = "none"',
  controlDirect: 'tls.mode = "tls"\ntls.verify_mode = "none"',
} as const
type ListenerName = keyof typeof listeners
const names = Object.keys(listeners) as ListenerName[]
const isControl = (name: ListenerName) => name.startsWith('control')
const ways = [
  { way: 'STARTTLS', name: 'starttls', strict: 'strictStarttls', control: 'controlStarttls' },
  { way: 'direct TLS', name: 'direct', strict: 'strictDirect', control: 'controlDirect' },
] as const

const authority = new ClientAuthority()
const clock = new TurnedClock()
let gateway: Gateway
const path = (name: string) => join(gateway.folder, 'certs', name)
const portOf = (name: ListenerName) => gateway.port(names.indexOf(name) + 1)
const isDirect = (name: ListenerName) => gateway.listening[names.indexOf(name) + 1]?.tcp === 'tls'

before(async () => {
  gateway = await Gateway.start({
    toml: withListeners(...names.map(name => c2sListener(listeners[name], isControl(name) ? null : 'certs/clients.crt'))), clock,
    prepare: async folder => {
      await authority.trustIn(folder)
      await authority.publish(join(folder, 'certs', 'lists.crl'), [])
    },
  })
})
after(async () => {
  const stopped = gateway.stop()
  clock.advance(2_000)
  await stopped
})
beforeEach(async () => {
  await authority.trustIn(gateway.folder)
  await authority.publish(path('lists.crl'), [])
  assert.equal(await gateway.app.reload(), true)
})

/** In TLS; nothing has been said inside of it. */
async function secured(name: ListenerName, tls: ConnectionOptions): Promise<TcpClient> {
  const options = { ca: gateway.ca, ...tls }
  if (isDirect(name)) return TcpClient.connectTls(portOf(name), options)
  const client = await TcpClient.connect(portOf(name))
  await client.startTls(options)
  return client
}

/** A whole stream, so that whatever the server sends after the handshake has come; everything that a client can save. */
async function save(name: ListenerName, tls: ConnectionOptions): Promise<{ readonly sessions: readonly Buffer[], readonly isReused: boolean }> {
  const client = await secured(name, tls)
  const sessions: Buffer[] = []
  client.tls.on('session', session => { sessions.push(session) })
  await client.header()
  const last = client.tls.getSession()
  if (last !== undefined) sessions.push(last)
  const isReused = client.tls.isSessionReused()
  await client.quit()
  assert.ok(sessions.length > 0)
  return { sessions, isReused }
}

/** What EXTERNAL says to a connection that would resume this session, and who it makes of it. `ended`: nothing was said any more. */
async function attempt(name: ListenerName, tls: ConnectionOptions): Promise<{ readonly outcome: string, readonly isReused: boolean }> {
  const client = await secured(name, tls).catch((error: unknown) => {
    assert.match(String(error), /disconnected before secure TLS connection/)
    return null
  })
  // In a whole handshake of TLS 1.2 the server has the last word (RFC 5246 §7.3), which it may not have said; in one that resumes it is the client.
  if (client === null) return { outcome: 'ended', isReused: false }
  const isReused = client.tls.isSessionReused()
  client.send(streamHeader())
  const opened = await client.next()
  if (opened.kind === 'end') return { outcome: 'ended', isReused }
  assert.equal(opened.kind, 'header')
  await client.element()
  client.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>=</auth>`)
  const answer = await client.element()
  if (answer.local === 'success') client.restart()
  const outcome = answer.local === 'success' ? (await client.bind()).split('/', 1).join() : answer.children[0]?.local ?? ''
  await client.quit()
  return { outcome, isReused }
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const only = { minVersion: version, maxVersion: version } as const

  for (const { way, name, strict, control } of ways) {
    describe(`${version} by ${way}`, () => {
      for (const { what, expected, bring } of lossesOfTrust) {
        test(`a session made before ${what}, then resumed with the certificate, without it, or with the session alone: nobody logs in`, async () => {
          const certificate = authority.issue('alice', { notAfter: clock.now() + 1_800_000 })
          const shown = { ...only, ...authority.identityOf(certificate) }
          for (const listener of [name, strict]) assert.equal((await attempt(listener, shown)).outcome, 'alice@localhost')
          const [kept, keptStrictly] = [await save(name, shown), await save(strict, shown)]
          await bring({ gateway, authority, clock }, certificate)
          for (const session of kept.sessions) {
            assert.deepEqual(await attempt(name, { ...shown, session }), { outcome: expected, isReused: false })
            assert.deepEqual(await attempt(name, { ...only, session }), { outcome: 'not-authorized', isReused: false })
          }
          for (const session of keptStrictly.sessions) {
            assert.deepEqual(await attempt(strict, { ...shown, session }), { outcome: 'ended', isReused: false })
            assert.deepEqual(await attempt(strict, { ...only, session }), { outcome: 'not-authorized', isReused: false })
          }
        })
      }
      test('a session made with no certificate, then resumed with a good one or none: only the handshake of now counts', async () => {
        const { sessions } = await save(name, only)
        for (const session of sessions) {
          assert.deepEqual(await attempt(name, { ...only, session }), { outcome: 'not-authorized', isReused: false })
          const alice = authority.identityOf(authority.issue('alice'))
          assert.deepEqual(await attempt(name, { ...only, session, ...alice }), { outcome: 'alice@localhost', isReused: false })
        }
      })
      test('a session of somebody else, whose private key one does not have, makes nobody of one', async () => {
        const { sessions } = await save(name, { ...only, ...authority.identityOf(authority.issue('alice')) })
        const bob = authority.identityOf(authority.issue('bob'))
        for (const session of sessions) {
          assert.deepEqual(await attempt(name, { ...only, session }), { outcome: 'not-authorized', isReused: false })
          assert.deepEqual(await attempt(name, { ...only, session, ...bob }), { outcome: 'bob@localhost', isReused: false })
        }
      })
      test('a session of a listener that asks for no certificate is resumed there, the control, and nowhere else', async () => {
        const shown = { ...only, ...authority.identityOf(authority.issue('alice')) }
        const { sessions } = await save(control, shown)
        assert.equal((await save(control, { ...only, session: sessions.at(-1) })).isReused, true)
        for (const listener of names.filter(one => !isControl(one))) {
          for (const session of sessions) assert.deepEqual(await attempt(listener, { ...only, session }), { outcome: 'not-authorized', isReused: false })
        }
      })
    })
  }
}

describe('openssl s_client', { skip: requireProgram('openssl') }, () => {
  /** Its words. A whole stream makes it wait for what the server sends after the handshake. */
  async function client(name: ListenerName, ...options: readonly string[]): Promise<string> {
    const way = isDirect(name) ? ['-alpn', 'xmpp-client'] : ['-starttls', 'xmpp', '-xmpphost', 'localhost']
    const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${portOf(name)}`, '-servername', 'localhost', '-ign_eof', ...way, ...options], { stdio: ['pipe', 'pipe', 'pipe'] })
    let words = ''
    child.stdout.on('data', (chunk: Buffer) => { words += chunk.toString() })
    child.stderr.on('data', () => undefined)
    child.stdin.on('error', () => undefined)
    child.stdin.end(streamHeader() + footer)
    await new Promise(resolve => { child.on('close', resolve) })
    return words
  }
  const sorts: readonly (readonly [string, readonly string[]])[] = [
    ['TLS 1.2 by session id', ['-tls1_2', '-no_ticket']], ['TLS 1.2 by ticket', ['-tls1_2']], ['TLS 1.3 by pre-shared key', ['-tls1_3']],
  ]
  for (const { way, name, control } of ways) {
    for (const [what, options] of sorts) {
      test(`${way}, ${what}: a session made with a certificate and its key is not resumed without the key`, async () => {
        const { cert, key } = authority.identityOf(authority.issue('alice'))
        await writeFile(path('alice-cert.pem'), cert)
        await writeFile(path('alice-key.pem'), key)
        const file = path(`${name}${options.join('')}.session`)
        const first = await client(name, ...options, '-cert', path('alice-cert.pem'), '-key', path('alice-key.pem'), '-sess_out', file)
        assert.match(first, /New, TLSv1/)
        const second = await client(name, ...options, '-sess_in', file)
        assert.match(second, /New, TLSv1/)
        assert.doesNotMatch(second, /Reused, TLSv1/)
      })
    }
    test(`${way}, the control: it does resume a session of a listener that asks for no certificate`, async () => {
      const file = path(`${control}.session`)
      await client(control, '-tls1_2', '-sess_out', file)
      assert.match(await client(control, '-tls1_2', '-sess_in', file), /Reused, TLSv1/)
    })
  }
})
