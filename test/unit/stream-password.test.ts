/** Logging in by password on the stream: what is offered, the order of things, what the log is told (RFC 6120 §6, XEP-0440, XEP-0474). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Attempts } from '../../src/auth/attempts.ts'
import type { AuthBackend } from '../../src/auth/backend.ts'
import { type MechanismKey, mechanisms } from '../../src/sasl/catalogue.ts'
import { noChannelBindings } from '../../src/sasl/channel-binding.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import type { Element } from '../../src/xml/element.ts'
import { parse } from '../../src/xml/parse.ts'
import { NS_SASL } from '../../src/xmpp/namespaces.ts'
import { passwordLogin, RememberedAccounts, wideLimits } from '../support/password-login.ts'
import { stateTimeout } from '../support/recorded-transport.ts'
import { ScramClient } from '../support/scram-client.ts'
import { alice, type RigOptions, StreamRig } from '../support/stream-rig.ts'
import { TurnedClock } from '../support/turned-clock.ts'

const everything = mechanisms.map(({ key }) => key)
const password = 'correct horse & battery'
const passwords = () => new RememberedAccounts({ 'alice@example.net': password })
const bindings = { tlsExporter: Buffer.alloc(32, 1), tlsServerEndPoint: Buffer.alloc(32, 2) }
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const auth = (mechanism: string, payload: string) => `<auth xmlns='${NS_SASL}' mechanism='${mechanism}'>${payload}</auth>`
const response = (payload: string) => `<response xmlns='${NS_SASL}'>${payload}</response>`

const rigWith = (options: RigOptions = {}) => new StreamRig({ mechanisms: everything, backend: passwords(), verdict: { kind: 'none' }, ...options })

/** The next element, once it is there: what a thread of the pool computes has to be waited for. */
async function heard(rig: StreamRig): Promise<Element> {
  const deadline = Date.now() + 10_000
  while (!rig.transport.sent.some(text => text.startsWith('<'))) {
    if (Date.now() > deadline) throw new Error('nothing was heard')
    await new Promise(resolve => { setImmediate(resolve) })
  }
  return rig.transport.heardOne()
}

const payloadOf = ({ text }: Element): string => Buffer.from(text, 'base64').toString()

function advertisedBy(rig: StreamRig): { mechanisms: string[], channelBindings: string[] } {
  rig.transport.header()
  const features = rig.transport.heardOne()
  const children = (local: string, ns: string) => features.children.find(child => child.local === local && child.ns === ns)?.children ?? []
  return {
    mechanisms: children('mechanisms', NS_SASL).map(({ text }) => text),
    channelBindings: children('sasl-channel-binding', 'urn:xmpp:sasl-cb:0').map(({ attributes }) => attributes.get('type') ?? ''),
  }
}

async function logIn(rig: StreamRig, mechanism: string, client: ScramClient): Promise<Element> {
  rig.transport.say(auth(mechanism, base64(client.first())))
  const challenge = await heard(rig)
  if (challenge.local !== 'challenge') return challenge
  rig.transport.say(response(base64(client.final(payloadOf(challenge)))))
  return heard(rig)
}

