/** The BOSH endpoint (XEP-0124 §5): what HTTP has to say, and then one request after the other for the session it belongs to. */
import { METHODS } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../src/telemetry/clock.ts'
import { type LimitName, limitOf } from '../src/telemetry/limit.ts'
import type { Log } from '../src/telemetry/log.ts'
import { bodyBytes, BodyError, readBody, scanWrapper } from '../src/transport/bosh-body.ts'
import type { BoshOptions } from '../src/transport/bosh-options.ts'
import type { BoshSessions } from '../src/transport/bosh-sessions.ts'
import { type TerminalCondition, terminateResponse, type WindowResponse } from '../src/transport/bosh-window.ts'
import { type Exchange, fingerprintOf, type RequestOrigin } from '../src/transport/bosh.ts'
import { Scanner } from '../src/xml/scanner.ts'
import { defaultXmlLimits } from '../src/xml/limits.ts'
import { ArrivingBodies } from './arriving-bodies.ts'
import type { OriginPolicy } from './origin-policy.ts'
import type { Peer, Peers } from './peer.ts'

export interface BoshPluginOptions {
  readonly bosh: BoshOptions
  readonly sessions: BoshSessions
  readonly origins: OriginPolicy
  readonly peers: Peers
  readonly clock: Clock
  readonly log: Log
}

/** §7.1: unless the session request says otherwise. */
const defaultContentType = 'text/xml; charset=utf-8'

/** §17.1: what a client that sent no `ver` understands instead of a terminal condition. */
const legacyStatus: Readonly<Partial<Record<TerminalCondition, number>>> = { 'bad-request': 400, 'policy-violation': 403, 'item-not-found': 404 }

/** Taken by the endpoint; a CONNECT never gets here. */
const methods: readonly string[] = ['GET', 'HEAD', 'POST', 'OPTIONS', 'CONNECT']

