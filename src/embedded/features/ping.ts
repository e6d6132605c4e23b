/** XEP-0199: XMPP Ping. Answers a client's ping to its server or account (§4.2). */
import type { Feature } from '../feature.ts'

const NS_PING = 'urn:xmpp:ping'

export const ping: Feature = {
  name: 'ping',
  specs: [{
    id: 'XEP-0199', title: 'XMPP Ping', status: 'complete', version: '2.0.1',
    note: 'pings are answered; the gateway itself pings its clients with WebSocket pings',
  }],
  disco: { server: [NS_PING], account: [NS_PING] },
  iq: [{ type: 'get', ns: NS_PING, local: 'ping', at: ['server', 'account'], handle: () => null }],
}
