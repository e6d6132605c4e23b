/** The store in tables of a database, SQLite or PostgreSQL. */
import { AccountsError } from '../auth/accounts/accounts.ts'
import type { Database, Step } from '../auth/accounts/database.ts'
import type { BareJid, Jid } from '../xmpp/jid.ts'
import * as statements from './statements.ts'
import type { AccountChanges, KeptMessage, LastActivity, OfflineMessage, RosterItem, Store, StoredAccount, SubscriptionState } from './store.ts'

type Row = Readonly<Record<string, unknown>>

export class TableStore implements Store {
  readonly #database: Database
  readonly #prepare: () => Promise<void>
  readonly #release: () => void
  #prepared: Promise<void> | null = null
  readonly #underWay = new Set<Promise<unknown>>()
  #closing: Promise<void> | null = null

  /** `prepare` brings the tables up to date, and is asked again until it has; `release` is called when the store is closed. */
  constructor(database: Database, { prepare = () => Promise.resolve(), release = () => undefined }: { readonly prepare?: () => Promise<void>, readonly release?: () => void } = {}) {
    this.#database = database
    this.#prepare = prepare
    this.#release = release
  }

  /** Now, instead of when it is first needed. */
  prepare(): Promise<void> {
    this.#prepared ??= this.#prepare().catch((error: unknown) => {
      this.#prepared = null
      throw error
    })
    return this.#prepared
  }

  async load(account: BareJid): Promise<StoredAccount> {
    const key = statements.keyOf(account)
    const { rows } = await this.#perform(async () => {
      // What was given up may still be done, and memory would never know.
      await this.#database.settle()
      return this.#database.execute(statements.load, [key])
    })
    const of = (kind: string): readonly Row[] => rows.filter(row => row['kind'] === kind)
    const [known] = of('account')
    return {
      isKnown: known?.['listed'] === 1,
      rosterVersion: Number(known?.['version'] ?? 0),
      roster: of('item').map(itemOf),
      removed: of('removed').map(({ jid, version }) => ({ jid: jid as BareJid, version: Number(version) })).toSorted((one, other) => one.version - other.version),
      blocked: of('blocked').map(({ jid }) => jid as Jid),
      hasMessages: of('messages').length > 0,
    }
  }

  async commit(parts: readonly AccountChanges[]): Promise<void> {
    if (parts.every(({ changes }) => changes.length === 0)) return
    await this.#write(parts.flatMap(({ account, changes }) => changes.flatMap(change => statements.stepsOf(account, change))))
  }

  async askers(account: BareJid, max: number): Promise<readonly BareJid[]> {
    return (await this.#ask(statements.askers, account, max)).map(({ account: asker }) => asker as BareJid)
  }

  async vcard(account: BareJid): Promise<Uint8Array | null> { return xmlOf(await this.#ask(statements.vcard, account)) }

  async privateXml(account: BareJid, ns: string, local: string): Promise<Uint8Array | null> {
    return xmlOf(await this.#ask(statements.privateXml, account, statements.keyOf(ns), statements.keyOf(local)))
  }

  async privateBytes(account: BareJid): Promise<number> {
    const [row] = await this.#ask(statements.privateBytes, account)
    return Number(row?.['bytes'] ?? 0)
  }

  async lastActivity(account: BareJid): Promise<LastActivity | null> {
    const [row] = await this.#ask(statements.lastActivity, account)
    return row === undefined ? null : { seconds: Number(row['seconds']), status: String(row['status']) }
  }

  async keepMessages(account: BareJid, messages: readonly KeptMessage[], max: number): Promise<'kept' | 'full'> {
    if (messages.length === 0) return 'kept'
    const steps = messages.map(({ wire, at }) => statements.keepStep(account, wire, at, max))
    const areKept = await this.#write(steps, answers => answers.every(({ changes }) => changes === 1))
    return areKept ? 'kept' : 'full'
  }

  async messages(account: BareJid, after: number, max: number): Promise<readonly OfflineMessage[]> {
    const rows = await this.#ask(statements.messages, account, after, max)
    return rows.map(({ id, wire, at }) => ({ id: Number(id), wire: Buffer.from(String(wire)), at: Number(at) }))
  }

  async dropMessages(account: BareJid, upTo: number): Promise<void> { await this.#write([statements.dropStep(account, upTo)]) }

  async forget(account: BareJid): Promise<void> { await this.#write(statements.forgetSteps(account)) }

  /** Idempotent. What was asked for before comes to its end first. */
  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#underWay).then(() => this.#database.close()).finally(this.#release)
    return this.#closing
  }

  async #ask(statement: Step['statement'], account: BareJid, ...values: Step['values']): Promise<readonly Row[]> {
    const key = statements.keyOf(account)
    return (await this.#perform(() => this.#database.execute(statement, [key, ...values]))).rows
  }

  #write(steps: readonly Step[], accept?: Parameters<Database['transaction']>[1]): Promise<boolean> {
    return this.#perform(() => this.#database.transaction(steps, accept))
  }

  async #perform<Result>(act: () => Promise<Result>): Promise<Result> {
    if (this.#closing !== null) throw new AccountsError('the store is closed')
    const result = this.prepare().then(act)
    this.#underWay.add(result)
    try {
      return await result
    } finally {
      this.#underWay.delete(result)
    }
  }
}

const itemOf = ({ jid, name, group_names: groups, subscription, asks, approved, request, listed, version }: Row): RosterItem => ({
  jid: jid as BareJid,
  name: name === null ? null : name as string,
  groups: JSON.parse(String(groups)) as readonly string[],
  subscription: subscription as SubscriptionState,
  ask: asks === 1,
  approved: approved === 1,
  request: request === null ? null : Buffer.from(request as string),
  isListed: listed === 1,
  version: Number(version),
})

const xmlOf = ([row]: readonly Row[]): Uint8Array | null => row === undefined ? null : Buffer.from(String(row['xml']))
