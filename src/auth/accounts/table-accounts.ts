/** Accounts in MongooseIM's table `users`, of both generations: `(server, username)` since 5.0, `username` alone before. It is read and
 * written as it is. */

import type { Domainpart } from '../../xmpp/jid.ts'
import { AccountsError, listPage } from './accounts.ts'
import type { Accounts } from './accounts.ts'
import type { UserRow } from './stored-password.ts'
import type { Answer, Statement, Database } from './database.ts'

type Purpose = 'find' | 'add' | 'replace' | 'remove' | 'list'
type Statements = Readonly<Record<Purpose, Statement>>

/** The domain is the last parameter, so that the older generation leaves it off. */
const byServer: Statements = {
  find: { name: 'meerkat_find', isQuery: true, text: 'SELECT password, pass_details FROM users WHERE username = $1 AND server = $2' },
  add: { name: 'meerkat_add', isQuery: false, text: 'INSERT INTO users (username, password, pass_details, server) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING' },
  replace: { name: 'meerkat_replace', isQuery: false, text: 'UPDATE users SET password = $2, pass_details = $3 WHERE username = $1 AND server = $4' },
  remove: { name: 'meerkat_remove', isQuery: false, text: 'DELETE FROM users WHERE username = $1 AND server = $2' },
  list: { name: 'meerkat_list', isQuery: true, text: 'SELECT username FROM users WHERE username > $1 AND server = $3 ORDER BY username LIMIT $2' },
}
const byUsername: Statements = {
  find: { name: 'meerkat_find_1', isQuery: true, text: 'SELECT password, pass_details FROM users WHERE username = $1' },
  add: { name: 'meerkat_add_1', isQuery: false, text: 'INSERT INTO users (username, password, pass_details) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING' },
  replace: { name: 'meerkat_replace_1', isQuery: false, text: 'UPDATE users SET password = $2, pass_details = $3 WHERE username = $1' },
  remove: { name: 'meerkat_remove_1', isQuery: false, text: 'DELETE FROM users WHERE username = $1' },
  list: { name: 'meerkat_list_1', isQuery: true, text: 'SELECT username FROM users WHERE username > $1 ORDER BY username LIMIT $2' },
}

export class TableAccounts implements Accounts {
  readonly #database: Database
  readonly #hosts: readonly Domainpart[]
  #statements: Statements | null = null

  /** `hosts`: the domains served. */
  constructor(database: Database, hosts: readonly Domainpart[]) {
    this.#database = database
    this.#hosts = hosts
  }

  async find(localpart: string, domain: Domainpart): Promise<UserRow | null> {
    const { rows: [row] } = await this.#execute('find', domain, localpart)
    if (row === undefined) return null
    const { password, pass_details: passDetails } = row
    // Something else than text, which SQLite allows in any column, is kept of no password.
    const isText = typeof password === 'string' && (passDetails === null || typeof passDetails === 'string')
    return isText ? { password, passDetails } : { password: '', passDetails: null }
  }

  async add(localpart: string, domain: Domainpart, { password, passDetails }: UserRow): Promise<boolean> {
    return (await this.#execute('add', domain, localpart, password, passDetails)).changes > 0
  }

  async replacePassword(localpart: string, domain: Domainpart, { password, passDetails }: UserRow): Promise<boolean> {
    return (await this.#execute('replace', domain, localpart, password, passDetails)).changes > 0
  }

  async remove(localpart: string, domain: Domainpart): Promise<boolean> {
    return (await this.#execute('remove', domain, localpart)).changes > 0
  }

  async *list(domain: Domainpart): AsyncIterable<string> {
    let last = ''
    for (;;) {
      const { rows } = await this.#execute('list', domain, last, listPage)
      const names = rows.map(({ username }) => username).filter(name => typeof name === 'string')
      yield* names
      const end = names.at(-1)
      if (rows.length < listPage || end === undefined) return
      last = end
    }
  }

  close(): Promise<void> { return this.#database.close() }

  async #execute(purpose: Purpose, domain: Domainpart, ...values: readonly (string | number | null)[]): Promise<Answer> {
    try {
      this.#statements ??= this.#statementsFor(await this.#database.columns())
      return await this.#database.execute(this.#statements[purpose], this.#statements === byServer ? [...values, domain] : values)
    } catch (cause) {
      // Perhaps the table was migrated meanwhile: looked at again the next time.
      this.#statements = null
      throw cause
    }
  }

  #statementsFor(columns: ReadonlySet<string>): Statements {
    if (columns.size === 0) throw new AccountsError('the database has no table "users"')
    const missing = ['username', 'password', 'pass_details'].filter(name => !columns.has(name))
    if (missing.length > 0) throw new AccountsError(`the table "users" is not MongooseIM's: it has no column ${missing.join(', ')}`)
    if (columns.has('server')) return byServer
    // Otherwise the alice of one domain would be the alice of all the others.
    if (this.#hosts.length !== 1) {
      throw new AccountsError(`the table "users" has no column "server", so it is of one domain, and general.hosts names ${this.#hosts.length}`)
    }
    return byUsername
  }
}
