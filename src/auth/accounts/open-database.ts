/** A database by its URL, as `[auth.rdbms]` and `[store]` name one. */

import type { Clock } from '../../telemetry/clock.ts'
import type { Log } from '../../telemetry/log.ts'
import { firstLine } from '../backends/first-line.ts'
import { outgoingTls } from '../outgoing-tls.ts'
import { AccountsError } from './accounts.ts'
import type { DatabaseOptions } from './database-options.ts'
import { parseDatabaseUrl } from './database-url.ts'
import { PostgresDatabase } from './postgres-database.ts'
import { SqliteDatabase } from './sqlite-database.ts'

export interface DatabaseSurroundings {
  /** What stands in a file that the options name. */
  readonly file: (path: string) => string
  readonly clock: Clock
  readonly log: Log
}

type Address = { readonly url: string } & Omit<DatabaseOptions, 'url'>

/** Connects to nothing yet. Rejects only for a bug or a missing library. */
export async function openDatabase({ url, password_file, pool_size: poolSize, request_timeout: timeoutMilliseconds, tls }: Address,
  { file, clock, log }: DatabaseSurroundings): Promise<SqliteDatabase | PostgresDatabase> {
  const parsed = parseDatabaseUrl(url)
  if (!parsed.ok) throw new AccountsError(parsed.problem)
  const { address } = parsed
  if (address.kind === 'sqlite') return new SqliteDatabase({ file: address.file, timeoutMilliseconds, clock })
  return PostgresDatabase.create({
    address, password: password_file === undefined ? null : firstLine(file(password_file)), tls: outgoingTls(tls, file), poolSize, timeoutMilliseconds, clock, log,
  })
}