describe('what is offered', () => {
  const offered = (options: RigOptions) => advertisedBy(rigWith(options))
  const plus = ['SCRAM-SHA-512-PLUS', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS']
  const unbound = ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1']

  test('without a channel binding: no -PLUS, and no list of types (XEP-0440 §3)', () => {
    assert.deepEqual(offered({}), { mechanisms: [...unbound, 'PLAIN'], channelBindings: [] })
  })
  test('with both: -PLUS before its like, and both types, the better first', () => {
    assert.deepEqual(offered({ facts: { channelBindings: () => bindings } }), {
      mechanisms: ['SCRAM-SHA-512-PLUS', 'SCRAM-SHA-512', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1', 'PLAIN'],
      channelBindings: ['tls-exporter', 'tls-server-end-point'],
    })
  })
  test('with one of them', () => {
    for (const [one, type] of [['tlsExporter', 'tls-exporter'], ['tlsServerEndPoint', 'tls-server-end-point']] as const) {
      assert.deepEqual(offered({ facts: { channelBindings: () => ({ ...noChannelBindings, [one]: bindings[one] }) } }).channelBindings, [type])
    }
  })
  test('types are not listed where no -PLUS is configured', () => {
    assert.deepEqual(offered({ mechanisms: ['scram_sha1'], facts: { channelBindings: () => bindings } }), { mechanisms: ['SCRAM-SHA-1'], channelBindings: [] })
  })
  test('in the order of the configuration', () => {
    const order: MechanismKey[] = ['plain', 'scram_sha1', 'scram_sha512_plus', 'scram_sha256']
    assert.deepEqual(offered({ mechanisms: order, facts: { channelBindings: () => bindings } }).mechanisms, ['PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-512-PLUS', 'SCRAM-SHA-256'])
  })
  test('without TLS: no PLAIN', () => {
    assert.deepEqual(offered({ facts: { secure: false } }).mechanisms, unbound)
  })
  test('where a backend takes only passwords as they are: only PLAIN; where it takes only certificates: none of them', () => {
    const only = (kind: 'password' | 'certificate'): AuthBackend => ({ name: 'only', accepts: new Set([kind]), verify: () => ({ ok: true }) })
    const facts = { channelBindings: () => bindings }
    assert.deepEqual(offered({ backend: only('password'), facts }), { mechanisms: ['PLAIN'], channelBindings: [] })
    assert.deepEqual(offered({ backend: only('certificate'), facts }), { mechanisms: [], channelBindings: [] })
    assert.ok(plus.every(name => !offered({ backend: only('certificate'), facts }).mechanisms.includes(name)))
  })
  test('channel bindings are not computed where nobody needs them', () => {
    const certificates: AuthBackend = { name: 'pki', accepts: new Set(['certificate'] as const), verify: () => ({ ok: true }) }
    offered({ backend: certificates, facts: { channelBindings: () => assert.fail('asked for') } })
  })
})

describe('SCRAM on the stream', () => {
  for (const [mechanism, hash, binding] of [
    ['SCRAM-SHA-1', 'sha1', 'n'], ['SCRAM-SHA-256', 'sha256', 'n'], ['SCRAM-SHA-512', 'sha512', 'n'],
    ['SCRAM-SHA-1-PLUS', 'sha1', { type: 'tls-exporter', data: bindings.tlsExporter }],
    ['SCRAM-SHA-256-PLUS', 'sha256', { type: 'tls-server-end-point', data: bindings.tlsServerEndPoint }],
    ['SCRAM-SHA-512-PLUS', 'sha512', { type: 'tls-exporter', data: bindings.tlsExporter }],
  ] as const) {
    test(`${mechanism}: the client checks what was offered (XEP-0474), and success brings the server's signature (RFC 6120 §6.4.6)`, async () => {
      const rig = rigWith({ facts: { channelBindings: () => bindings } })
      const client = new ScramClient({ hash, username: 'alice', password, binding, advertised: advertisedBy(rig) })
      const success = await logIn(rig, mechanism, client)
      assert.equal(success.local, 'success')
      assert.ok(client.isServer(payloadOf(success)))
      assert.deepEqual(rig.eventsNamed('auth.success'), [{
        event: 'auth.success', account: 'alice@example.net', mechanism, backend: 'remembered', transport: 'websocket', address: '192.0.2.1', fingerprint: undefined,
      }])
    })
  }

  test('a client that is gone before the backend answers leaves nothing behind', async () => {
    let answer: (secret: null) => void = () => undefined
    const backend: AuthBackend = { name: 'late', accepts: new Set(['scram'] as const), verify: () => assert.fail(), scramSecret: () => new Promise(resolve => { answer = resolve }) }
    const rig = rigWith({ backend }).opened()
    rig.transport.say(auth('SCRAM-SHA-1', base64('n,,n=alice,r=abc')))
    rig.transport.events.lost(null)
    answer(null)
    await new Promise(resolve => { setImmediate(resolve) })
    assert.deepEqual(rig.transport.heard(), [])
    rig.assertOver()
  })

  test('another request while the backend is asked is a policy-violation', () => {
    for (const second of [auth('PLAIN', '='), response('='), `<abort xmlns='${NS_SASL}'/>`]) {
      const rig = rigWith().opened()
      rig.transport.say(auth('SCRAM-SHA-1', base64('n,,n=alice,r=abc')))
      rig.transport.say(second)
      rig.assertEnded('policy-violation')
    }
  })

  test('a client that stops in the middle is not waited for', async () => {
    const rig = rigWith().opened()
    rig.transport.say(auth('SCRAM-SHA-1', base64('n,,n=alice,r=abc')))
    assert.equal((await heard(rig)).local, 'challenge')
    rig.clock.advance(stateTimeout)
    rig.assertEnded('connection-timeout')
  })

  test('<abort/> in the middle is aborted, and the client may begin anew', async () => {
    const rig = rigWith().opened()
    rig.transport.say(auth('SCRAM-SHA-1', base64('n,,n=alice,r=abc')))
    assert.equal((await heard(rig)).local, 'challenge')
    rig.transport.say(`<abort xmlns='${NS_SASL}'/>`)
    assert.equal((await heard(rig)).children[0]?.local, 'aborted')
    assert.equal((await logIn(rig, 'SCRAM-SHA-1', new ScramClient({ hash: 'sha1', username: 'alice', password }))).local, 'success')
  })

  test('an <auth/> in the middle of another is malformed-request, and both are over', async () => {
    const rig = rigWith().opened()
    const client = new ScramClient({ hash: 'sha1', username: 'alice', password })
    rig.transport.say(auth('SCRAM-SHA-1', base64(client.first())))
    const final = client.final(payloadOf(await heard(rig)))
    rig.transport.say(auth('SCRAM-SHA-1', base64(client.first())))
    assert.equal((await heard(rig)).children[0]?.local, 'malformed-request')
    rig.transport.say(response(base64(final)))
    assert.equal((await heard(rig)).children[0]?.local, 'malformed-request')
  })

  test('the third failure ends the stream', async () => {
    const rig = rigWith().opened()
    const guess = () => new ScramClient({ hash: 'sha1', username: 'alice', password: 'guess' })
    for (const _ of [1, 2]) assert.equal((await logIn(rig, 'SCRAM-SHA-1', guess())).children[0]?.local, 'not-authorized')
    const last = guess()
    rig.transport.say(auth('SCRAM-SHA-1', base64(last.first())))
    rig.transport.say(response(base64(last.final(payloadOf(await heard(rig))))))
    rig.assertEnded('policy-violation')
  })

  test('where certificate and password are both there, a refused password may be followed by the certificate', async () => {
    const both = { ...passwords(), name: 'both', accepts: new Set(['certificate', 'scram', 'password'] as const), verify: () => ({ ok: true } as const), scramSecret: () => Promise.resolve(null) }
    const rig = rigWith({ backend: both, verdict: { kind: 'accepted', certificate: alice } }).opened()
    assert.equal((await logIn(rig, 'SCRAM-SHA-1', new ScramClient({ hash: 'sha1', username: 'alice', password }))).children[0]?.local, 'not-authorized')
    rig.transport.say(StreamRig.auth())
    assert.equal((await heard(rig)).local, 'success')
  })
})

describe('what the log is told', () => {
  const failureOf = async (xml: string, options: RigOptions = {}): Promise<Readonly<Record<string, unknown>> & { readonly told: readonly string[] }> => {
    const rig = rigWith(options).opened()
    rig.transport.say(xml)
    const failure = await heard(rig)
    assert.equal(failure.local, 'failure')
    const events = rig.eventsNamed('auth.failure')
    assert.equal(events.length, 1)
    return { ...events[0], told: failure.children.map(({ local, text }) => `${local} ${text}`) }
  }
  const plain = (user: string, word: string) => auth('PLAIN', base64(`\0${user}\0${word}`))

  test('of a wrong password: who, from where, by which mechanism, and why; the client hears not-authorized and no more', async () => {
    assert.deepEqual(await failureOf(plain('alice', 'a guess')), {
      event: 'auth.failure', account: 'alice@example.net', mechanism: 'PLAIN', condition: 'not-authorized', reason: 'wrong password', transport: 'websocket',
      address: '192.0.2.1', fingerprint: undefined, told: ['not-authorized '],
    })
  })

  test('of a name that nobody has: not the name, for it may be a password', async () => {
    const { account, told, ...rest } = await failureOf(plain('hunter2', 'alice'))
    assert.equal(account, undefined)
    assert.deepEqual(told, ['not-authorized '])
    assert.doesNotMatch(JSON.stringify(rest), /hunter2/)
  })

  test('the fingerprint of a certificate that was shown, whatever it is worth', async () => {
    const shown = { reason: 'expired', text: 'It has expired.', certificate: alice } as const
    assert.equal((await failureOf(plain('alice', 'a guess'), { verdict: { kind: 'refused', ...shown } })).fingerprint, alice.fingerprint256)
    assert.equal((await failureOf(plain('alice', 'a guess'), { verdict: { kind: 'accepted', certificate: alice } })).fingerprint, alice.fingerprint256)
    assert.equal((await failureOf(plain('alice', 'a guess'), { verdict: { kind: 'refused', ...shown, certificate: null } })).fingerprint, undefined)
  })

  test('an attempt that has to wait is told as temporary-auth-failure', async () => {
    const attempts = new Attempts({ ...wideLimits, max_failures: 1 }, { clock: new TurnedClock(), log: silentLog })
    const shared = { passwords: passwordLogin({ attempts }) }
    await failureOf(plain('alice', 'a guess'), shared)
    const { condition, reason, told } = await failureOf(plain('alice', password), shared)
    assert.equal(condition, 'temporary-auth-failure')
    assert.match(String(reason), /Too many/)
    assert.deepEqual(told, ['temporary-auth-failure ', `text ${String(reason)}`])
  })

  test('EXTERNAL is not concerned by limits on passwords', async () => {
    const attempts = new Attempts({ ...wideLimits, max_failures: 1, max_failures_per_account: 1, max_failures_per_address: 1 }, { clock: new TurnedClock(), log: silentLog })
    await failureOf(plain('alice', 'a guess'), { passwords: passwordLogin({ attempts }) })
    const rig = new StreamRig({ passwords: passwordLogin({ attempts }) }).opened()
    rig.transport.say(StreamRig.auth())
    assert.equal(rig.transport.heardOne().local, 'success')
  })

  test('no event holds a password or a SASL payload', async () => {
    const rig = rigWith().opened()
    rig.transport.say(plain('alice', 'a guess'))
    await heard(rig)
    const client = new ScramClient({ hash: 'sha256', username: 'alice', password, nonce: 'theNonceOfTheClient' })
    await logIn(rig, 'SCRAM-SHA-256', client)
    assert.doesNotMatch(JSON.stringify(rig.events), /guess|horse|theNonce|biws/)
    assert.ok(rig.events.length >= 2)
  })
})

test('the features are one element that any XML reader takes', () => {
  const rig = rigWith({ facts: { channelBindings: () => bindings } })
  rig.transport.header()
  const features = parse(Buffer.from(rig.transport.heard().find(text => text.startsWith('<'))!))
  assert.deepEqual(features.children.map(({ local }) => local), ['sasl-channel-binding', 'mechanisms', 'limits'])
})
