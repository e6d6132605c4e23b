// The backend `http` and a web service on the loopback: MongooseIM's protocol, and everything that a service should not do.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { BackendSurroundings } from '../../src/auth/backend.ts'
import { HttpBackend } from '../../src/auth/backends/http.ts'
import type { HttpOptions } from '../../src/auth/backends/http-options.ts'
import { scramPasswordOf, serialiseScramPassword } from '../../src/auth/accounts/stored-password.ts'
import type { Credentials } from '../../src/auth/credentials.ts'
import { Decoys } from '../../src/auth/decoy.ts'
import { deriveScramSecret, isPasswordOf, scramHashes, type ScramSecret } from '../../src/auth/scram-secret.ts'
import { systemClock } from '../../src/telemetry/clock.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import { parseDomainpart } from '../../src/xmpp/jid.ts'
import { authBackendContract } from '../contract/auth-backend.ts'
import { AuthWebService, type Misbehaviour } from '../support/auth-web-service.ts'
import { makeAuthority, makeLeaf, makeServer } from '../support/certificates.ts'
import { bare, certificateWith } from '../support/external-certificate.ts'
import { decoys } from '../support/password-login.ts'
import { settled } from '../support/turned-clock.ts'

const domain = parseDomainpart('localhost')!
const authority = makeAuthority()
const leaf = makeLeaf(authority)
const other = makeLeaf(authority)
const fingerprint256 = createHash('sha256').update(leaf.der).digest('hex')

const withCertificate = (user: string): Credentials => ({ kind: 'certificate', user: bare(`${user}@localhost`), certificate: { ...certificateWith({}), fingerprint256 } })
const withPassword = (user: string, password: string): Credentials => ({ kind: 'password', user: bare(`${user}@localhost`), password })

const secrets = new Map(await Promise.all(scramHashes.map(async hash => [hash, await deriveScramSecret(hash, 'hashed secret', new TextEncoder().encode('salt of sixteen!'), 4096)] as const)))
const accounts = {
  'alice@localhost': { password: 'pass wörd&=+%', certificates: `${other.certificatePem}\n${leaf.certificatePem}` },
  'bob@localhost': { stored: serialiseScramPassword(scramPasswordOf(secrets)), certificates: other.certificatePem },
  'carol@localhost': { password: 'secret', certificates: '' },
  'dave@localhost': { stored: serialiseScramPassword(scramPasswordOf(new Map([...secrets].slice(0, 1)))) },
}

const files = new Map<string, string>()
const surroundings: BackendSurroundings = {
  hosts: [domain], dataFolder: '/nowhere', file: path => files.get(path) ?? assert.fail(path), decoys, clock: systemClock, log: silentLog,
}
/** Notes by which hash something is derived for whom. */
class NotedDecoys extends Decoys {
  readonly refused: string[] = []
  constructor() { super(new Uint8Array(32), { scram_iterations: 4_096, decoy_iterations: [] }) }
  override refuse(...[user, hash, password]: Parameters<Decoys['refuse']>): Promise<void> {
    this.refused.push(`${hash} ${user}`)
    return super.refuse(user, hash, password)
  }
}

const backendFor = (service: { readonly url: string }, options: Partial<HttpOptions> = {}, noted: Decoys = decoys): HttpBackend =>
  new HttpBackend({ url: service.url, password_format: 'any', external: 'get_certs', request_timeout: 2_000, pool_size: 4, tls: { verify_mode: 'peer' }, ...options }, { ...surroundings, decoys: noted })

