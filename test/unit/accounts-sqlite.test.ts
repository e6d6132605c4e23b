// Accounts in SQLite: the embedded database, and a file of somebody else's with MongooseIM's table.
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, test } from 'node:test'

import type { Accounts } from '../../src/auth/accounts/accounts.ts'
import { databaseAccounts, embeddedAccounts } from '../../src/auth/accounts/open-accounts.ts'
import { systemClock } from '../../src/telemetry/clock.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import { parseDomainpart } from '../../src/xmpp/jid.ts'
import { accountsContract, namesIn } from '../contract/accounts.ts'
import { olderUsersTable, usersTable } from '../support/postgres.ts'
import { settled, TurnedClock } from '../support/turned-clock.ts'

const domain = parseDomainpart('localhost')!
const other = parseDomainpart('example.net')!
const row = { password: 'plain', passDetails: null }

const parent = mkdtempSync(join(tmpdir(), 'meerkat-accounts-'))
after(() => { rmSync(parent, { recursive: true, force: true }) })
let made = 0
const freshFolder = () => join(parent, String(made += 1))

const embedded = (dataFolder: string, clock = systemClock): Accounts => embeddedAccounts({ dataFolder, hosts: [domain], clock })
const fileOf = (dataFolder: string): string => join(dataFolder, 'meerkat.sqlite')

const sqlite = (file: string, hosts = [domain], requestTimeout = 2_000, clock = systemClock): Promise<Accounts> => databaseAccounts(
  { url: `sqlite:${file}`, pool_size: 1, request_timeout: requestTimeout, tls: { verify_mode: 'peer' } },
  { hosts, dataFolder: '/nowhere', file: () => assert.fail('no file is named'), clock, log: silentLog })

/** A file of SQLite in which these statements were executed. */
function database(...statements: readonly string[]): string {
  const file = `${freshFolder()}.db`
  const made = new DatabaseSync(file)
  for (const statement of statements) made.exec(statement.replace('DEFAULT now()', 'DEFAULT CURRENT_TIMESTAMP'))
  made.close()
  return file
}

accountsContract('embedded', () => Promise.resolve(embeddedAccounts({ dataFolder: freshFolder(), hosts: [domain, other], clock: systemClock })), { hasDomains: true, longestName: null })
accountsContract('SQLite with MongooseIM\'s table', () => sqlite(database(usersTable), [domain, other]), { hasDomains: true, longestName: null })
accountsContract('SQLite with MongooseIM\'s table of before 5.0', () => sqlite(database(olderUsersTable)), { hasDomains: false, longestName: null })

