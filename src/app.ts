/** The composition root: the only module that knows every part. It makes an App of a checked configuration. */
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import Fastify, { type FastifyInstance } from 'fastify'
import { bosh } from '../plugins/bosh.ts'
import { ConnectionLimits } from '../plugins/connection-limits.ts'
import { registerCrossOrigin } from '../plugins/cross-origin.ts'
import { lookAtAll, lookAtUnroutable } from '../plugins/first-look.ts'
import { health } from '../plugins/health.ts'
import { Arrivals } from '../plugins/forwarded/arrivals.ts'
import { type Endpoint, hostMeta } from '../plugins/host-meta.ts'
import { type HttpPatience, httpPatience, requestTimeouts } from '../plugins/http-patience.ts'
import { refuseMalformed } from '../plugins/malformed-request.ts'
import { metricSources } from '../plugins/metric-sources.ts'
import { MetricsListener } from '../plugins/metrics.ts'
import { OriginPolicy } from '../plugins/origin-policy.ts'
import { Peers } from '../plugins/peer.ts'
import { listenOnSocket } from '../plugins/unix-socket.ts'
import { isUpgradeTo, websocket } from '../plugins/websocket.ts'
import { welcomePage } from '../plugins/welcome-page.ts'
import { isLoopback } from './config/ip-address.ts'
import type { ListenC2s } from './config/listen-c2s.ts'
import type { ListenHttp } from './config/listen-http.ts'
import { TlsReload } from './config/tls-reload.ts'
import type { ServerTls, TlsMaterial } from './x509/tls-material.ts'
import { Trust } from './x509/trust.ts'
import { composeHouse, type House, type HouseOptions } from './house.ts'
import { type Host, SessionManager } from './session/session-manager.ts'
import type { Transport } from './stream/transport.ts'
import { countingLog } from './telemetry/counting-log.ts'
import type { Log } from './telemetry/log.ts'
import type { Metrics } from './telemetry/metrics.ts'
import { noTraffic } from './telemetry/traffic.ts'
import { BoshSessions } from './transport/bosh-sessions.ts'
import { ClientCertificates } from './transport/client-certificates.ts'
import { Liveness } from './transport/liveness.ts'
import { Outbox } from './transport/outbox.ts'
import { TcpListener } from './transport/tcp-listener.ts'
import type { TcpMode } from './transport/tcp-options.ts'
import { tlsServerOptions } from './transport/tls-server-options.ts'
import { defaultXmlLimits } from './xml/limits.ts'
import { Scanner } from './xml/scanner.ts'

/** Of the time to stop in, what acknowledgements may take; the rest is for goodbyes. */
const drainShare = 0.75

/** How often a stopping gateway looks whether everybody has gone, in milliseconds. */
const drainPoll = 20

export interface AppOptions extends HouseOptions {
  /** For each of `listenersOf(config.listen)`; null for plain HTTP. */
  readonly tls: readonly (TlsMaterial | null)[]
  /** Of the files that it was read from, as `checkFiles` gives it: what changes from then on is noticed. */
  readonly tlsState?: string
  /** Node's own timers, which no clock turns; as usual where it is absent. */
  readonly patience?: HttpPatience
}

/** One listener as it stands. */
export interface Listening {
  /** The path of its Unix socket; then it has no ip and no port. Null for TCP. */
  readonly socket: string | null
  readonly ip: string
  readonly port: number
  readonly secure: boolean
  readonly websocketPath: string | null
  readonly boshPath: string | null
  /** Where XMPP is spoken without HTTP. */
  readonly tcp: TcpMode | null
}

/** Bytes that go with what is sent again to a client that resumes: all of it together may wait for a client that reads slowly. */
const besides = 1_000

export class App {
  readonly #options: AppOptions
  readonly #manager: SessionManager
  readonly #hosts: readonly Host[]
  readonly #closeHouse: () => Promise<void>
  readonly #servers: FastifyInstance[] = []
  readonly #tcpListeners: TcpListener[] = []
  /** Each removes one Unix socket. */
  readonly #sockets: (() => Promise<void>)[] = []
  readonly #trusts: Trust[] = []
  readonly #limits: ConnectionLimits
  readonly #outbox = new Outbox()
  readonly #traffic = noTraffic()
  readonly #liveness: Liveness[] = []
  readonly #boshSessions: BoshSessions
  readonly #tlsReload: TlsReload
  /** Null unless `[listen.metrics]` asks for them. */
  readonly #metrics: Metrics | null
  #metricsListener: MetricsListener | null = null
  #isStopping = false

