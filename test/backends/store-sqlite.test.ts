// The store in a file: what it is made of, and what becomes of it when the file, the disk or somebody else makes trouble.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, test } from 'node:test'
import { Value } from 'typebox/value'
import { embeddedDatabase, type Schema } from '../../src/auth/accounts/embedded-database.ts'
import type { Statement } from '../../src/auth/accounts/database.ts'
import { openStore, type StoreSurroundings } from '../../src/store/open-store.ts'
import { storeOptions } from '../../src/store/options.ts'
import { StoreError } from '../../src/store/store-error.ts'
import { TableStore } from '../../src/store/table-store.ts'
import { sqliteSchema } from '../../src/store/tables.ts'
import { versionProblem } from '../../src/store/version-problem.ts'
import { systemClock } from '../../src/telemetry/clock.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import { bytes, commit, item, juliet, keep, loaded, nothing, romeo, rosterOf, set, textOf } from '../contract/store-scene.ts'
import { settled, TurnedClock } from '../support/turned-clock.ts'

const root = mkdtempSync(join(tmpdir(), 'meerkat-store-'))
after(() => { rmSync(root, { recursive: true }) })
let folders = 0
const fresh = (): string => join(root, String(folders += 1))
const open = (dataFolder: string, more: Partial<StoreSurroundings> = {}) =>
  openStore(Value.Create(storeOptions), { dataFolder, file: () => '', clock: systemClock, log: silentLog, ...more })
const fileOf = (folder: string): string => join(folder, 'domain.sqlite')
const problemOf = async (opening: Promise<TableStore>): Promise<string> => {
  const error: unknown = await opening.then(() => null, (failure: unknown) => failure)
  assert.ok(error instanceof StoreError)
  return error.message
}

