/**
 * Who of those that see an account is online (RFC 6121 §4.2.2): its presence is told to these, and nobody looks at the rest of its roster then. Two who
 * are in each other's rosters find each other when the second of them comes; a roster is gone through only when its account comes and goes.
 */
import type { BareJid } from '../xmpp/jid.ts'
import type { Account } from './account.ts'

export class OnlineAudience {
  readonly #active: ReadonlyMap<BareJid, Account>

  /** `active`: the accounts with bound resources, as they are at any moment. */
  constructor(active: ReadonlyMap<BareJid, Account>) { this.#active = active }

  /** It is among the active ones now. */
  arrive(account: Account): void {
    account.onlineAudience.clear()
    for (const jid of account.roster.keys()) this.#meet(account, jid)
  }

  /** It is not any more. What its roster no longer tells of stays behind in that of others: an address at which nobody is. */
  depart(account: Account): void {
    account.onlineAudience.clear()
    for (const jid of account.roster.keys()) this.#active.get(jid)?.onlineAudience.delete(account.jid)
  }

  /** The item for that contact is another one; null where the whole roster is. */
  changed(account: Account, contact: BareJid | null): void {
    if (this.#active.get(account.jid) !== account) return
    if (contact === null) this.arrive(account)
    else this.#meet(account, contact)
  }

  #meet(account: Account, contact: BareJid): void {
    const other = this.#active.get(contact)
    // An account hears of itself whatever its roster says.
    if (other === undefined || other === account) return
    note(account, other)
    note(other, account)
  }
}

function note(seen: Account, { jid }: Account): void {
  if (seen.isSeenBy(jid)) seen.onlineAudience.add(jid)
  else seen.onlineAudience.delete(jid)
}
