/** `[[listen.http]]`: the keys and defaults of one HTTPS listener, and the paths that the gateway itself answers on it. */
import Type from 'typebox'

import { boshOptions } from '../transport/bosh-options.ts'
import { websocketOptions } from '../transport/websocket-options.ts'
import { tlsOptions } from '../x509/tls-options.ts'
import { forwardingKeys } from './forwarding-keys.ts'

/** Answered by the gateway on every listener: no endpoint may take one of these. */
export const fixedPaths: readonly string[] = [
  '/', '/healthz', '/readyz', '/.well-known/host-meta', '/.well-known/host-meta.json', '/meerkat.js', '/welcome.css', '/welcome.js',
]

export const listenHttp = Type.Object({
  ip: Type.String({
    default: '127.0.0.1', allowed: 'an IP address such as "127.0.0.1", "::1" or "0.0.0.0"', description: 'The address listened on.',
  }),
  port: Type.Integer({
    default: 5285, minimum: 0, maximum: 65_535, description: 'The TCP port. 0 takes any free one.',
  }),
  origins: Type.Array(Type.String({ allowed: 'a web origin such as "https://chat.example.org"' }), {
    default: [], description: 'Web origins whose pages may connect, beside the listener\'s own.',
  }),
  ...forwardingKeys,
  tls: Type.Optional(tlsOptions),
  websocket: Type.Union([websocketOptions, Type.Literal(false)], {
    default: {}, description: 'XMPP over WebSocket; `false` turns it off.',
  }),
  bosh: Type.Union([boshOptions, Type.Literal(false)], {
    default: {}, description: 'XMPP over BOSH; `false` turns it off.',
  }),
}, { description: 'A listener for HTTP. There may be several, each with its own addresses, TLS and endpoints.' })

export type ListenHttp = Type.Static<typeof listenHttp>
