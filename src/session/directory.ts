/** Who is bound: full JID → entry, and account → its entries. Every look-up is one hash access. */
import { type BareJid, bareOf, type FullJid } from '../xmpp/jid.ts'

export class Directory<Entry extends { readonly jid: FullJid }> {
  readonly #byJid = new Map<string, Entry>()
  readonly #byAccount = new Map<BareJid, Set<Entry>>()

  get size(): number { return this.#byJid.size }

  /** By a string that need not be a prepared JID: one that is not finds nothing. */
  get(jid: string): Entry | undefined { return this.#byJid.get(jid) }

  /** The entries of one account, in the order in which they were added. */
  ofAccount(account: BareJid): ReadonlySet<Entry> { return this.#byAccount.get(account) ?? none }

  add(entry: Entry): void {
    this.#byJid.set(entry.jid, entry)
    const account = bareOf(entry.jid)
    const entries = this.#byAccount.get(account)
    if (entries === undefined) this.#byAccount.set(account, new Set([entry]))
    else entries.add(entry)
  }

  /** Removes this very entry: one that has taken its JID meanwhile stays. */
  remove(entry: Entry): void {
    if (this.#byJid.get(entry.jid) === entry) this.#byJid.delete(entry.jid)
    const account = bareOf(entry.jid)
    const entries = this.#byAccount.get(account)
    entries?.delete(entry)
    if (entries?.size === 0) this.#byAccount.delete(account)
  }

  values(): IterableIterator<Entry> { return this.#byJid.values() }
}

const none: ReadonlySet<never> = new Set<never>()
