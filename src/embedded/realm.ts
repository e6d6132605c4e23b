/** What the rules of the embedded domain have in common: who is there, what is kept of them, and which protocols are on. */
import type { Directory } from '../session/directory.ts'
import type { Clock } from '../telemetry/clock.ts'
import type { Log } from '../telemetry/log.ts'
import { type BareJid, bareOf, type FullJid, type Jid } from '../xmpp/jid.ts'
import type { Account } from './account.ts'
import type { Accounts } from './accounts.ts'
import type { Resident } from './resident.ts'

export interface Realm {
  readonly directory: Directory<Resident>
  readonly accounts: Accounts
  readonly clock: Clock
  readonly log: Log
  /** Unpredictable, for requests of our own. */
  readonly newId: () => string
  /** How many messages are kept for an account that is not there (XEP-0160); 0 for none. */
  readonly maxMessages: number
  /** How many items a roster may have. */
  readonly maxRosterItems: number
  /** Whether it is kept when an account was there last (XEP-0012). */
  readonly keepsLastActivity: boolean
}

/** The resources of the account that are available. */
export function* availableOf({ directory }: Realm, account: BareJid): IterableIterator<Resident> {
  for (const resident of directory.ofAccount(account)) if (resident.availability !== null) yield resident
}

/** Whether the one account, or that resource of it, may hear of the other: neither has blocked it (XEP-0191). */
export const mayMeet = (one: Account, oneJid: FullJid, other: Account, otherJid: Jid): boolean =>
  (one.blocked.size === 0 && other.blocked.size === 0) || !(one.blocks(otherJid) || other.blocks(oneJid))

/** With what there is in memory, or as soon as it has been loaded. */
export function withAccount<Result>({ accounts }: Realm, jid: Jid, act: (account: Account) => Result): Result | Promise<Awaited<Result>> {
  const account = accounts.use(bareOf(jid))
  return account instanceof Promise ? account.then(act) as Promise<Awaited<Result>> : act(account)
}
