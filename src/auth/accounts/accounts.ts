/** Accounts: the users of a domain and what is kept of their passwords, in the shape of MongooseIM's table `users`. */

import type { Domainpart } from '../../xmpp/jid.ts'
import type { UserRow } from './stored-password.ts'

/** Every method rejects when the database cannot be reached, or does not answer within its time. Localparts are prepared (RFC 7622 §3.3). */
export interface Accounts {
  /** Null where there is no such account. */
  find(localpart: string, domain: Domainpart): Promise<UserRow | null>
  /** False where there is one already; it stays as it is. */
  add(localpart: string, domain: Domainpart, row: UserRow): Promise<boolean>
  /** False where there is no such account. */
  replacePassword(localpart: string, domain: Domainpart, row: UserRow): Promise<boolean>
  /** False where there is no such account. */
  remove(localpart: string, domain: Domainpart): Promise<boolean>
  /** Localparts in order, as they stand in the table: what is no localpart is not left out. */
  list(domain: Domainpart): AsyncIterable<string>
  /** Idempotent. */
  close(): Promise<void>
}

/** What is wrong with the database itself: who runs it has to do something. */
export class AccountsError extends Error {
  override readonly name: string = 'AccountsError'
}

/** What came of a question to a database server. `code`: its SQLSTATE, or that of the operating system; empty where there is none. */
export class DatabaseError extends AccountsError {
  override readonly name = 'DatabaseError'
  readonly code: string

  constructor(message: string, code: string) {
    super(message)
    this.code = code
  }
}

/** How many rows `list` takes at once. */
export const listPage = 100
