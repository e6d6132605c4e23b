// The backend `rdbms` on a real PostgreSQL, and what happens when that is restarted, cut off, stopped, or is something else altogether.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'

import { Value } from 'typebox/value'

import type { Accounts } from '../../src/auth/accounts/accounts.ts'
import { rowWith } from '../../src/auth/accounts/new-password.ts'
import { databaseAccounts } from '../../src/auth/accounts/open-accounts.ts'
import { rdbmsOptions } from '../../src/auth/backends/rdbms-options.ts'
import type { RdbmsOptions } from '../../src/auth/backends/rdbms-options.ts'
import { createBackends } from '../../src/auth/catalogue.ts'
import type { Credentials } from '../../src/auth/credentials.ts'
import { BackendDispatch } from '../../src/auth/dispatch.ts'
import { authOptions } from '../../src/auth/options.ts'
import { systemClock } from '../../src/telemetry/clock.ts'
import { parseDomainpart } from '../../src/xmpp/jid.ts'
import { accountsContract } from '../contract/accounts.ts'
import { authBackendContract } from '../contract/auth-backend.ts'
import { makeAuthority, makeServer } from '../support/certificates.ts'
import { bare, certificateWith } from '../support/external-certificate.ts'
import { decoys, iterations } from '../support/password-login.ts'
import { guarded, olderUsersTable, Postgres, requirePostgres } from '../support/postgres.ts'
import { recordingLog, settled } from '../support/turned-clock.ts'

const domain = parseDomainpart('localhost')!
const other = parseDomainpart('example.net')!
const alice = bare('alice@localhost')
const password = 'пароль & wörd'
const given = (secret: string, user = alice): Credentials => ({ kind: 'password', user, password: secret })
const requestTimeout = 400

const optionsOf = (url: string, more: Partial<RdbmsOptions> = {}): RdbmsOptions => ({ ...Value.Create(rdbmsOptions), url, request_timeout: requestTimeout, ...more })
const files = new Map<string, string>()
const surroundings = () => ({
  hosts: [domain], dataFolder: '/nowhere', file: (path: string) => files.get(path) ?? assert.fail(`${path} is not read`), decoys, clock: systemClock, ...recordingLog(),
})
const opened = (url: string, more: Partial<RdbmsOptions> = {}, hosts = [domain]) => databaseAccounts(optionsOf(url, more), { ...surroundings(), hosts })

async function dispatchTo(url: string, more: Partial<RdbmsOptions> = {}) {
  const around = surroundings()
  const backends = await createBackends({ ...Value.Create(authOptions), methods: ['rdbms', 'pki'], rdbms: optionsOf(url, more) }, around)
  return { backends, dispatch: new BackendDispatch({ backends, timeoutMilliseconds: 5_000, clock: systemClock, log: around.log }), events: around.events }
}
type Dispatched = Awaited<ReturnType<typeof dispatchTo>>

/** `accepted`, or the condition. */
async function outcome({ dispatch }: Dispatched, credentials = given(password)): Promise<string> {
  const answer = await dispatch.verify(credentials, domain)
  return answer.ok ? 'accepted' : answer.condition
}

async function lookUp({ dispatch }: Dispatched): Promise<string> {
  const answer = await dispatch.secretFor(alice, 'sha256', domain)
  return answer.ok ? answer.secret === null ? 'none' : 'found' : answer.condition
}

/** Temporary, within the time allowed and a little, while a login by certificate is not kept waiting at all. */
async function isOutOfReach(dispatched: Dispatched): Promise<void> {
  for (const ask of [outcome, lookUp]) {
    const began = performance.now()
    const asked = ask(dispatched)
    const byCertificate: Credentials = { kind: 'certificate', user: alice, certificate: certificateWith({ xmppAddrs: [alice] }) }
    // Not even a promise.
    assert.deepEqual(dispatched.dispatch.verify(byCertificate, domain), { ok: true, backend: 'pki' })
    assert.equal(await asked, 'temporary-auth-failure')
    assert.ok(performance.now() - began < requestTimeout + 2_000)
  }
  const { cause } = dispatched.events.findLast(({ event }) => event === 'auth.backend_unreachable')!
  assert.ok(cause instanceof Error)
}

