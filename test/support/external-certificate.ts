/** Certificates as values, for tests of what is decided from their identities; nothing here was signed or parsed. */

import type { Certificate } from '../../src/x509/certificate.ts'
import type { BareJid } from '../../src/xmpp/jid.ts'
import { parseBareJid } from '../../src/xmpp/jid.ts'

export const bare = (text: string): BareJid => {
  const jid = parseBareJid(text)
  if (jid === null) throw new Error(`not a bare JID: ${text}`)
  return jid
}

interface Named { readonly xmppAddrs?: readonly string[], readonly commonNames?: readonly string[], readonly emailAddrs?: readonly string[] }

export function certificateWith(identities: Named): Certificate {
  const { xmppAddrs = [], commonNames = [], emailAddrs = [] } = identities
  return {
    fingerprint256: 'ab'.repeat(32), serialNumber: '01', subject: 'CN=whoever', issuer: 'CN=Authority',
    notBefore: 0, notAfter: 4_102_444_800_000,
    commonNames, xmppAddrs: xmppAddrs.map(bare), emailAddrs, malformed: null, isSelfIssued: false, isAuthority: false,
    keyUsage: null, extendedKeyUsages: null, unknownCriticalExtensions: [], keyKind: 'ec', keyBits: 256,
  }
}
