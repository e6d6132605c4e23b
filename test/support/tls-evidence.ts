// One real TLS handshake on loopback: what the server's side learns about the client's certificate.
import { constants } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:tls'
import type { Server, TLSSocket } from 'node:tls'
import { evidenceOf } from '../../src/x509/evidence.ts'
import type { Evidence } from '../../src/x509/evidence.ts'
import type { TestCertificate } from './certificates.ts'

export interface Handshake {
  readonly server: TestCertificate
  readonly authorities: readonly TestCertificate[]
  /** The leaf first, then what the client sends along. */
  readonly client: readonly TestCertificate[]
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3'
}

export const evidenceFromHandshake = (handshake: Handshake): Promise<Evidence> => learntFromHandshake(handshake, evidenceOf)

/** What `learn` makes of the server's end when the handshake is over. */
export async function learntFromHandshake<Learnt>(handshake: Handshake, learn: (peer: TLSSocket) => Learnt): Promise<Learnt> {
  const listener = await listen(handshake, constants.SSL_OP_NO_TICKET)
  try {
    return await learntFromOne(listener, handshake, learn, undefined)
  } finally {
    listener.close()
  }
}

/** The second connection of two, on a listener that wrongly hands out session tickets: TLS 1.3 resumes the first one's session. */
export const evidenceFromResumption = (handshake: Handshake): Promise<Evidence> => learntFromResumption(handshake, evidenceOf)

export async function learntFromResumption<Learnt>(handshake: Handshake, learn: (peer: TLSSocket) => Learnt): Promise<Learnt> {
  const listener = await listen(handshake, 0)
  try {
    let session: Buffer | undefined
    await learntFromOne(listener, handshake, learn, undefined, async socket => { [session] = await once(socket, 'session') as [Buffer] })
    return await learntFromOne(listener, handshake, learn, session)
  } finally {
    listener.close()
  }
}

async function listen({ server, authorities, maxVersion = 'TLSv1.3' }: Handshake, secureOptions: number): Promise<Server> {
  const listener = createServer({
    cert: server.certificatePem, key: server.privateKeyPem, ca: authorities.map(({ certificatePem }) => certificatePem),
    requestCert: true, rejectUnauthorized: false, secureOptions, maxVersion,
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return listener
}

async function learntFromOne<Learnt>(listener: Server, { client }: Handshake, learn: (peer: TLSSocket) => Learnt, session: Buffer | undefined,
  during: (socket: TLSSocket) => Promise<void> = async () => undefined): Promise<Learnt> {
  const failed = new Promise<never>((_resolve, reject) => { listener.once('tlsClientError', reject) })
  failed.catch(() => undefined)
  const accepted = once(listener, 'secureConnection')
  const [leaf] = client
  const socket = connect({
    port: (listener.address() as AddressInfo).port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false,
    ...session === undefined ? {} : { session },
    // Security level 0: the client itself would not load a weak key otherwise.
    ...leaf === undefined ? {} : { cert: client.map(({ certificatePem }) => certificatePem).join(''), key: leaf.privateKeyPem,
      ciphers: 'DEFAULT@SECLEVEL=0' },
  })
  socket.on('error', () => undefined)
  try {
    const [[peer]] = await Promise.race([Promise.all([accepted, during(socket)]), failed]) as [[TLSSocket], unknown]
    const learnt = learn(peer)
    peer.destroy()
    return learnt
  } finally {
    socket.destroy()
  }
}
