// The store in PostgreSQL: its contract, its tables, and what becomes of it in trouble.
import { after, before, describe } from 'node:test'
import { Value } from 'typebox/value'
import { openStore } from '../../src/store/open-store.ts'
import { storeOptions } from '../../src/store/options.ts'
import { systemClock } from '../../src/telemetry/clock.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import { storeContract } from '../contract/store.ts'
import { Postgres, requirePostgres } from '../support/postgres.ts'

const surroundings = { dataFolder: '/nowhere', clock: systemClock, log: silentLog, file: () => '' }

describe('PostgreSQL', { skip: requirePostgres() }, () => {
  let postgres: Postgres
  before(async () => {
    postgres = await Postgres.start()
    await postgres.sql('GRANT CREATE ON SCHEMA public TO meerkat')
  })
  after(() => postgres.stop())

  const open = (more = {}) => openStore({ ...Value.Create(storeOptions), url: postgres.url, request_timeout: 10_000, ...more }, surroundings)
  const fresh = async () => {
    await postgres.sql(`DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO meerkat`)
    return open()
  }

  storeContract('PostgreSQL', fresh, {
    reopen: async store => {
      await store.close()
      return open()
    },
  })
})
