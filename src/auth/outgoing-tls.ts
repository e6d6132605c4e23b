/** TLS towards a server that a backend asks: `auth.<method>.tls`. The names are those of listeners; who is checked here is the server. */
import type { ConnectionOptions } from 'node:tls'

import Type from 'typebox'

export const outgoingTlsOptions = Type.Object({
  cacertfile: Type.Optional(Type.String({
    file: true, minLength: 1, description: 'PEM file with the CAs that the server\'s certificate is checked against. Without it: the public ones that Node.js brings.',
  })),
  certfile: Type.Optional(Type.String({
    file: true, minLength: 1, description: 'PEM file with the certificate that is shown to the server. Goes together with `keyfile`.',
  })),
  keyfile: Type.Optional(Type.String({ file: true, minLength: 1, description: 'PEM file with the private key of `certfile`.' })),
  verify_mode: Type.Enum(['peer', 'none'], {
    default: 'peer', description: '`none`: the server\'s certificate is not checked, and anybody on the way may say who is who. For trying things out.',
  }),
}, { description: 'TLS towards the server. Its certificate has to name the host that is asked.' })

export type OutgoingTlsOptions = Type.Static<typeof outgoingTlsOptions>

/** `file` gives what stands in a file that was read before. */
export function outgoingTls({ cacertfile, certfile, keyfile, verify_mode }: OutgoingTlsOptions, file: (path: string) => string): ConnectionOptions {
  return {
    minVersion: 'TLSv1.2',
    rejectUnauthorized: verify_mode === 'peer',
    ...cacertfile === undefined ? {} : { ca: file(cacertfile) },
    ...certfile === undefined || keyfile === undefined ? {} : { cert: file(certfile), key: file(keyfile) },
  }
}