describe('PostgreSQL', { skip: requirePostgres() }, () => {
  const authority = makeAuthority()
  const server = makeServer(authority)
  const pem = { cert: server.certificatePem, key: server.privateKeyPem }
  let postgres: Postgres
  let row: Awaited<ReturnType<typeof rowWith>>
  const fill = async () => {
    await postgres.sql('DELETE FROM users')
    await postgres.sql('INSERT INTO users (username, server, password, pass_details) VALUES ($1, $2, $3, $4)', ['alice', 'localhost', '', row.passDetails])
    await postgres.sql("INSERT INTO users (username, server, password) VALUES ('bob', 'localhost', 'of bob')")
  }
  before(async () => {
    row = await rowWith(password, { hash: ['sha1', 'sha256', 'sha512'], scram_iterations: iterations }, length => new Uint8Array(length).fill(5))
    postgres = await Postgres.start({ tls: pem })
    await fill()
  })
  after(() => postgres.stop())

  describe('as accounts', () => {
    accountsContract('PostgreSQL', async () => {
      await postgres.sql('DELETE FROM users')
      return opened(postgres.url, { request_timeout: 5_000 }, [domain, other])
    }, { hasDomains: true, longestName: 250 })

    const older = async (): Promise<Accounts> => {
      await postgres.sql(`DROP SCHEMA IF EXISTS older CASCADE; CREATE SCHEMA older; SET search_path = older; ${olderUsersTable};
        GRANT ALL ON SCHEMA older TO meerkat; GRANT ALL ON users TO meerkat; ALTER ROLE meerkat SET search_path = older`)
      return opened(postgres.url, { request_timeout: 5_000 })
    }
    accountsContract('PostgreSQL with the table of before 5.0', older, { hasDomains: false, longestName: 250 })

    test('the table of before 5.0 is of one domain; migrated in use, it is of those that its rows name', async () => {
      await (await older()).close()
      await postgres.sql("INSERT INTO older.users (username, password) VALUES ('alice', 'plain')")
      const accounts = await opened(postgres.url, {}, [domain, other])
      try {
        await assert.rejects(accounts.find('alice', domain), /no column "server", so it is of one domain/)
        // As MongooseIM's own migration has it.
        await postgres.sql(`ALTER TABLE older.users ADD COLUMN server varchar(250) NOT NULL DEFAULT 'localhost';
          ALTER TABLE older.users DROP CONSTRAINT users_pkey, ADD PRIMARY KEY (server, username)`)
        assert.deepEqual(await accounts.find('alice', domain), { password: 'plain', passDetails: null })
        assert.equal(await accounts.find('alice', other), null)
      } finally {
        await accounts.close()
        await postgres.sql('ALTER ROLE meerkat RESET search_path; DROP SCHEMA older CASCADE')
        await fill()
      }
    })

    test('without the table, and without the right to read it, is an error that says so', async () => {
      await postgres.sql('ALTER TABLE users RENAME TO hidden')
      const accounts = await opened(postgres.url)
      try {
        await assert.rejects(accounts.find('alice', domain), /no table "users"/)
        await postgres.sql('ALTER TABLE hidden RENAME TO users; REVOKE ALL ON users FROM meerkat')
        await assert.rejects(accounts.find('alice', domain), /permission denied/)
        await postgres.sql('GRANT ALL ON users TO meerkat')
        assert.deepEqual(await accounts.find('alice', domain), row)
      } finally {
        await accounts.close()
      }
    })
  })

  describe('as a backend', () => {
    let dispatched: Dispatched
    before(async () => { dispatched = await dispatchTo(postgres.url) })
    after(() => dispatched.dispatch.close())
    authBackendContract('rdbms on PostgreSQL', () => ({
      backend: dispatched.backends[0]!, domain, unanswered: [], strangers: [bare('nobody@localhost'), bare(`${'x'.repeat(1023)}@localhost`)],
      everyKind: [given(password), { kind: 'certificate', user: alice, certificate: certificateWith({ xmppAddrs: [alice] }) }],
      accepted: [given(password), given('of bob', bare('bob@localhost'))],
      refused: [given('mistaken'), given(password, bare('nobody@localhost')), given(password, bare('alice@example.net')), given('of bob')],
    }))

    test('a hundred at once share the pool', async () => {
      const small = await dispatchTo(postgres.url, { pool_size: 2, request_timeout: 10_000 })
      try {
        assert.deepEqual(new Set(await Promise.all(Array.from({ length: 100 }, () => lookUp(small)))), new Set(['found']))
        const [row] = await postgres.sql("SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name = 'meerkat'")
        assert.ok(Number(row?.['count']) <= 12)
      } finally {
        await small.dispatch.close()
      }
    })
  })

  describe('how one gets there', () => {
    const reached = async (url: string, more: Partial<RdbmsOptions> = {}): Promise<string> => {
      const accounts = await opened(url, { request_timeout: 5_000, ...more })
      try {
        return await accounts.find('alice', domain) === null ? 'nobody' : 'found'
      } catch (error) {
        return String(error)
      } finally {
        await accounts.close()
      }
    }
    const withUser = (user: string, query = '', host = '127.0.0.1') => `postgres://${user}@${host}:${postgres.port}/meerkat${query}`

    test('the password stands in the URL, in a file, or in PGPASSWORD; a wrong one or none is an error, and shown nowhere', async () => {
      const encoded = encodeURIComponent(guarded.password)
      assert.equal(await reached(withUser(`${guarded.user}:${encoded}`)), 'found')
      files.set('/secrets/db', `${guarded.password}\nsomething else\n`)
      assert.equal(await reached(withUser(guarded.user), { password_file: '/secrets/db' }), 'found')
      process.env['PGPASSWORD'] = guarded.password
      try {
        assert.equal(await reached(withUser(guarded.user)), 'found')
      } finally {
        delete process.env['PGPASSWORD']
      }
      assert.match(await reached(withUser(guarded.user)), /password/i)
      const wrong = await reached(withUser(`${guarded.user}:correct-horse`))
      assert.match(wrong, /password authentication failed/)
      assert.doesNotMatch(wrong, /correct-horse/)
    })

    test('a unix socket', async () => {
      assert.equal(await reached(withUser('meerkat', '', encodeURIComponent(postgres.folder))), 'found')
    })

    test('TLS: the server\'s certificate has to be of the CA that is named, and of the host', async () => {
      files.set('/ca.crt', authority.certificatePem)
      files.set('/other.crt', makeAuthority().certificatePem)
      const tls = (cacertfile: string | null, verify_mode: 'peer' | 'none' = 'peer') => ({ tls: { ...cacertfile === null ? {} : { cacertfile }, verify_mode } })
      const url = withUser('meerkat', '?sslmode=require', 'localhost')
      assert.equal(await reached(url, tls('/ca.crt')), 'found')
      assert.match(await reached(url, tls('/other.crt')), /certificate|signature/)
      assert.match(await reached(url, tls(null)), /certificate/)
      assert.equal(await reached(url, tls('/other.crt', 'none')), 'found')
      // Another name of this machine, of which the certificate knows nothing.
      assert.match(await reached(withUser('meerkat', '?sslmode=require', '127.1'), tls('/ca.crt')), /altnames|Hostname/i)
    })

    test('a user or a database that is not there', async () => {
      assert.match(await reached(withUser('nobody')), /role "nobody" does not exist/)
      assert.match(await reached(withUser('meerkat').replace(/meerkat$/, 'nothing')), /database "nothing" does not exist/)
    })
  })

  describe('in trouble', () => {
    let dispatched: Dispatched
    before(async () => {
      await fill()
      dispatched = await dispatchTo(postgres.url, { pool_size: 3 })
    })
    after(() => dispatched.dispatch.close())

    test('connections that are cut come back by themselves: nobody notices', async () => {
      assert.deepEqual(await Promise.all([lookUp(dispatched), lookUp(dispatched), lookUp(dispatched)]), ['found', 'found', 'found'])
      for (let time = 0; time < 3; time += 1) {
        await postgres.terminateConnections()
        assert.equal(await lookUp(dispatched), 'found')
        assert.equal(await outcome(dispatched), 'accepted')
      }
      assert.ok(dispatched.events.every(({ event }) => event !== 'auth.backend_unreachable'))
    })

    test('one that is cut in the middle of a question is asked again on another', async () => {
      // An answer that has to wait for somebody else, until the connection is gone.
      const { Client } = await import('pg')
      const locker = new Client({ host: '127.0.0.1', port: postgres.port, user: 'postgres', database: 'meerkat', password: '' })
      await locker.connect()
      await locker.query('BEGIN')
      await locker.query('LOCK TABLE users')
      const slow = await dispatchTo(postgres.url, { request_timeout: 10_000 })
      const asked = lookUp(slow)
      for (;;) {
        const [waiting] = await postgres.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'meerkat' AND wait_event_type = 'Lock' AND query LIKE '%pass_details%'")
        if (waiting !== undefined) break
      }
      await postgres.terminateConnections()
      await locker.query('COMMIT')
      await locker.end()
      assert.equal(await asked, 'found')
      await slow.dispatch.close()
    })

    test('a table that somebody locks: temporary within the time allowed, and the server does not go on waiting for us', async () => {
      const { Client } = await import('pg')
      const locker = new Client({ host: '127.0.0.1', port: postgres.port, user: 'postgres', database: 'meerkat', password: '' })
      await locker.connect()
      await locker.query('BEGIN')
      await locker.query('LOCK TABLE users')
      await isOutOfReach(dispatched)
      for (const deadline = Date.now() + 10_000; ;) {
        const { rows: [waiting] } = await locker.query("SELECT pid FROM pg_stat_activity WHERE application_name = 'meerkat' AND wait_event_type = 'Lock'")
        if (waiting === undefined) break
        assert.ok(Date.now() < deadline)
      }
      await locker.query('COMMIT')
      await locker.end()
      assert.equal(await lookUp(dispatched), 'found')
    })

    test('stopped: temporary; started again: as before', async () => {
      await postgres.end()
      await isOutOfReach(dispatched)
      await postgres.restart()
      assert.equal(await lookUp(dispatched), 'found')
      assert.equal(await outcome(dispatched), 'accepted')
    })

    test('frozen: temporary within the time allowed, however many ask; then as before', async () => {
      postgres.freeze()
      try {
        await isOutOfReach(dispatched)
        const began = performance.now()
        assert.deepEqual(new Set(await Promise.all(Array.from({ length: 30 }, () => lookUp(dispatched)))), new Set(['temporary-auth-failure']))
        assert.ok(performance.now() - began < requestTimeout + 2_000)
      } finally {
        postgres.thaw()
      }
      assert.equal(await lookUp(dispatched), 'found')
    })

    test('frozen for good: the gateway ends all the same', async () => {
      const sockets = () => process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap').length
      const before = sockets()
      const last = await dispatchTo(postgres.url)
      assert.equal(await lookUp(last), 'found')
      assert.ok(sockets() > before)
      postgres.freeze()
      try {
        const began = performance.now()
        await last.dispatch.close()
        assert.ok(performance.now() - began < 3_000)
        // Nothing is left that would keep the process.
        for (const deadline = Date.now() + 2_000; sockets() > before; await settled()) assert.ok(Date.now() < deadline, 'a connection is still open')
      } finally {
        postgres.thaw()
      }
    })

    test('no error that is logged holds a connection, a secret or a password', () => {
      for (const { cause } of dispatched.events) {
        if (cause === undefined) continue
        assert.deepEqual(Object.keys(cause as object).filter(key => !['name', 'code'].includes(key)), [])
      }
    })
  })
})

