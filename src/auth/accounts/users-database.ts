/** What holds a table `users`: SQLite or PostgreSQL, as far as accounts need it. */

export interface Answer {
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  /** How many rows were written. */
  readonly changes: number
}

/** A statement with its parameters as `$1`, `$2` …; `name` is of its text alone. A query changes nothing, so it may be asked again. */
export interface Statement { readonly name: string, readonly text: string, readonly isQuery: boolean }

/** Both methods reject when the database cannot be reached, or does not answer within its time. */
export interface UsersDatabase {
  /** The columns of the table `users`; none where there is no such table. */
  columns(): Promise<ReadonlySet<string>>
  execute(statement: Statement, values: readonly (string | number | null)[]): Promise<Answer>
  /** Idempotent. */
  close(): Promise<void>
}
