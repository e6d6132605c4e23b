/** The only way in, for every transport: makes streams of transports and sessions of streams, and knows them all. */
import type { Principal } from '../auth/credentials.ts'
import type { MechanismKey } from '../sasl/catalogue.ts'
import type { SaslContext, SaslPeer } from '../sasl/mechanism.ts'
import { Announcements } from '../stream/features.ts'
import { ReceivingStream } from '../stream/receiving-stream.ts'
import { handledTooMany, type ResumeRequest } from '../stream/stream-management-elements.ts'
import type { Binding, OutboundStream, Resumption, ServedHost, StreamServices } from '../stream/stream-services.ts'
import type { Transport } from '../stream/transport.ts'
import type { Clock } from '../telemetry/clock.ts'
import { LimitReached } from '../telemetry/limit.ts'
import type { Log } from '../telemetry/log.ts'
import type { TrafficByCarrier } from '../telemetry/traffic.ts'
import { bareOf, type Domainpart, type FullJid, fullJid, parseDomainpart } from '../xmpp/jid.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import { StreamError } from '../xmpp/stream-error.ts'
import { CertificateSweep } from './certificate-sweep.ts'
import { HoldingRules } from './client-state.ts'
import { Directory } from './directory.ts'
import type { Departure, Domain } from './domain.ts'
import { Drain } from './drain.ts'
import { ManagedSessions, type ResumptionOptions } from './managed-sessions.ts'
import type { ResourceConflictPolicy } from './options.ts'
import { Session } from './session.ts'
import { type Rate, RateLimiter } from './rate-limiter.ts'

/** One served domain: who may log in, how, and to what. */
export interface Host {
  readonly domain: Domain
  readonly mechanisms: readonly MechanismKey[]
  readonly saslContext: (peer: SaslPeer) => SaslContext
}

export interface SessionManagerOptions {
  readonly hosts: readonly Host[]
  readonly resourceConflict: ResourceConflictPolicy
  readonly maxSessionsPerAccount: number
  /** What one session may send; null for no limit. */
  readonly rate: Rate | null
  readonly resumption: ResumptionOptions
  /** Whether presence waits for clients that say that they are in the background (XEP-0352). */
  readonly holdsPresence: boolean
  /** Unpredictable, URL-safe, at least 64 random bits. */
  readonly newId: () => string
  readonly clock: Clock
  readonly log: Log
  readonly traffic: TrafficByCarrier
}

export class SessionManager {
  readonly #options: SessionManagerOptions
  readonly #hosts: ReadonlyMap<string, ServedHost>
  readonly #services: StreamServices
  readonly #streams = new Set<OutboundStream>()
  readonly #sessions = new Directory<Session>()
  readonly #managed: ManagedSessions
  readonly #certificateSweep: CertificateSweep
  readonly #holdingRules: HoldingRules | null
  #isDraining = false
  /** Nothing comes after this turn. */
  #isEnding = false