  private constructor(options: AppOptions, { hosts, newId, close }: House, metrics: Metrics | null) {
    const { config, clock, log } = options
    const { limits, session } = config
    this.#options = options
    this.#hosts = hosts
    this.#closeHouse = close
    this.#metrics = metrics
    this.#limits = new ConnectionLimits({ maxConnections: limits.max_connections, maxConnectionsPerAddress: limits.max_connections_per_address, log })
    this.#manager = new SessionManager({
      hosts,
      resourceConflict: session.resource_conflict,
      maxSessionsPerAccount: limits.max_sessions_per_account,
      rate: limits.max_stanzas_per_second === 0 ? null : { perSecond: limits.max_stanzas_per_second, burst: limits.max_stanza_burst },
      resumption: {
        seconds: session.resume_timeout, location: session.location ?? null,
        maxStanzas: session.max_unacked_stanzas, maxBytes: (session.max_unacked_bytes ?? limits.max_unread_bytes) - besides,
      },
      holdsPresence: session.hold_presence,
      newId,
      clock,
      log,
      traffic: this.#traffic,
    })
    this.#tlsReload = new TlsReload({ config, material: options.tls, state: options.tlsState ?? null, clock, log,
      replaced: () => { this.#manager.recheckCertificates() } })
    // One for all listeners: a client may come back by another address of the same gateway.
    this.#boshSessions = new BoshSessions({
      accept: transport => { this.#manager.accept(transport) }, newSid: newId, serves: domain => this.#manager.serves(domain),
      shared: { maxUnreadBytes: limits.max_unread_bytes, outbox: this.#outbox, clock },
    })
  }

  static async create(options: AppOptions): Promise<App> {
    if (options.config.listen.metrics === undefined) return new App(options, await composeHouse(options), null)
    const { Metrics } = await import('./telemetry/metrics.ts')
    const metrics = new Metrics(options.software.version, () => options.clock.now())
    const counted = { ...options, log: countingLog(options.log, metrics.count) }
    return new App(counted, await composeHouse(counted), metrics)
  }

  /** Where everything is told, and counted on the way. */
  get log(): Log { return this.#options.log }

  get sessionCount(): number { return this.#manager.sessionCount }

  /** Where Prometheus finds the metrics; null where there are none. */
  get metricsUrl(): string | null { return this.#metricsListener?.url ?? null }

  /** Opens every listener. Rejects with the first one's error when one cannot be opened, with everything closed again. */
  async listen(): Promise<readonly Listening[]> {
    const { config, tls } = this.#options
    const listening: Listening[] = []
    try {
      for (const [index, listener] of config.listen.http.entries()) {
        try {
          listening.push(await this.#open(listener, tls[index] ?? null, listening[0]))
        } catch (error) {
          // The built-in defaults take both loopback addresses; a machine without IPv6 has only one.
          if (config.file !== null || !(error instanceof Error && 'code' in error && error.code === 'EADDRNOTAVAIL')) throw error
        }
      }
      for (const [index, listener] of config.listen.c2s.entries()) listening.push(await this.#openTcp(listener, config.listen.http.length + index))
      await this.#openMetrics()
      this.#tlsReload.start()
    } catch (error) {
      await this.close(0)
      throw error
    }
    return listening
  }

  /** Stops in good order: no new clients, nothing lost that was taken, a goodbye to those that are here, and after so many milliseconds the end. Idempotent. */
  async close(milliseconds: number): Promise<void> {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#tlsReload.stop()
    // The listeners stay open meanwhile: `/readyz` tells a load balancer that no new clients are wanted here.
    const { promise: deadline, resolve } = Promise.withResolvers<undefined>()
    const timer = this.#options.clock.after(milliseconds, () => { resolve(undefined) })
    await this.#manager.drain(milliseconds * drainShare)
    this.#manager.shutdown()
    await this.#allGone(deadline)
    timer.cancel()
    for (const liveness of this.#liveness) liveness.stop()
    const closed = this.#servers.map(({ server }) => new Promise<void>(resolve => { server.close(() => { resolve() }) }))
    this.#limits.cutAll()
    await Promise.all([...closed, ...this.#tcpListeners.map(listener => listener.close()), ...this.#sockets.map(remove => remove()), this.#closeHouse(), this.#metricsListener?.close()])
    this.#metrics?.close()
  }

  /** Reads the files of TLS anew: certificates, keys, CAs, revocation lists. Resolves with whether they are in use; otherwise the old ones are. */
  reload(): Promise<boolean> { return this.#tlsReload.reload() }

  async #openMetrics(): Promise<void> {
    const { config: { listen }, log, patience = httpPatience } = this.#options
    const metrics = this.#metrics
    if (metrics === null || listen.metrics === undefined) return
    const sources = metricSources({ traffic: this.#traffic, limits: this.#limits, manager: this.#manager, boshSessions: this.#boshSessions, trusts: this.#trusts })
    this.#metricsListener = await MetricsListener.open({ ...listen.metrics, isLoopback: isLoopback(listen.metrics.ip),
      contentType: metrics.contentType, scrape: () => metrics.scrape(sources), patience, log })
  }

  async #open(listener: ListenHttp, tls: TlsMaterial | null, first: Listening | undefined): Promise<Listening> {
    const { clock, log, patience = httpPatience, config } = this.#options
    const serverTls = tls?.server ?? null
    const trust = listener.tls === undefined ? null : new Trust(listener.tls.verify_mode, tls?.trust ?? { anchors: [], revocation: null })
    if (trust !== null) this.#trusts.push(trust)
    const arrivals = new Arrivals({ listener, trust, limits: this.#limits, clock, log })
    const http = {
      ...requestTimeouts(patience),
      // Forwarded chains are longer than what clients have to say by themselves.
      ...listener.forwarded_certificate === undefined ? {} : { maxHeaderSize: forwardedHeaderSize },
      shouldUpgradeCallback: (request: IncomingMessage) => listener.websocket !== false && isUpgradeTo(listener.websocket.path, request),
    }
    const server = Fastify({
      ...serverTls === null ? { http } : { https: { ...http, ...tlsServerOptions(serverTls, patience.handshake, httpProtocol) } },
      logger: false,
      forceCloseConnections: true,
      bodyLimit: 65_536,
      // Fastify's default is none; a client that dribbles its request would hold the connection for ever.
      requestTimeout: patience.request,
      clientErrorHandler: refuseMalformed(log),
      frameworkErrors: lookAtUnroutable(arrivals.meet),
      trustProxy: false,
    }) as unknown as FastifyInstance
    this.#servers.push(server)
    this.#limits.watch(server.server, arrivals.proxies ?? undefined)
    lookAtAll(server, arrivals.meet)
    server.server.on('tlsClientError', (error: Error) => { log.debug({ event: 'tls.failed', cause: error.message }) })
    server.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
      const status = error.statusCode ?? 500
      if (status >= 500) log.error({ event: 'http.bug', error, path: request.routeOptions.url })
      return reply.code(status).type('text/plain; charset=utf-8').send(status >= 500 ? 'Internal server error.\n' : `${error.message}\n`)
    })
    server.addHook('onSend', (_request, reply, payload, done) => {
      reply.header('x-content-type-options', 'nosniff')
      done(null, payload)
    })
    this.#tlsReload.add(config.listen.http.indexOf(listener), {
      replace: fresh => {
        if (fresh.server !== null && server.server instanceof TlsServer) server.server.setSecureContext(tlsServerOptions(fresh.server, patience.handshake, httpProtocol))
        if (fresh.trust !== null) trust?.replace(fresh.trust)
      },
    })
    await this.#plug(server, listener, { tls: serverTls, trust, arrivals })
    const facts = { secure: serverTls !== null, websocketPath: listener.websocket === false ? null : listener.websocket.path,
      boshPath: listener.bosh === false ? null : listener.bosh.path, tcp: null }
    if (listener.socket !== undefined) {
      await server.ready()
      this.#sockets.push(await listenOnSocket(server.server, listener.socket))
      log.info({ event: 'listener.open', socket: listener.socket, tls: facts.secure })
      return { ip: '', port: 0, socket: listener.socket, ...facts }
    }
    // Two listeners with port 0 are meant to be one address in two families: the second takes the port of the first.
    const port = listener.port === 0 && first !== undefined ? first.port : listener.port
    await server.listen({ host: listener.ip, port, ...listener.ip.includes(':') ? { ipv6Only: listener.ip !== '::' } : {} })
    const address = server.server.address() as AddressInfo
    log.info({ event: 'listener.open', ip: address.address, port: address.port, tls: facts.secure })
    return { ip: listener.ip, port: address.port, socket: null, ...facts }
  }

  /** `index`: of its TLS material. */
  async #openTcp({ ip, port, tls, max_stanza_size: maxBytes, ping_rate, state_timeout: stateTimeout }: ListenC2s, index: number): Promise<Listening> {
    const { clock, log, patience = httpPatience, config: { limits: { max_unread_bytes: maxUnreadBytes }, session } } = this.#options
    const material = this.#options.tls[index]
    if (material?.server === null || material?.server === undefined) throw new Error('a listener for TCP without TLS')
    const trust = new Trust(tls.verify_mode, material.trust ?? { anchors: [], revocation: null })
    this.#trusts.push(trust)
    const liveness = new Liveness(ping_rate, clock)
    this.#liveness.push(liveness)
    const listener = new TcpListener({
      tls, material: material.server, trust, handshakeTimeout: patience.handshake, log,
      shared: { stateTimeout, xmlLimits: { ...defaultXmlLimits, maxBytes }, limits: { maxBytes, idle: ping_rate || null }, maxUnreadBytes,
        seeOtherHost: session.see_other_host ?? null, liveness, outbox: this.#outbox, clock },
      watch: server => { this.#limits.watch(server) },
      accept: transport => { this.#manager.accept(transport) },
    })
    this.#tcpListeners.push(listener)
    this.#tlsReload.add(index, {
      replace: fresh => {
        if (fresh.server !== null) listener.replace(fresh.server)
        if (fresh.trust !== null) trust.replace(fresh.trust)
      },
    })
    const address = await listener.listen(ip, port)
    log.info({ event: 'listener.open', ip: address.address, port: address.port, tls: tls.mode === 'tls' })
    return { ip, port: address.port, socket: null, secure: tls.mode === 'tls', websocketPath: null, boshPath: null, tcp: tls.mode }
  }

  async #plug(server: FastifyInstance, listener: ListenHttp, { tls, trust, arrivals }: Entrance): Promise<void> {
    const { config, clock, log, software } = this.#options
    // Behind a proxy what TLS shows is the proxy's own.
    const isOwnTls = tls !== null && arrivals.proxies === null
    const certificates = new ClientCertificates(server.server, { tls: !isOwnTls || trust === null || listener.tls === undefined ? null : { ...listener.tls, trust }, clock, log })
    const peers = new Peers(certificates, arrivals)
    const origins = new OriginPolicy(listener.origins, tls !== null)
    const endpoints: Endpoint[] = []
    const accept = (transport: Transport) => { this.#manager.accept(transport) }
    const { max_unread_bytes: maxUnreadBytes } = config.limits
    const outbox = this.#outbox
    await registerCrossOrigin(server, { origins, peers })
    if (listener.websocket !== false) {
      const { path, max_stanza_size, ping_rate, state_timeout, compress } = listener.websocket
      endpoints.push({ rel: 'urn:xmpp:alt-connections:websocket', scheme: 'wss', path })
      const liveness = new Liveness(ping_rate, clock)
      this.#liveness.push(liveness)
      await server.register(websocket, {
        path, maxStanzaSize: max_stanza_size, compress, origins, peers, log, accept, isPlain: request => arrivals.isPlain(request),
        shared: {
          stateTimeout: state_timeout,
          limits: { maxBytes: max_stanza_size, idle: ping_rate || null },
          maxUnreadBytes,
          seeOtherUri: config.session.see_other_uri ?? null,
          scanner: new Scanner({ ...defaultXmlLimits, maxBytes: max_stanza_size }),
          liveness, outbox, clock,
        },
      })
    }
    if (listener.bosh !== false) {
      endpoints.push({ rel: 'urn:xmpp:alt-connections:xbosh', scheme: 'https', path: listener.bosh.path })
      await server.register(bosh, { bosh: listener.bosh, sessions: this.#boshSessions, origins, peers, clock, log })
    }
    await server.register(hostMeta, { endpoints })
    await server.register(health, { isReady: () => !this.#isStopping })
    await server.register(welcomePage, {
      hosts: this.#hosts.map(({ domain, mechanisms, saslContext }) => ({ name: domain.name, mechanisms, saslContext })),
      verifyMode: isOwnTls || listener.forwarded_certificate !== undefined ? listener.tls?.verify_mode ?? 'none' : 'none',
      websocketPath: listener.websocket === false ? null : listener.websocket.path,
      boshPath: listener.bosh === false ? null : listener.bosh.path,
      peers, isProxied: arrivals.proxies !== null, software, clock,
    })
  }

  /** Resolves when the last client has gone, or has been cut at the deadline. */
  #allGone(deadline: Promise<undefined>): Promise<void> {
    const connections = () => this.#liveness.reduce((sum, { size }) => sum + size, this.#boshSessions.underWay + this.#boshSessions.owing)
    if (connections() === 0) return Promise.resolve()
    return new Promise(resolve => {
      const end = () => { poll.cancel(); resolve() }
      const poll = this.#options.clock.every(drainPoll, () => { if (connections() === 0) end() })
      void deadline.then(() => {
        for (const liveness of this.#liveness) liveness.endAll()
        end()
      })
    })
  }
}

const httpProtocol = 'http/1.1'

/** Bytes: 64 KiB of certificates, and as much as Node allows for everything else. */
const forwardedHeaderSize = 65_536 + 16_384

/** How clients come to a listener. */
interface Entrance { readonly tls: ServerTls | null, readonly trust: Trust | null, readonly arrivals: Arrivals }
