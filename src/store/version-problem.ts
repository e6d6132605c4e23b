/** Whether a file of the store can be used by this version of Meerkat: told before it is opened for good. */
import { DatabaseSync } from 'node:sqlite'
import { versionOf } from '../auth/accounts/embedded-database.ts'
import { sqliteSchema } from './tables.ts'

/** Of a file that is there. Null where nothing is wrong. */
export function versionProblem(file: string): string | null {
  try {
    const database = new DatabaseSync(file, { readOnly: true })
    try {
      return versionOf(database, sqliteSchema.part) > sqliteSchema.migrations.length ? 'it was made by a later version of Meerkat' : null
    } finally {
      database.close()
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
