/** `listen.*.tls`: the keys and defaults of TLS on a listener. Names follow MongooseIM; what they mean is decided in
 * behaviour/external.md §1. The annotations (`unit`, `file`, `secret`, `allowed`, `uniqueItems`) are read by src/config. */
import Type from 'typebox'

export const verifyModes = ['none', 'peer', 'selfsigned_peer'] as const
export const crlExpiredPolicies = ['refuse', 'accept'] as const
export const tlsVersions = ['tlsv1.2', 'tlsv1.3'] as const

export const tlsOptions = Type.Object({
  certfile: Type.Optional(Type.String({
    file: true, minLength: 1,
    description: 'PEM file with the server certificate first; the chain may follow it. Goes together with `keyfile`.',
  })),
  keyfile: Type.Optional(Type.String({
    file: true, minLength: 1, description: 'PEM file with the private key of the server certificate.',
  })),
  password_file: Type.Optional(Type.String({
    file: true, minLength: 1, description: 'File whose first line is the password of an encrypted `keyfile`.',
  })),
  password: Type.Optional(Type.String({
    secret: true, minLength: 1, description: 'The password of an encrypted `keyfile` itself. Better: `password_file`.',
  })),
  cacertfile: Type.Optional(Type.String({
    file: true, minLength: 1,
    description: 'PEM file with the CAs that client certificates are checked against. Required unless `verify_mode` is `none`.',
  })),
  verify_mode: Type.Enum(verifyModes, {
    default: 'peer',
    description: '`none`: no client certificate is asked for. `peer`: it must chain to `cacertfile`. '
      + '`selfsigned_peer`: a self-signed one is accepted too (for development).',
  }),
  disconnect_on_failure: Type.Boolean({
    default: false, description: 'A refused client certificate ends the connection. Otherwise it is kept, without that certificate.',
  }),
  require_certificate: Type.Boolean({
    default: false, description: 'A client without a certificate cannot connect.',
  }),
  crl_files: Type.Array(Type.String({ file: true, minLength: 1 }), {
    default: [], uniqueItems: true,
    description: 'Revocation lists (CRLs), PEM or DER. Where any is named, every CA of a client\'s chain needs one: a certificate whose revocation '
      + 'cannot be found out is refused.',
  }),
  crl_expired: Type.Enum(crlExpiredPolicies, {
    default: 'refuse',
    description: 'What a revocation list counts for after its nextUpdate. `refuse`: nothing, so certificates of its CA are refused. `accept`: as before.',
  }),
  versions: Type.Array(Type.Enum(tlsVersions), {
    default: ['tlsv1.2', 'tlsv1.3'], minItems: 1, uniqueItems: true, description: 'The TLS versions spoken.',
  }),
  ciphers: Type.Optional(Type.String({
    minLength: 1, allowed: 'an OpenSSL cipher list', description: 'The ciphers allowed, in OpenSSL\'s notation. Without it: those of Node.js.',
  })),
}, { description: 'TLS of this listener. Without any `tls` key it speaks plain HTTP, which only a loopback address may.' })

export type TlsOptions = Type.Static<typeof tlsOptions>
export type VerifyModeOption = TlsOptions['verify_mode']
