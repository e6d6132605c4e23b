/** `[[listen.c2s]]`: the keys and defaults of one listener for XMPP over TCP (RFC 6120, XEP-0368). */
import Type from 'typebox'

import { tcpModes, tcpOptions } from '../transport/tcp-options.ts'
import { tlsOptions } from '../x509/tls-options.ts'

const c2sTls = Type.Object({
  mode: Type.Enum(tcpModes, {
    default: 'starttls',
    description: '`starttls`: clients may go over to TLS. `starttls_required`: they must, before anything else. '
      + '`tls`: TLS from the first byte (XEP-0368); a client that names protocols (ALPN) must name `xmpp-client`.',
  }),
  ...tlsOptions.properties,
  disconnect_on_failure: Type.Boolean({
    default: true, description: 'A refused client certificate ends the connection. Otherwise it is kept, without that certificate.',
  }),
}, { description: 'TLS of this listener. `certfile` and `keyfile` are required.' })

export const listenC2s = Type.Object({
  ip: Type.String({
    default: '127.0.0.1', allowed: 'an IP address such as "127.0.0.1", "::1" or "0.0.0.0"', description: 'The address listened on.',
  }),
  port: Type.Integer({
    default: 5222, minimum: 0, maximum: 65_535, description: 'The TCP port; 5223 is usual with `tls.mode = "tls"`. 0 takes any free one.',
  }),
  ...tcpOptions,
  tls: c2sTls,
}, { description: 'A listener for XMPP over TCP. There may be several.' })

export type ListenC2s = Type.Static<typeof listenC2s>
