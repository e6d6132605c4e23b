/** The user whose password a client has: a localpart of this host (RFC 6120 §6.3.7), who asks to be nobody else (§6.3.8). */

import { makeJid, prepareLocalpart } from '../xmpp/jid.ts'
import type { BareJid, Domainpart } from '../xmpp/jid.ts'
import { readOwnAuthzid } from './authzid.ts'

export type NamedUser =
  | { readonly ok: true, readonly user: BareJid }
  | { readonly ok: false, readonly condition: 'not-authorized' | 'malformed-request' | 'invalid-authzid', readonly reason: string }

/** `authzid` is empty where there is none. */
export function namedUser(username: string, authzid: string, host: Domainpart): NamedUser {
  const localpart = prepareLocalpart(username)
  // A name that nobody can have: this says nothing of accounts.
  if (localpart === null) return { ok: false, condition: 'not-authorized', reason: 'That cannot be a user name: it is what stands before the @ of an address.' }
  const user = makeJid(localpart, host)
  const reading = readOwnAuthzid(authzid, user, host)
  return reading.ok ? { ok: true, user } : reading
}
