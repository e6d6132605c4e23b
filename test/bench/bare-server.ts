// The least that secure WebSockets with client certificates cost in Node: `ws` and TLS with the options of Meerkat, and nothing else.
import { constants } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { WebSocketServer } from 'ws'

/** `folder` is that of a Ground. Not listening yet. */
export function bareServer(folder: string) {
  const file = (name: string) => readFileSync(join(folder, 'certs', name))
  const server = createServer({
    cert: file('server.crt'), key: file('server.key'), ca: file('ca.crt'),
    requestCert: true, rejectUnauthorized: false, secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', honorCipherOrder: true, ALPNProtocols: ['http/1.1'],
  })
  const sockets = new WebSocketServer({ server, maxPayload: 262_144, perMessageDeflate: false, clientTracking: false, handleProtocols: () => 'xmpp' })
  return { server, sockets }
}