describe('a web service that does as MongooseIM documents', () => {
  let service: AuthWebService
  let backend: HttpBackend
  before(async () => {
    service = await AuthWebService.start(accounts)
    backend = backendFor(service)
  })
  beforeEach(() => { service.asked.length = 0 })
  after(async () => { await backend.close(); await service.stop() })

  authBackendContract('http', () => ({
    backend, domain, everyKind: [withCertificate('alice'), withPassword('alice', 'pass wörd&=+%')], unanswered: [], strangers: [bare('nobody@localhost')],
    accepted: [withCertificate('alice'), withPassword('alice', 'pass wörd&=+%'), withPassword('carol', 'secret')],
    refused: [withCertificate('bob'), withCertificate('carol'), withCertificate('nobody'), withPassword('alice', 'wrong'), withPassword('nobody', 'secret'),
      { kind: 'password', user: bare('alice@example.com'), password: 'pass wörd&=+%' }, { ...withCertificate('alice'), user: bare('alice@example.com') }],
  }))

  test('get_certs: the certificate has to be one of those listed, byte for byte; another of the same CA is none of them', async () => {
    assert.deepEqual(await backend.verify(withCertificate('alice'), domain), { ok: true })
    const judgement = await backend.verify(withCertificate('bob'), domain)
    assert.deepEqual([judgement.ok, 'isKnown' in judgement && judgement.isKnown], [false, true])
    assert.deepEqual(service.asked.map(({ method, user, server, pass }) => [method, user, server, pass]),
      [['get_certs', 'alice', 'localhost', ''], ['get_certs', 'bob', 'localhost', '']])
  })
  test('check_password: user, server and password arrive as they are, whatever signs they have', async () => {
    await backend.verify(withPassword('ä', 'a&user=bob&server=x#?%00 +'), domain)
    assert.deepEqual(service.asked, [{ method: 'check_password', user: 'ä', server: 'localhost', pass: 'a&user=bob&server=x#?%00 +', authorization: null }])
  })
  test('get_password: MongooseIM\'s serialisation is used as it is, plain text with the salt of the decoys', async () => {
    for (const hash of scramHashes) {
      const [kept, plain] = await Promise.all(['bob', 'carol'].map(name => backend.scramSecret(bare(`${name}@localhost`), hash, domain)))
      assert.ok(kept?.storedKey !== undefined && plain?.storedKey !== undefined)
      assert.deepEqual(inHex(kept), inHex(secrets.get(hash) ?? null))
      assert.deepEqual(plain.salt, decoys.salt(bare('carol@localhost'), hash))
      assert.equal(await isPasswordOf(hash, plain, 'secret'), true)
      assert.equal(await backend.scramSecret(bare('nobody@localhost'), hash, domain), null)
    }
    assert.equal(await backend.scramSecret(bare('bob@example.com'), 'sha256', domain), null)
  })
  test('an empty password is refused, and the service not asked', async () => {
    assert.equal((await backend.verify(withPassword('alice', ''), domain)).ok, false)
    assert.deepEqual(service.asked, [])
  })
  test('password_format "scram": PLAIN is judged from get_password too, and check_password not asked', async () => {
    const hashed = backendFor(service, { password_format: 'scram' })
    assert.deepEqual(await hashed.verify(withPassword('bob', 'hashed secret'), domain), { ok: true })
    for (const [user, password] of [['bob', 'wrong'], ['nobody', 'hashed secret'], ['bob', accounts['bob@localhost'].stored]] as const) {
      assert.equal((await hashed.verify(withPassword(user, password), domain)).ok, false)
    }
    assert.deepEqual(new Set(service.asked.map(({ method }) => method)), new Set(['get_password']))
    await assert.rejects(hashed.verify(withPassword('carol', 'secret'), domain), /what came is no password/)
    await hashed.close()
  })
  test('password_format "scram": a name that nobody has costs one derivation, by the hash of the last account', async () => {
    const noted = new NotedDecoys()
    const hashed = backendFor(service, { password_format: 'scram' }, noted)
    const nobody = async () => {
      noted.refused.length = 0
      await hashed.verify(withPassword('nobody', 'x'), domain)
      return noted.refused
    }
    assert.deepEqual(await nobody(), ['sha512 nobody@localhost'])
    await hashed.verify(withPassword('dave', 'wrong'), domain)
    assert.deepEqual(await nobody(), ['sha1 nobody@localhost'])
    assert.deepEqual(await hashed.scramSecret(bare('dave@localhost'), 'sha256', domain), { iterations: 4096 })
    await hashed.verify(withPassword('bob', 'wrong'), domain)
    assert.deepEqual(await nobody(), ['sha512 nobody@localhost'])
    await hashed.close()
  })
  test('a serialisation is never taken for the password itself: who has seen the database is nobody in it', async () => {
    const plain = backendFor(service, { password_format: 'plain' })
    await assert.rejects(plain.scramSecret(bare('bob@localhost'), 'sha256', domain), /serialisation that cannot be used/)
    await plain.close()
    service.misbehaviour = (_request, response) => { response.end('==MULTI_SCRAM==,1,damaged') }
    await assert.rejects(backend.scramSecret(bare('bob@localhost'), 'sha256', domain), /serialisation that cannot be used/)
    service.misbehaviour = null
  })
  test('password_format "none": SCRAM is not offered', async () => {
    const check = backendFor(service, { password_format: 'none' })
    assert.deepEqual([...check.accepts], ['certificate', 'password'])
    await check.close()
  })
  test('external "user_exists": it is enough that the account is there', async () => {
    const existing = backendFor(service, { external: 'user_exists' })
    assert.deepEqual(await existing.verify(withCertificate('bob'), domain), { ok: true })
    assert.equal((await existing.verify(withCertificate('nobody'), domain)).ok, false)
    assert.deepEqual(service.asked.map(({ method }) => method), ['user_exists', 'user_exists'])
    await existing.close()
  })
  test('basic_auth, or the first line of basic_auth_file, says who the gateway is', async () => {
    files.set('/secrets/auth', 'meerkat:pässword\nnot this\n')
    for (const options of [{ basic_auth: 'meerkat:pässword' }, { basic_auth_file: '/secrets/auth' }]) {
      const known = backendFor(service, options)
      await known.verify(withPassword('alice', 'x'), domain)
      await known.close()
    }
    const expected = `Basic ${Buffer.from('meerkat:pässword').toString('base64')}`
    assert.deepEqual(service.asked.map(({ authorization }) => authorization), [expected, expected])
  })
  test('connections are kept, and asked again when the service closed them', async () => {
    const kept = backendFor(service, { pool_size: 1 })
    const before = service.connections
    for (let round = 0; round < 3; round += 1) assert.equal((await kept.verify(withPassword('carol', 'secret'), domain)).ok, true)
    assert.equal(service.connections, before + 1)
    service.dropConnections()
    assert.equal((await kept.verify(withPassword('carol', 'secret'), domain)).ok, true)
    await kept.close()
  })
  test('statuses that say no: 404, and for check_password 401 and 403', async () => {
    for (const [status, credentials] of [[404, withPassword('a', 'b')], [401, withPassword('a', 'b')], [403, withPassword('a', 'b')],
      [404, withCertificate('alice')], [204, withCertificate('alice')]] as const) {
      service.misbehaviour = (_request, response) => { response.writeHead(status).end() }
      assert.equal((await backend.verify(credentials, domain)).ok, false, String(status))
    }
    service.misbehaviour = (_request, response) => { response.writeHead(204).end() }
    assert.equal(await backend.scramSecret(bare('alice@localhost'), 'sha1', domain), null)
    service.misbehaviour = null
  })
})