describe('the embedded database', () => {
  test('is made when it is first needed, with its folder, and nobody else may read it', async () => {
    const folder = freshFolder()
    const accounts = embedded(folder)
    assert.equal(existsSync(folder), false)
    await accounts.add('alice', domain, row)
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    assert.deepEqual(readdirSync(folder).map(name => [name, statSync(join(folder, name)).mode & 0o777]).toSorted(),
      ['meerkat.sqlite', 'meerkat.sqlite-shm', 'meerkat.sqlite-wal'].map(name => [name, 0o600]))
    await accounts.close()
  })

  test('is there again after it was closed', async () => {
    const folder = freshFolder()
    const first = embedded(folder)
    await first.add('alice', domain, row)
    await first.close()
    const second = embedded(folder)
    assert.deepEqual(await second.find('alice', domain), row)
    await second.close()
  })

  test('is shared: what one process writes the other reads at once, and both may write', async () => {
    const folder = freshFolder()
    const [gateway, command] = [embedded(folder), embedded(folder)]
    assert.equal(await gateway.find('alice', domain), null)
    await command.add('alice', domain, row)
    assert.deepEqual(await gateway.find('alice', domain), row)
    await gateway.remove('alice', domain)
    assert.equal(await command.find('alice', domain), null)
    await command.close()
    await gateway.close()
  })

  test('is made once by many that need it at the same time', async () => {
    const folder = freshFolder()
    const many = Array.from({ length: 8 }, () => embedded(folder))
    await Promise.all(many.map((accounts, index) => accounts.add(`user${index}`, domain, row)))
    assert.equal((await namesIn(many[0]!, domain)).length, 8)
    for (const accounts of many) await accounts.close()
  })

  test('is read while another process writes', async () => {
    const folder = freshFolder()
    const accounts = embedded(folder, new TurnedClock())
    await accounts.add('alice', domain, row)
    const writer = new DatabaseSync(fileOf(folder))
    writer.exec("BEGIN EXCLUSIVE; DELETE FROM users")
    // No time passes: nothing is waited for.
    assert.deepEqual(await accounts.find('alice', domain), row)
    writer.close()
    await accounts.close()
  })

  test('is waited for without stopping the event loop when another process writes for long, and not for ever', async () => {
    const folder = freshFolder()
    const clock = new TurnedClock()
    const accounts = embedded(folder, clock)
    await accounts.add('alice', domain, row)
    const writer = new DatabaseSync(fileOf(folder))
    writer.exec('BEGIN EXCLUSIVE')
    const adding = accounts.add('bob', domain, row)
    for (let turn = 0; turn < 10; turn += 1) {
      await settled()
      clock.advance(10)
    }
    writer.exec('COMMIT')
    await settled()
    clock.advance(10)
    assert.equal(await adding, true)

    writer.exec('BEGIN EXCLUSIVE')
    const vain = assert.rejects(accounts.add('carol', domain, row), /locked/)
    for (let turn = 0; turn < 202; turn += 1) {
      await settled()
      clock.advance(10)
    }
    await vain
    assert.equal(clock.pending, 0)
    writer.close()
    await accounts.close()
  })

  test('is waited for as long as ever where the clock is set meanwhile', async () => {
    for (const jump of [-3_600_000, 3_600_000]) {
      const folder = freshFolder()
      const clock = new TurnedClock()
      const accounts = embedded(folder, clock)
      await accounts.add('alice', domain, row)
      const writer = new DatabaseSync(fileOf(folder))
      writer.exec('BEGIN EXCLUSIVE')
      let failure: unknown = null
      accounts.add('bob', domain, row).catch((error: unknown) => { failure = error })
      const turns = async (count: number) => {
        for (let turn = 0; turn < count; turn += 1) {
          await settled()
          clock.advance(10)
        }
        await settled()
      }
      await turns(1)
      clock.jump(jump)
      await turns(198)
      assert.equal(failure, null)
      await turns(2)
      assert.match(String(failure), /locked/)
      writer.close()
      await accounts.close()
    }
  })

  test('that was deleted or replaced while it was open is the new one', async () => {
    const [folder, another] = [freshFolder(), freshFolder()]
    const accounts = embedded(folder)
    await accounts.add('alice', domain, row)
    rmSync(folder, { recursive: true })
    assert.equal(await accounts.find('alice', domain), null)
    assert.equal(existsSync(fileOf(folder)), true)

    const elsewhere = embedded(another)
    await elsewhere.add('bob', domain, row)
    await elsewhere.close()
    rmSync(folder, { recursive: true })
    renameSync(another, folder)
    assert.deepEqual(await accounts.find('bob', domain), row)
    await accounts.close()
  })

  test('of a later version is left alone', async () => {
    const folder = freshFolder()
    const first = embedded(folder)
    await first.add('alice', domain, row)
    await first.close()
    const file = new DatabaseSync(fileOf(folder))
    file.exec("UPDATE schema_version SET version = 99 WHERE part = 'accounts'")
    const accounts = embedded(folder)
    for (let time = 0; time < 2; time += 1) await assert.rejects(accounts.find('alice', domain), /made by a later version of Meerkat/)
    assert.deepEqual(file.prepare('SELECT version FROM schema_version').all().map(({ version }) => version), [99])
    file.close()
  })

  test('holds tables of other parts beside, with versions of their own', async () => {
    const folder = freshFolder()
    const first = embedded(folder)
    await first.find('alice', domain)
    await first.close()
    const file = new DatabaseSync(fileOf(folder))
    file.exec("INSERT INTO schema_version VALUES ('roster', 7)")
    const accounts = embedded(folder)
    assert.equal(await accounts.add('alice', domain, row), true)
    assert.deepEqual(file.prepare('SELECT part, version FROM schema_version ORDER BY part').all().map(({ part, version }) => [part, version]), [['accounts', 1], ['roster', 7]])
    file.close()
    await accounts.close()
  })

  test('that is no database is an error every time, and is not overwritten', async () => {
    const folder = freshFolder()
    const first = embedded(folder)
    await first.find('alice', domain)
    await first.close()
    for (const name of readdirSync(folder)) rmSync(join(folder, name))
    writeFileSync(fileOf(folder), 'These are not the bytes you are looking for. '.repeat(100))
    const accounts = embedded(folder)
    for (let time = 0; time < 2; time += 1) await assert.rejects(accounts.find('alice', domain), /not a database/)
    assert.match(readFileSync(fileOf(folder), 'utf8'), /^These are not/)
  })

  test('in a folder that cannot be made is an error that says so', async () => {
    const file = `${freshFolder()}.txt`
    writeFileSync(file, '')
    chmodSync(file, 0o600)
    await assert.rejects(embedded(join(file, 'data')).find('alice', domain), /ENOTDIR/)
  })
})

