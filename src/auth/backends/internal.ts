/** The backend `internal`: accounts in the embedded database, which `meerkat user` administers. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { embeddedPatience } from '../accounts/embedded-database.ts'
import { accountsFileName, embeddedAccounts } from '../accounts/open-accounts.ts'
import type { BackendDefinition } from '../backend.ts'
import { AccountsBackend } from './accounts-backend.ts'

/** So many milliseconds it is believed that there is no account yet: every stream asks several times at once. To make an account takes longer. */
const lookEvery = 1

export const internal: BackendDefinition = {
  name: 'internal',
  create: ({ password: { hash: hashes } }, surroundings) => {
    const { decoys, log, dataFolder, clock } = surroundings
    const file = join(dataFolder, accountsFileName)
    let lookedAt = -Infinity
    // Nothing is opened before somebody logs in with a password, and nobody can before `meerkat user` has made the first account: until then
    // no mechanism for passwords is offered, which some clients would take in the place of EXTERNAL.
    const isThere = () => {
      const now = clock.elapsed()
      if (now - lookedAt < lookEvery) return false
      lookedAt = now
      return existsSync(file)
    }
    return new AccountsBackend({ name: 'internal', accounts: embeddedAccounts(surroundings), hashes, decoys, requestTimeout: embeddedPatience, log, isThere })
  },
}
