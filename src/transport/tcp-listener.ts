/** One listener for XMPP over TCP: STARTTLS (RFC 6120 §5) on a plain port, or TLS from the first byte (XEP-0368). */
import { once } from 'node:events'
import { type AddressInfo, createServer as createPlainServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer, type TlsOptions, type TLSSocket } from 'node:tls'
import { noChannelBindings } from '../sasl/channel-binding.ts'
import { channelBindingsOf } from '../sasl/tls-channel-bindings.ts'
import type { ConnectionFacts, Transport } from '../stream/transport.ts'
import type { Log } from '../telemetry/log.ts'
import type { ServerTls } from '../x509/tls-material.ts'
import type { Trust } from '../x509/trust.ts'
import { ClientCertificates } from './client-certificates.ts'
import type { TcpMode } from './tcp-options.ts'
import { type StartTls, type TcpShared, TcpTransport } from './tcp.ts'
import { tlsServerOptions } from './tls-server-options.ts'

/** XEP-0368 §3. */
const alpnProtocol = 'xmpp-client'

/** TCP asks for a sign of life after so many milliseconds of silence: white space that nobody answers does not find out. */
const keepAliveInitialDelay = 60_000

export interface TcpListenerOptions {
  /** As in `listen.c2s.tls`. */
  readonly tls: { readonly mode: TcpMode, readonly disconnect_on_failure: boolean, readonly require_certificate: boolean }
  readonly material: ServerTls
  readonly trust: Trust
  /** Milliseconds. */
  readonly handshakeTimeout: number
  readonly shared: TcpShared
  /** Told of the server before it listens. */
  readonly watch: (server: Server) => void
  readonly accept: (transport: Transport) => void
  readonly log: Log
}

type Secured = (socket: Socket, facts: ConnectionFacts) => void

export class TcpListener {
  /** The one that listens. */
  readonly #server: Server
  /** The one that does TLS; the same with direct TLS. */
  readonly #tlsServer: TlsServer
  readonly #options: TcpListenerOptions
  readonly #certificates: ClientCertificates
  /** Connections in the middle of STARTTLS, by the peer's address and port: what Node tells of its TLS is a socket of its own. */
  readonly #upgrading = new Map<string, Secured>()

  constructor(options: TcpListenerOptions) {
    this.#options = options
    const { tls, trust, material, shared: { clock }, log, watch } = options
    const wire = { noDelay: true, keepAlive: true, keepAliveInitialDelay }
    if (tls.mode === 'tls') {
      this.#tlsServer = createTlsServer({ ...this.#tlsOptions(material), ...wire })
      this.#server = this.#tlsServer
    } else {
      this.#tlsServer = createTlsServer(this.#tlsOptions(material))
      this.#server = createPlainServer({ ...wire, highWaterMark: 1 }, socket => { this.#accept(socket) })
    }
    this.#certificates = new ClientCertificates(this.#tlsServer, { tls: { ...tls, trust }, clock, log })
    this.#tlsServer.on('secureConnection', socket => { this.#secured(socket) })
    this.#tlsServer.on('tlsClientError', (error, socket) => {
      log.debug({ event: 'tls.failed', cause: error.message })
      // Node leaves that to whoever listens.
      socket.destroy()
    })
    watch(this.#server)
  }

  /** Rejects with the reason of the system. */
  async listen(ip: string, port: number): Promise<AddressInfo> {
    const server = this.#server.listen({ host: ip, port, ...ip.includes(':') ? { ipv6Only: ip !== '::' } : {} })
    await once(server, 'listening')
    return server.address() as AddressInfo
  }

  /** Connections from now on see the new one. Throws where OpenSSL does not take it. */
  replace(material: ServerTls): void { this.#tlsServer.setSecureContext(this.#tlsOptions(material)) }

  /** No new connections. Resolves when the last one has gone. */
  close(): Promise<void> { return new Promise(resolve => { this.#server.close(() => { resolve() }) }) }

  /** A list of protocols without `xmpp-client` is for another service (RFC 7301 §3.2); a client without any list is none (XEP-0368 §3). */
  #tlsOptions(material: ServerTls): TlsOptions {
    const { tls, handshakeTimeout } = this.#options
    return tlsServerOptions(material, handshakeTimeout, tls.mode === 'tls' ? alpnProtocol : null)
  }

  #accept(socket: Socket): void {
    const { remoteAddress } = socket
    if (remoteAddress === undefined) {
      // Gone already.
      socket.destroy()
      return
    }
    const facts: ConnectionFacts = {
      transport: 'tcp', remoteAddress, secure: false, certificate: () => ({ kind: 'none' }), channelBindings: () => noChannelBindings,
    }
    const { tls: { mode }, shared, accept } = this.#options
    const startTls: StartTls = { required: mode === 'starttls_required', begin: (plain, secured) => { this.#begin(plain, secured) } }
    accept(new TcpTransport(socket, facts, startTls, shared))
  }

  #begin(socket: Socket, secured: Secured): void {
    const peer = nameOf(socket)
    this.#upgrading.set(peer, secured)
    socket.once('close', () => { if (this.#upgrading.get(peer) === secured) this.#upgrading.delete(peer) })
    // The way that Node itself goes with a new connection: `new TLSSocket()` would never set `authorized`.
    this.#tlsServer.emit('connection', socket)
  }

  #secured(socket: TLSSocket): void {
    const peer = nameOf(socket)
    const upgraded = this.#upgrading.get(peer)
    this.#upgrading.delete(peer)
    const { tls: { mode }, shared, accept } = this.#options
    const { remoteAddress } = socket
    // It may have ended with its certificate.
    if (socket.destroyed || remoteAddress === undefined) return
    const facts: ConnectionFacts = {
      transport: 'tcp', remoteAddress, secure: true, certificate: this.#certificates.of(socket), channelBindings: channelBindingsOf(socket),
    }
    if (mode === 'tls') accept(new TcpTransport(socket, facts, null, shared))
    else upgraded?.(socket, facts)
  }
}

const nameOf = ({ remoteAddress = '', remotePort = 0 }: Socket): string => `${remoteAddress} ${remotePort}`
