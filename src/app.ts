/** The composition root: the only module that knows every part. It makes an App of a checked configuration. */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { bosh } from '../plugins/bosh.ts'
import { ConnectionLimits } from '../plugins/connection-limits.ts'
import { registerCrossOrigin } from '../plugins/cross-origin.ts'
import { health } from '../plugins/health.ts'
import { type Endpoint, hostMeta } from '../plugins/host-meta.ts'
import { type HttpPatience, httpPatience, requestTimeouts } from '../plugins/http-patience.ts'
import { refuseMalformed } from '../plugins/malformed-request.ts'
import { OriginPolicy } from '../plugins/origin-policy.ts'
import { Peers } from '../plugins/peer.ts'
import { PeerCertificates } from '../plugins/peer-certificate.ts'
import { tlsServerOptions } from '../plugins/tls-server-options.ts'
import { isUpgradeTo, websocket } from '../plugins/websocket.ts'
import { welcomePage } from '../plugins/welcome-page.ts'
import { createBackends } from './auth/catalogue.ts'
import type { ExternalMode } from './auth/certificate-mapping.ts'
import { BackendDispatch } from './auth/dispatch.ts'
import { loadMappingModule } from './auth/mapping-module.ts'
import type { Config } from './config/config.ts'
import type { ListenHttp } from './config/listen-http.ts'
import type { TlsMaterial } from './x509/tls-material.ts'
import { features } from './embedded/catalogue.ts'
import { EmbeddedDomain } from './embedded/embedded-domain.ts'
import { IqDispatch } from './embedded/iq-dispatch.ts'
import { Router } from './embedded/router.ts'
import type { SaslContext } from './sasl/mechanism.ts'
import { type Host, SessionManager } from './session/session-manager.ts'
import type { Transport } from './stream/transport.ts'
import type { Clock } from './telemetry/clock.ts'
import type { Log } from './telemetry/log.ts'
import { BoshSessions } from './transport/bosh-sessions.ts'
import { Liveness } from './transport/liveness.ts'
import { Outbox } from './transport/outbox.ts'
import { defaultXmlLimits } from './xml/limits.ts'
import { Scanner } from './xml/scanner.ts'

/** How long a custom mapping module or a backend may take, in milliseconds. */
const authenticationTimeout = 5_000

/** How often a stopping gateway looks whether everybody has gone, in milliseconds. */
const drainPoll = 20

export interface AppOptions {
  readonly config: Config
  /** For each listener of `config.listen.http`; null for plain HTTP. */
  readonly tls: readonly (TlsMaterial | null)[]
  /** Contents of the files that `auth` names, by path. */
  readonly authFiles: ReadonlyMap<string, string>
  readonly software: { readonly name: string, readonly version: string }
  readonly clock: Clock
  readonly log: Log
  /** Node's own timers, which no clock turns; as usual where it is absent. */
  readonly patience?: HttpPatience
}

/** One listener as it stands. */
export interface Listening {
  readonly ip: string
  readonly port: number
  readonly secure: boolean
  readonly websocketPath: string | null
  readonly boshPath: string | null
}

export class App {
  readonly #options: AppOptions
  readonly #manager: SessionManager
  readonly #hosts: readonly Host[]
  readonly #backends: BackendDispatch
  readonly #servers: FastifyInstance[] = []
  readonly #limits: ConnectionLimits
  readonly #outbox = new Outbox()
  readonly #liveness: Liveness[] = []
  readonly #boshSessions: BoshSessions
  #isStopping = false

