/** When an account was there last (XEP-0012 §3): kept when its last resource goes. Nobody waits for that. */
import type { Account } from './account.ts'
import { availableOf, type Realm } from './realm.ts'

/** Characters of a status that are kept. */
const maxStatus = 500

export class LastSeen {
  readonly #realm: Realm

  constructor(realm: Realm) { this.#realm = realm }

  /** A resource has become unavailable, with that status. */
  note(account: Account, status: string): void {
    if (!this.#realm.keepsLastActivity) return
    const [left] = availableOf(this.#realm, account.jid)
    if (left !== undefined) return
    const seconds = Math.floor(this.#realm.clock.now() / 1_000)
    account.perform(() => account.commit([{ kind: 'last-activity', seconds, status: status.slice(0, maxStatus).toWellFormed() }])).catch(() => {
      // It has been logged.
    })
  }
}
