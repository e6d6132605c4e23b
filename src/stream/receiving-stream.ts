/**
 * The receiving entity's side of one XML stream (RFC 6120 §4 to §7), whatever carries it: header, features, SASL,
 * restart, resource binding, and then the short way from the transport to the session.
 */
import type { Principal } from '../auth/credentials.ts'
import type { ScannedElement } from '../xml/scanned.ts'
import { type Markup, tag } from '../xml/write.ts'
import { type FullJid, parseBareJid } from '../xmpp/jid.ts'
import { NS_CLIENT, NS_SASL, NS_SM, NS_TLS } from '../xmpp/namespaces.ts'
import { errorReply, readStanza, type Stanza } from '../xmpp/stanza.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import { StreamError } from '../xmpp/stream-error.ts'
import { parseVersion, type StreamHeader } from '../xmpp/stream-header.ts'
import { LimitReached, limitOf } from '../telemetry/limit.ts'
import type { Traffic } from '../telemetry/traffic.ts'
import { Authentication } from './authentication.ts'
import { bindResult, isBindRequest, requestedResource } from './resource-binding.ts'
import type { SaslReply } from './sasl-negotiation.ts'
import { failed, readResume, resumed, type ResumeRequest } from './stream-management-elements.ts'
import { StepTimer } from './step-timer.ts'
import type { Binding, OutboundStream, ServedHost, StanzaSink, StreamServices } from './stream-services.ts'
import type { Transport, TransportEvents } from './transport.ts'

/** Negotiation (RFC 6120 §4.3). Each phase holds only what is true in that phase. */
type Phase =
  | { readonly name: 'awaiting-header', readonly authenticated: { readonly principal: Principal, readonly host: ServedHost } | null }
  | { readonly name: 'authenticating', readonly host: ServedHost, readonly authentication: Authentication, pending: boolean }
  | { readonly name: 'binding', readonly host: ServedHost, readonly principal: Principal, pending: boolean }
  | { readonly name: 'established', readonly sink: StanzaSink }
  | { readonly name: 'closed' }

/** Those in which something may have to be waited for. */
type DecidingPhase = Extract<Phase, { readonly name: 'authenticating' | 'binding' }>

/** What is done with what was decided. */
interface Continuation<T> {
  readonly next: (value: T) => void
  /** The stream is over meanwhile. Without it, that is the end of it. */
  readonly gone?: (value: T) => void
  readonly refuse?: (error: unknown) => void
}

const tlsFailure = tag('failure', { xmlns: NS_TLS })

const closed: Phase = { name: 'closed' }

export class ReceivingStream implements TransportEvents, OutboundStream {
  readonly #transport: Transport
  readonly #services: StreamServices
  readonly #traffic: Traffic
  readonly #timer: StepTimer
  #phase: Phase = { name: 'awaiting-header', authenticated: null }
  #opened = false