export async function bosh(fastify: FastifyInstance, options: BoshPluginOptions): Promise<void> {
  const { bosh: { path, max_stanza_size: maxBodySize, request_timeout: requestTimeout }, sessions, origins, peers, clock, log } = options
  const scanner = new Scanner({ ...defaultXmlLimits, maxBytes: maxBodySize }, true)

  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: maxBodySize }, (_request, body, done) => { done(null, body) })

  const note = (request: FastifyRequest, status: number, reason: string, limit?: LimitName): void => {
    log.info({ event: 'bosh.refused', status, reason, address: peers.of(request).remoteAddress, origin: request.headers.origin, limit })
  }

  const terminate = (reply: FastifyReply, condition: TerminalCondition, isLegacy = false) =>
    reply.code(isLegacy ? legacyStatus[condition] ?? 200 : 200).type(defaultContentType).send(bodyBytes(terminateResponse(condition, []), {}))

  /** The leaf is looked at once for each peer, not once for each request. */
  const shown = new WeakMap<Peer, RequestOrigin>()
  const originOf = (request: FastifyRequest): RequestOrigin => {
    const peer = peers.of(request)
    const known = shown.get(peer)
    if (known !== undefined) return known
    const origin = { ...peer, fingerprint: fingerprintOf(peer.certificate()) }
    shown.set(peer, origin)
    return origin
  }

  const arriving = new ArrivingBodies<FastifyReply>(requestTimeout, clock, reply => {
    note(reply.request, 408, 'the request took too long', 'bosh.request_timeout')
    terminate(reply.header('connection', 'close'), 'policy-violation')
  })

  fastify.addHook('onRequest', (request, reply, done) => {
    const { raw, headers: { origin, host, 'content-encoding': encoding } } = request
    // §5: the content type of a request is ignored, and so is its absence; Fastify would refuse one that is none.
    raw.headers['content-type'] = undefined
    const refuse = (status: number, text: string) => {
      note(request, status, text)
      // What was going to be sent is not waited for.
      reply.code(status).header('connection', 'close').type('text/plain; charset=utf-8').send(`${text}\n`)
    }
    if (raw.method === 'POST' && origins.judge(origin, host, peers.of(request).secure) === 'refused') {
      refuse(403, 'Pages of this origin may not connect here: the operator would have to list it in listen.http.origins.')
    } else if (encoding !== undefined && encoding !== 'identity') {
      // Nothing is unpacked, so nothing can explode: §7.2, no `accept` is announced.
      refuse(415, 'Send the request body without content encoding.')
    } else {
      // From here every request comes to the handler below, or to that of errors.
      if (raw.method === 'POST') arriving.begin(reply)
      done()
    }
  })

  fastify.setErrorHandler((error: Error & { readonly statusCode?: number }, request, reply) => {
    arriving.end(reply)
    const status = error.statusCode ?? 500
    if (status >= 500) log.error({ event: 'http.bug', error, path })
    else note(request, status, error.message, status === 413 ? 'bosh.max_stanza_size' : undefined)
    return terminate(reply, status === 413 ? 'policy-violation' : status >= 500 ? 'internal-server-error' : 'bad-request')
  })

  fastify.post(path, (request: FastifyRequest<{ Body: Buffer | undefined }>, reply) => {
    arriving.end(reply)
    const bytes = request.body ?? Buffer.alloc(0)
    const origin = originOf(request)
    const refuse = (condition: TerminalCondition, reason: string, isLegacy = false, limit?: LimitName) => {
      note(request, isLegacy ? legacyStatus[condition] ?? 200 : 200, `${condition}: ${reason}`, limit)
      return terminate(reply, condition, isLegacy)
    }
    let wrapper
    try { wrapper = scanWrapper(bytes, scanner) } catch (error) { return refuse('bad-request', reasonOf(error), false, limitOf(error)) }
    const sid = wrapper.root.attribute('sid')
    const session = sid === null ? null : sessions.find(sid, origin)
    if (sid !== null && session === null) return refuse('item-not-found', 'there is no such session, or it is not this client\'s')
    // §17.1: only the session request tells.
    const isLegacy = wrapper.root.attribute('ver') === null
    let body
    let found
    try {
      body = readBody(wrapper)
      found = session ?? sessions.create(body, wrapper.root, origin, options.bosh)
    } catch (error) {
      if (session === null) return refuse('bad-request', reasonOf(error), isLegacy)
      const { transport, agreement: { creation } } = session
      transport.refuse(new HttpExchange(reply, creation.content, creation.ver === null), reasonOf(error))
      return undefined
    }
    if ('condition' in found) {
      const { condition, limit } = found
      return refuse(condition, limit === undefined ? 'no session for this request' : `as many sessions as ${limit} allows`, isLegacy, limit)
    }
    const { transport, agreement: { creation } } = found
    const exchange = new HttpExchange(reply, creation.content, creation.ver === null)
    sessions.underWay += 1
    reply.raw.on('close', () => {
      sessions.underWay -= 1
      if (!reply.raw.writableFinished) transport.connectionLost(exchange)
    })
    transport.request(body, bytes.length, origin, exchange)
    return undefined
  })

  fastify.get(path, (_request, reply) => reply.type('text/html; charset=utf-8').send(
    '<!doctype html><html lang="en"><title>BOSH</title><p>This is an XMPP endpoint (BOSH, XEP-0124). Programs connect here by POST; '
    + '<a href="/">the welcome page</a> shows what people can see.</p>\n'))

  for (const method of METHODS.filter(name => !methods.includes(name))) {
    if (!fastify.supportedMethods.includes(method)) fastify.addHttpMethod(method)
    const refuse = async (_request: FastifyRequest, reply: FastifyReply) => reply.code(405).headers({ allow: 'GET, HEAD, POST, OPTIONS', connection: 'close' }).send()
    fastify.route({ method, url: path, onRequest: refuse, handler: refuse })
  }
}

/** What is wrong with a request; throws what is no request's fault. */
function reasonOf(error: unknown): string {
  if (error instanceof BodyError) return error.message
  throw error
}

class HttpExchange implements Exchange {
  readonly #reply: FastifyReply
  readonly #contentType: string
  readonly #isLegacy: boolean

  constructor(reply: FastifyReply, contentType: string | null, isLegacy: boolean) {
    this.#reply = reply
    this.#contentType = contentType ?? defaultContentType
    this.#isLegacy = isLegacy
  }

  respond(body: Uint8Array, { condition }: WindowResponse): void {
    const reply = this.#reply
    if (reply.sent || reply.raw.destroyed) return
    const status = this.#isLegacy && condition !== null ? legacyStatus[condition] ?? 200 : 200
    void reply.code(status).header('content-type', this.#contentType).send(body)
  }
}
