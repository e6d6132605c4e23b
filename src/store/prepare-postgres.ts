/** Brings the tables of the store in PostgreSQL up to date: one gateway at a time, all steps together or none. */
import { AccountsError } from '../auth/accounts/accounts.ts'
import type { Database, Statement } from '../auth/accounts/database.ts'
import { postgresMigrations, tables } from './tables.ts'

const look: Statement = {
  name: 'meerkat_look', isQuery: true,
  text: "SELECT to_regclass('meerkat_schema') IS NOT NULL AS there, current_setting('server_encoding') AS encoding, current_user AS who",
}
const readVersion: Statement = { name: 'meerkat_schema_version', isQuery: true, text: 'SELECT version FROM meerkat_schema' }
const rights = ['SELECT', 'INSERT', 'UPDATE', 'DELETE']
const missingRights: Statement = {
  name: 'meerkat_rights', isQuery: true,
  text: `SELECT name || ' (' || wanted || ')' AS missing FROM unnest(ARRAY[${tables.map(name => `'${name}'`).join()}]) AS name, unnest(ARRAY[${rights.map(right => `'${right}'`).join()}]) AS wanted
    WHERE NOT has_table_privilege(name, wanted)`,
}
/** Not prepared: each is said once, and some are several statements. */
const once = (text: string): Statement => ({ name: '', text, isQuery: false })

export async function preparePostgres(database: Database, migrations: readonly string[] = postgresMigrations): Promise<void> {
  const { version, encoding, who } = await stateOf(database)
  if (encoding !== 'UTF8') throw new AccountsError(`the encoding of the database is ${encoding}; it has to be UTF8`)
  if (version > migrations.length) throw new AccountsError('the tables of the store were made by a later version of Meerkat')
  // Whoever finds everything up to date needs no right to make tables.
  if (version < migrations.length) {
    try {
      await migrate(database, version, migrations)
    } catch (error) {
      await database.settle()
      // Perhaps somebody else was faster.
      if ((await stateOf(database)).version === version) throw error
    }
    await preparePostgres(database, migrations)
    return
  }
  const { rows } = await database.execute(missingRights, [])
  if (rows.length > 0) throw new AccountsError(`the database user ${who} lacks rights: ${rows.map(({ missing }) => String(missing)).join(', ')}`)
}

function migrate(database: Database, version: number, migrations: readonly string[]): Promise<boolean> {
  return database.transaction([
    // Any number that nobody else locks: "meerkat" read as bytes.
    once('SELECT pg_advisory_xact_lock(30792258847203700)'),
    once('CREATE TABLE IF NOT EXISTS meerkat_schema (version INTEGER NOT NULL)'),
    once('INSERT INTO meerkat_schema SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM meerkat_schema)'),
    ...migrations.slice(version).map(once),
    once(`UPDATE meerkat_schema SET version = ${migrations.length} WHERE version = ${version}`),
  ].map(statement => ({ statement, values: [] })), answers => answers.at(-1)?.changes !== 0)
}

async function stateOf(database: Database): Promise<{ readonly version: number, readonly encoding: string, readonly who: string }> {
  const { rows: [found] } = await database.execute(look, [])
  const state = { encoding: String(found?.['encoding']), who: String(found?.['who']) }
  if (found?.['there'] !== true) return { ...state, version: 0 }
  const { rows: [row] } = await database.execute(readVersion, [])
  return { ...state, version: Number(row?.['version'] ?? 0) }
}
