/** Channel bindings of a TLS connection that ends here: tls-exporter (RFC 9266) and tls-server-end-point (RFC 5929 §4). */
import { hash } from 'node:crypto'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { type ChannelBindings, noChannelBindings } from './channel-binding.ts'
import { endPointHashOf } from '../x509/signature-hash.ts'

/**
 * Computed when they are asked for, once: logins by certificate alone do without. A connection that is gone by then has none; it is not held here, for a
 * BOSH session outlives the connection of its first request.
 */
export function channelBindingsOf(socket: Socket): () => ChannelBindings {
  if (!(socket instanceof TLSSocket)) return () => noChannelBindings
  const connection = new WeakRef(socket)
  let known: ChannelBindings | null = null
  return () => {
    if (known !== null) return known
    const alive = connection.deref()
    if (alive === undefined || alive.destroyed) return noChannelBindings
    known = { tlsExporter: exported(alive), tlsServerEndPoint: endPoint(alive) }
    return known
  }
}

/** RFC 9266 §4.2: before TLS 1.3 an exporter binds nothing without the extended master secret, and Node does not tell whether there is one. */
const exported = (socket: TLSSocket): Uint8Array | null =>
  socket.getProtocol() === 'TLSv1.3' ? socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)) : null

/** RFC 5929 §4.1: of the certificate that was really shown on this connection; its listener may have another one by now. */
function endPoint(socket: TLSSocket): Uint8Array | null {
  const certificate = socket.getX509Certificate()
  if (certificate === undefined) return null
  const name = endPointHashOf(certificate)
  return name === null ? null : hash(name, certificate.raw, 'buffer')
}
