/** Databases in files of ours, in `general.data_dir`: made when they are first needed, their tables brought up to date in steps. */

import { chownSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'

import type { Clock } from '../../telemetry/clock.ts'
import { AccountsError } from './accounts.ts'
import { SqliteDatabase } from './sqlite-database.ts'

/** How long another process may hold such a file, in milliseconds: those of ours do so for a few. */
export const embeddedPatience = 2_000

/** Tables that belong together, and have a version. */
export interface Schema {
  readonly part: string
  /** Whatever was written survives the end of this process. With `NORMAL` a machine that loses its power may lose the last moments, never the file. */
  readonly synchronous: 'FULL' | 'NORMAL'
  /** Each brings the tables from one version to the next. What has been published is never changed. */
  readonly migrations: readonly string[]
}

/** The folder of `file` is made with it, where it is missing. Nothing is opened yet. */
export function embeddedDatabase(file: string, schema: Schema, clock: Clock, timeoutMilliseconds = embeddedPatience): SqliteDatabase {
  return new SqliteDatabase({ file, prepare: { file: makeFile, tables: database => { migrate(database, schema, basename(file)) } }, timeoutMilliseconds, clock })
}

/** For our eyes only from the first byte on; SQLite gives the files that it puts beside it the same mode. */
export function makeFile(path: string): void {
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

function migrate(database: DatabaseSync, { part, synchronous, migrations }: Schema, name: string): void {
  // Those who read do not wait for the one who writes: the accounts can be administered while the gateway runs.
  database.exec('PRAGMA journal_mode = WAL')
  database.exec(`PRAGMA synchronous = ${synchronous}`)
  if (versionOf(database, part) === migrations.length) return
  database.exec('BEGIN IMMEDIATE')
  try {
    // Each part of the gateway that keeps its tables here has a version of its own.
    database.exec('CREATE TABLE IF NOT EXISTS schema_version (part TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT')
    const version = versionOf(database, part)
    if (version > migrations.length) throw new AccountsError(`${name} was made by a later version of Meerkat`)
    for (const migration of migrations.slice(version)) database.exec(migration)
    database.prepare('INSERT INTO schema_version VALUES (?, ?) ON CONFLICT (part) DO UPDATE SET version = excluded.version').run(part, migrations.length)
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

export function versionOf(database: DatabaseSync, part: string): number {
  const isThere = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'schema_version'").get() !== undefined
  const row = isThere ? database.prepare('SELECT version FROM schema_version WHERE part = ?').get(part) : undefined
  return typeof row?.['version'] === 'number' ? row['version'] : 0
}
