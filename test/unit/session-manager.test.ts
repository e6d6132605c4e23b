/** The only way in: what the session manager makes of transports, and how it ends them all. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pki } from '../../src/auth/backends/pki.ts'
import { BackendDispatch } from '../../src/auth/dispatch.ts'
import type { Attachment, Domain } from '../../src/session/domain.ts'
import { SessionManager, type SessionManagerOptions } from '../../src/session/session-manager.ts'
import { noTraffic } from '../../src/telemetry/traffic.ts'
import { type FullJid, fullJid } from '../../src/xmpp/jid.ts'
import { passwordLogin } from '../support/password-login.ts'
import { RecordedTransport } from '../support/recorded-transport.ts'
import { alice, domainpart, StreamRig } from '../support/stream-rig.ts'
import { recordingLog, settled, TurnedClock } from '../support/turned-clock.ts'

const name = domainpart('example.net')

/** A domain in which everybody gets the same resource, and which keeps count. */
class NarrowDomain implements Domain {
  readonly name = name
  readonly streamFeatures = []
  readonly departures: string[] = []
  readonly undelivered: string[] = []
  attached = 0
  bind: Domain['bind'] = ({ account }) => fullJid(account, 'only')
  attach(): Attachment {
    this.attached += 1
    return { receive: () => undefined, detach: reason => { this.departures.push(reason) },
      undelivered: stanzas => { this.undelivered.push(...stanzas.map(({ wire }) => Buffer.from(wire).toString())) } }
  }
}

function house(options: Partial<SessionManagerOptions> = {}) {
  const domain = new NarrowDomain()
  const clock = new TurnedClock()
  const { log, events } = recordingLog()
  const backends = new BackendDispatch({ backends: [pki], timeoutMilliseconds: 1_000, clock, log })
  let ids = 0
  const manager = new SessionManager({
    hosts: [{ domain, mechanisms: ['external'],
      saslContext: peer => ({ ...peer, ...passwordLogin(), domain: name, backends, external: { modes: ['standard'], commonName: { prefix: '', suffix: '' } } }) }],
    resourceConflict: 'close_old', maxSessionsPerAccount: 10, rate: null, resumption: { seconds: 300, location: null, maxStanzas: 1_000, maxBytes: 1_048_576 }, holdsPresence: true, newId: () => { ids += 1; return `id-${ids}` }, clock, log, traffic: noTraffic(), ...options,
  })
  const arrive = (certificate = alice): RecordedTransport => {
    const transport = new RecordedTransport(() => ({ kind: 'accepted', certificate }))
    manager.accept(transport)
    return transport
  }
  const logIn = (to = 'example.net', certificate = alice): RecordedTransport => {
    const transport = arrive(certificate)
    transport.header({ to })
    transport.say(StreamRig.auth())
    transport.header({ to })
    transport.say(StreamRig.bind)
    return transport
  }
  return { manager, domain, events, clock, arrive, logIn }
}

