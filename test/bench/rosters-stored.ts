// Accounts with rosters, put into the embedded store of a server before it starts.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { embeddedDatabase } from '../../src/auth/accounts/embedded-database.ts'
import { storeFileName } from '../../src/store/open-store.ts'
import { sqliteSchema } from '../../src/store/tables.ts'
import { systemClock } from '../../src/telemetry/clock.ts'

export interface StoredContact { readonly jid: string, readonly subscription: 'to' | 'from' | 'both' }

/** Names are of this many accounts that have logged in before; `contactsOf` is the roster of each. */
export async function storeAccounts(dataFolder: string, accounts: Iterable<string>, contactsOf: (account: string) => Iterable<StoredContact> = () => []): Promise<void> {
  const file = join(dataFolder, storeFileName)
  const tables = embeddedDatabase(file, sqliteSchema, systemClock)
  await tables.open()
  await tables.close()
  const database = new DatabaseSync(file)
  try {
    const account = database.prepare('INSERT INTO meerkat_accounts (account, known, roster_version) VALUES (?, 1, ?)')
    const item = database.prepare(`INSERT INTO meerkat_roster (account, jid, name, group_names, subscription, asks, approved, listed, version)
      VALUES (?, ?, ?, '["Friends"]', ?, 0, 0, 1, ?)`)
    database.exec('BEGIN')
    for (const jid of accounts) {
      let version = 0
      for (const { jid: contact, subscription } of contactsOf(jid)) {
        version += 1
        item.run(jid, contact, `Somebody ${version}`, subscription, version)
      }
      account.run(jid, version)
    }
    database.exec('COMMIT')
  } finally {
    database.close()
  }
}
