// The WebSocket class of `ws`, with a client certificate in it: for libraries that take no TLS options of their own.
import { WebSocket } from 'ws'

export interface Credentials {
  /** PEM: the certificate and its private key. */
  readonly cert: string
  readonly key: string
  /** PEM of the authority of the server's certificate, where it is not a public one. */
  readonly ca?: string
}

export function webSocketWith(credentials: Credentials): typeof globalThis.WebSocket {
  const CertificateWebSocket = class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols, { ...credentials })
    }
  }
  return CertificateWebSocket as unknown as typeof globalThis.WebSocket
}
