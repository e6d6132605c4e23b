/** Brings the tables of the store in PostgreSQL up to date: one gateway at a time, all steps together or none. */
import { AccountsError } from '../auth/accounts/accounts.ts'
import type { Database, Statement } from '../auth/accounts/database.ts'
import { postgresMigrations } from './tables.ts'

const isThere: Statement = { name: 'meerkat_schema_there', isQuery: true, text: "SELECT to_regclass('meerkat_schema') IS NOT NULL AS there" }
const readVersion: Statement = { name: 'meerkat_schema_version', isQuery: true, text: 'SELECT version FROM meerkat_schema' }
/** Not prepared: each is said once, and some are several statements. */
const once = (text: string): Statement => ({ name: '', text, isQuery: false })

export async function preparePostgres(database: Database): Promise<void> {
  const version = await versionOf(database)
  if (version > postgresMigrations.length) throw new AccountsError('the tables of the store were made by a later version of Meerkat')
  // Whoever finds everything up to date needs no right to make tables.
  if (version === postgresMigrations.length) return
  const isOurs = await database.transaction([
    // Any number that nobody else locks: "meerkat" read as bytes, the last eight of them.
    once('SELECT pg_advisory_xact_lock(7882828993217847668)'),
    once('CREATE TABLE IF NOT EXISTS meerkat_schema (version INTEGER NOT NULL)'),
    once('INSERT INTO meerkat_schema SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM meerkat_schema)'),
    once('UPDATE meerkat_schema SET version = version WHERE version = ' + String(version)),
    ...postgresMigrations.slice(version).map(once),
    once(`UPDATE meerkat_schema SET version = ${postgresMigrations.length}`),
  ].map(statement => ({ statement, values: [] })), answers => answers[3]?.changes === 1)
  // Somebody else was faster.
  if (!isOurs) await preparePostgres(database)
}

async function versionOf(database: Database): Promise<number> {
  const { rows: [found] } = await database.execute(isThere, [])
  if (found?.['there'] !== true) return 0
  const { rows: [row] } = await database.execute(readVersion, [])
  return Number(row?.['version'] ?? 0)
}
