/** From checked TLS material to Node's options: the one place where a listener's TLS is put together. */
import { constants } from 'node:crypto'
import type { TlsOptions } from 'node:tls'
import type { ServerTls } from '../x509/tls-material.ts'

/** `handshakeTimeout` in milliseconds: a handshake that takes longer is given up. `protocol`: for ALPN; null where clients may name what they like. */
export function tlsServerOptions(material: ServerTls, handshakeTimeout: number, protocol: string | null): TlsOptions {
  const { certChainPem, keyPem, passphrase, caPem, minVersion, maxVersion, ciphers } = material
  return {
    cert: certChainPem,
    key: keyPem,
    ...passphrase === null ? {} : { passphrase },
    minVersion,
    maxVersion,
    ...ciphers === null ? {} : { ciphers },
    honorCipherOrder: true,
    handshakeTimeout,
    ...protocol === null ? {} : { ALPNProtocols: [protocol] },
    // Only where certificates of clients count. Never an empty `ca`: Node would take the public web roots for it.
    ...caPem === null ? { requestCert: false, secureOptions: constants.SSL_OP_NO_RENEGOTIATION } : {
      ca: caPem,
      requestCert: true,
      // The verdict is ours (external.md §1): a refused certificate need not end the connection.
      rejectUnauthorized: false,
      // A resumed session keeps the verdict that it was born with: expired, revoked or distrusted since. So there are none.
      // And a connection keeps the certificate that it was accepted with: TLS 1.2 could change it by a second handshake (RFC 5246 §7.4.1.1).
      secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    },
  }
}