  constructor(transport: Transport, services: StreamServices) {
    this.#transport = transport
    this.#services = services
    this.#traffic = services.traffic[transport.facts.transport]
    this.#timer = new StepTimer(services.clock, transport.stateTimeout, () => {
      const text = 'negotiation took too long'
      this.fail(new StreamError('connection-timeout', text, { cause: new LimitReached(`${this.facts.transport}.state_timeout`, text) }))
    })
    this.#timer.begin()
    transport.listen(this)
  }

  get facts() { return this.#transport.facts }

  // What the session says.

  send(wire: Uint8Array): void {
    this.#traffic.stanzasOut += 1
    this.#traffic.bytesOut += wire.length
    this.#transport.send(wire)
  }

  say(markup: Markup): void { this.#transport.send(markup) }

  hasRoomFor(bytes: number): boolean { return this.#transport.hasRoomFor(bytes) }

  whenSent(act: () => void): void { this.#transport.whenSent(act) }

  pause(milliseconds: number): void {
    this.#services.log.debug({ event: 'session.slowed', milliseconds, address: this.facts.remoteAddress, limit: 'limits.max_stanzas_per_second' })
    this.#transport.pause(milliseconds)
  }

  end(error: StreamError | null): void {
    if (error === null) this.#finish('closed')
    else this.fail(error)
  }

  // What the transport reports.

  header(header: StreamHeader): void {
    this.#guard(() => { this.#open(header) })
  }

  inbound(element: ScannedElement): void {
    const phase = this.#phase
    try {
      if (phase.name === 'established') {
        const stanza = readStanza(element)
        if (stanza === null) {
          if (!phase.sink.control(element)) throw notAStanza(element)
          return
        }
        this.#traffic.stanzasIn += 1
        this.#traffic.bytesIn += element.end - element.start
        phase.sink.receive(stanza)
      } else {
        this.#negotiate(phase, element)
      }
    } catch (error) {
      this.fail(error)
    }
  }

  fault(error: StreamError): void { this.fail(error) }

  footer(): void { this.#finish('closed') }

  lost(cause: Error | null): void {
    if (this.#phase.name === 'closed') return
    // A connection that just went away is everyday; one that was cut has a cause worth knowing.
    const { remoteAddress: address, transport } = this.facts
    this.#services.log[cause === null ? 'debug' : 'info']({ event: 'stream.lost', address, transport, phase: this.#phase.name, cause: cause?.message, limit: limitOf(cause) })
    this.#finish('lost')
  }

  /** The one place where a stream error is caught: tells the peer, ends the stream, keeps the process. */
  fail(error: unknown): void {
    if (this.#phase.name === 'closed') return
    const { log } = this.#services
    const { remoteAddress: address, transport } = this.facts
    let told: StreamError
    if (error instanceof StreamError) {
      told = error
      log.info({ event: 'stream.error', condition: error.condition, text: error.message, phase: this.#phase.name, limit: limitOf(error),
        address, transport, jid: this.#phase.name === 'established' ? this.#phase.sink.jid : undefined })
    } else {
      // A bug of ours: the peer learns no more than that (RFC 6120 §13.11), the log learns everything.
      told = new StreamError('internal-server-error')
      log.error({ event: 'stream.bug', error, address, transport })
    }
    // RFC 6120 §4.9.1.2: an error before our header is sent after one.
    if (!this.#opened) this.#sendHeader(null, null)
    this.#finish('failed', told)
  }

  #finish(how: 'closed' | 'lost' | 'failed', error: StreamError | null = null): void {
    const phase = this.#phase
    if (phase.name === 'closed') return
    this.#phase = closed
    this.#timer.stop()
    if (how !== 'lost') this.#transport.close(error)
    this.#services.over(this)
    if (phase.name === 'established') this.#contain(() => { phase.sink.streamEnded(how) }, phase.sink.jid)
  }

  /** For what is left to do when the stream is over: nobody above could catch a bug, and the process must outlive it. */
  #contain(act: () => void, jid?: FullJid): void {
    try {
      act()
    } catch (error) {
      this.#services.log.error({ event: 'stream.bug', error, address: this.facts.remoteAddress, jid })
    }
  }

  #guard(act: () => void): void {
    try { act() } catch (error) { this.fail(error) }
  }

  // Negotiation.

  #open(header: StreamHeader): void {
    const phase = this.#phase
    if (phase.name === 'closed') return
    if (phase.name !== 'awaiting-header') {
      throw new StreamError('policy-violation', 'a stream is opened anew only after authentication succeeded')
    }
    const host = this.#hostOf(header)
    const version = parseVersion(header.version)
    // RFC 6120 §4.7.5: no answer to a version that we do not speak but the error; a later minor or major one gets ours.
    if (version === null || version.major < 1) throw new StreamError('unsupported-version', 'this server speaks XMPP 1.0')

    const { authenticated } = phase
    if (authenticated === null) {
      const authentication = new Authentication(host, this.#transport, this.#services)
      this.#sendHeader(host, header)
      this.#phase = { name: 'authenticating', host, authentication, pending: false }
      this.#timer.begin()
      this.#transport.send(authentication.features)
      return
    }
    if (host.name !== authenticated.host.name) {
      throw new StreamError('not-authorized', `the authenticated identity is one of ${authenticated.host.name}`)
    }
    // RFC 6120 §4.9.3.9: after authentication another JID in `from` is an attempt to be somebody else.
    if (header.from !== null && parseBareJid(header.from) !== authenticated.principal.account) {
      throw new StreamError('invalid-from', 'the stream header names another account than the authenticated one')
    }
    this.#sendHeader(host, header)
    this.#phase = { name: 'binding', host, principal: authenticated.principal, pending: false }
    this.#timer.begin()
    this.#transport.send(this.#services.announcements.binding(this.#transport.limits, host.name, host.streamFeatures))
  }

  #hostOf(header: StreamHeader): ServedHost {
    if (header.to === null) throw new StreamError('improper-addressing', 'the stream header names no domain in "to"')
    const host = this.#services.host(header.to)
    if (host === null) throw new StreamError('host-unknown', 'this server does not serve that domain')
    return host
  }

  #sendHeader(host: ServedHost | null, header: StreamHeader | null): void {
    this.#opened = true
    this.#transport.open({
      id: this.#services.newStreamId(),
      from: host?.name ?? null,
      to: header?.from === null || header === null ? null : parseBareJid(header.from),
      lang: 'en',
      version: '1.0',
    })
  }

  #negotiate(phase: Exclude<Phase, { name: 'established' }>, element: ScannedElement): void {
    switch (phase.name) {
      case 'closed':
        return
      case 'awaiting-header':
        if (readStanza(element) !== null) throw new StreamError('not-authorized', 'a stanza before the stream was opened')
        if (element.local === 'open') throw new StreamError('invalid-namespace', 'a stream is opened in the namespace of RFC 7395')
        throw new StreamError('bad-format', 'a stream header was expected')
      case 'authenticating':
        // RFC 6120 §4.9.3.12: no stanza is processed before the stream is authenticated.
        if (readStanza(element) !== null) throw new StreamError('not-authorized', 'a stanza before authentication')
        if (isOutOfOrder(element)) {
          this.#transport.send(failed('unexpected-request'))
          return
        }
        if (element.ns !== NS_SASL && element.ns !== NS_TLS) throw notAStanza(element)
        if (phase.pending) throw new StreamError('policy-violation', 'a second request while authentication is being decided')
        if (element.ns === NS_TLS) {
          this.#startTls(element)
          return
        }
        this.#settle(phase, phase.authentication.receive(element), {
          next: reply => { this.#saslReply(phase, reply) },
          gone: reply => { phase.authentication.concludeUnheard(reply) },
        })
        return
      case 'binding': {
        const stanza = readStanza(element)
        if (element.ns === NS_SM) {
          this.#manage(phase, element)
          return
        }
        if (stanza === null) throw notAStanza(element)
        // RFC 6120 §7.1: before a resource is bound, nothing but the request for one.
        if (!isBindRequest(stanza)) throw new StreamError('not-authorized', 'a stanza before a resource was bound')
        if (phase.pending) throw new StreamError('policy-violation', 'a second request while a resource is being bound')
        this.#bind(phase, stanza)
      }
    }
  }

  #startTls(element: ScannedElement): void {
    const { upgrade } = this.#transport
    const { remoteAddress: address, transport } = this.facts
    // RFC 7395 §3.9, XEP-0206 §2: over HTTP there is no such thing.
    if (element.local !== 'starttls' || (upgrade === null && transport !== 'tcp')) throw notAStanza(element)
    if (upgrade === null) {
      // RFC 6120 §5.4.2.2
      this.#services.log.info({ event: 'starttls.refused', address, transport })
      this.#transport.send(tlsFailure)
      this.#finish('closed')
      return
    }
    // RFC 6120 §5.4.3.3: a new stream; what was known of the old one is forgotten.
    this.#phase = { name: 'awaiting-header', authenticated: null }
    this.#opened = false
    this.#timer.begin()
    upgrade.start()
  }

  #saslReply(phase: Extract<Phase, { name: 'authenticating' }>, reply: SaslReply): void {
    const principal = phase.authentication.conclude(reply)
    if (principal !== null) this.#phase = { name: 'awaiting-header', authenticated: { principal, host: phase.host } }
    this.#transport.send(reply.markup)
    if (principal !== null) this.#transport.restart()
    if (reply.kind === 'challenge') return
    this.#timer.begin()
    phase.authentication.checkFailures()
  }

  #bind(phase: Extract<Phase, { name: 'binding' }>, request: Stanza): void {
    const refuse = (error: unknown) => {
      if (!(error instanceof StanzaError)) throw error
      const { remoteAddress: address, transport } = this.facts
      this.#services.log.info({ event: 'session.refused', account: phase.principal.account, condition: error.condition, reason: error.message,
        transport, address, limit: limitOf(error) })
      this.#transport.send(errorReply(request, error, null, null))
    }
    const attempt = (act: () => void) => {
      try { act() } catch (error) { refuse(error) }
    }
    // RFC 6120 §7.6: the client learns its full JID before anything reaches it under that name, so nothing comes between the two.
    const establish = (bind: Binding) => {
      const sink = bind()
      this.#phase = { name: 'established', sink }
      this.#timer.stop()
      this.#transport.send(bindResult(request, sink.jid))
    }
    attempt(() => {
      const binding = phase.host.bind(this, phase.principal, requestedResource(request))
      this.#settle(phase, binding, { next: bind => { attempt(() => { establish(bind) }) }, refuse })
    })
  }

  /** XEP-0198 §5: instead of binding a resource a client may take up its session. */
  #manage(phase: Extract<Phase, { name: 'binding' }>, element: ScannedElement): void {
    if (element.local !== 'resume') {
      // XEP-0198 §3: there is nothing to be managed before a resource is bound.
      if (!isOutOfOrder(element)) throw notAStanza(element)
      this.#transport.send(failed('unexpected-request'))
      return
    }
    if (phase.pending) throw new StreamError('policy-violation', 'a second request while a resource is being bound')
    const request = readResume(element)
    if (request === null) {
      this.#transport.send(failed('bad-request'))
      return
    }
    this.#resume(phase, request)
  }

  #resume(phase: Extract<Phase, { name: 'binding' }>, request: ResumeRequest): void {
    const resumption = phase.host.resume(this, phase.principal, request)
    if (resumption instanceof Promise) {
      this.#settle(phase, resumption, { next: () => { this.#resume(phase, request) } })
    } else if (resumption.kind === 'failed') {
      this.#transport.send(failed(resumption.condition, resumption.handled))
      if (resumption.error !== null) throw resumption.error
    } else {
      // The session has this stream already: nothing comes in between.
      this.#phase = { name: 'established', sink: resumption.sink }
      this.#timer.stop()
      this.#transport.send(resumed(request.previd, resumption.handled))
      resumption.proceed()
    }
  }

  /**
   * Goes on with a value at once, or with a promise's value if the stream still stands where it stood. Meanwhile the client is not the one who is
   * silent, and whoever we ask has a time of his own (BackendDispatch, mapping modules, the store).
   */
  #settle<T>(phase: DecidingPhase, value: T | Promise<T>, { next, gone, refuse }: Continuation<T>): void {
    if (!(value instanceof Promise)) {
      next(value)
      return
    }
    phase.pending = true
    this.#timer.pause()
    const goOn = (act: () => void): void => {
      phase.pending = false
      this.#timer.goOn()
      this.#guard(act)
    }
    value.then(settled => {
      if (this.#phase === phase) goOn(() => { next(settled) })
      else if (gone !== undefined) this.#contain(() => { gone(settled) })
    }, (error: unknown) => {
      if (this.#phase === phase) goOn(() => { if (refuse === undefined) throw error; refuse(error) })
    })
  }
}

/** XEP-0198 §3: whether it is a request that has to wait for a resource, or for authentication. */
const isOutOfOrder = ({ ns, local }: ScannedElement): boolean => ns === NS_SM && (local === 'enable' || local === 'resume')

/** RFC 6120 §4.9.3.24 for a first-level child that we do not know, §4.9.3.10 for a stanza of another content namespace. */
const notAStanza = (element: ScannedElement): StreamError =>
  element.ns !== NS_CLIENT && (element.local === 'message' || element.local === 'presence' || element.local === 'iq')
    ? new StreamError('invalid-namespace', 'stanzas are in the namespace jabber:client')
    : new StreamError('unsupported-stanza-type', 'that element is no stanza and belongs to no feature that was negotiated')
