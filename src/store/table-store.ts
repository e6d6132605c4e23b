/** The store in tables of a database, SQLite or PostgreSQL. */
import type { Database, Step } from '../auth/accounts/database.ts'
import type { BareJid, Jid } from '../xmpp/jid.ts'
import * as statements from './statements.ts'
import type { AccountChanges, KeptMessage, LastActivity, OfflineMessage, RosterItem, Store, StoredAccount, SubscriptionState } from './store.ts'

type Row = Readonly<Record<string, unknown>>

export class TableStore implements Store {
  readonly #database: Database
  readonly #prepare: () => Promise<void>
  #prepared: Promise<void> | null = null

  /** `prepare` brings the tables up to date, and is asked again until it has. */
  constructor(database: Database, prepare: () => Promise<void> = () => Promise.resolve()) {
    this.#database = database
    this.#prepare = prepare
  }

  async load(account: BareJid): Promise<StoredAccount> {
    const rows = await this.#ask(statements.load, account)
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
    await this.#write(parts.flatMap(({ account, changes }) => changes.flatMap(change => statements.stepsOf(account, change))))
  }

  async vcard(account: BareJid): Promise<Uint8Array | null> { return xmlOf(await this.#ask(statements.vcard, account)) }

  async privateXml(account: BareJid, ns: string, local: string): Promise<Uint8Array | null> {
    return xmlOf(await this.#ask(statements.privateXml, account, ns, local))
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
    const steps = messages.map(({ wire, at }) => statements.keepStep(account, wire, at, max))
    const areKept = await this.#write(steps, answers => answers.every(({ changes }) => changes === 1))
    return areKept ? 'kept' : 'full'
  }

  async messages(account: BareJid, after: number, max: number): Promise<readonly OfflineMessage[]> {
    const rows = await this.#ask(statements.messages, account, after, max)
    return rows.map(({ id, wire, at }) => ({ id: Number(id), wire: Buffer.from(String(wire)), at: Number(at) }))
  }

  async dropMessages(account: BareJid, upTo: number): Promise<void> { await this.#write([{ statement: statements.drop, values: [account, upTo] }]) }

  async forget(account: BareJid): Promise<void> { await this.#write(statements.forgetSteps(account)) }

  close(): Promise<void> { return this.#database.close() }

  async #ask(statement: Step['statement'], ...values: Step['values']): Promise<readonly Row[]> {
    await this.#ready()
    return (await this.#database.execute(statement, values)).rows
  }

  async #write(steps: readonly Step[], accept?: Parameters<Database['transaction']>[1]): Promise<boolean> {
    await this.#ready()
    return this.#database.transaction(steps, accept)
  }

  #ready(): Promise<void> {
    this.#prepared ??= this.#prepare().catch((error: unknown) => {
      this.#prepared = null
      throw error
    })
    return this.#prepared
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
