// One ReceivingStream with everything around it in the test's hands: transport, clock, backends, binding, log.
import assert from 'node:assert/strict'
import type { AuthBackend } from '../../src/auth/backend.ts'
import { pki } from '../../src/auth/backends/pki.ts'
import type { Principal } from '../../src/auth/credentials.ts'
import { BackendDispatch } from '../../src/auth/dispatch.ts'
import { Announcements } from '../../src/stream/features.ts'
import { ReceivingStream } from '../../src/stream/receiving-stream.ts'
import type { OutboundStream, Resumption, ServedHost, StanzaSink } from '../../src/stream/stream-services.ts'
import type { ConnectionFacts } from '../../src/stream/transport.ts'
import type { LogEvent } from '../../src/telemetry/log.ts'
import { noTraffic } from '../../src/telemetry/traffic.ts'
import type { ScannedElement } from '../../src/xml/scanned.ts'
import type { CertificateVerdict } from '../../src/x509/verdict.ts'
import { type Domainpart, fullJid, type FullJid, parseDomainpart } from '../../src/xmpp/jid.ts'
import { NS_BIND, NS_CLIENT, NS_SASL, NS_SM } from '../../src/xmpp/namespaces.ts'
import type { Stanza } from '../../src/xmpp/stanza.ts'
import { certificateWith } from './external-certificate.ts'
import { passwordLogin } from './password-login.ts'
import { RecordedTransport } from './recorded-transport.ts'
import { recordingLog, TurnedClock } from './turned-clock.ts'

export const domainpart = (text: string): Domainpart => {
  const domain = parseDomainpart(text)
  assert.ok(domain !== null)
  return domain
}

/** Where the stanzas of an established stream go. */
export class RecordedSink implements StanzaSink {
  readonly jid: FullJid
  readonly received: Stanza[] = []
  readonly controlled: string[] = []
  readonly endings: ('closed' | 'lost' | 'failed')[] = []
  onReceive: (stanza: Stanza) => void = () => undefined

  constructor(jid: FullJid) { this.jid = jid }

  receive(stanza: Stanza): void {
    this.received.push(stanza)
    this.onReceive(stanza)
  }

  control(element: ScannedElement): boolean {
    this.controlled.push(element.local)
    return element.ns === NS_SM
  }

  streamEnded(how: 'closed' | 'lost' | 'failed'): void { this.endings.push(how) }
}

export type Binder = (principal: Principal, requested: string | null) => RecordedSink | Promise<RecordedSink>

export interface RigOptions {
  readonly verdict?: CertificateVerdict
  readonly backend?: AuthBackend
  /** In the place of `backend`: each has so much time, by the clock of the rig. */
  readonly impatient?: { readonly backends: readonly AuthBackend[], readonly timeoutMilliseconds: number }
  readonly bind?: Binder
  readonly resume?: ServedHost['resume']
  readonly mechanisms?: ServedHost['mechanisms']
  readonly facts?: Partial<ConnectionFacts>
  /** Of logins by password. */
  readonly passwords?: ReturnType<typeof passwordLogin>
}

export const alice = certificateWith({ xmppAddrs: ['alice@example.net'] })
export const bindAs: Binder = ({ account }, requested) => new RecordedSink(fullJid(account, requested ?? 'made'))

const nothingToResume = (): Resumption => ({ kind: 'failed', condition: 'item-not-found', handled: null, error: null })

export class StreamRig {
  readonly transport: RecordedTransport
  readonly clock = new TurnedClock()
  readonly events: LogEvent[]
  readonly stream: ReceivingStream
  /** Every stream that was reported as over. */
  readonly over: OutboundStream[] = []
  /** What was bound for it. */
  sink: RecordedSink | null = null

  constructor({ verdict = { kind: 'accepted', certificate: alice }, backend = pki, impatient, bind = bindAs, resume = nothingToResume, mechanisms = ['external'], facts, passwords = passwordLogin() }: RigOptions = {}) {
    const { clock } = this
    const { log, events } = recordingLog()
    this.events = events
    // Its deadlines are another test's subject: a clock that stands still keeps its timers apart from the stream's.
    const backends = new BackendDispatch(impatient === undefined ? { backends: [backend], timeoutMilliseconds: 60_000, clock: new TurnedClock(), log } : { ...impatient, clock, log })
    const binding = (sink: RecordedSink) => () => { this.sink = sink; return sink }
    const served = (name: string): ServedHost => {
      const domain = domainpart(name)
      return {
        name: domain,
        streamFeatures: [],
        mechanisms,
        saslContext: peer => ({ ...peer, ...passwords, domain, backends, external: { modes: ['standard'], commonName: { prefix: '', suffix: '' } } }),
        bind: (_stream, principal, requested) => {
          const bound = bind(principal, requested)
          return bound instanceof Promise ? bound.then(binding) : binding(bound)
        },
        resume,
      }
    }
    const hosts = new Map([['example.net', served('example.net')], ['example.org', served('example.org')]])
    let ids = 0
    this.transport = new RecordedTransport(() => verdict, facts)
    this.stream = new ReceivingStream(this.transport, {
      host: name => hosts.get(name) ?? null,
      newStreamId: () => { ids += 1; return `id-${ids}` },
      over: stream => { this.over.push(stream) },
      clock, log, traffic: noTraffic(), announcements: new Announcements(true),
    })
  }

  static readonly auth = (payload = '='): string => `<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>${payload}</auth>`
  static readonly bind = `<iq xmlns='${NS_CLIENT}' type='set' id='b'><bind xmlns='${NS_BIND}'/></iq>`

  /** Goes on until the mechanisms are offered. */
  opened(): this {
    this.transport.header()
    this.transport.heard()
    return this
  }

  /** Goes on until `<success/>`. */
  authenticated(): this {
    this.opened().transport.say(StreamRig.auth())
    assert.equal(this.transport.heardOne().local, 'success')
    return this
  }

  /** Goes on until binding is offered. */
  restarted(): this {
    this.authenticated().transport.header()
    this.transport.heard()
    return this
  }

  /** Goes on until a resource is bound. */
  established(): this {
    this.restarted().transport.say(StreamRig.bind)
    this.transport.heard()
    return this
  }

  /** The stream is over with this error, and said so: header if there was none yet, error, footer, nothing else. */
  assertEnded(condition: string): void {
    const heard = this.transport.heard()
    assert.deepEqual(heard.slice(-1), ['(footer)'], `no end: ${heard.join(' ')}`)
    assert.match(heard.at(-2) ?? '', new RegExp(`^<stream:error [^>]*><${condition} `))
    this.assertOver()
  }

  /** Nothing that happens now has any effect. */
  assertOver(): void {
    assert.equal(this.over.length, 1)
    assert.equal(this.clock.pending, 0, 'a timer is left')
    const received = this.sink?.received.length
    this.transport.header()
    this.transport.say(`<message xmlns='${NS_CLIENT}'/>`)
    this.transport.events.footer()
    this.transport.events.lost(null)
    this.stream.end(null)
    assert.deepEqual(this.transport.heard(), [])
    assert.equal(this.over.length, 1)
    assert.equal(this.sink?.received.length, received)
  }

  eventsNamed(name: string): readonly LogEvent[] { return this.events.filter(({ event }) => event === name) }
}
