// stanza 12 in Node, logging in with a TLS client certificate.
import { type Agent, createClient } from 'stanza'
import platform from 'stanza/platform/node/index.js'
import { type Credentials, webSocketWith } from './certificate-websocket.ts'

/** `authzid`: which one, for a certificate with several addresses. */
export function stanzaLogin(service: string, jid: string, credentials: Credentials, authzid = ''): Agent {
  // The place of everything that stanza takes from Node; its browser build has another one, where the browser brings the certificate.
  Object.assign(platform, { WebSocket: webSocketWith(credentials) })
  // EXTERNAL is built in, and preferred to all other mechanisms.
  const client = createClient({ jid, credentials: { authzid }, transports: { websocket: service } })
  client.connect()
  return client
}
