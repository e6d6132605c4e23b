/** The store that the configuration names: the embedded one, or a database. */
import { join } from 'node:path'
import { AccountsError, DatabaseError } from '../auth/accounts/accounts.ts'
import { parseDatabaseUrl } from '../auth/accounts/database-url.ts'
import { embeddedDatabase } from '../auth/accounts/embedded-database.ts'
import { type DatabaseSurroundings, openDatabase } from '../auth/accounts/open-database.ts'
import type { SqliteDatabase } from '../auth/accounts/sqlite-database.ts'
import { FileLock } from './file-lock.ts'
import type { StoreOptions } from './options.ts'
import { preparePostgres } from './prepare-postgres.ts'
import { StoreError } from './store-error.ts'
import { TableStore } from './table-store.ts'
import { sqliteSchema } from './tables.ts'

export const storeFileName = 'domain.sqlite'

export interface StoreSurroundings extends DatabaseSurroundings {
  /** Absolute: of the embedded database. */
  readonly dataFolder: string
  /** Whether another process may have it open meanwhile: the one of an administrator next to the gateway. */
  readonly isShared?: boolean
}

/** Where it is a file: that file. */
export function storeFile(url: string | undefined, dataFolder: string): string | null {
  if (url === undefined) return join(dataFolder, storeFileName)
  const parsed = parseDatabaseUrl(url)
  return parsed.ok && parsed.address.kind === 'sqlite' ? parsed.address.file : null
}

/** Opens it, and brings its tables up to date. Rejects with a StoreError where somebody has to do something first; a database server that is out of reach may come back. */
export async function openStore({ url, ...options }: StoreOptions, { dataFolder, isShared = false, ...surroundings }: StoreSurroundings): Promise<TableStore> {
  const { clock, log } = surroundings
  const file = storeFile(url, dataFolder)
  if (file !== null) {
    const database = embeddedDatabase(file, sqliteSchema, clock, url === undefined ? undefined : options.request_timeout)
    const lock = await openFile(file, database, isShared)
    return new TableStore(database, { release: () => { lock?.release() } })
  }
  const database = await openDatabase({ url: url ?? '', ...options }, surroundings)
  const store = new TableStore(database, { prepare: () => preparePostgres(database) })
  try {
    await store.prepare()
  } catch (error) {
    if (!isOutOfReach(error)) {
      await store.close()
      throw asStoreError(error, '[store]')
    }
    log.error({ event: 'store.unreachable', error })
  }
  return store
}

async function openFile(file: string, database: SqliteDatabase, isShared: boolean): Promise<FileLock | null> {
  let lock: FileLock | null = null
  try {
    if (!isShared) {
      lock = FileLock.take(`${file}.lock`)
      if (lock === null) throw new StoreError(`${file} is in use: another Meerkat keeps contacts and messages there. Stop it, or give this one a place of its own.`)
    }
    await database.open()
    return lock
  } catch (error) {
    lock?.release()
    throw asStoreError(error, file)
  }
}

/** Classes 08 (connection), 53 (resources) and 57 (the administrator), and whatever the server itself did not say. */
const isOutOfReach = (error: unknown): boolean => error instanceof DatabaseError && !/^(?!08|53|57)[0-9A-Z]{5}$/.test(error.code)

/** A bug of ours as it is. */
function asStoreError(error: unknown, where: string): unknown {
  if (error instanceof AccountsError) return new StoreError(`${where} cannot be used: ${error.message}`, { cause: error })
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string' && /^(?:ERR_SQLITE_ERROR|E[A-Z]+)$/.test(error.code))) return error
  return new StoreError(`${where} cannot be used: ${error.message}. Contacts and messages are kept there: it has to be in a folder where this user may write.`, { cause: error })
}