describe('SessionManager', () => {
  test('a session ends with <reset/> within 30 seconds after its certificate has expired (RFC 6120 §13.7.2.3)', () => {
    const { manager, clock, events, logIn } = house()
    const user = logIn('example.net', { ...alice, notAfter: clock.now() + 60_000 })
    clock.advance(60_000)
    assert.equal(manager.sessionCount, 1, 'the last instant is still inside')
    clock.advance(30_000)
    assert.equal(manager.sessionCount, 0)
    assert.match(user.sent.join(''), /<reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'\/>.*certificate.*expired/)
    assert.equal(events.find(({ event }) => event === 'session.ended')?.['reason'], 'expired')
  })

  test('counts streams from the first, sessions from binding, and forgets both when they end', () => {
    const { manager, arrive, logIn } = house()
    const visitor = arrive()
    const user = logIn()
    assert.deepEqual([manager.streamCount, manager.sessionCount], [2, 1])
    visitor.events.lost(null)
    user.events.footer()
    assert.deepEqual([manager.streamCount, manager.sessionCount], [0, 0])
  })

  test('finds a host by its name however it is spelt', () => {
    const { logIn, manager } = house()
    logIn('EXAMPLE.net')
    assert.equal(manager.sessionCount, 1)
  })

  test('a newcomer takes the resource of the one that is there, who hears of it first (close_old)', () => {
    const { domain, logIn, manager } = house()
    const first = logIn()
    first.heard()
    const second = logIn()
    assert.match(first.heard().join(''), /^<stream:error .*<conflict .*\(footer\)$/)
    assert.match(second.sent.at(-1) ?? '', /example.net\/only</)
    assert.equal(manager.sessionCount, 1)
    assert.deepEqual(domain.departures, ['replaced'])
  })

  test('close_new refuses the newcomer; rename gives it another resource', () => {
    const refusing = house({ resourceConflict: 'close_new' })
    refusing.logIn()
    assert.match(refusing.logIn().sent.at(-1) ?? '', /<conflict /)
    assert.deepEqual([refusing.manager.sessionCount, refusing.domain.attached], [1, 1])
    const renaming = house({ resourceConflict: 'rename' })
    renaming.logIn()
    assert.match(renaming.logIn().sent.at(-1) ?? '', /example.net\/id-\d+</)
    assert.equal(renaming.manager.sessionCount, 2)
  })

  test('an account has so many sessions at most: resource-constraint (RFC 6120 §7.6.2.1)', () => {
    const { domain, logIn, manager } = house({ resourceConflict: 'rename', maxSessionsPerAccount: 2 })
    logIn()
    const second = logIn()
    assert.match(logIn().sent.at(-1) ?? '', /<resource-constraint /)
    assert.deepEqual([manager.sessionCount, domain.attached], [2, 2])
    second.events.lost(null)
    assert.match(logIn().sent.at(-1) ?? '', /<jid>/)
  })

  test('a stream that has gone before a slow domain has reserved its resource takes it from nobody', async () => {
    const { domain, logIn, manager } = house()
    logIn()
    let bound: (jid: FullJid) => void = () => undefined
    domain.bind = () => new Promise(resolve => { bound = resolve })
    const transport = logIn()
    transport.events.lost(null)
    bound('alice@example.net/only' as FullJid)
    await settled()
    assert.deepEqual([manager.sessionCount, domain.attached, domain.departures], [1, 1, []])
  })

  test('whoever waits for a slow domain learns its full JID before anything reaches it there (RFC 6120 §7.6)', async () => {
    const { domain, logIn, manager } = house()
    const reserved = Promise.withResolvers<FullJid>()
    domain.bind = () => reserved.promise
    const transport = logIn()
    transport.heard()
    // Somebody writes to it as soon as it is there, at whichever turn of the promises that is.
    const write = () => { for (const session of manager.sessions) session.deliver(Buffer.from("<message xmlns='jabber:client'/>")) }
    void reserved.promise.then(async () => {
      for (let turn = 0; turn < 12; turn += 1) {
        write()
        await Promise.resolve()
      }
    })
    reserved.resolve('alice@example.net/late' as FullJid)
    await settled()
    const [first = '', ...others] = transport.heard()
    assert.match(first, /^<iq .*<jid>alice@example.net\/late<\/jid>/)
    assert.ok(others.length > 0 && others.every(text => text.startsWith('<message')))
  })

  test('a session is slowed down by the configured rate', () => {
    const { logIn } = house({ rate: { perSecond: 1, burst: 1 } })
    const transport = logIn()
    transport.heard()
    for (const _ of [1, 2]) transport.say("<message xmlns='jabber:client'/>")
    assert.deepEqual(transport.heard(), ['(pause 1000)'])
  })

  test('at the end everybody is told system-shutdown, and so is who comes after (RFC 6120 §4.9.3.20)', () => {
    const { domain, arrive, logIn, manager, clock } = house({ resourceConflict: 'rename' })
    const transports = [logIn(), logIn(), arrive()]
    for (const transport of transports) transport.heard()
    manager.shutdown()
    transports.push(arrive())
    for (const transport of transports) assert.match(transport.heard().join(''), /<system-shutdown .*\(footer\)$/)
    assert.deepEqual(domain.departures, ['shutdown', 'shutdown'])
    assert.deepEqual([manager.streamCount, manager.sessionCount, clock.pending], [0, 0, 0])
  })
})