  private constructor(options: AppOptions, { hosts, backends }: House) {
    const { config, clock, log } = options
    const { limits, session } = config
    this.#options = options
    this.#hosts = hosts
    this.#backends = backends
    this.#limits = new ConnectionLimits({ maxConnections: limits.max_connections, maxConnectionsPerAddress: limits.max_connections_per_address, log })
    this.#manager = new SessionManager({
      hosts,
      resourceConflict: session.resource_conflict,
      maxSessionsPerAccount: limits.max_sessions_per_account,
      rate: limits.max_stanzas_per_second === 0 ? null : { perSecond: limits.max_stanzas_per_second, burst: limits.max_stanza_burst },
      newId,
      clock,
      log,
    })
    // One for all listeners: a client may come back by another address of the same gateway.
    this.#boshSessions = new BoshSessions({
      accept: transport => { this.#manager.accept(transport) }, newSid: newId, serves: domain => this.#manager.serves(domain),
      shared: { maxUnreadBytes: limits.max_unread_bytes, outbox: this.#outbox, clock },
    })
  }

  static async create(options: AppOptions): Promise<App> {
    return new App(options, await composeHouse(options))
  }

  get sessionCount(): number { return this.#manager.sessionCount }

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
    } catch (error) {
      await this.close(0)
      throw error
    }
    return listening
  }

  /** Stops in good order: no new clients, a goodbye to those that are here, and after so many milliseconds the end. Idempotent. */
  async close(milliseconds: number): Promise<void> {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#manager.shutdown()
    // The listeners stay open meanwhile: `/readyz` tells a load balancer that no new clients are wanted here.
    await this.#allGone(milliseconds)
    for (const liveness of this.#liveness) liveness.stop()
    const closed = this.#servers.map(({ server }) => new Promise<void>(resolve => { server.close(() => { resolve() }) }))
    this.#limits.cutAll()
    await Promise.all([...closed, this.#backends.close()])
  }

  async #open(listener: ListenHttp, tls: TlsMaterial | null, first: Listening | undefined): Promise<Listening> {
    const { log, patience = httpPatience } = this.#options
    const http = {
      ...requestTimeouts(patience),
      shouldUpgradeCallback: (request: IncomingMessage) => listener.websocket !== false && isUpgradeTo(listener.websocket.path, request),
    }
    const server = Fastify({
      ...tls === null ? { http } : { https: { ...http, ...tlsServerOptions(tls, patience.handshake) } },
      logger: false,
      forceCloseConnections: true,
      bodyLimit: 65_536,
      // Fastify's default is none; a client that dribbles its request would hold the connection for ever.
      requestTimeout: patience.request,
      clientErrorHandler: refuseMalformed(log),
      trustProxy: false,
    }) as unknown as FastifyInstance
    this.#servers.push(server)
    this.#limits.watch(server.server)
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
    await this.#plug(server, listener, tls)
    // Two listeners with port 0 are meant to be one address in two families: the second takes the port of the first.
    const port = listener.port === 0 && first !== undefined ? first.port : listener.port
    await server.listen({ host: listener.ip, port, ...listener.ip.includes(':') ? { ipv6Only: listener.ip !== '::' } : {} })
    const address = server.server.address() as AddressInfo
    log.info({ event: 'listener.open', ip: address.address, port: address.port, tls: tls !== null })
    return { ip: listener.ip, port: address.port, secure: tls !== null, websocketPath: listener.websocket === false ? null : listener.websocket.path,
      boshPath: listener.bosh === false ? null : listener.bosh.path }
  }

  async #plug(server: FastifyInstance, listener: ListenHttp, tls: TlsMaterial | null): Promise<void> {
    const { config, clock, log, software } = this.#options
    const peers = new Peers(new PeerCertificates(server.server, { tls: tls === null ? null : listener.tls ?? null, clock, log }))
    const origins = new OriginPolicy(listener.origins, tls !== null)
    const endpoints: Endpoint[] = []
    const accept = (transport: Transport) => { this.#manager.accept(transport) }
    const { max_unread_bytes: maxUnreadBytes } = config.limits
    const outbox = this.#outbox
    await registerCrossOrigin(server, { origins })
    if (listener.websocket !== false) {
      const { path, max_stanza_size, ping_rate, state_timeout, compress } = listener.websocket
      endpoints.push({ rel: 'urn:xmpp:alt-connections:websocket', scheme: 'wss', path })
      const liveness = new Liveness(ping_rate, clock)
      this.#liveness.push(liveness)
      await server.register(websocket, {
        path, maxStanzaSize: max_stanza_size, compress, origins, peers, log, accept,
        shared: {
          stateTimeout: state_timeout,
          maxUnreadBytes,
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
      verifyMode: tls === null ? 'none' : listener.tls?.verify_mode ?? 'none',
      websocketPath: listener.websocket === false ? null : listener.websocket.path,
      boshPath: listener.bosh === false ? null : listener.bosh.path,
      peers, software, clock,
    })
  }

  /** Resolves when the last client has gone, or has been cut at the deadline. */
  #allGone(milliseconds: number): Promise<void> {
    const { clock } = this.#options
    const connections = () => this.#liveness.reduce((sum, { size }) => sum + size, this.#boshSessions.underWay)
    if (connections() === 0) return Promise.resolve()
    return new Promise(resolve => {
      const end = () => { poll.cancel(); deadline.cancel(); resolve() }
      const poll = clock.every(drainPoll, () => { if (connections() === 0) end() })
      const deadline = clock.after(milliseconds, () => {
        for (const liveness of this.#liveness) liveness.endAll()
        end()
      })
    })
  }
}

/** 192 random bits, URL-safe, 32 characters: nobody guesses a stream id, a session id or a resource. */
const newId = (): string => randomBytes(24).toString('base64url')

interface House { readonly hosts: readonly Host[], readonly backends: BackendDispatch }

async function composeHouse({ config, authFiles, software, clock, log }: AppOptions): Promise<House> {
  const { auth, general } = config
  const iqs = new IqDispatch(features, software)
  const router = new Router(new Set(general.hosts), iqs)
  const backends = new BackendDispatch({
    backends: await createBackends(auth, { hosts: general.hosts, dataFolder: general.data_dir, file: path => fileNamed(authFiles, path), clock, log }),
    timeoutMilliseconds: authenticationTimeout, clock, log,
  })
  const modes: ExternalMode[] = []
  for (const mode of auth.sasl_external) modes.push(typeof mode === 'string' ? mode : await loadMappingModule(mode.module, { clock, log, timeoutMilliseconds: authenticationTimeout }))
  const external: SaslContext['external'] = { modes, commonName: auth.sasl_external_common_name }
  const hosts = general.hosts.map((name): Host => ({
    domain: new EmbeddedDomain(name, router, newId),
    mechanisms: auth.sasl_mechanisms,
    saslContext: peer => ({ ...peer, domain: name, external, backends }),
  }))
  return { hosts, backends }
}

function fileNamed(files: ReadonlyMap<string, string>, path: string): string {
  const content = files.get(path)
  if (content === undefined) throw new Error(`a file that was not read beforehand: ${path}`)
  return content
}
