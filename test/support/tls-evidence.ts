// One real TLS handshake on loopback: what the server's side learns about the client's certificate.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { constants } from 'node:crypto'
import { connect, createServer } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { evidenceOf } from '../../src/x509/evidence.ts'
import type { Evidence } from '../../src/x509/verdict.ts'
import type { TestCertificate } from './certificates.ts'

export interface Handshake {
  readonly server: TestCertificate
  readonly authorities: readonly TestCertificate[]
  /** The leaf first, then what the client sends along. */
  readonly client: readonly TestCertificate[]
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3'
}

export async function evidenceFromHandshake({ server, authorities, client, maxVersion = 'TLSv1.3' }: Handshake): Promise<Evidence> {
  const listener = createServer({
    cert: server.certificatePem, key: server.privateKeyPem, ca: authorities.map(({ certificatePem }) => certificatePem),
    requestCert: true, rejectUnauthorized: false, secureOptions: constants.SSL_OP_NO_TICKET, maxVersion,
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const accepted = once(listener, 'secureConnection')
  const [leaf] = client
  const socket = connect({
    port: (listener.address() as AddressInfo).port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false,
    // Security level 0: the client itself would not load a weak key otherwise.
    ...leaf === undefined ? {} : { cert: client.map(({ certificatePem }) => certificatePem).join(''), key: leaf.privateKeyPem, ciphers: 'DEFAULT@SECLEVEL=0' },
  })
  try {
    const failed = once(listener, 'tlsClientError').then(([error]) => { throw error as Error })
    failed.catch(() => undefined)
    const [peer] = await Promise.race([accepted, failed]) as [TLSSocket]
    const evidence = evidenceOf(peer)
    peer.destroy()
    return evidence
  } finally {
    socket.on('error', () => undefined)
    socket.destroy()
    listener.close()
  }
}
