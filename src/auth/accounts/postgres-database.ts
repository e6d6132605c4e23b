/** Tables in PostgreSQL: a pool of connections that come back when the server does. Whatever the server does or does not do, an
 * answer or an error is there within the time allowed. */

import type { Duplex } from 'node:stream'
import type { ConnectionOptions } from 'node:tls'

import type { Pool, PoolClient } from 'pg'

import type { Clock } from '../../telemetry/clock.ts'
import type { Log } from '../../telemetry/log.ts'
import { within } from '../deadline.ts'
import { AccountsError, DatabaseError } from './accounts.ts'
import { containedClient } from './contained-client.ts'
import type { PostgresAddress } from './database-url.ts'
import type { Answer, Database, Statement, Step, Value } from './database.ts'

export interface PostgresOptions {
  readonly address: PostgresAddress
  /** Where it is null, and the address has none, the one of the environment (PGPASSWORD). */
  readonly password: string | null
  /** Where the address wants TLS. */
  readonly tls: ConnectionOptions
  readonly poolSize: number
  readonly timeoutMilliseconds: number
  readonly clock: Clock
  readonly log: Log
}

/** How many may wait for each connection of the pool. The next one is told at once that it would be in vain. */
const queuePerConnection = 100
/** How long a server may take to say goodbye, in milliseconds. */
const goodbye = 500

const columnsOfUsers: Statement = {
  name: 'meerkat_columns', isQuery: true,
  text: 'SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = to_regclass(\'users\') AND attnum > 0 AND NOT attisdropped',
}

/** Ends those of its processes that still do something for us, and tells which are still there. */
const endProcesses: Statement = {
  name: 'meerkat_end_processes', isQuery: true,
  text: `SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid = ANY(string_to_array($1, ',')::int[])`,
}
/** Milliseconds between two looks at them. */
const patience = 20

/** One transaction, as long as somebody waits for it. */
interface Attempt {
  isGivenUp: boolean
  /** The server's process that was told to commit, and has not said that it has. */
  committing: number | null
}

export class PostgresDatabase implements Database {
  readonly #options: PostgresOptions
  readonly #pool: Pool
  readonly #streams = new Set<Duplex>()
  #closing: Promise<void> | null = null
  /** Processes of the server that may still do what we were told has failed. */
  readonly #inDoubt = new Set<number>()

