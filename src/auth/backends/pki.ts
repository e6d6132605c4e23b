/** The backend `pki`: whoever holds a certificate of the configured CA and was mapped to a user is that user. */

import { domainOf } from '../../xmpp/jid.ts'
import type { AuthBackend } from '../backend.ts'

export const pki = {
  name: 'pki',
  accepts: new Set(['certificate'] as const),
  verify(credentials, domain) {
    // MongooseIM's pki also says yes to passwords. Dispatch never asks this one; the answer is no all the same.
    if (credentials.kind !== 'certificate') return { ok: false, condition: 'not-authorized', reason: 'pki judges certificates only' }
    if (domainOf(credentials.user) !== domain) {
      return { ok: false, condition: 'not-authorized', reason: `the user is not of ${domain}` }
    }
    // No account needs to exist: the CA decides who is a user.
    return { ok: true }
  },
} as const satisfies AuthBackend
