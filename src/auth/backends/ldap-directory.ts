/** The servers of one directory: asked in order, the next one when one cannot be reached, all within the time of one login. */

import type { ConnectionOptions } from 'node:tls'

import type * as Ldapts from 'ldapts'
import type { Entry } from 'ldapts'

import type { Clock } from '../../telemetry/clock.ts'
import { ConnectionPool } from './connection-pool.ts'
import { DirectoryError, LdapConnection } from './ldap-connection.ts'
import type { LdapServer } from './ldap-connection.ts'
import type { Filter } from './ldap-filter.ts'

export interface LdapDirectoryOptions {
  readonly servers: readonly LdapServer[]
  readonly tls: ConnectionOptions
  /** Who searches; null for nobody in particular. */
  readonly searcher: { readonly dn: string, readonly password: string } | null
  readonly base: string
  /** Connections to each server for searches, and so many again for checking passwords. */
  readonly connections: number
  readonly timeoutMilliseconds: number
  readonly clock: Clock
}

/** What can be asked of one server while its time lasts. */
export interface Questions {
  /** Below the base. Null: more than the directory tells. */
  search(filter: Filter, attributes: readonly string[]): Promise<readonly Entry[] | null>
  accepts(dn: string, password: string): Promise<boolean>
}

/** A server that did not answer is asked last for so long, in milliseconds. */
const mistrust = 10_000

interface Server {
  readonly name: string
  readonly searchers: ConnectionPool<LdapConnection>
  /** Each bind leaves its connection with another identity, so they are used for nothing else. */
  readonly binders: ConnectionPool<LdapConnection>
  failedAt: number
}

class StaleConnectionError extends DirectoryError {}

export class LdapDirectory {
  readonly #options: LdapDirectoryOptions
  readonly #servers: readonly Server[]

  private constructor(ldapts: typeof Ldapts, options: LdapDirectoryOptions) {
    const { servers, tls, searcher, connections, clock } = options
    this.#options = options
    const pool = (server: LdapServer, identity: LdapDirectoryOptions['searcher']) =>
      new ConnectionPool(connections, signal => LdapConnection.open(ldapts, server, tls, identity, signal), clock)
    this.#servers = servers.map(server => ({
      name: `${server.host}:${server.port}`, searchers: pool(server, searcher), binders: pool(server, null), failedAt: -Infinity,
    }))
  }

  /** Loads the library. Connects to nobody yet. */
  static async create(options: LdapDirectoryOptions): Promise<LdapDirectory> { return new LdapDirectory(await import('ldapts'), options) }

  /** Rejects with a DirectoryError when no server answers in time. `question` may be asked again, of the next server. */
  async ask<Answer>(question: (server: Questions) => Promise<Answer>): Promise<Answer> {
    const { clock, timeoutMilliseconds } = this.#options
    const start = clock.elapsed()
    const isTrusted = ({ failedAt }: Server): boolean => start - failedAt >= mistrust
    const order = [...this.#servers.filter(isTrusted), ...this.#servers.filter(server => !isTrusted(server))]
    const failures: string[] = []
    for (const [index, server] of order.entries()) {
      const left = timeoutMilliseconds - (clock.elapsed() - start)
      if (left <= 0) break
      try {
        // One that hangs must leave time for the others.
        return await this.#within(left / (order.length - index), signal => question(this.#questions(server, signal)))
      } catch (error) {
        server.failedAt = clock.elapsed()
        failures.push(`${server.name}: ${error instanceof Error ? error.message : 'unknown'}`)
      }
    }
    throw new DirectoryError(`${failures.join('; ')} (request_timeout is ${timeoutMilliseconds} ms)`)
  }

  close(): void {
    for (const { searchers, binders } of this.#servers) {
      searchers.close()
      binders.close()
    }
  }

  #questions({ searchers, binders }: Server, signal: AbortSignal): Questions {
    return {
      search: (filter, attributes) => this.#use(searchers, signal, connection => connection.search(this.#options.base, filter, attributes)),
      accepts: (dn, password) => this.#use(binders, signal, connection => connection.accepts(dn, password)),
    }
  }

  /** A kept connection may be found closed: what was asked is asked again on a new one, once. */
  async #use<Answer>(pool: ConnectionPool<LdapConnection>, signal: AbortSignal, ask: (connection: LdapConnection) => Promise<Answer>): Promise<Answer> {
    const attempt = () => pool.with(signal, async ({ connection, isReused }) => {
      try {
        return await ask(connection)
      } catch (error) {
        throw isReused && !connection.isUsable && !signal.aborted ? new StaleConnectionError('a kept connection was closed', { cause: error }) : error
      }
    })
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof StaleConnectionError)) throw error
      pool.forgetIdle()
      return attempt()
    }
  }

  async #within<Answer>(milliseconds: number, work: (signal: AbortSignal) => Promise<Answer>): Promise<Answer> {
    const controller = new AbortController()
    const timer = this.#options.clock.after(milliseconds, () => { controller.abort(new DirectoryError('no answer in time')) })
    const late = new Promise<never>((_resolve, reject) => { controller.signal.addEventListener('abort', () => { reject(controller.signal.reason as Error) }) })
    try {
      return await Promise.race([late, work(controller.signal)])
    } finally {
      timer.cancel()
    }
  }
}