describe('a web service that does not: the backend cannot be reached, and nobody is let in', () => {
  const answer = (status: number, body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Misbehaviour =>
    (_request, response) => { response.writeHead(status, headers).end(body) }
  const raw = (bytes: string): Misbehaviour => (request, response) => { response.detachSocket(request.socket); request.socket.end(bytes) }
  const pem = leaf.certificatePem
  const misbehaviours: Readonly<Record<string, Misbehaviour>> = {
    '500 with what would be a yes': answer(500, 'true'),
    '503': answer(503, ''),
    '201': answer(201, 'true'),
    '400': answer(400, 'true'),
    '302 to where it would be a yes': answer(302, 'true', { location: '/auth/user_exists?user=alice&server=localhost' }),
    '200 and HTML': answer(200, '<!doctype html><html><body>true</body></html>', { 'content-type': 'text/html' }),
    '200 and JSON': answer(200, '{"result":\ntrue}', { 'content-type': 'application/json' }),
    'ten megabytes': answer(200, Buffer.alloc(10_485_760, 't')),
    'ten megabytes without a length': (_request, response) => { response.write(Buffer.alloc(5_242_880, 't')); response.end(Buffer.alloc(5_242_880, 't')) },
    'bytes that are not UTF-8': answer(200, Buffer.concat([Buffer.from(`true\n${pem}`), Buffer.from([0xC3, 0x28])])),
    'a compressed yes': answer(200, gzipSync(`true`), { 'content-encoding': 'gzip' }),
    'an encoding that does not exist': answer(200, 'true', { 'content-encoding': 'wishful' }),
    'a length that promises more than comes': raw(`HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\ntrue\n${pem}`),
    'two lengths': raw('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\ntrue'),
    'a length and chunks': raw('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntrue\r\n0\r\n\r\n'),
    'chunks that are none': raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\ntrue\r\n0\r\n\r\n'),
    'no HTTP': raw('220 mail.example.org ESMTP\r\n'),
    'the end at once': raw(''),
    'another protocol': raw('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\ntrue'),
  }
  let service: AuthWebService
  let backend: HttpBackend
  before(async () => {
    service = await AuthWebService.start(accounts)
    backend = backendFor(service)
  })
  after(async () => { await backend.close(); await service.stop() })

  for (const [name, misbehaviour] of Object.entries(misbehaviours)) {
    test(name, async () => {
      service.misbehaviour = misbehaviour
      await assert.rejects(backend.verify(withPassword('carol', 'secret'), domain), { name: 'WebServiceError' })
      await assert.rejects(backend.verify(withCertificate('alice'), domain), { name: 'WebServiceError' })
      await assert.rejects(backend.scramSecret(bare('carol@localhost'), 'sha256', domain), { name: 'WebServiceError' })
      service.misbehaviour = null
      assert.deepEqual(await backend.verify(withPassword('carol', 'secret'), domain), { ok: true }, 'afterwards all is well')
    })
  }

  test('no word of the request or of the answer is in the error', async () => {
    service.misbehaviour = raw('HTTP/1.1 200 OK\r\nnonsense secret-of-the-answer\r\n\r\n')
    const error = await Promise.resolve(backend.verify(withPassword('carol', 'secret-of-the-user'), domain)).then(() => assert.fail('accepted'), (cause: unknown) => cause as Error)
    for (const text of [error.message, error.stack ?? '', JSON.stringify(error, Object.getOwnPropertyNames(error))]) assert.doesNotMatch(text, /secret-of/)
    assert.equal(error.cause, undefined)
    service.misbehaviour = null
  })

  for (const [name, misbehaviour] of [
    ['one that never answers', () => {}],
    ['one that sends the head and no more', (_request, response) => { response.writeHead(200, { 'content-length': '4' }); response.flushHeaders() }],
    ['one that dribbles', (_request, response) => { dribble(response) }],
  ] as const satisfies readonly (readonly [string, Misbehaviour])[]) {
    test(`${name} is given up within request_timeout, and others meanwhile get their answers`, async () => {
      const hasty = backendFor(service, { request_timeout: 300 })
      service.misbehaviour = misbehaviour
      const began = performance.now()
      const before = service.asked.length
      const hanging = assert.rejects(hasty.verify(withPassword('carol', 'secret'), domain), /no complete answer within request_timeout \(300 ms\)/)
      while (service.asked.length === before) await settled()
      service.misbehaviour = null
      assert.deepEqual(await hasty.verify(withPassword('carol', 'secret'), domain), { ok: true })
      await hanging
      assert.ok(performance.now() - began < 1_500)
      await hasty.close()
    })
  }

  test('nobody there: the error says so', async () => {
    const gone = await AuthWebService.start({})
    const { url } = gone
    await gone.stop()
    const lonely = backendFor({ url })
    await assert.rejects(lonely.verify(withPassword('carol', 'secret'), domain), /check_password: ECONNREFUSED/)
    await lonely.close()
  })

  test('a second answer that nobody asked for is not the answer to the next question', async () => {
    const said = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    const sockets = new Set<Socket>()
    const double = createServer(socket => {
      sockets.add(socket)
      socket.on('error', () => {})
      // The surplus comes by itself, when the first answer has been read.
      socket.on('data', () => { socket.write(said('false'), () => { setImmediate(() => { socket.write(said('true')) }) }) })
    })
    double.listen(0, '127.0.0.1')
    await once(double, 'listening')
    const backend = backendFor({ url: `http://127.0.0.1:${(double.address() as AddressInfo).port}/` }, { pool_size: 1, request_timeout: 500 })
    for (let round = 0; round < 20; round += 1) {
      const outcome = await Promise.resolve(backend.verify(withPassword('carol', 'wrong'), domain)).then(({ ok }) => ok, () => 'rejected')
      assert.notEqual(outcome, true)
      await settled()
    }
    await backend.close()
    for (const socket of sockets) socket.destroy()
    double.close()
  })

  test('more than can wait are told at once', async () => {
    const busy = backendFor(service, { pool_size: 1, request_timeout: 400 })
    service.misbehaviour = () => {}
    const outcomes = await Promise.allSettled(Array.from({ length: 60 }, () => busy.verify(withPassword('carol', 'secret'), domain)))
    service.misbehaviour = null
    assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 60)
    assert.equal(outcomes.filter(outcome => outcome.status === 'rejected' && /too many requests/.test(String(outcome.reason))).length, 9)
    await busy.close()
  })
})