/** `answer` is what the server says to the n-th thing that it hears. */
async function nonsense(answer: (turn: number) => Uint8Array): Promise<{ readonly port: number, readonly sockets: Set<Socket>, readonly stop: () => Promise<void> }> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    let turn = 0
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => { sockets.delete(socket) })
    socket.on('data', () => { socket.write(answer(turn)); turn += 1 })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port, sockets,
    stop: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

describe('a server that is not PostgreSQL, or not a good one', () => {
  /** AuthenticationOk and ReadyForQuery. */
  const welcome = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5A, 0, 0, 0, 5, 0x49])
  const welcomeThen = (bytes: Uint8Array) => (turn: number) => turn === 0 ? welcome : bytes
  const servers: Readonly<Record<string, (turn: number) => Uint8Array>> = {
    'says nothing': () => new Uint8Array(0),
    'speaks HTTP': () => Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'),
    'says zeros': () => new Uint8Array(4096),
    'announces four gigabytes': () => new Uint8Array(4096).fill(0xFF),
    'wants a proof that there is not': () => Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 99]),
    'cuts a message short': () => Buffer.from([0x52, 0, 0, 0, 4]),
    'offers no mechanism': () => Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 10]),
    'goes on with what has not begun': () => Buffer.from([0x52, 0, 0, 0, 12, 0, 0, 0, 11, 1, 2, 3, 4]),
    'lets us in, and answers a row with -1 columns': welcomeThen(Buffer.from([0x44, 0, 0, 0, 6, 0xFF, 0xFF])),
    'lets us in, and describes 32767 columns in no bytes': welcomeThen(Buffer.from([0x54, 0, 0, 0, 6, 0x7F, 0xFF])),
    'lets us in, and completes nothing': welcomeThen(Buffer.from([0x43, 0, 0, 0, 4, 0x5A, 0, 0, 0, 5, 0x49])),
    'lets us in, and is ready without an answer': welcomeThen(Buffer.from([0x5A, 0, 0, 0, 5, 0x49])),
    'lets us in, and is silent': welcomeThen(new Uint8Array(0)),
  }
  for (const [what, answer] of Object.entries(servers)) {
    for (const [how, query] of [['in the clear', ''], ['over TLS', '?sslmode=require']] as const) test(`${what} (${how}): temporary, and no connection is left behind`, async () => {
      const server = await nonsense(answer)
      const dispatched = await dispatchTo(`postgres://m@127.0.0.1:${server.port}/m${query}`, { request_timeout: 200 })
      await isOutOfReach(dispatched)
      await dispatched.dispatch.close()
      for (const deadline = Date.now() + 5_000; server.sockets.size > 0;) {
        assert.ok(Date.now() < deadline, 'a connection is still open')
        await new Promise(resolve => { setImmediate(resolve) })
      }
      await server.stop()
    })
  }
})
