// The backends `internal` and `rdbms`: what is judged, what is told to SCRAM, and what nobody can tell from outside.
import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'

import { Value } from 'typebox/value'

import type { Accounts } from '../../src/auth/accounts/accounts.ts'
import { rowWith } from '../../src/auth/accounts/new-password.ts'
import { embeddedAccounts } from '../../src/auth/accounts/open-accounts.ts'
import type { UserRow } from '../../src/auth/accounts/stored-password.ts'
import { AccountsBackend } from '../../src/auth/backends/accounts-backend.ts'
import { createBackends } from '../../src/auth/catalogue.ts'
import type { Credentials } from '../../src/auth/credentials.ts'
import { Decoys } from '../../src/auth/decoy.ts'
import { authOptions } from '../../src/auth/options.ts'
import type { AuthOptions } from '../../src/auth/options.ts'
import { isPasswordOf, keyLength, scramHashes } from '../../src/auth/scram-secret.ts'
import type { ScramHash } from '../../src/auth/scram-secret.ts'
import { systemClock } from '../../src/telemetry/clock.ts'
import { parseDomainpart } from '../../src/xmpp/jid.ts'
import type { BareJid } from '../../src/xmpp/jid.ts'
import { authBackendContract } from '../contract/auth-backend.ts'
import { bare, certificateWith } from '../support/external-certificate.ts'
import { decoys, iterations } from '../support/password-login.ts'
import { usersTable } from '../support/postgres.ts'
import { recordingLog, settled } from '../support/turned-clock.ts'

const domain = parseDomainpart('localhost')!
const alice = bare('alice@localhost')
const password = 'пароль & wörd, 密码'

/** MongooseIM's serialisation, made here from RFC 5802 §3 and nothing of ours. */
function serialised(secret: string, hashes: readonly ScramHash[] = scramHashes, count = iterations): string {
  const entry = (hash: ScramHash): string => {
    const salt = createHash('md5').update(`salt of ${hash}`).digest()
    const salted = pbkdf2Sync(secret, salt, count, keyLength[hash], hash)
    const key = (text: string) => createHmac(hash, salted).update(text).digest()
    const label = hash === 'sha1' ? '===SHA1===' : `==${hash.toUpperCase()}==`
    return label + [salt, createHash(hash).update(key('Client Key')).digest(), key('Server Key')].map(bytes => bytes.toString('base64')).join('|')
  }
  return `==MULTI_SCRAM==,${count},${hashes.map(entry).join(',')}`
}

const scram = (secret: string, ...hashes: readonly ScramHash[]): UserRow => ({ password: '', passDetails: serialised(secret, hashes.length === 0 ? scramHashes : hashes) })
const plain = (secret: string): UserRow => ({ password: secret, passDetails: null })
const given = (user: BareJid, secret: string): Credentials => ({ kind: 'password', user, password: secret })

/** Accounts that are rows in memory; what was asked is noted. */
function remembered(rows: Readonly<Record<string, UserRow>>): Accounts & { readonly asked: string[] } {
  const asked: string[] = []
  const never = () => assert.fail('a backend changes nothing')
  return {
    asked, add: never, replacePassword: never, remove: never, list: never, close: () => Promise.resolve(),
    find: (localpart, of) => {
      asked.push(`${localpart}@${of}`)
      return Promise.resolve(Object.hasOwn(rows, localpart) ? rows[localpart]! : null)
    },
  }
}

/** Decoys that note what they are asked. */
class NotedDecoys extends Decoys {
  readonly noted: string[] = []
  constructor() { super(new Uint8Array(32).fill(7), { scram_iterations: iterations, decoy_iterations: [] }) }
  override async refuse(user: BareJid, hash: ScramHash, secret: string): Promise<void> {
    this.noted.push(`${hash} ${user}`)
    await super.refuse(user, hash, secret)
  }
  /** Whose salt something is derived with. */
  readonly salted: string[] = []
  override salt(user: BareJid, hash: ScramHash): Uint8Array {
    this.salted.push(user)
    return super.salt(user, hash)
  }
}

