/** The accounts that the methods `internal` and `rdbms` mean: of the gateway as it runs, and of the command line. */

import { join } from 'node:path'

import type { BackendSurroundings } from '../backend.ts'
import type { RdbmsOptions } from '../backends/rdbms-options.ts'
import type { Accounts } from './accounts.ts'
import { embeddedDatabase, type Schema } from './embedded-database.ts'
import { openDatabase } from './open-database.ts'
import { TableAccounts } from './table-accounts.ts'

export type AccountsSurroundings = Omit<BackendSurroundings, 'decoys'>

export const accountsFileName = 'meerkat.sqlite'

const accountsSchema: Schema = {
  part: 'accounts',
  synchronous: 'FULL',
  migrations: [
    // MongooseIM's table, so that accounts can be taken there and back.
    `CREATE TABLE users (
       server TEXT NOT NULL,
       username TEXT NOT NULL,
       password TEXT NOT NULL,
       pass_details TEXT,
       created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
       PRIMARY KEY (server, username)
     ) STRICT, WITHOUT ROWID`,
  ],
}

/** Opens nothing yet. */
export function embeddedAccounts({ dataFolder, hosts, clock }: Pick<AccountsSurroundings, 'dataFolder' | 'hosts' | 'clock'>): Accounts {
  return new TableAccounts(embeddedDatabase(join(dataFolder, accountsFileName), accountsSchema, clock), hosts)
}

/** Connects to nothing yet. Rejects only for a bug or a missing library. */
export async function databaseAccounts(options: RdbmsOptions, { hosts, file, clock, log }: AccountsSurroundings): Promise<Accounts> {
  const database = await openDatabase(options, { file, clock, log })
  return new TableAccounts(database, hosts)
}
