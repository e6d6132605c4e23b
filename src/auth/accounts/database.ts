/** SQLite or PostgreSQL, as far as tables of ours, and a table `users`, need it. */

export type Value = string | number | null

export interface Answer {
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  /** How many rows were written. */
  readonly changes: number
}

/** A statement with its parameters as `$1`, `$2` …; `name` is of its text alone. A query changes nothing, so it may be asked again. */
export interface Statement { readonly name: string, readonly text: string, readonly isQuery: boolean }

export interface Step { readonly statement: Statement, readonly values: readonly Value[] }

/** Every method rejects when the database cannot be reached, or does not answer within its time. */
export interface Database {
  /** The columns of the table `users`; none where there is no such table. */
  columns(): Promise<ReadonlySet<string>>
  execute(statement: Statement, values: readonly Value[]): Promise<Answer>
  /** All steps in their order or none of them; durable when it resolves. Nothing is done, and it resolves with false, where `accept` says no to the answers. */
  transaction(steps: readonly Step[], accept?: (answers: readonly Answer[]) => boolean): Promise<boolean>
  /** Resolves when nothing is under way any more of what was given up, and may have been done all the same: what is read from then on stays. */
  settle(): Promise<void>
  /** Idempotent. */
  close(): Promise<void>
}
