/** The session request of RFC 3921 §3, which RFC 6121 made a no-op: answered for the clients that still send it. */
import { NS_SESSION } from '../../xmpp/namespaces.ts'
import type { Feature } from '../feature.ts'

export const legacySession: Feature = {
  name: 'legacy-session',
  specs: [{
    id: 'RFC 3921', title: 'XMPP: Instant Messaging and Presence (the older edition)', status: 'partial',
    note: '§3 session establishment, as a no-op for older clients',
  }],
  iq: [{ type: 'set', ns: NS_SESSION, local: 'session', at: ['server', 'account'], handle: () => null }],
}
