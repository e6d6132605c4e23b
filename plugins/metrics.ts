/** `/metrics` for Prometheus, on a listener of its own: what the numbers tell is for the operator, not for those who chat. */
import { type AddressInfo, isIP } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Log } from '../src/telemetry/log.ts'
import { lookAtAll, lookAtUnroutable } from './first-look.ts'
import { takesNoCertificates } from './forwarded/refusal.ts'
import { type HttpPatience, requestTimeouts } from './http-patience.ts'
import { refuseMalformed } from './malformed-request.ts'

export interface MetricsOptions {
  readonly ip: string
  readonly port: number
  /** Nobody from outside can connect to that address. */
  readonly isLoopback: boolean
  readonly contentType: string
  /** The text of one scrape. */
  readonly scrape: () => Promise<string>
  readonly patience: HttpPatience
  readonly log: Log
}

/** Prometheus keeps one connection; there may be two of them, and a person with curl. */
const maxConnections = 32

const plainText = 'text/plain; charset=utf-8'

export class MetricsListener {
  readonly #server: FastifyInstance
  readonly url: string

  private constructor(server: FastifyInstance, url: string) {
    this.#server = server
    this.url = url
  }

  /** Rejects when the address cannot be listened on. */
  static async open(options: MetricsOptions): Promise<MetricsListener> {
    const { ip, port, log } = options
    const server = metricsServer(options)
    await server.listen({ host: ip, port, ipv6Only: ip.includes(':') && ip !== '::' })
    const address = server.server.address() as AddressInfo
    log.info({ event: 'listener.open', ip: address.address, port: address.port, tls: false })
    return new MetricsListener(server, `http://${ip.includes(':') ? `[${ip}]` : ip}:${address.port}/metrics`)
  }

  /** Cuts whoever is reading. */
  async close(): Promise<void> { await this.#server.close() }
}

function metricsServer({ contentType, scrape, isLoopback, patience, log }: MetricsOptions): FastifyInstance {
  const look = takesNoCertificates(log)
  const server = Fastify({
    http: requestTimeouts(patience),
    logger: false,
    forceCloseConnections: true,
    bodyLimit: 1_024,
    requestTimeout: patience.request,
    clientErrorHandler: refuseMalformed(log),
    frameworkErrors: lookAtUnroutable(look),
    trustProxy: false,
  })
  server.server.maxConnections = maxConnections
  server.setErrorHandler((error: Error & { readonly statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500
    if (status >= 500) log.error({ event: 'http.bug', error, path: '/metrics' })
    return reply.code(status).type(plainText).send(status >= 500 ? 'Internal server error.\n' : `${error.message}\n`)
  })
  lookAtAll(server, look)
  server.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
    // A web page can give its own host name this machine's address (DNS rebinding), and would then be allowed to read the answer.
    if (isLoopback && !isOwnName(request.headers.host)) {
      log.info({ event: 'http.refused', status: 403, reason: 'a Host that is not this machine', address: request.ip })
      return reply.code(403).header('connection', 'close').type(plainText).send('Ask for localhost, or for the address.\n')
    }
    return undefined
  })
  server.setNotFoundHandler((_request, reply) => reply.code(404).type(plainText).send('There is nothing but /metrics here.\n'))
  server.get('/metrics', async (_request, reply) => reply.type(contentType).send(await scrape()))
  return server
}

/** Whether a Host header names this machine in a way that no DNS server can make up: by an address, or as localhost. */
function isOwnName(header: string | undefined): boolean {
  const name = header?.replace(/:\d{1,5}$/, '') ?? ''
  return name.toLowerCase() === 'localhost' || isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0
}
