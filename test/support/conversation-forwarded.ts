// The same conversations through a reverse proxy at which TLS ends: the listener knows of a certificate what a header says, and has none of its own.
import { X509Certificate } from 'node:crypto'
import { BoshSession } from './bosh-session.ts'
import { BoshConversation } from './conversation-bosh.ts'
import type { ClientAdapter } from './conversation-client.ts'
import { WebSocketConversation } from './conversation-websocket.ts'
import { writers } from './forwarded-headers.ts'
import type { ClientIdentity } from './gateway.ts'
import { WireClient } from './wire-client.ts'

/** What the proxy says of its client. */
export const clientAddress = '192.0.2.1'
export const said = { 'X-Forwarded-For': clientAddress, 'X-Forwarded-Proto': 'https' } as const

/** Null: the client showed no certificate. */
export function headersFor(identity: ClientIdentity | null): Readonly<Record<string, string>> {
  const chain = identity?.cert.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  return { ...said, ...chain.length === 0 ? {} : Object.fromEntries(writers.rfc9440(chain.map(pem => new X509Certificate(pem).raw))) }
}

const listener = `
[[listen.http]]
port = 0
trusted_proxies = ["127.0.0.1", "::1"]
forwarded_certificate = "rfc9440"
tls.cacertfile = "certs/ca.crt"
`

export const forwardedOverWebSocket: ClientAdapter = {
  name: 'WebSocket behind a proxy',
  listener,
  async connect(gateway, identity) {
    const url = `ws://localhost:${gateway.port()}${gateway.listening[0]?.websocketPath ?? ''}`
    return new WebSocketConversation(await WireClient.open(gateway, { url, socket: { headers: headersFor(identity) } }))
  },
}

export const forwardedOverBosh: ClientAdapter = {
  name: 'BOSH behind a proxy',
  listener: `${listener}websocket = false
`,
  async connect(gateway, identity) {
    const url = `http://localhost:${gateway.port()}${gateway.listening[0]?.boshPath ?? ''}`
    return new BoshConversation(new BoshSession({ url, ca: gateway.ca, identity: null, headers: headersFor(identity) }))
  },
}
