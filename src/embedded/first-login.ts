/** The first log-in to an account: from now on there is such an account for others, and whoever asked to see it before is heard (RFC 6121 §3.1.3). */
import type { Change } from '../store/store.ts'
import { stanzaMarkup } from '../xmpp/stanza.ts'
import type { Account } from './account.ts'
import { inbound } from './roster/subscription.ts'

/** Nothing but what the others' own rosters say is kept of requests to accounts that there are not: so strangers fill no store, and nobody learns which there are. */
export async function begin(account: Account, maxRequests: number): Promise<void> {
  await account.perform(async () => {
    if (account.isKnown) return
    const changes: Change[] = [{ kind: 'known' }]
    for (const from of await account.askers(maxRequests)) {
      const { item } = inbound(null, from, 'subscribe', account.rosterVersion + changes.length, stanzaMarkup('presence', { type: 'subscribe', from, to: account.jid }))
      if (item !== null) changes.push({ kind: 'roster-set', item })
    }
    await account.commit(changes)
  })
}
