/** The WebSocket endpoint: what HTTP has to say before an upgrade (websocket.md), and then one transport for the session manager. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import fastifyWebsocket from '@fastify/websocket'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '../src/telemetry/log.ts'
import { StreamSocket } from '../src/transport/stream-socket.ts'
import { type WebSocketShared, WebSocketTransport } from '../src/transport/websocket.ts'
import type { Transport } from '../src/stream/transport.ts'
import type { OriginPolicy } from './origin-policy.ts'
import type { Peers } from './peer.ts'

export interface WebSocketPluginOptions {
  readonly path: string
  /** Bytes. */
  readonly maxStanzaSize: number
  readonly compress: boolean
  readonly origins: OriginPolicy
  readonly peers: Peers
  /** Whether nothing but this plugin has to look at the request: no hook of the listener has anything to say to it. */
  readonly isPlain: (request: IncomingMessage) => boolean
  readonly shared: WebSocketShared
  readonly accept: (transport: Transport) => void
  readonly log: Log
}

const subprotocol = 'xmpp'

interface Refusal { readonly status: number, readonly reason: string }

const foreignPage: Refusal = { status: 403, reason: 'Pages of this origin may not connect here: the operator would have to list it in listen.http.origins.' }
const otherProtocol: Refusal = { status: 400, reason: 'The WebSocket subprotocol "xmpp" (RFC 7395) must be asked for.' }
const upgradeRequired: Refusal = { status: 426, reason: 'This is an XMPP WebSocket endpoint (RFC 7395): connect with the subprotocol "xmpp".' }

/** websocket.md: a peer that does not answer our close frame is cut after so many milliseconds. */
const closeTimeout = 5_000

/** How many pieces a message may come in: a thousand always, and otherwise pieces of 64 bytes on average. Every piece costs far more than its bytes. */
const maxPieces = (maxStanzaSize: number): number => 1_024 + Math.ceil(maxStanzaSize / 64)

/** Bounded: no context is kept between messages, and at most this many bytes go out at a time to be compressed. */
const boundedDeflate = { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 12, threshold: 1_024, concurrencyLimit: 4 }

export async function websocket(fastify: FastifyInstance, options: WebSocketPluginOptions): Promise<void> {
  const { path, maxStanzaSize, compress, origins, peers, isPlain, shared, accept, log } = options

  const serverOptions = {
    maxPayload: maxStanzaSize,
    maxFragments: maxPieces(maxStanzaSize),
    maxBufferedChunks: maxPieces(maxStanzaSize),
    closeTimeout,
    perMessageDeflate: compress && boundedDeflate,
    handleProtocols: () => subprotocol,
    clientTracking: false,
    // Declared as the whole module of `ws`; its class is what is needed.
    WebSocket: StreamSocket as unknown as NonNullable<NonNullable<fastifyWebsocket.WebsocketPluginOptions['options']>['WebSocket']>,
  }
  await fastify.register(fastifyWebsocket, {
    options: serverOptions,
    // The streams say goodbye by themselves; see App.close.
    preClose: done => { done() },
  })

  const refuse = (request: FastifyRequest, reply: FastifyReply, { status, reason }: Refusal) => {
    log.info({ event: 'websocket.refused', status, reason, address: peers.of(request).remoteAddress, origin: request.headers.origin })
    // After a refusal the connection must not go on: what follows the request is not HTTP.
    return reply.code(status).header('connection', 'close').type('text/plain; charset=utf-8').send(`${reason}\n`)
  }

  // What `ws` finds wrong with the opening handshake (RFC 6455 §4.2.1): key, version, lists that cannot be parsed.
  fastify.websocketServer.on('wsClientError', (error, socket, request) => {
    log.info({ event: 'websocket.refused', status: 400, reason: error.message, address: peers.of({ raw: request }).remoteAddress, origin: request.headers.origin })
    socket.once('finish', () => { socket.destroy() })
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nSec-WebSocket-Version: 13\r\nContent-Type: text/plain; charset=utf-8\r\n'
      + `Content-Length: ${Buffer.byteLength(error.message) + 1}\r\n\r\n${error.message}\n`)
  })

  const begin = (socket: StreamSocket, raw: IncomingMessage) => {
    accept(new WebSocketTransport(socket, raw.socket, { transport: 'websocket', ...peers.of({ raw }) }, shared))
  }

  const refusalOf = (raw: IncomingMessage, isUpgrade: boolean): Refusal | null => {
    const { origin, host, 'sec-websocket-protocol': protocols } = raw.headers
    if (origins.judge(origin, host, peers.of({ raw }).secure) === 'refused') return foreignPage
    // RFC 7395 §3.1
    return isUpgrade && !offersXmpp(protocols) ? otherProtocol : null
  }

  fastify.route({
    method: 'GET',
    url: path,
    // Without a promise: nothing is waited for.
    preValidation: (request, reply, done) => {
      // RFC 6455 §4.2.2, §10.2: before the upgrade, in HTTP's words.
      const refusal = refusalOf(request.raw, request.ws)
      if (refusal === null) done()
      else refuse(request, reply, refusal)
    },
    preHandler: (request, reply, done) => {
      // What follows is no answer in HTTP any more. Left attached, the socket would keep request and response for as long as it lives.
      if (request.ws) reply.raw.detachSocket(request.raw.socket)
      done()
    },
    handler: (request, reply) => refuse(request, reply.header('upgrade', 'websocket'), upgradeRequired),
    wsHandler: (socket, request) => {
      // The request and its response are not needed any more, and an idle connection must not hold them: the plugin's error listener would.
      socket.removeAllListeners('error')
      begin(socket as StreamSocket, request.raw)
    },
  })

  // Nearly every client is one that HTTP has nothing to say to. It comes in without routes, hooks and a reply that is never written, which cost more than
  // its certificate. Whoever is to be refused, or might be, takes the way above.
  const { server } = fastify
  const routed = server.listeners('upgrade')
  server.removeAllListeners('upgrade')
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer<ArrayBuffer>) => {
    if (isPlain(request) && refusalOf(request, true) === null) {
      fastify.websocketServer.handleUpgrade(request, socket, head, opened => { begin(opened as unknown as StreamSocket, request) })
      return
    }
    for (const listener of routed) listener.call(server, request, socket, head)
  })
}

/**
 * Whether a request is to leave HTTP: only one that the endpoint takes. Every other one is answered in HTTP (RFC 9110 §7.8 lets a server
 * ignore Upgrade); a connection that was upgraded and then only answered would stand open, with nobody to read or to end it.
 */
export const isUpgradeTo = (path: string, { method, url, headers }: Pick<IncomingMessage, 'method' | 'url' | 'headers'>): boolean =>
  method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && (url === path || url?.startsWith(`${path}?`) === true)

/** RFC 6455 §4.1 item 10: a list of tokens, compared exactly. */
const offersXmpp = (header: string | undefined): boolean =>
  header !== undefined && header.split(',').some(token => token.trim() === subprotocol)
