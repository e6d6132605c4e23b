/** The keys of `[[listen.http]]` about reverse proxies: who may forward, what he forwards, and where. */
import Type from 'typebox'

/** Each a file in plugins/forwarded/. */
export const dialectNames = ['rfc9440', 'xfcc', 'nginx', 'traefik', 'aws-alb', 'haproxy'] as const
export type DialectName = (typeof dialectNames)[number]

/** The entry of `trusted_proxies` for whoever may connect to the listener's Unix socket. */
export const unixPeer = 'unix'

export const forwardingKeys = {
  socket: Type.Optional(Type.String({
    file: true, minLength: 1,
    description: 'The path of a Unix socket to listen on in the place of `ip` and `port`; for its owner and group only (0660). Its peers are `"unix"` in `trusted_proxies`.',
  })),
  trusted_proxies: Type.Array(Type.String({ allowed: 'an IP address, a range such as "10.0.0.0/8", or "unix"' }), {
    default: [],
    description: 'The reverse proxies through which clients come to this listener: then nobody else is served there but `/healthz` and `/readyz`. '
      + 'They say who the client is (`X-Forwarded-For` or `Forwarded`) and whether it speaks TLS (`X-Forwarded-Proto`).',
  }),
  trusted_proxy_certificates: Type.Array(Type.String({ allowed: 'the SHA-256 fingerprint of a certificate, 64 hexadecimal digits with or without colons' }), {
    default: [],
    description: 'The proxies\' own TLS client certificates, by fingerprint (`openssl x509 -fingerprint -sha256`). Beside `trusted_proxies` both must hold.',
  }),
  forwarded_certificate: Type.Optional(Type.Enum(dialectNames, {
    description: 'How these proxies forward the client\'s certificate. It is verified here against `tls.cacertfile`; '
      + 'such headers from anybody else, or in another dialect, are answered 400.',
  })),
}
