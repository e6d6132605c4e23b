// TLS sessions that were made while something was still good, or without it, and are resumed when it is not: none of them logs in (external.md §1).
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { ConnectionOptions } from 'node:tls'
import { ClientAuthority } from '../support/client-authority.ts'
import { Gateway } from '../support/gateway.ts'
import { RawWebSocket, upgradeRequest } from '../support/raw-websocket.ts'
import { lossesOfTrust } from '../support/lost-trust.ts'
import { requireProgram } from '../support/services.ts'
import { TurnedClock } from '../support/turned-clock.ts'
import { NS_SASL, WireClient } from '../support/wire-client.ts'

/** The second listener asks for no certificates, and so resumes sessions: the control. */
const toml = `
[general]
hosts = ["localhost"]
[[listen.http]]
port = 0
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.cacertfile = "certs/clients.crt"
tls.crl_files = ["certs/lists.crl"]
[[listen.http]]
ip = "127.0.0.2"
port = 0
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.verify_mode = "none"
`

const authority = new ClientAuthority()
const clock = new TurnedClock()
let gateway: Gateway
const path = (name: string) => join(gateway.folder, 'certs', name)
before(async () => {
  gateway = await Gateway.start({ toml, clock, prepare: async folder => {
    await authority.trustIn(folder)
    await authority.publish(join(folder, 'certs', 'lists.crl'), [])
  } })
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

/** One request, so that whatever the server sends after the handshake has come; everything that a client can save. */
async function save(tls: ConnectionOptions, listener = 0): Promise<{ readonly sessions: readonly Buffer[], readonly isReused: boolean }> {
  const raw = await RawWebSocket.connect(gateway, { listener, tls: { host: gateway.listening[listener]!.ip, ...tls } })
  const sessions: Buffer[] = []
  raw.socket.on('session', session => { sessions.push(session) })
  raw.write(upgradeRequest(gateway, { path: '/healthz', listener }))
  await raw.response()
  const last = raw.socket.getSession()
  if (last !== undefined) sessions.push(last)
  const isReused = raw.socket.isSessionReused()
  raw.destroy()
  return { sessions, isReused }
}

/** What EXTERNAL says to a connection that would resume this session. */
async function attempt(tls: ConnectionOptions): Promise<{ readonly condition: string, readonly isReused: boolean }> {
  let isReused = false
  const client = await WireClient.open(gateway, { socket: { ...tls, finishRequest: (request: { on(name: string, act: (socket: { isSessionReused(): boolean, on(name: string, act: () => void): void }) => void): void, end(): void }) => {
    request.on('socket', socket => { socket.on('secureConnect', () => { isReused = socket.isSessionReused() }) })
    request.end()
  } } as object })
  await client.header()
  client.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>=</auth>`)
  const answer = await client.next()
  await client.quit()
  return { condition: answer.local === 'success' ? 'success' : answer.children[0]?.local ?? '', isReused }
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const only = { minVersion: version, maxVersion: version } as const

  describe(version, () => {
    for (const { what, expected, bring } of lossesOfTrust) {
      test(`a session made before ${what}, then resumed with the certificate, without it, or with the session alone: nobody logs in`, async () => {
        const certificate = authority.issue('alice', { notAfter: clock.now() + 1_800_000 })
        const shown = { ...only, ...authority.identityOf(certificate) }
        assert.equal((await attempt(shown)).condition, 'success')
        const { sessions } = await save(shown)
        assert.ok(sessions.length > 0)
        await bring({ gateway, authority, clock }, certificate)
        for (const session of sessions) {
          assert.deepEqual(await attempt({ ...shown, session }), { condition: expected, isReused: false })
          assert.deepEqual(await attempt({ ...only, session }), { condition: 'not-authorized', isReused: false })
        }
      })
    }
    test('a session made with no certificate, then resumed with a good one or none: only the handshake of now counts', async () => {
      const { sessions } = await save(only)
      for (const session of sessions) {
        assert.deepEqual(await attempt({ ...only, session }), { condition: 'not-authorized', isReused: false })
        assert.deepEqual(await attempt({ ...only, session, ...authority.identityOf(authority.issue('alice')) }), { condition: 'success', isReused: false })
      }
    })
    test('a session of somebody else, whose private key one does not have, makes nobody of one', async () => {
      const { sessions } = await save({ ...only, ...authority.identityOf(authority.issue('alice')) })
      const bob = authority.identityOf(authority.issue('bob'))
      for (const session of sessions) {
        assert.deepEqual(await attempt({ ...only, session }), { condition: 'not-authorized', isReused: false })
        const client = await WireClient.open(gateway, { socket: { ...only, session, ...bob } as object })
        await client.authenticate()
        assert.match(await client.bind(), /^bob@localhost\//)
        await client.quit()
      }
    })
    test('the control: a listener that asks for no certificate resumes sessions', async () => {
      const { sessions } = await save(only, 1)
      assert.equal((await save({ ...only, session: sessions.at(-1) }, 1)).isReused, true)
    })
  })
}

describe('openssl s_client', { skip: requireProgram('openssl') }, () => {
  /** Its words. Any request makes it wait for what the server sends after the handshake. */
  async function client(listener: number, ...options: readonly string[]): Promise<string> {
    const { ip, port } = gateway.listening[listener]!
    const child = spawn('openssl', ['s_client', '-connect', `${ip}:${port}`, '-servername', 'localhost', '-ign_eof', ...options], { stdio: ['pipe', 'pipe', 'pipe'] })
    let words = ''
    child.stdout.on('data', (chunk: Buffer) => { words += chunk.toString() })
    child.stderr.on('data', () => undefined)
    child.stdin.on('error', () => undefined)
    child.stdin.end('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    await new Promise(resolve => { child.on('close', resolve) })
    return words
  }
  const ways: readonly (readonly [string, readonly string[]])[] = [
    ['TLS 1.2 by session id', ['-tls1_2', '-no_ticket']], ['TLS 1.2 by ticket', ['-tls1_2']], ['TLS 1.3 by pre-shared key', ['-tls1_3']],
  ]
  for (const [what, options] of ways) {
    test(`${what}: a session made with a certificate and its key is not resumed without the key`, async () => {
      const { cert, key } = authority.identityOf(authority.issue('alice'))
      await writeFile(path('alice-cert.pem'), cert)
      await writeFile(path('alice-key.pem'), key)
      const file = path(`${options.join('')}.session`)
      const first = await client(0, ...options, '-cert', path('alice-cert.pem'), '-key', path('alice-key.pem'), '-sess_out', file)
      assert.match(first, /New, TLSv1/)
      const second = await client(0, ...options, '-sess_in', file)
      assert.match(second, /New, TLSv1/)
      assert.doesNotMatch(second, /Reused, TLSv1/)
    })
  }
  test('the control: it does resume a session of a listener that asks for no certificate', async () => {
    const file = path('control.session')
    await client(1, '-tls1_2', '-sess_out', file)
    assert.match(await client(1, '-tls1_2', '-sess_in', file), /Reused, TLSv1/)
  })
})
