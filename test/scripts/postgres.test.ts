/** The same conversations where PostgreSQL keeps what the domain keeps. */
import { after, before, describe } from 'node:test'
import { tables } from '../../src/store/tables.ts'
import { describeConversations } from '../support/conversations.ts'
import { Postgres, requirePostgres } from '../support/postgres.ts'

describe('on PostgreSQL', { skip: requirePostgres() }, () => {
  let postgres: Postgres
  let isNew = true
  before(async () => {
    postgres = await Postgres.start()
    await postgres.sql('GRANT CREATE ON SCHEMA public TO meerkat')
  })
  after(async () => { await postgres.stop() })

  describeConversations(', on PostgreSQL', async () => {
    // The first gateway makes them.
    if (!isNew) await postgres.sql(`TRUNCATE ${tables.join()}`)
    isNew = false
    return `store.url = "${postgres.url}"`
  })
})
