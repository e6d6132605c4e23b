// strophe.js 5 in Node (with the packages `ws` and `@xmldom/xmldom` beside it), logging in with a TLS client certificate.
import { Strophe } from 'strophe.js'
import { type Credentials, webSocketWith } from './certificate-websocket.ts'

type Connection = InstanceType<typeof Strophe.Connection>

export function stropheLogin(service: string, jid: string, credentials: Credentials): Promise<Connection> {
  // After the import of strophe.js, which puts the plain class there.
  globalThis.WebSocket = webSocketWith(credentials)
  const connection = new Strophe.Connection(service)
  return new Promise((resolve, reject) => {
    // EXTERNAL is built in and names the bare JID. There is no password.
    connection.connect(jid, '', (status: number, condition: string | null) => {
      if (status === Strophe.Status.CONNECTED) resolve(connection)
      if (status === Strophe.Status.AUTHFAIL || status === Strophe.Status.CONNFAIL) reject(new Error(`not logged in: ${condition}`))
    })
  })
}