  private constructor(options: PostgresOptions, pool: Pool) {
    this.#options = options
    this.#pool = pool
    const { log, address: { host, port } } = options
    // Without a listener a connection that is cut while nobody uses it would end the process.
    pool.on('error', (error: unknown) => { log.warn({ event: 'auth.database_connection_lost', host, port, problem: problemOf(error) }) })
    pool.on('connect', client => {
      const { connection: { stream } } = client
      // Nor may one that is cut between two questions of a transaction: whoever asks the next is told.
      client.on('error', () => undefined)
      this.#streams.add(stream)
      stream.once('close', () => { this.#streams.delete(stream) })
    })
  }

  /** Connects to nothing yet. The library is loaded here, so that only those need it who use it. */
  static async create(options: PostgresOptions): Promise<PostgresDatabase> {
    const { address: { host, port, user, password, database, tls }, poolSize, timeoutMilliseconds } = options
    const { Client, Pool } = await import('pg')
    return new PostgresDatabase(options, new Pool({
      host, port, user, database,
      // A function: where there is no password at all the library would look for one in files of its own.
      password: () => options.password ?? password ?? process.env['PGPASSWORD'] ?? '',
      ssl: tls ? options.tls : false,
      max: poolSize,
      connectionTimeoutMillis: timeoutMilliseconds, query_timeout: timeoutMilliseconds, statement_timeout: timeoutMilliseconds,
      idleTimeoutMillis: 30_000, keepAlive: true, application_name: 'meerkat', client_encoding: 'UTF8',
      Client: containedClient(Client),
    }))
  }

  async columns(): Promise<ReadonlySet<string>> {
    const { rows } = await this.execute(columnsOfUsers, [])
    return new Set(rows.map(({ attname }) => String(attname)))
  }

  execute(statement: Statement, values: readonly Value[]): Promise<Answer> { return this.#inTime(() => this.#ask(statement, values)) }

  async transaction(steps: readonly Step[], accept: (answers: readonly Answer[]) => boolean = () => true): Promise<boolean> {
    const attempt: Attempt = { isGivenUp: false, committing: null }
    try {
      return await this.#inTime(() => this.#transact(steps, accept, attempt))
    } catch (error) {
      attempt.isGivenUp = true
      if (attempt.committing !== null) this.#inDoubt.add(attempt.committing)
      throw error
    }
  }

  async settle(): Promise<void> {
    const { clock, timeoutMilliseconds } = this.#options
    for (const deadline = clock.elapsed() + timeoutMilliseconds; this.#inDoubt.size > 0;) {
      const asked = [...this.#inDoubt]
      const { rows } = await this.execute(endProcesses, [asked.join(',')])
      const left = new Set(rows.map(({ pid }) => Number(pid)))
      for (const pid of asked) if (!left.has(pid)) this.#inDoubt.delete(pid)
      if (left.size === 0) continue
      if (clock.elapsed() >= deadline) throw new AccountsError('PostgreSQL does not end what was given up')
      await new Promise<void>(resolve => { clock.after(patience, resolve) })
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#end()
    return this.#closing
  }

  async #inTime<Result>(act: () => Promise<Result>): Promise<Result> {
    const { timeoutMilliseconds, clock, address: { host, port } } = this.#options
    if (this.#pool.waitingCount >= this.#options.poolSize * queuePerConnection) throw new AccountsError('too many questions wait for the database')
    try {
      return await within(timeoutMilliseconds, clock, act())
    } catch (error) {
      // Not the library's own error, which holds the connection with all that belongs to it.
      throw new DatabaseError(`PostgreSQL at ${host}:${port}: ${problemOf(error)}`, codeOf(error))
    }
  }

  async #end(): Promise<void> {
    const { clock } = this.#options
    const streams = [...this.#streams]
    const allClosed = Promise.all(streams.filter(stream => !stream.closed).map(stream => new Promise(resolve => { stream.once('close', resolve) })))
    // A server that has stopped never ends its side, and would keep this process from ending too.
    await within(goodbye, clock, this.#pool.end().then(() => allClosed)).catch(() => { for (const stream of streams) stream.destroy() })
  }

  async #ask({ name, text, isQuery }: Statement, values: readonly Value[]): Promise<Answer> {
    for (let cut = 0; ; cut += 1) {
      try {
        const { rows, rowCount } = await this.#pool.query<Record<string, unknown>>({ name, text, values: [...values] })
        return { rows, changes: rowCount ?? 0 }
      } catch (error) {
        // The server cut this connection, a moment ago or just now. After as many as the pool has the next one is new. What writes may have been done.
        if (!isQuery || !wasCut(error) || cut === this.#options.poolSize) throw error
      }
    }
  }

  /** Steps on one connection follow each other; a connection on which something went wrong is not used again. Nothing is done for whom nobody waits. */
  async #transact(steps: readonly Step[], accept: (answers: readonly Answer[]) => boolean, attempt: Attempt): Promise<boolean> {
    const client = await this.#pool.connect()
    try {
      const say = async (text: string): Promise<void> => {
        if (attempt.isGivenUp) throw new AccountsError('given up')
        await client.query(text)
      }
      await say('BEGIN')
      const answers: Answer[] = []
      for (const { statement: { name, text }, values } of steps) {
        const { rows, rowCount } = await client.query<Record<string, unknown>>({ name, text, values: [...values] })
        answers.push({ rows, changes: rowCount ?? 0 })
      }
      const isAccepted = accept(answers)
      if (isAccepted && !attempt.isGivenUp) attempt.committing = processOf(client)
      await say(isAccepted ? 'COMMIT' : 'ROLLBACK')
      attempt.committing = null
      // Otherwise it is about to be ended.
      client.release(attempt.isGivenUp)
      return isAccepted
    } catch (error) {
      client.release(true)
      throw error
    }
  }
}

/** The library's types do not tell of it. */
function processOf(client: PoolClient): number | null {
  const pid: unknown = 'processID' in client ? client.processID : null
  return typeof pid === 'number' ? pid : null
}

const asError = (error: unknown) => error instanceof Error ? error : new Error(String(error))
function codeOf(error: unknown): string {
  // A name with several addresses: what happened at the first one.
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** PostgreSQL's classes 08 and 57P (the administrator ended the connection), and what TCP says. */
const wasCut = (error: unknown): boolean => /^(?:08...|57P0[12]|ECONNRESET|EPIPE)$/.test(codeOf(error))
  || (error instanceof Error && error.message === 'Connection terminated unexpectedly')

function problemOf(error: unknown): string {
  if (error instanceof AggregateError) return problemOf(error.errors[0])
  const code = codeOf(error)
  return `${asError(error).message}${code === '' ? '' : ` (${code})`}`
}