describe('a file of SQLite that is not ours', () => {
  test('is never made', async () => {
    const file = join(freshFolder(), 'accounts.db')
    await assert.rejects((await sqlite(file)).find('alice', domain), /there is no database/)
    assert.equal(existsSync(file), false)
  })

  test('is not changed by looking at it: neither tables nor the kind of journal', async () => {
    const file = database(usersTable)
    const before = readFileSync(file)
    const accounts = await sqlite(file)
    assert.equal(await accounts.find('alice', domain), null)
    await accounts.close()
    assert.deepEqual(readFileSync(file), before)
  })

  test('without the table, or with one of another kind, is an error that says which', async () => {
    await assert.rejects((await sqlite(database('CREATE TABLE other (a)'))).find('alice', domain), /no table "users"/)
    await assert.rejects((await sqlite(database('CREATE TABLE users (username text, password text)'))).find('alice', domain), /has no column pass_details/)
  })

  test('of before 5.0 is of one domain: with two of them nobody is found, so that nobody is taken for another', async () => {
    const file = database(olderUsersTable, "INSERT INTO users (username, password) VALUES ('alice', 'plain')")
    const accounts = await sqlite(file, [domain, other])
    for (const host of [domain, other]) await assert.rejects(accounts.find('alice', host), /no column "server", so it is of one domain, and general\.hosts names 2/)
    assert.deepEqual(await (await sqlite(file)).find('alice', domain), row)
  })

  test('that gets the column while it is in use is read as it is then', async () => {
    const file = database(olderUsersTable, "INSERT INTO users (username, password) VALUES ('alice', 'plain')")
    const accounts = await sqlite(file, [domain, other])
    await assert.rejects(accounts.find('alice', domain), /one domain/)
    const migration = new DatabaseSync(file)
    migration.exec("ALTER TABLE users ADD COLUMN server varchar(250) NOT NULL DEFAULT 'localhost'")
    migration.close()
    assert.deepEqual(await accounts.find('alice', domain), row)
    assert.equal(await accounts.find('alice', other), null)
    await accounts.close()
  })

  test('whose table changes in use is looked at again', async () => {
    const file = database(usersTable)
    const accounts = await sqlite(file)
    assert.equal(await accounts.find('alice', domain), null)
    const migration = new DatabaseSync(file)
    migration.exec('DROP TABLE users')
    await assert.rejects(accounts.find('alice', domain), /users/)
    migration.exec(`${olderUsersTable.replace('now()', 'CURRENT_TIMESTAMP')}; INSERT INTO users (username, password) VALUES ('alice', 'plain')`)
    migration.close()
    assert.deepEqual(await accounts.find('alice', domain).catch(() => accounts.find('alice', domain)), row)
    await accounts.close()
  })

  test('with values that are not text keeps nobody\'s password', async () => {
    const file = database(usersTable, `INSERT INTO users (username, server, password, pass_details) VALUES
      ('blob', 'localhost', x'00ff', NULL), ('number', 'localhost', 4711, NULL), ('details', 'localhost', 'plain', x'3d3d'), (x'616c', 'localhost', 'plain', NULL)`)
    const accounts = await sqlite(file)
    for (const name of ['blob', 'details']) assert.deepEqual(await accounts.find(name, domain), { password: '', passDetails: null }, name)
    // A column of text makes text of a number.
    assert.deepEqual(await accounts.find('number', domain), { password: '4711', passDetails: null })
    assert.equal(await accounts.find('al', domain), null)
    assert.deepEqual(await namesIn(accounts, domain), ['blob', 'details', 'number'])
    await accounts.close()
  })

  test('that another process has locked is temporarily out of reach, within the time allowed', async () => {
    const file = database(usersTable)
    const clock = new TurnedClock()
    const accounts = await sqlite(file, [domain], 100, clock)
    const locker = new DatabaseSync(file)
    locker.exec('BEGIN EXCLUSIVE')
    const asked = assert.rejects(accounts.find('alice', domain), /locked/)
    await settled()
    // Nor does it become longer when the clock is set back.
    clock.jump(-3_600_000)
    for (let turn = 0; turn < 11; turn += 1) {
      await settled()
      clock.advance(10)
    }
    await settled()
    assert.equal(clock.pending, 0)
    await asked
    locker.exec('COMMIT')
    assert.equal(await accounts.find('alice', domain), null)
    locker.close()
    await accounts.close()
  })
})