const inHex = (secret: ScramSecret | null) => secret === null ? null : [secret.iterations, ...[secret.salt, secret.storedKey, secret.serverKey].map(bytes => Buffer.from(bytes).toString('hex'))]

const dribble = (response: ServerResponse): void => {
  response.writeHead(200)
  const timer = setInterval(() => { response.write('t') }, 20)
  response.on('close', () => { clearInterval(timer) })
}

describe('https', () => {
  const server = makeServer(authority)
  const identity = { cert: server.certificatePem, key: server.privateKeyPem }
  let service: AuthWebService
  before(async () => {
    service = await AuthWebService.start(accounts, identity)
    files.set('/ca.pem', authority.certificatePem)
    files.set('/other.pem', makeAuthority().certificatePem)
  })
  after(async () => { await service.stop() })

  test('the certificate of the service is checked against cacertfile', async () => {
    const good = backendFor(service, { tls: { verify_mode: 'peer', cacertfile: '/ca.pem' } })
    assert.deepEqual(await good.verify(withPassword('carol', 'secret'), domain), { ok: true })
    await good.close()
  })
  for (const [name, url, tls] of [
    ['of another CA', 'localhost', { verify_mode: 'peer', cacertfile: '/other.pem' }],
    ['of a CA that the public does not know', 'localhost', { verify_mode: 'peer' }],
    ['for another name', '127.0.0.2', { verify_mode: 'peer', cacertfile: '/ca.pem' }],
  ] as const) {
    test(`a certificate ${name}: nothing is asked`, async () => {
      service.asked.length = 0
      const backend = backendFor({ url: service.url.replace('localhost', url) }, { tls })
      await assert.rejects(backend.verify(withPassword('carol', 'secret'), domain), { name: 'WebServiceError' })
      assert.deepEqual(service.asked, [])
      await backend.close()
    })
  }
  test('verify_mode "none" looks at no certificate', async () => {
    const careless = backendFor(service, { tls: { verify_mode: 'none' } })
    assert.deepEqual(await careless.verify(withPassword('carol', 'secret'), domain), { ok: true })
    await careless.close()
  })
})