describe('the file', () => {
  test('is made at once with its folder, and nobody else may read anything of it', async () => {
    const folder = fresh()
    const store = await open(folder)
    await commit(store, { kind: 'known' })
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    assert.deepEqual(readdirSync(folder).map(name => [name, statSync(join(folder, name)).mode & 0o777]).toSorted(),
      ['domain.sqlite', 'domain.sqlite-shm', 'domain.sqlite-wal', 'domain.sqlite.lock'].map(name => [name, 0o600]))
    await store.close()
  })

  test('is in WAL mode: what another process reads does not wait, nor does what is written', async () => {
    const folder = fresh()
    const store = await open(folder, { clock: new TurnedClock() })
    await commit(store, set(romeo))
    const other = new DatabaseSync(fileOf(folder))
    other.exec('BEGIN; SELECT * FROM meerkat_roster')
    await commit(store, set(romeo, { version: 2 }))
    other.exec('ROLLBACK; BEGIN IMMEDIATE')
    assert.deepEqual(await rosterOf(store), [item(romeo, { version: 2 })])
    other.close()
    await store.close()
  })

  test('is one gateway\'s: another one is told so, until the first has ended, however that came', async () => {
    const folder = fresh()
    const first = await open(folder)
    assert.match(await problemOf(open(folder)), /domain\.sqlite is in use: another Meerkat keeps contacts and messages there\./)
    // An administrator's command may use it meanwhile.
    const command = await open(folder, { isShared: true })
    await commit(command, { kind: 'known' })
    await command.close()
    assert.equal((await first.load(juliet)).isKnown, true)
    await first.close()

    const script = `const { openStore } = await import(${JSON.stringify(import.meta.resolve('../../src/store/open-store.ts'))})
      await openStore({}, { dataFolder: ${JSON.stringify(folder)}, clock: { now: () => Date.now(), elapsed: () => performance.now() }, log: {}, file: () => '' })
      setInterval(() => undefined, 1_000)
      console.log('open')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    assert.match(await problemOf(open(folder)), /is in use/)
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    await (await open(folder)).close()
  })

  test('that cannot be opened leaves nothing locked', async () => {
    const folder = fresh()
    mkdirSync(folder)
    writeFileSync(fileOf(folder), 'These are not the bytes you are looking for. '.repeat(100))
    for (let time = 0; time < 2; time += 1) assert.match(await problemOf(open(folder)), /domain\.sqlite cannot be used: file is not a database/)
    assert.match(readFileSync(fileOf(folder), 'utf8'), /^These are not/)
    assert.equal(versionProblem(fileOf(folder)), 'file is not a database')
    rmSync(fileOf(folder))
    await (await open(folder)).close()
  })

  test('in a folder that cannot be made is told at once', async () => {
    const file = fresh()
    writeFileSync(file, '')
    assert.match(await problemOf(open(join(file, 'data'))), /domain\.sqlite cannot be used: .*ENOTDIR.*a folder where this user may write\.$/)
  })
})

describe('the version of its tables', () => {
  test('of a later Meerkat is refused before anything is written, and stays as it was', async () => {
    const folder = fresh()
    const store = await open(folder)
    await commit(store, { kind: 'known' })
    await store.close()
    assert.equal(versionProblem(fileOf(folder)), null)
    const file = new DatabaseSync(fileOf(folder))
    file.exec("UPDATE schema_version SET version = 99 WHERE part = 'domain'")
    for (let time = 0; time < 2; time += 1) assert.match(await problemOf(open(folder)), /domain\.sqlite was made by a later version of Meerkat$/)
    assert.deepEqual(file.prepare('SELECT part, version FROM schema_version').all().map(row => ({ ...row })), [{ part: 'domain', version: 99 }])
    file.close()
    assert.equal(versionProblem(fileOf(folder)), 'it was made by a later version of Meerkat')
  })

  test('grows step by step: what was kept before is there afterwards, and steps that were made are not made again', async () => {
    const folder = fresh()
    const first = await open(folder)
    await commit(first, set(romeo))
    await first.close()
    const later: Schema = { ...sqliteSchema, migrations: [...sqliteSchema.migrations, 'ALTER TABLE meerkat_roster ADD COLUMN colour TEXT', "UPDATE meerkat_roster SET colour = 'red'"] }
    for (let time = 0; time < 2; time += 1) {
      const store = new TableStore(embeddedDatabase(fileOf(folder), later, systemClock))
      assert.deepEqual(await rosterOf(store), [item(romeo)])
      await store.close()
    }
    const file = new DatabaseSync(fileOf(folder))
    assert.deepEqual([file.prepare('SELECT colour FROM meerkat_roster').get()?.['colour'], file.prepare('SELECT version FROM schema_version').get()?.['version']], ['red', sqliteSchema.migrations.length + 2])
    file.close()
  })

  test('that were published first have all that came later, and what was kept in them', async () => {
    const folder = fresh()
    const first = new TableStore(embeddedDatabase(fileOf(folder), { ...sqliteSchema, migrations: sqliteSchema.migrations.slice(0, 1) }, systemClock))
    await first.prepare()
    await commit(first, set(romeo, { ask: true }))
    await first.close()
    const store = await open(folder)
    assert.deepEqual(await store.askers(romeo, 10), [juliet])
    await store.close()
    const file = new DatabaseSync(fileOf(folder))
    const plan = file.prepare("EXPLAIN QUERY PLAN SELECT account FROM meerkat_roster WHERE jid = 'a' AND asks = 1 AND account NOT LIKE '/%' ORDER BY account LIMIT 1").all()
    assert.match(String(plan[0]?.['detail']), /meerkat_roster_asked/)
    file.close()
  })

  test('stays where it was when a step fails: everything or nothing', async () => {
    const folder = fresh()
    await (await open(folder)).close()
    const broken: Schema = { ...sqliteSchema, migrations: [...sqliteSchema.migrations, 'CREATE TABLE meerkat_more (a TEXT)', 'CREATE TABLE meerkat_more (a TEXT)'] }
    const store = new TableStore(embeddedDatabase(fileOf(folder), broken, systemClock))
    await assert.rejects(store.load(juliet), /meerkat_more already exists/)
    await store.close()
    const file = new DatabaseSync(fileOf(folder))
    assert.deepEqual([file.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'meerkat_more'").get(), file.prepare('SELECT version FROM schema_version').get()?.['version']], [undefined, sqliteSchema.migrations.length])
    file.close()
    await (await open(folder)).close()
  })
})

describe('trouble', () => {
  test('a full disk: what does not fit is an error, what was kept stays, and once there is room it goes on', async () => {
    const folder = fresh()
    const database = embeddedDatabase(fileOf(folder), sqliteSchema, systemClock)
    const store = new TableStore(database)
    const pragma = (text: string): Statement => ({ name: text, text: `PRAGMA ${text}`, isQuery: true })
    await commit(store, { kind: 'known' })
    const { rows: [{ page_count: pages } = {}] } = await database.execute(pragma('page_count'), [])
    await database.execute(pragma(`max_page_count = ${Number(pages) + 20}`), [])
    const long = 'x'.repeat(10_000)
    // Asked for at once, so written together: those that fit are no better off than the others, but none is kept by half.
    const outcomes = await Promise.allSettled(Array.from({ length: 30 }, (_, index) => store.commit([
      { account: juliet, changes: [set(romeo, { name: `${index}`, version: index + 1 })] },
      { account: romeo, changes: [set(juliet, { name: `${index}`, version: index + 1 }), { kind: 'private', ns: `${index}`, local: 'a', xml: bytes(long) }] },
    ])))
    assert.ok(outcomes.some(({ status }) => status === 'rejected'))
    for (const outcome of outcomes) if (outcome.status === 'rejected') assert.match(String(outcome.reason), /full/)
    const [one, other] = [await loaded(store, juliet), await loaded(store, romeo)]
    assert.deepEqual([one.isKnown, one.rosterVersion, one.roster[0]?.name], [true, other.rosterVersion, other.roster[0]?.name])
    const kept = outcomes.filter(({ status }) => status === 'fulfilled').length
    assert.equal(await store.privateBytes(romeo), kept * long.length)
    await assert.rejects(keep(store, juliet, 'x'.repeat(1_000_000)), /full/)
    assert.deepEqual(await store.messages(juliet, 0, 10), [])
    await database.execute(pragma('max_page_count = 1000000'), [])
    assert.equal(await keep(store, juliet, 'x'.repeat(1_000_000)), 'kept')
    await store.close()
  })

  test('a file that somebody else has locked is waited for without stopping the event loop, and not for ever', async () => {
    const folder = fresh()
    const clock = new TurnedClock()
    const store = await open(folder, { clock })
    const other = new DatabaseSync(fileOf(folder))
    const turns = async (count: number) => {
      for (let turn = 0; turn < count; turn += 1) {
        await settled()
        clock.advance(10)
      }
    }
    other.exec('BEGIN IMMEDIATE')
    const waiting = [commit(store, set(romeo)), keep(store, juliet, 'one')]
    await turns(20)
    other.exec('ROLLBACK')
    await turns(2)
    await Promise.all(waiting)
    other.exec('BEGIN IMMEDIATE')
    const vain = [assert.rejects(commit(store, set(romeo, { version: 9 })), /locked/), assert.rejects(keep(store, juliet, 'two'), /locked/)]
    await turns(205)
    await Promise.all(vain)
    other.close()
    assert.deepEqual([(await store.load(juliet)).rosterVersion, (await store.messages(juliet, 0, 10)).length], [1, 1])
    await store.close()
  })

  test('a file that is removed while it is in use is made anew, and one that is put in its place is read', async () => {
    const [folder, elsewhere] = [fresh(), fresh()]
    const store = await open(folder)
    await commit(store, set(romeo))
    for (const name of readdirSync(folder)) rmSync(join(folder, name))
    assert.deepEqual(await store.load(juliet), nothing)
    await commit(store, { kind: 'known' })
    assert.equal(existsSync(fileOf(folder)), true)
    const other = await open(elsewhere)
    await commit(other, { kind: 'vcard', xml: bytes('of another') })
    await other.close()
    renameSync(fileOf(elsewhere), fileOf(folder))
    assert.equal(textOf(await store.vcard(juliet)), 'of another')
    await commit(store, { kind: 'vcard', xml: bytes('changed') })
    assert.equal(textOf(await store.vcard(juliet)), 'changed')
    await store.close()
  })
})
