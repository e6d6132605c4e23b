/** The WebSocket endpoint: what HTTP has to say before an upgrade (websocket.md), and then one transport for the session manager. */
import type { IncomingMessage } from 'node:http'
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
  readonly shared: WebSocketShared
  readonly accept: (transport: Transport) => void
  readonly log: Log
}

const subprotocol = 'xmpp'

/** websocket.md: a peer that does not answer our close frame is cut after so many milliseconds. */
const closeTimeout = 5_000

/** How many pieces a message may come in: a thousand always, and otherwise pieces of 64 bytes on average. Every piece costs far more than its bytes. */
const maxPieces = (maxStanzaSize: number): number => 1_024 + Math.ceil(maxStanzaSize / 64)

/** Bounded: no context is kept between messages, and at most this many bytes go out at a time to be compressed. */
const boundedDeflate = { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 12, threshold: 1_024, concurrencyLimit: 4 }

export async function websocket(fastify: FastifyInstance, options: WebSocketPluginOptions): Promise<void> {
  const { path, maxStanzaSize, compress, origins, peers, shared, accept, log } = options

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

  const refuse = (request: FastifyRequest, reply: FastifyReply, status: number, reason: string) => {
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

  fastify.route({
    method: 'GET',
    url: path,
    // Without a promise: nothing is waited for.
    preValidation: (request, reply, done) => {
      // RFC 6455 §4.2.2, §10.2: before the upgrade, in HTTP's words.
      if (origins.judge(request.headers.origin, request.headers.host, peers.of(request).secure) === 'refused') {
        refuse(request, reply, 403, 'Pages of this origin may not connect here: the operator would have to list it in listen.http.origins.')
        return
      }
      if (request.ws && !offersXmpp(request.headers['sec-websocket-protocol'])) {
        // RFC 7395 §3.1
        refuse(request, reply, 400, 'The WebSocket subprotocol "xmpp" (RFC 7395) must be asked for.')
        return
      }
      done()
    },
    preHandler: (request, reply, done) => {
      // What follows is no answer in HTTP any more. Left attached, the socket would keep request and response for as long as it lives.
      if (request.ws) reply.raw.detachSocket(request.raw.socket)
      done()
    },
    handler: (request, reply) => refuse(request, reply.header('upgrade', 'websocket'), 426,
      'This is an XMPP WebSocket endpoint (RFC 7395): connect with the subprotocol "xmpp".'),
    wsHandler: (socket, request) => {
      // The request and its response are not needed any more, and an idle connection must not hold them: the plugin's error listener would.
      socket.removeAllListeners('error')
      const wire = request.raw.socket
      const facts = { transport: 'websocket', ...peers.of(request) } as const
      accept(new WebSocketTransport(socket as StreamSocket, wire, facts, shared))
    },
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