function backendWith(rows: Readonly<Record<string, UserRow>>, hashes: readonly ScramHash[] = scramHashes) {
  const { log, events } = recordingLog()
  const accounts = remembered(rows)
  const noted = new NotedDecoys()
  return { backend: new AccountsBackend({ name: 'internal', accounts, hashes, decoys: noted, requestTimeout: 1_000, log }), accounts, events, noted: noted.noted, salted: noted.salted, decoys: noted }
}

const yes = { ok: true }
const isAccepted = async (backend: AccountsBackend, user: BareJid, secret: string) => (await backend.verify(given(user, secret), domain)).ok

describe('a password', () => {
  test('is right whichever way it is kept, and no other is', async () => {
    const rows = { scram: scram(password), one: scram(password, 'sha512'), plain: plain(password) }
    const { backend } = backendWith(rows)
    for (const name of Object.keys(rows)) {
      const user = bare(`${name}@localhost`)
      assert.deepEqual(await backend.verify(given(user, password), domain), yes, name)
      for (const wrong of [`${password} `, password.slice(1), password.toUpperCase(), 'x', '\0', '']) assert.equal(await isAccepted(backend, user, wrong), false, `${name}: ${wrong}`)
    }
  })
  test('is compared in its prepared form (RFC 8265 §4.2): other spaces and other compositions are the same', async () => {
    const { backend } = backendWith({ alice: plain('e\u0301 x'), bob: scram('é x') })
    for (const user of [alice, bare('bob@localhost')]) {
      assert.equal(await isAccepted(backend, user, 'é\u00A0x'), true)
      assert.equal(await isAccepted(backend, user, 'e\u0301 x'), true)
    }
  })
  test('is looked at by the hash that new ones have first, and by whichever there is in its absence', async () => {
    const broken = serialised('another', ['sha512'])
    const mixed = { password: '', passDetails: `${serialised(password, ['sha1'])},${broken.split(',')[2]!}` }
    assert.equal(await isAccepted(backendWith({ alice: mixed }, ['sha1', 'sha256']).backend, alice, password), true)
    assert.equal(await isAccepted(backendWith({ alice: mixed }, ['sha512', 'sha1']).backend, alice, password), false)
    assert.equal(await isAccepted(backendWith({ alice: mixed }, ['sha256']).backend, alice, password), true)
  })
  test('of an account of another domain is of nobody, and the table is not asked', async () => {
    const { backend, accounts } = backendWith({ alice: plain(password) })
    assert.equal((await backend.verify(given(bare('alice@example.net'), password), domain)).ok, false)
    assert.equal((await backend.verify(given(bare('localhost'), password), domain)).ok, false)
    assert.deepEqual(accounts.asked, [])
  })
  test('the log may name an account that exists, and no other (a password is easily typed into the wrong field)', async () => {
    const { backend } = backendWith({ alice: plain(password) })
    const known = async (user: BareJid) => (await backend.verify(given(user, 'wrong'), domain) as { isKnown?: boolean }).isKnown === true
    assert.deepEqual([await known(alice), await known(bare('nobody@localhost'))], [true, false])
  })
})

