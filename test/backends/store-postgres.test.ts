// The store in PostgreSQL: its contract, its tables, and what becomes of it in trouble.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Value } from 'typebox/value'
import { openDatabase } from '../../src/auth/accounts/open-database.ts'
import { openStore } from '../../src/store/open-store.ts'
import { storeOptions } from '../../src/store/options.ts'
import { preparePostgres } from '../../src/store/prepare-postgres.ts'
import { StoreError } from '../../src/store/store-error.ts'
import { postgresMigrations, tables } from '../../src/store/tables.ts'
import { systemClock } from '../../src/telemetry/clock.ts'
import { storeContract } from '../contract/store.ts'
import { bytes, commit, item, juliet, keep, nothing, nurse, romeo, rosterOf, set } from '../contract/store-scene.ts'
import { Postgres, requirePostgres } from '../support/postgres.ts'
import { recordingLog } from '../support/turned-clock.ts'

describe('PostgreSQL', { skip: requirePostgres() }, () => {
  let postgres: Postgres
  before(async () => { postgres = await Postgres.start() })
  after(() => postgres.stop())

  const { log, events } = recordingLog()
  const optionsOf = (url: string, more = {}) => ({ ...Value.Create(storeOptions), url, request_timeout: 10_000, ...more })
  const surroundings = { dataFolder: '/nowhere', clock: systemClock, log, file: () => '' }
  const open = (url = postgres.url, more = {}, clock = systemClock) => openStore(optionsOf(url, more), { ...surroundings, clock })
  const emptied = (rights = 'ALL') => postgres.sql(`DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ${rights} ON SCHEMA public TO meerkat`)
  const superuser = () => postgres.url.replace('meerkat@', 'postgres@')
  const problemOf = async (opening = open()): Promise<string> => {
    const error: unknown = await opening.then(() => null, (failure: unknown) => failure)
    assert.ok(error instanceof StoreError, String(error))
    return error.message
  }

  storeContract('PostgreSQL', async () => {
    await emptied()
    return open()
  }, {
    reopen: async store => {
      await store.close()
      return open()
    },
  })

  describe('its tables', () => {
    beforeEach(() => emptied())

    test('are made once by many gateways that start at the same time', async () => {
      const stores = await Promise.all(Array.from({ length: 6 }, () => open()))
      await Promise.all(stores.map(store => store.load(juliet)))
      assert.deepEqual(await postgres.sql('SELECT version FROM meerkat_schema'), [{ version: postgresMigrations.length }])
      for (const store of stores) await store.close()
    })

    test('of a later Meerkat are refused at the start, and stay as they were', async () => {
      await (await open()).close()
      await postgres.sql('UPDATE meerkat_schema SET version = 99')
      assert.match(await problemOf(), /made by a later version of Meerkat$/)
      assert.deepEqual(await postgres.sql('SELECT version FROM meerkat_schema'), [{ version: 99 }])
    })

    test('are brought up to date step by step, all steps or none: what was kept before is there afterwards', async () => {
      const first = await open()
      await commit(first, set(romeo))
      await first.close()
      const database = await openDatabase(optionsOf(postgres.url), surroundings)
      const colour = 'ALTER TABLE meerkat_roster ADD COLUMN colour TEXT'
      await assert.rejects(preparePostgres(database, [...postgresMigrations, colour, colour]), /already exists/)
      assert.deepEqual(await postgres.sql('SELECT version FROM meerkat_schema'), [{ version: postgresMigrations.length }])
      await Promise.all(Array.from({ length: 4 }, () => preparePostgres(database, [...postgresMigrations, colour, "UPDATE meerkat_roster SET colour = 'red'"])))
      assert.deepEqual(await postgres.sql('SELECT colour FROM meerkat_roster'), [{ colour: 'red' }])
      assert.deepEqual(await postgres.sql('SELECT version FROM meerkat_schema'), [{ version: postgresMigrations.length + 2 }])
      await database.close()
      assert.match(await problemOf(), /later version/)
    })

    test('may have been made by somebody else: with the rights of README.md everything works, and nothing without', async () => {
      await emptied('USAGE')
      assert.match(await problemOf(), /permission denied for schema public/)
      await (await open(superuser())).close()
      assert.match(await problemOf(), /permission denied for table meerkat_schema/)
      const [, grants = ''] = /```sql\n(\s*GRANT SELECT ON meerkat_schema.*?)```/s.exec(await readFile(new URL('../../README.md', import.meta.url), 'utf8')) ?? []
      for (const table of tables) assert.ok(grants.includes(table), table)
      await postgres.sql(grants)
      const store = await open()
      await commit(store, { kind: 'known' }, set(romeo), set(romeo, { version: 2 }), { kind: 'roster-remove', jid: romeo, version: 3 }, { kind: 'block', jid: romeo }, { kind: 'unblock', jid: romeo },
        { kind: 'unblock-all' }, { kind: 'vcard', xml: bytes('a') }, { kind: 'vcard', xml: bytes('b') }, { kind: 'vcard', xml: null }, { kind: 'private', ns: 'a', local: 'b', xml: bytes('c') },
        { kind: 'private', ns: 'a', local: 'b', xml: null }, { kind: 'last-activity', seconds: 1, status: '' }, { kind: 'last-activity', seconds: 2, status: '' })
      assert.equal(await keep(store, juliet, 'one', 'two'), 'kept')
      const [one] = await store.messages(juliet, 0, 10)
      await store.dropMessages(juliet, one?.id ?? 0)
      await store.forget(juliet)
      assert.deepEqual(await store.load(juliet), nothing)
      await store.close()
    })

    test('of which one right is missing: which one is told at the start', async () => {
      await (await open(superuser())).close()
      await postgres.sql(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO meerkat; REVOKE DELETE ON meerkat_offline FROM meerkat; REVOKE UPDATE ON meerkat_vcards FROM meerkat`)
      assert.match(await problemOf(), /the database user meerkat lacks rights: (?=.*meerkat_offline \(DELETE\))(?=.*meerkat_vcards \(UPDATE\))[^,]+,[^,]+$/)
    })

    test('stand in a database that can hold every text, or in none', async () => {
      await postgres.sql("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
      assert.match(await problemOf(open(superuser().replace(/meerkat$/, 'latin'))), /the encoding of the database is LATIN1; it has to be UTF8/)
    })
  })

  describe('in trouble', () => {
    beforeEach(() => emptied())

    test('a user or a database that is not there is told at the start', async () => {
      assert.match(await problemOf(open(postgres.url.replace('meerkat@', 'nobody@'))), /role "nobody" does not exist/)
      assert.match(await problemOf(open(postgres.url.replace(/meerkat$/, 'nothing'))), /database "nothing" does not exist/)
    })

    test('a server that is away at the start is used when it comes', async () => {
      await postgres.end()
      const before = events.length
      const store = await open(postgres.url, { request_timeout: 2_000 })
      assert.deepEqual(events.slice(before).map(({ event }) => event), ['store.unreachable'])
      await assert.rejects(store.load(juliet), /ECONNREFUSED/)
      await postgres.restart()
      await commit(store, set(romeo))
      assert.deepEqual(await rosterOf(store), [item(romeo)])
      await store.close()
    })

    test('connections that are cut, and a server that starts anew: what was answered is there, and it goes on', async () => {
      const store = await open()
      const kept: string[] = []
      for (let turn = 0; turn < 40; turn += 1) {
        if (turn === 10) await postgres.terminateConnections()
        if (turn === 25) await postgres.restart()
        await keep(store, juliet, `${turn}`).then(() => kept.push(`${turn}`), () => undefined)
      }
      const there = (await store.messages(juliet, 0, 100)).map(({ wire }) => Buffer.from(wire).toString())
      assert.ok(kept.length > 20)
      assert.deepEqual(kept.filter(one => !there.includes(one)), [])
      assert.deepEqual(there, there.toSorted((one, other) => Number(one) - Number(other)))
      await store.close()
    })

    test('what was given up while it was being committed is done before anybody reads, or never', async () => {
      await using way = await slowWay(postgres.port)
      const store = await open(postgres.url.replace(`:${postgres.port}`, `:${way.port}`), { request_timeout: 500 })
      await commit(store, set(nurse))
      way.hold()
      await assert.rejects(commit(store, set(romeo, { version: 2 })), /no answer within|timeout/)
      assert.equal(way.held, 1)
      assert.deepEqual(await rosterOf(store), [item(nurse)])
      await way.release()
      // The server has heard COMMIT by now, if anybody was left to hear it.
      assert.deepEqual(await postgres.sql("SELECT jid FROM meerkat_roster WHERE jid LIKE 'romeo%'"), [])
      assert.deepEqual(await rosterOf(store), [item(nurse)])
      await commit(store, set(romeo, { version: 3 }))
      assert.equal((await store.load(juliet)).rosterVersion, 3)
      await store.close()
    })

    test('a clock that is set forward does not cut short the time that the server has to end what was given up', async () => {
      await using way = await slowWay(postgres.port)
      let jumped = 0
      const clock = { ...systemClock, now: () => systemClock.now() + (jumped += 3_600_000) }
      const store = await open(postgres.url.replace(`:${postgres.port}`, `:${way.port}`), { request_timeout: 500 }, clock)
      await commit(store, set(nurse))
      way.hold()
      await assert.rejects(commit(store, set(romeo, { version: 2 })), /no answer within|timeout/)
      assert.deepEqual(await rosterOf(store), [item(nurse)])
      await way.release()
      await store.close()
    })

    test('what was committed although the answer was lost is there for whoever reads next', async () => {
      await using way = await slowWay(postgres.port)
      const store = await open(postgres.url.replace(`:${postgres.port}`, `:${way.port}`), { request_timeout: 500 })
      await commit(store, set(nurse))
      way.deafen()
      await assert.rejects(commit(store, set(romeo, { version: 2 })), /no answer within|timeout/)
      assert.equal((await store.load(juliet)).rosterVersion, 2)
      await store.close()
    })
  })
})

/** A way to the server on which COMMIT, or the answer to it, may wait; the client may think that the connection has ended, and the server that it has not. */
async function slowWay(port: number) {
  let mode: 'open' | 'held' | 'deaf' = 'open'
  const waiting = new Set<{ readonly deliver: () => Promise<void> }>()
  const server = createServer(client => {
    const upstream = connect(port, '127.0.0.1')
    const queue: Buffer[] = []
    let [isHeld, isDeaf] = [false, false]
    const ended = new Promise<void>(resolve => { upstream.once('close', () => { resolve() }) })
    for (const socket of [client, upstream]) socket.on('error', () => undefined)
    client.on('data', (chunk: Buffer) => {
      if (mode !== 'open' && chunk.includes('COMMIT')) {
        if (mode === 'deaf') isDeaf = true
        else {
          isHeld = true
          waiting.add({ deliver: async () => {
            for (const one of queue) upstream.write(one)
            upstream.end()
            await ended
          } })
        }
        mode = 'open'
      }
      if (isHeld) queue.push(chunk)
      else upstream.write(chunk)
    })
    client.on('close', () => { if (!isHeld) upstream.end() })
    upstream.on('data', (chunk: Buffer) => { if (!isDeaf) client.write(chunk) })
    upstream.on('close', () => { client.destroy() })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get held() { return waiting.size },
    hold: () => { mode = 'held' },
    deafen: () => { mode = 'deaf' },
    release: async () => { for (const one of waiting) await one.deliver() },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}
