/** The embedded database: `meerkat.sqlite` in `general.data_dir`, made when it is first needed, its tables brought up to date in steps. */

import { chownSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'

import type { Clock } from '../../telemetry/clock.ts'
import { AccountsError } from './accounts.ts'
import { SqliteDatabase } from './sqlite-database.ts'

export const embeddedFileName = 'meerkat.sqlite'

/** Each brings the tables of accounts from one version to the next. What has been published is never changed. */
const migrations: readonly string[] = [
  // MongooseIM's table, so that accounts can be taken there and back.
  `CREATE TABLE users (
     server TEXT NOT NULL,
     username TEXT NOT NULL,
     password TEXT NOT NULL,
     pass_details TEXT,
     created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
     PRIMARY KEY (server, username)
   ) STRICT, WITHOUT ROWID`,
]

/** `dataFolder` is made with the file, where it is missing. */
export function embeddedDatabase(dataFolder: string, timeoutMilliseconds: number, clock: Clock): SqliteDatabase {
  return new SqliteDatabase({ file: join(dataFolder, embeddedFileName), prepare: { file: makeFile, tables: migrate }, timeoutMilliseconds, clock })
}

/** For our eyes only from the first byte on; SQLite gives the files that it puts beside it the same mode. */
function makeFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  try {
    closeSync(openSync(path, 'wx', 0o600))
    // An administrator makes it for the one who runs the gateway, whose folder it is. SQLite does the same with the files beside it.
    const { uid, gid } = statSync(dirname(path))
    if (process.getuid?.() === 0) chownSync(path, uid, gid)
  } catch (error) {
    // Another process, `meerkat user` perhaps, was faster.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

function migrate(database: DatabaseSync): void {
  // Those who read do not wait for the one who writes: the accounts can be administered while the gateway runs.
  database.exec('PRAGMA journal_mode = WAL')
  if (versionOf(database) === migrations.length) return
  database.exec('BEGIN IMMEDIATE')
  try {
    // Each part of the gateway that keeps its tables here has a version of its own.
    database.exec('CREATE TABLE IF NOT EXISTS schema_version (part TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT')
    const version = versionOf(database)
    if (version > migrations.length) throw new AccountsError(`${embeddedFileName} was made by a later version of Meerkat`)
    for (const migration of migrations.slice(version)) database.exec(migration)
    database.prepare("INSERT INTO schema_version VALUES ('accounts', ?) ON CONFLICT (part) DO UPDATE SET version = excluded.version").run(migrations.length)
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function versionOf(database: DatabaseSync): number {
  const isThere = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'schema_version'").get() !== undefined
  const row = isThere ? database.prepare("SELECT version FROM schema_version WHERE part = 'accounts'").get() : undefined
  return typeof row?.['version'] === 'number' ? row['version'] : 0
}