describe('an account that is not there', () => {
  test('costs the same work as a wrong password: one derivation, by the first hash', async () => {
    const { backend, noted } = backendWith({ alice: plain(password) }, ['sha256', 'sha1'])
    await backend.verify(given(bare('nobody@localhost'), 'x'), domain)
    assert.deepEqual(noted, ['sha256 nobody@localhost'])
    noted.length = 0
    await backend.verify(given(alice, 'x'), domain)
    await backend.verify(given(alice, password), domain)
    assert.deepEqual(noted, ['sha256 alice@localhost', 'sha256 alice@localhost'])
  })
  test('has no secret for any hash; one without a hash of that kind has none either, and its own count', async () => {
    const { backend } = backendWith({ alice: { password: '', passDetails: serialised(password, ['sha1'], 5_000) } })
    for (const hash of scramHashes) assert.equal(await backend.scramSecret(bare('nobody@localhost'), hash, domain), null)
    assert.equal((await backend.scramSecret(alice, 'sha1', domain))?.iterations, 5_000)
    assert.deepEqual(await backend.scramSecret(alice, 'sha256', domain), { iterations: 5_000 })
  })
  test('costs what the last account cost whose password is kept hashed, also where that is not by the first hash', async () => {
    const { backend, noted } = backendWith({ alice: scram(password, 'sha512'), bob: plain(password) }, ['sha256', 'sha1'])
    for (const learn of [() => backend.verify(given(alice, 'x'), domain), () => backend.scramSecret(alice, 'sha1', domain)]) {
      noted.length = 0
      await learn()
      await backend.verify(given(bare('nobody@localhost'), 'x'), domain)
      await backend.verify(given(bare('bob@localhost'), 'x'), domain)
      assert.deepEqual(noted, ['sha512 nobody@localhost', 'sha512 bob@localhost'])
    }
  })
  test('costs SCRAM the same as others, where some have plain text and some hashes: as soon as one of the former was seen, one derivation for everybody', async () => {
    const { backend, salted } = backendWith({ alice: scram(password), bob: plain(password) })
    const ask = async (...names: readonly string[]) => {
      salted.length = 0
      for (const name of names) await backend.scramSecret(bare(`${name}@localhost`), 'sha256', domain)
      return [...salted]
    }
    assert.deepEqual(await ask('alice', 'nobody'), [])
    const everybody = ['bob', 'alice', 'nobody', 'alice', 'bob']
    assert.deepEqual(await ask(...everybody), everybody.map(name => `${name}@localhost`))
  })
})

describe('plain text', () => {
  test('has the salt and the count that the account would have as a decoy: the same at every login, and not to be told from those', async () => {
    const { backend, decoys } = backendWith({ alice: plain(password) })
    for (const hash of scramHashes) {
      const secret = await backend.scramSecret(alice, hash, domain)
      assert.ok(secret?.storedKey !== undefined)
      assert.deepEqual([Buffer.from(secret.salt), secret.iterations], [Buffer.from(decoys.salt(alice, hash)), decoys.iterations(alice)])
      assert.equal(await isPasswordOf(hash, secret, password), true)
      assert.deepEqual(await backend.scramSecret(alice, hash, domain), secret)
    }
  })
  test('that can be no password lets nobody in', async () => {
    const { backend, events } = backendWith({ alice: plain('bell\u0007') })
    assert.equal(await isAccepted(backend, alice, 'bell\u0007'), false)
    assert.equal(await backend.scramSecret(alice, 'sha1', domain), null)
    assert.deepEqual(events.map(({ event, account }) => [event, account]), Array.from({ length: 1 }, () => ['auth.account_unreadable', alice]))
  })
})

describe('a row that cannot be read', () => {
  const rows: Readonly<Record<string, UserRow>> = {
    'broken details beside the right plain text': { password, passDetails: '==MULTI_SCRAM==,' }, 'nothing at all': { password: '', passDetails: null },
    'an endless count': { password: '', passDetails: serialised(password).replace(String(iterations), '999999999') },
    'only a hash that we do not speak': { password: '', passDetails: '==MULTI_SCRAM==,4096,==SHA384==AAAA|AAAA|AAAA' },
  }
  for (const [what, row] of Object.entries(rows)) test(`${what}: as no account, the same work, and the log says whose it is and nothing of it`, async () => {
    const { backend, events, noted } = backendWith({ alice: row })
    const judgement = await backend.verify(given(alice, password), domain)
    assert.deepEqual([judgement.ok, noted.length], [false, 1])
    assert.equal(await backend.scramSecret(alice, 'sha1', domain), null)
    assert.deepEqual(events.map(({ event, account }) => [event, account]), Array.from({ length: 2 }, () => ['auth.account_unreadable', alice]))
    for (const secret of [password, 'SCRAM']) assert.ok(!JSON.stringify(events).includes(secret))
  })
})

