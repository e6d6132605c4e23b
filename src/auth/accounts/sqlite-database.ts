/** Tables in a file of SQLite. Its calls are synchronous, each one of some microseconds; a file that somebody else has locked is waited for
 * without stopping the event loop. Transactions that come together are written together, off the path of whoever asked for them. */

import { rmSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { StatementSync } from 'node:sqlite'

import type { Clock } from '../../telemetry/clock.ts'
import { AccountsError } from './accounts.ts'
import type { Answer, Database, Statement, Step, Value } from './database.ts'

export interface SqliteOptions {
  /** Absolute. */
  readonly file: string
  /** Called before a file is opened, and with it once it is: to make it, and to bring its tables up to date. */
  readonly prepare?: { readonly file: (path: string) => void, readonly tables: (database: DatabaseSync) => void }
  /** How long a locked file is waited for, in milliseconds. */
  readonly timeoutMilliseconds: number
  readonly clock: Clock
}

/** SQLITE_BUSY and SQLITE_LOCKED; what stands above the lowest byte tells the kinds of them apart. */
const busyCodes = new Set([5, 6])
/** Milliseconds between two attempts on a locked file. */
const patience = 10
/** So many transactions are written together at most: the event loop has its turn between two such. */
const maxTogether = 128

interface Job {
  readonly steps: readonly Step[]
  readonly accept: (answers: readonly Answer[]) => boolean
  readonly resolve: (isAccepted: boolean) => void
  readonly reject: (error: unknown) => void
}

interface Opened {
  readonly database: DatabaseSync
  readonly statements: Map<string, StatementSync>
  readonly identity: string
  /** Of the log beside it, where it is a file of ours. */
  readonly log: string | null
}

export class SqliteDatabase implements Database {
  readonly #options: SqliteOptions
  #opened: Opened | null = null
  readonly #jobs: Job[] = []
  #isWriting = false
  #isClosed = false

  constructor(options: SqliteOptions) { this.#options = options }

  /** Opens it now, instead of when it is first needed. */
  open(): Promise<void> { return this.#patiently(() => undefined) }

  columns(): Promise<ReadonlySet<string>> {
    return this.#patiently(({ database }) => {
      const rows = database.prepare("SELECT name FROM pragma_table_info('users')").all()
      return new Set(rows.map(({ name }) => String(name)))
    })
  }

  execute(statement: Statement, values: readonly Value[]): Promise<Answer> {
    return this.#patiently(opened => run(opened, { statement, values }))
  }

  transaction(steps: readonly Step[], accept: (answers: readonly Answer[]) => boolean = () => true): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    this.#jobs.push({ steps, accept, resolve, reject })
    this.#writeSoon()
    return promise
  }

  /** Whatever has failed has changed nothing. */
  settle(): Promise<void> { return Promise.resolve() }

  close(): Promise<void> {
    this.#isClosed = true
    this.#opened?.database.close()
    this.#opened = null
    return Promise.resolve()
  }

  #writeSoon(): void {
    if (this.#isWriting || this.#jobs.length === 0) return
    this.#isWriting = true
    setImmediate(() => {
      const jobs = this.#jobs.splice(0, maxTogether)
      this.#patiently(opened => together(opened, jobs)).then(settlements => {
        for (const settle of settlements) settle()
      }, (error: unknown) => {
        for (const { reject } of jobs) reject(error)
      }).finally(() => {
        this.#isWriting = false
        this.#writeSoon()
      })
    })
  }

  async #patiently<Result>(act: (opened: Opened) => Result): Promise<Result> {
    const { clock, timeoutMilliseconds } = this.#options
    const deadline = clock.elapsed() + timeoutMilliseconds
    for (;;) {
      try {
        return act(this.#current())
      } catch (error) {
        if (!isBusy(error) || clock.elapsed() >= deadline) throw error
        await new Promise<void>(resolve => { clock.after(patience, resolve) })
      }
    }
  }

  /** The file of that name as it is now: one that was put in the place of another is another database. */
  #current(): Opened {
    const { file, prepare } = this.#options
    // What waits for a locked file would open it again.
    if (this.#isClosed) throw new AccountsError(`${file} is closed`)
    const identity = identityOf(file)
    if (this.#opened !== null && this.#opened.identity === identity) return this.#opened
    this.#forsake()
    if (identity === null) {
      if (prepare === undefined) throw new AccountsError(`there is no database ${file}`)
      prepare.file(file)
    }
    const database = new DatabaseSync(file, { timeout: 0 })
    try {
      prepare?.tables(database)
      this.#opened = { database, statements: new Map(), identity: identityOf(file) ?? '', log: prepare === undefined ? null : identityOf(`${file}-wal`) }
      return this.#opened
    } catch (error) {
      database.close()
      throw error
    }
  }

  /** SQLite leaves the log of a file that is not there any more where it is, and would take it for that of the next one. */
  #forsake(): void {
    if (this.#opened === null) return
    const { database, log } = this.#opened
    this.#opened = null
    database.close()
    const { file } = this.#options
    if (log !== null && identityOf(`${file}-wal`) === log) for (const beside of ['-wal', '-shm']) rmSync(`${file}${beside}`, { force: true })
  }
}

function run({ database, statements }: Opened, { statement: { name, text, isQuery }, values }: Step): Answer {
  // SQLite takes $1 for a name.
  const statement = statements.get(name) ?? database.prepare(text.replaceAll('$', '?'))
  statements.set(name, statement)
  if (isQuery) return { rows: statement.all(...values), changes: 0 }
  return { rows: [], changes: Number(statement.run(...values).changes) }
}

/** Throws where nothing at all was written. What it returns tells each what became of it. */
function together(opened: Opened, jobs: readonly Job[]): readonly (() => void)[] {
  const { database } = opened
  database.exec('BEGIN IMMEDIATE')
  try {
    const settlements = jobs.map(job => alone(opened, job))
    database.exec('COMMIT')
    return settlements
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

/** One that fails takes no other with it. */
function alone(opened: Opened, { steps, accept, resolve, reject }: Job): () => void {
  const { database } = opened
  database.exec('SAVEPOINT alone')
  try {
    const isAccepted = accept(steps.map(step => run(opened, step)))
    database.exec(isAccepted ? 'RELEASE alone' : 'ROLLBACK TO alone; RELEASE alone')
    return () => { resolve(isAccepted) }
  } catch (error) {
    // A full disk, for one, ends the whole transaction.
    if (!database.isTransaction) throw error
    database.exec('ROLLBACK TO alone; RELEASE alone')
    return () => { reject(error) }
  }
}

function identityOf(file: string): string | null {
  const stats = statSync(file, { throwIfNoEntry: false })
  return stats === undefined ? null : `${stats.dev}:${stats.ino}`
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && busyCodes.has(error.errcode & 0xff)
}