  constructor(options: SessionManagerOptions) {
    this.#options = options
    this.#hosts = new Map(options.hosts.map(host => [host.domain.name, {
      name: host.domain.name,
      mechanisms: host.mechanisms,
      streamFeatures: host.domain.streamFeatures,
      saslContext: host.saslContext,
      bind: (stream, principal, requested) => this.#bind(host.domain, stream, principal, requested),
      resume: (stream, principal, request) => this.#resume(stream, principal, request),
    } satisfies ServedHost]))
    const { clock, log, newId, traffic, holdsPresence } = options
    this.#services = {
      host: name => this.#hostNamed(name), newStreamId: newId, clock, log, traffic, announcements: new Announcements(holdsPresence),
      over: stream => { this.#streams.delete(stream) },
    }
    this.#holdingRules = holdsPresence ? new HoldingRules() : null
    this.#managed = new ManagedSessions(options.resumption, { newId, clock, log })
    this.#certificateSweep = new CertificateSweep(() => this.#sessions.values(), { clock, log })
  }

  get sessionCount(): number { return this.#sessions.size }

  get sessions(): IterableIterator<Session> { return this.#sessions.values() }

  get streamCount(): number { return this.#streams.size }

  serves(domain: string): boolean { return this.#hostNamed(domain) !== null }

  /** Takes a new transport: from here on it is a stream. */
  accept(transport: Transport): void {
    const stream = new ReceivingStream(transport, this.#services)
    this.#streams.add(stream)
    if (this.#isDraining) stream.end(goingAway())
  }

  /**
   * Takes no new streams, and nothing more from those that are there. Resolves when everything that was taken is acknowledged or has
   * gone back to who sent it, as far as that can be had in so many milliseconds; `shutdown` comes next.
   */
  async drain(milliseconds: number): Promise<void> {
    this.#stopTaking()
    if (milliseconds === 0) return
    await new Drain({
      sessions: () => this.#sessions.values(), isGivingBack: () => this.#managed.isGivingBack,
      end: session => { session.end('shutdown', goingAway()) }, clock: this.#options.clock,
    }).run(milliseconds)
  }

  /** Tells every client that the server goes away (RFC 6120 §4.9.3.20) and ends its stream. */
  shutdown(): void {
    this.#stopTaking()
    this.#isEnding = true
    // Those first who leave something unacknowledged: whoever sent it can be told as long as it is there.
    const sessions = () => [...this.#sessions.values()]
    for (let left = sessions(); left.length > 0; left = sessions()) {
      const unsettled = left.filter(({ isSettled }) => !isSettled)
      for (const session of unsettled.length > 0 ? unsettled : left) session.end('shutdown', goingAway())
    }
    for (const stream of [...this.#streams]) stream.end(goingAway())
  }

  #stopTaking(): void {
    this.#isDraining = true
    this.#certificateSweep.stop()
    this.#managed.stop()
  }

  /** Holds every session against its certificate as of now: after authorities or revocation lists have changed. */
  recheckCertificates(): void { this.#certificateSweep.begin() }

  #hostNamed(name: string): ServedHost | null {
    const exact = this.#hosts.get(name)
    if (exact !== undefined) return exact
    const prepared: Domainpart | null = parseDomainpart(name)
    return (prepared !== null && this.#hosts.get(prepared)) || null
  }

  #bind(domain: Domain, stream: OutboundStream, principal: Principal, requested: string | null): Binding | Promise<Binding> {
    const binding = (jid: FullJid) => () => this.#begin(domain, stream, principal, jid)
    const jid = domain.bind(principal, requested)
    return jid instanceof Promise ? jid.then(binding) : binding(jid)
  }

  #begin(domain: Domain, stream: OutboundStream, principal: Principal, wanted: FullJid): Session {
    const { clock, log, maxSessionsPerAccount, rate } = this.#options
    if (this.#isDraining) throw goingAway()
    const jid = this.#resolveConflict(wanted)
    if (!this.#hasRoom(jid, maxSessionsPerAccount)) {
      const text = 'this account has as many sessions as it may have'
      throw new StanzaError('resource-constraint', text, { cause: new LimitReached('limits.max_sessions_per_account', text) })
    }
    const limiter = rate === null ? null : new RateLimiter(rate, clock)
    const session = new Session(jid, principal, stream, limiter, this.#ended, this.#managed, this.#holdingRules)
    session.attach(domain.attach(session))
    this.#sessions.add(session)
    log.info({ event: 'session.bound', jid, mechanism: principal.mechanism, transport: session.facts.transport,
      fingerprint: principal.certificate?.fingerprint256 })
    return session
  }

  /** Sessions that wait for their client make room for one that is there: the one that has waited longest, first. */
  #hasRoom(jid: FullJid, maxSessions: number): boolean {
    const sessions = this.#sessions.ofAccount(bareOf(jid))
    if (sessions.size < maxSessions) return true
    const [waiting] = [...sessions].filter(({ isDetached }) => isDetached).sort((one, other) => one.patience - other.patience)
    waiting?.end('lost', null)
    return waiting !== undefined
  }

  /** XEP-0198 §5. What a client holds is worth something only to the account, and the kind of login, that the session is of. */
  #resume(stream: OutboundStream, principal: Principal, { previd, h }: ResumeRequest): Resumption | Promise<void> {
    const { log } = this.#options
    const { remoteAddress: address, transport } = stream.facts
    const fail = (condition: 'item-not-found' | 'feature-not-implemented' | 'bad-request', reason: string, handled: number | null = null,
      error: StreamError | null = null): Resumption => {
      log.info({ event: 'session.not_resumed', account: principal.account, condition, reason, transport, address })
      return { kind: 'failed', condition, handled, error }
    }
    if (this.#isDraining) throw goingAway()
    if (!this.#managed.areResumable) return fail('feature-not-implemented', 'sessions cannot be resumed here')
    const found = this.#managed.find(previd)
    if (found === null) return fail('item-not-found', 'there is no such session')
    if (!(found instanceof Session)) {
      return found.account === principal.account ? fail('item-not-found', 'the session has ended', found.handled)
        : fail('item-not-found', 'the session was another account\'s')
    }
    const { management } = found
    if (bareOf(found.jid) !== principal.account || management === null) return fail('item-not-found', 'the session is another account\'s')
    if (!this.#mayTakeUp(found, principal, stream)) {
      return fail('item-not-found', 'the session began with a certificate, and wants one that is good now', management.handled)
    }
    // What the client is told now decides what it sends again, so everything that it did send is dealt with first.
    if (found.work !== null) return found.work
    if (!management.acknowledge(h)) {
      return fail('bad-request', 'more is acknowledged than was sent', management.handled, handledTooMany(h, management.sent))
    }
    const proceed = found.resume(stream, principal, management)
    log.info({ event: 'session.resumed', jid: found.jid, mechanism: principal.mechanism, transport, address,
      fingerprint: principal.certificate?.fingerprint256 })
    return { kind: 'resumed', sink: found, handled: management.handled, proceed }
  }

  /** external.md §7: a session that lives by a certificate is taken up with one of the same account that is good now. */
  #mayTakeUp(session: Session, { certificate }: Principal, { facts }: OutboundStream): boolean {
    if (session.principal.certificate === null) return true
    if (certificate === null || this.#options.clock.now() > certificate.notAfter) return false
    const verdict = facts.certificate()
    return verdict.kind === 'accepted' && verdict.certificate.fingerprint256 === certificate.fingerprint256
  }

  #resolveConflict(wanted: FullJid): FullJid {
    const holder = this.#sessions.get(wanted)
    if (holder === undefined) return wanted
    switch (this.#options.resourceConflict) {
      case 'close_old':
        holder.end('replaced', new StreamError('conflict', 'another client bound this resource'))
        return wanted
      case 'close_new':
        // One that only waits for its client is in nobody's way.
        if (holder.isDetached) {
          holder.end('replaced', null)
          return wanted
        }
        throw new StanzaError('conflict', 'another client of this account has that resource')
      case 'rename':
        // §7.6: a resource of the server's making, as if none had been asked for.
        return fullJid(bareOf(wanted), this.#options.newId())
    }
  }

  readonly #ended = (session: Session, reason: Departure): void => {
    this.#sessions.remove(session)
    this.#options.log.info({ event: 'session.ended', jid: session.jid, reason, transport: session.facts.transport })
    // At the end of all there is no later.
    this.#managed.remove(session, this.#isEnding ? 'now' : 'later')
  }
}

const goingAway = (): StreamError => new StreamError('system-shutdown')
