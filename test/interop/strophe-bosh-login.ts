// strophe.js 5 over BOSH in Node (with the packages `ws` and `@xmldom/xmldom` beside it), logging in with a TLS client certificate.
import { Strophe } from 'strophe.js'
import { bringCertificate, CertificateXMLHttpRequest } from './certificate-requests.ts'
import type { Credentials } from './certificate-websocket.ts'

type Connection = InstanceType<typeof Strophe.Connection>

/** `wait`: seconds for which the server may keep a request. */
export function stropheBoshLogin(service: string, jid: string, credentials: Credentials, wait = 60): Promise<Connection> {
  const url = `${service}#${jid}`
  bringCertificate(url, credentials)
  Object.assign(globalThis, { XMLHttpRequest: CertificateXMLHttpRequest })
  const connection = new Strophe.Connection(url)
  return new Promise((resolve, reject) => {
    // EXTERNAL is built in and names the bare JID. There is no password.
    connection.connect(jid, '', (status: number, condition: string | null) => {
      if (status === Strophe.Status.CONNECTED) resolve(connection)
      if (status === Strophe.Status.AUTHFAIL || status === Strophe.Status.CONNFAIL) reject(new Error(`not logged in: ${condition}`))
    }, wait)
  })
}