describe('as configured', () => {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-backends-'))
  after(() => { rmSync(folder, { recursive: true, force: true }) })
  const surroundings = { hosts: [domain], dataFolder: join(folder, 'data'), file: () => assert.fail('no file is named'), decoys, clock: systemClock, log: recordingLog().log }
  const made = async (more: Partial<AuthOptions>) => (await createBackends({ ...Value.Create(authOptions), ...more }, surroundings))[0]!
  const file = join(folder, 'mongooseim.db')
  const rdbms = { url: `sqlite:${file}`, pool_size: 1, request_timeout: 1_000, tls: { verify_mode: 'peer' } } as const

  before(async () => {
    const accounts = embeddedAccounts({ ...surroundings })
    await accounts.add('alice', domain, await rowWith(password, { hash: ['sha1', 'sha256', 'sha512'], scram_iterations: iterations }, length => new Uint8Array(length).fill(1)))
    await accounts.add('bob', domain, plain('of bob'))
    await accounts.close()
    const database = new DatabaseSync(file)
    database.exec(usersTable.replace('now()', 'CURRENT_TIMESTAMP'))
    const insert = database.prepare('INSERT INTO users (username, server, password, pass_details) VALUES (?, ?, ?, ?)')
    insert.run('alice', 'localhost', '', serialised(password))
    insert.run('bob', 'localhost', 'of bob', null)
    database.close()
  })

  for (const [name, options] of [['internal', { methods: ['internal'] }], ['rdbms', { methods: ['rdbms'], rdbms }]] as const) {
    describe(name, () => {
      let backend: Awaited<ReturnType<typeof made>>
      before(async () => { backend = await made({ ...options, methods: [...options.methods] }) })
      after(() => backend.close?.())
      authBackendContract(name, () => ({
        backend, domain, unanswered: [], strangers: [bare('nobody@localhost'), bare('alice.@localhost')],
        everyKind: [given(alice, password), { kind: 'certificate', user: alice, certificate: certificateWith({ xmppAddrs: [alice] }) }],
        accepted: [given(alice, password), given(bare('bob@localhost'), 'of bob')],
        refused: [given(alice, 'mistaken'), given(bare('nobody@localhost'), password), given(bare('alice@example.net'), password), given(alice, 'of bob'), given(alice, '\0')],
      }))
    })
  }

  test('internal makes nothing in the data folder before somebody logs in with a password', async () => {
    const dataFolder = join(folder, 'untouched')
    const backend = (await createBackends({ ...Value.Create(authOptions), methods: ['internal'] }, { ...surroundings, dataFolder }))[0]!
    await settled()
    assert.equal(existsSync(dataFolder), false)
    assert.equal((await backend.verify(given(alice, password), domain)).ok, false)
    assert.equal(existsSync(dataFolder), true)
    await backend.close?.()
  })

  test('rdbms is made while its database is not there, says so in the log, and works as soon as it is', async () => {
    const late = join(folder, 'late.db')
    const { log, events } = recordingLog()
    const backend = (await createBackends({ ...Value.Create(authOptions), methods: ['rdbms'], rdbms: { ...rdbms, url: `sqlite:${late}` } }, { ...surroundings, log }))[0]!
    await assert.rejects(Promise.resolve(backend.verify(given(alice, password), domain)), /there is no database/)
    assert.deepEqual(events.map(({ event, backend }) => [event, backend]), [['auth.backend_unreachable', 'rdbms']])
    const database = new DatabaseSync(late)
    database.exec(`${usersTable.replace('now()', 'CURRENT_TIMESTAMP')}; INSERT INTO users (username, server, password) VALUES ('alice', 'localhost', 'later')`)
    database.close()
    assert.deepEqual(await backend.verify(given(alice, 'later'), domain), yes)
    await backend.close?.()
  })
})
