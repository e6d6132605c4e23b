/** The accounts that the methods `internal` and `rdbms` mean: of the gateway as it runs, and of the command line. */

import type { BackendSurroundings } from '../backend.ts'
import { firstLine } from '../backends/first-line.ts'
import type { RdbmsOptions } from '../backends/rdbms-options.ts'
import { outgoingTls } from '../outgoing-tls.ts'
import { AccountsError } from './accounts.ts'
import type { Accounts } from './accounts.ts'
import { parseDatabaseUrl } from './database-url.ts'
import { embeddedDatabase } from './embedded-database.ts'
import { PostgresDatabase } from './postgres-database.ts'
import { SqliteDatabase } from './sqlite-database.ts'
import { TableAccounts } from './table-accounts.ts'

export type AccountsSurroundings = Omit<BackendSurroundings, 'decoys'>

/** How long another process may hold the embedded database, in milliseconds: those of ours do so for a few. */
export const embeddedPatience = 2_000

/** Opens nothing yet. */
export function embeddedAccounts({ dataFolder, hosts, clock }: Pick<AccountsSurroundings, 'dataFolder' | 'hosts' | 'clock'>): Accounts {
  return new TableAccounts(embeddedDatabase(dataFolder, embeddedPatience, clock), hosts)
}

/** Connects to nothing yet. Rejects only for a bug or a missing library. */
export async function databaseAccounts(options: RdbmsOptions, { hosts, file, clock, log }: AccountsSurroundings): Promise<Accounts> {
  const { url, password_file, pool_size: poolSize, request_timeout: timeoutMilliseconds, tls } = options
  const parsed = parseDatabaseUrl(url)
  if (!parsed.ok) throw new AccountsError(parsed.problem)
  const { address } = parsed
  const database = address.kind === 'sqlite' ? new SqliteDatabase({ file: address.file, timeoutMilliseconds, clock }) : await PostgresDatabase.create({
    address, password: password_file === undefined ? null : firstLine(file(password_file)), tls: outgoingTls(tls, file), poolSize, timeoutMilliseconds, clock, log,
  })
  return new TableAccounts(database, hosts)
}
