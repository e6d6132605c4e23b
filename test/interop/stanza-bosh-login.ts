// stanza 12 over BOSH in Node, logging in with a TLS client certificate.
import { type Agent, createClient } from 'stanza'
import platform from 'stanza/platform/node/index.js'
import { bringCertificate, certificateFetch } from './certificate-requests.ts'
import type { Credentials } from './certificate-websocket.ts'

/** `authzid`: which one, for a certificate with several addresses. */
export function stanzaBoshLogin(service: string, jid: string, credentials: Credentials, authzid = ''): Agent {
  const url = `${service}#${jid}`
  bringCertificate(url, credentials)
  // The place of everything that stanza takes from Node; its browser build has another one, where the browser brings the certificate.
  Object.assign(platform, { fetch: certificateFetch })
  const client = createClient({ jid, credentials: { authzid }, transports: { bosh: url } })
  client.connect()
  return client
}
