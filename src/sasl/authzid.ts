/** The authorization identity as a client sends it (RFC 6120 §6.3.8): strictly UTF-8, strictly a JID. */

import type { Authzid } from '../auth/certificate-mapping.ts'
import { parseJid } from '../xmpp/jid.ts'
import type { Domainpart } from '../xmpp/jid.ts'

export type AuthzidReading =
  | { readonly ok: true, readonly authzid: Authzid }
  | { readonly ok: false, readonly condition: 'malformed-request' | 'invalid-authzid', readonly reason: string }

export function readAuthzid(bytes: Uint8Array, host: Domainpart): AuthzidReading {
  if (bytes.length === 0) return { ok: true, authzid: null }
  const text = decodeStrictly(bytes)
  if (text === null) return { ok: false, condition: 'malformed-request', reason: 'The authorization identity is not UTF-8.' }
  const jid = parseJid(text)
  if (jid === null) return { ok: false, condition: 'invalid-authzid', reason: 'The authorization identity is not a JID.' }
  // Some clients send the server's name where they mean nobody in particular.
  return { ok: true, authzid: (jid as string) === host ? null : jid }
}

function decodeStrictly(bytes: Uint8Array): string | null {
  try {
    // A byte order mark is kept, and is then no part of any JID.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}
