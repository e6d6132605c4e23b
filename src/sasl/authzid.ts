/** The authorization identity as a client sends it (RFC 6120 §6.3.8): strictly UTF-8, strictly a JID. */

import type { Authzid } from '../auth/certificate-mapping.ts'
import { parseJid } from '../xmpp/jid.ts'
import type { BareJid, Domainpart } from '../xmpp/jid.ts'
import { decodeText } from './payload.ts'

export type AuthzidReading =
  | { readonly ok: true, readonly authzid: Authzid }
  | { readonly ok: false, readonly condition: 'malformed-request' | 'invalid-authzid', readonly reason: string }

export function readAuthzid(bytes: Uint8Array, host: Domainpart): AuthzidReading {
  const text = decodeText(bytes)
  if (text === null) return { ok: false, condition: 'malformed-request', reason: 'The authorization identity is not UTF-8.' }
  return parseAuthzid(text, host)
}

function parseAuthzid(text: string, host: Domainpart): AuthzidReading {
  if (text === '') return { ok: true, authzid: null }
  const jid = parseJid(text)
  if (jid === null) return { ok: false, condition: 'invalid-authzid', reason: 'The authorization identity is not a JID.' }
  // Some clients send the server's name where they mean nobody in particular.
  return { ok: true, authzid: (jid as string) === host ? null : jid }
}

/** Whether a client that logs in as `user` asks to be nobody else: with a password there are no other identities to choose from. */
export function readOwnAuthzid(text: string, user: BareJid, host: Domainpart): AuthzidReading {
  const reading = parseAuthzid(text, host)
  if (!reading.ok || reading.authzid === null || reading.authzid === user) return reading
  return { ok: false, condition: 'invalid-authzid', reason: 'The client asks to be somebody else than the user whose password it has.' }
}
