/** The store that the configuration names: the embedded one, or a database. */
import { join } from 'node:path'
import { parseDatabaseUrl } from '../auth/accounts/database-url.ts'
import { embeddedDatabase } from '../auth/accounts/embedded-database.ts'
import { type DatabaseSurroundings, openDatabase } from '../auth/accounts/open-database.ts'
import type { StoreOptions } from './options.ts'
import { preparePostgres } from './prepare-postgres.ts'
import type { Store } from './store.ts'
import { TableStore } from './table-store.ts'
import { sqliteSchema } from './tables.ts'

export const storeFileName = 'domain.sqlite'

export interface StoreSurroundings extends DatabaseSurroundings {
  /** Absolute: of the embedded database. */
  readonly dataFolder: string
}

/** Opens nothing yet, and connects to nothing. Rejects only for a bug or a missing library. */
export async function openStore({ url, ...options }: StoreOptions, { dataFolder, ...surroundings }: StoreSurroundings): Promise<Store> {
  const file = url === undefined ? join(dataFolder, storeFileName) : sqliteFileOf(url)
  if (file !== null) return new TableStore(embeddedDatabase(file, sqliteSchema, surroundings.clock, url === undefined ? undefined : options.request_timeout))
  const database = await openDatabase({ url: url ?? '', ...options }, surroundings)
  return new TableStore(database, () => preparePostgres(database))
}

function sqliteFileOf(url: string): string | null {
  const parsed = parseDatabaseUrl(url)
  return parsed.ok && parsed.address.kind === 'sqlite' ? parsed.address.file : null
}
