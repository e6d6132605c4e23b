/** The backend `rdbms`: accounts in MongooseIM's table `users`, in PostgreSQL or SQLite. */

import { databaseAccounts } from '../accounts/open-accounts.ts'
import type { BackendDefinition } from '../backend.ts'
import { AccountsBackend } from './accounts-backend.ts'

export const rdbms: BackendDefinition = {
  name: 'rdbms',
  async create({ rdbms: options, password: { hash: hashes } }, surroundings) {
    if (options === undefined) throw new Error('rdbms is configured without its section')
    const { decoys, log } = surroundings
    const accounts = await databaseAccounts(options, surroundings)
    const [host] = surroundings.hosts
    // Not waited for: the gateway starts without the database, and uses it as soon as it is there. Nobody has this name.
    if (host !== undefined) void accounts.find('', host).catch((cause: unknown) => { log.error({ event: 'auth.backend_unreachable', backend: 'rdbms', cause }) })
    return new AccountsBackend({ name: 'rdbms', accounts, hashes, decoys, requestTimeout: options.request_timeout, log })
  },
}
