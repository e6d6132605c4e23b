// What a row of the table of clauses is: a sentence of XEP-0124 or XEP-0206 that speaks to the connection manager, and what shows that it holds.
import type { World } from './world.ts'

export interface Clause {
  /** Document and section. */
  readonly section: `XEP-0124 §${string}` | `XEP-0206 §${string}`
  readonly level: 'MUST' | 'MUST NOT' | 'SHOULD' | 'SHOULD NOT' | 'RECOMMENDED' | 'MAY'
  /** In our own words. */
  readonly clause: string
}

export interface TestedClause extends Clause {
  readonly test: (world: World) => Promise<void>
}

/** Decided otherwise, or without an object here. */
export interface ExceptedClause extends Clause {
  readonly exception: string
}

export type AnyClause = TestedClause | ExceptedClause
