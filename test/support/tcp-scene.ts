// What tests of TCP say of listeners, and where they find them.
import type { ConnectionOptions } from 'node:tls'
import { defaultToml, type Gateway } from './gateway.ts'
import { TcpClient } from './tcp-client.ts'

/** A listener for TCP; `keys` are lines of its section. */
export const c2sListener = (keys: string, cacertfile: string | null = 'certs/ca.crt'): string => `
[[listen.c2s]]
port = 0
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
${cacertfile === null ? '' : `tls.cacertfile = "${cacertfile}"`}
${keys}
`

/** The HTTP listener is number 0. */
export const withListeners = (...listeners: readonly string[]): string => `${defaultToml}${listeners.join('')}`

/** With the certificate of that user; none with null. */
export async function tlsFor(gateway: Gateway, name: string | null): Promise<ConnectionOptions> {
  return { ca: gateway.ca, ...name === null ? {} : await gateway.identity(name) }
}

/** By STARTTLS, or by direct TLS where the listener is for that; authenticated and bound. */
export async function tcpLogin(gateway: Gateway, listener: number, name: string, resource: string | null = null): Promise<TcpClient> {
  const tls = await tlsFor(gateway, name)
  const port = gateway.port(listener)
  const isDirect = gateway.listening[listener]?.tcp === 'tls'
  const client = isDirect ? await TcpClient.connectTls(port, tls) : await TcpClient.connect(port)
  if (!isDirect) await client.startTls(tls)
  await client.authenticate()
  await client.bind(resource)
  return client
}
