/** A file that one process at a time has: SQLite's own lock on a database with nothing in it, which the system takes away from a process that ends, however it ends. */
import { DatabaseSync } from 'node:sqlite'
import { makeFile } from '../auth/accounts/embedded-database.ts'

export class FileLock {
  readonly #database: DatabaseSync

  private constructor(database: DatabaseSync) { this.#database = database }

  /** Null where another process has it. The file is made where it is missing, and stays. */
  static take(path: string): FileLock | null {
    makeFile(path)
    const database = new DatabaseSync(path, { timeout: 0 })
    try {
      // Nothing is ever written, so nothing is ever to be undone.
      database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
      return new FileLock(database)
    } catch (error) {
      database.close()
      if (error instanceof Error && 'errcode' in error && error.errcode === 5) return null
      throw error
    }
  }

  /** Idempotent. */
  release(): void { if (this.#database.isOpen) this.#database.close() }
}
