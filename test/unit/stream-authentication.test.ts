/** SASL on the stream: what each element is answered with, and how often one may try (RFC 6120 §6.4, external.md §6). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AuthBackend, Judgement } from '../../src/auth/backend.ts'
import type { Element } from '../../src/xml/element.ts'
import { NS_CLIENT, NS_SASL } from '../../src/xmpp/namespaces.ts'
import { stateTimeout } from '../support/recorded-transport.ts'
import { StreamRig } from '../support/stream-rig.ts'
import { settled } from '../support/turned-clock.ts'

const sasl = (local: string, text = ''): string => `<${local} xmlns='${NS_SASL}'>${text}</${local}>`
const conditionOf = ({ local, ns, children }: Element): string => ns === NS_SASL && local === 'failure' ? children[0]?.local ?? '' : local
const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** A backend that answers when the test says so. */
class LateBackend implements AuthBackend {
  readonly name = 'late'
  readonly accepts = new Set(['certificate'] as const)
  readonly asked: { readonly answer: (judgement: Judgement) => void, readonly fail: (error: Error) => void }[] = []

  verify(): Promise<Judgement> {
    return new Promise((resolve, reject) => { this.asked.push({ answer: resolve, fail: reject }) })
  }
}

describe('authentication', () => {
  test('succeeds at once with an initial response of length zero, and is logged with the JID and no payload', () => {
    const { transport, eventsNamed } = withEvents(new StreamRig().opened())
    transport.say(StreamRig.auth())
    assert.deepEqual(transport.heard(), [`<success xmlns='${NS_SASL}'/>`])
    const [event] = eventsNamed('auth.success')
    assert.equal(event?.account, 'alice@example.net')
    assert.equal(event?.mechanism, 'EXTERNAL')
    assert.equal(event?.address, '192.0.2.1')
  })

  test('without an initial response there is one empty challenge first; its response may be "=", empty or an authzid', () => {
    for (const response of ['=', '', base64('alice@example.net')]) {
      const { transport } = new StreamRig().opened()
      transport.say(StreamRig.auth(''))
      assert.deepEqual(transport.heard(), [`<challenge xmlns='${NS_SASL}'/>`])
      transport.say(sasl('response', response))
      assert.equal(transport.heardOne().local, 'success')
    }
  })

  const failures: readonly (readonly [string, readonly string[], string])[] = [
    ['an unknown mechanism', [`<auth xmlns='${NS_SASL}' mechanism='PLAIN'>=</auth>`], 'invalid-mechanism'],
    ['a mechanism in other letters', [`<auth xmlns='${NS_SASL}' mechanism='external'>=</auth>`], 'invalid-mechanism'],
    ['no mechanism', [sasl('auth', '=')], 'invalid-mechanism'],
    ['a response to nothing', [sasl('response', '=')], 'malformed-request'],
    ['a second <auth/> before the first is over', [StreamRig.auth(''), StreamRig.auth('')], 'malformed-request'],
    ['an abort in the middle', [StreamRig.auth(''), sasl('abort')], 'aborted'],
    ['an abort of nothing', [sasl('abort')], 'aborted'],
    ['base64 that is none', [StreamRig.auth('!!!!')], 'incorrect-encoding'],
    ['base64 without its padding', [StreamRig.auth('YQ')], 'incorrect-encoding'],
    ['base64 of 10 kB', [StreamRig.auth('QUFB'.repeat(2_560))], 'incorrect-encoding'],
    ['bytes that are no UTF-8', [StreamRig.auth('//79')], 'malformed-request'],
    ['an authzid that is no JID', [StreamRig.auth(base64('a@@b'))], 'invalid-authzid'],
    ['an authzid of somebody else', [StreamRig.auth(base64('bob@example.net'))], 'invalid-authzid'],
    ['an element in the data', [StreamRig.auth('<b/>')], 'malformed-request'],
  ]
  for (const [what, said, condition] of failures) {
    test(`${what} is ${condition}, and the client may try again on the same stream (external.md §6)`, () => {
      const { transport } = new StreamRig().opened()
      for (const [index, xml] of said.entries()) {
        transport.say(xml)
        if (index < said.length - 1) transport.heard()
      }
      assert.equal(conditionOf(transport.heardOne()), condition)
      transport.say(StreamRig.auth())
      assert.equal(transport.heardOne().local, 'success')
    })
  }

  test('the third failure ends the stream with policy-violation, after its own answer', () => {
    const rig = new StreamRig().opened()
    for (const _ of [1, 2]) {
      rig.transport.say(StreamRig.auth(base64('bob@example.net')))
      assert.equal(conditionOf(rig.transport.heardOne()), 'invalid-authzid')
    }
    rig.transport.say(StreamRig.auth(base64('bob@example.net')))
    assert.equal(rig.transport.sent.length, 3)
    assert.match(rig.transport.sent[0] ?? '', /^<failure .*invalid-authzid/)
    rig.assertEnded('policy-violation')
    assert.equal(rig.eventsNamed('auth.failure').length, 3)
  })

  test('a client without a certificate that tries all the same is told not-authorized', () => {
    const { transport } = new StreamRig({ verdict: { kind: 'none' } }).opened()
    transport.say(StreamRig.auth())
    assert.equal(conditionOf(transport.heardOne()), 'not-authorized')
  })

  const errors: readonly (readonly [string, string, string])[] = [
    ['a stanza', `<message xmlns='${NS_CLIENT}' to='bob@example.net'/>`, 'not-authorized'],
    ['a request to bind', StreamRig.bind, 'not-authorized'],
    ['an element of SASL that does not exist', sasl('success'), 'unsupported-stanza-type'],
    ['an element of another namespace', "<auth xmlns='urn:example:sasl'/>", 'unsupported-stanza-type'],
    ['a stanza of another content namespace', "<iq xmlns='jabber:server'/>", 'invalid-namespace'],
  ]
  for (const [what, xml, condition] of errors) {
    test(`${what} before authentication ends the stream with ${condition}`, () => {
      const rig = new StreamRig().opened()
      rig.transport.say(xml)
      rig.assertEnded(condition)
    })
  }
})

describe('after success', () => {
  test('another <auth/> before the new header is bad-format, after it unsupported-stanza-type', () => {
    for (const [rig, condition] of [[new StreamRig().authenticated(), 'bad-format'], [new StreamRig().restarted(), 'unsupported-stanza-type'],
      [new StreamRig().established(), 'unsupported-stanza-type']] as const) {
      rig.transport.say(StreamRig.auth())
      rig.assertEnded(condition)
    }
  })

  test('a stanza before the new header is not-authorized', () => {
    const rig = new StreamRig().authenticated()
    rig.transport.say(StreamRig.bind)
    rig.assertEnded('not-authorized')
  })
})

describe('authentication that takes a while', () => {
  const pending = () => {
    const backend = new LateBackend()
    const rig = new StreamRig({ backend }).opened()
    rig.transport.say(StreamRig.auth())
    assert.deepEqual(rig.transport.heard(), [])
    return { rig, answer: backend.asked[0]! }
  }

  test('is answered when it is decided', async () => {
    const { rig, answer } = pending()
    answer.answer({ ok: true })
    await settled()
    assert.equal(rig.transport.heardOne().local, 'success')
  })

  test('a refusal counts, and the client may try again', async () => {
    const { rig, answer } = pending()
    answer.answer({ ok: false, condition: 'account-disabled', reason: 'they are on holiday' })
    await settled()
    const failure = rig.transport.heardOne()
    assert.equal(conditionOf(failure), 'account-disabled')
    assert.equal(failure.children.length, 1, 'what a backend says is for the log')
    assert.equal(rig.eventsNamed('auth.failure')[0]?.reason, 'they are on holiday')
    rig.transport.say(StreamRig.auth())
    assert.deepEqual(rig.transport.heard(), [], 'it is being decided')
  })

  test('a backend that fails is temporary-auth-failure', async () => {
    const { rig, answer } = pending()
    answer.fail(new Error('the database is on fire'))
    await settled()
    assert.equal(conditionOf(rig.transport.heardOne()), 'temporary-auth-failure')
  })

  test('a second request meanwhile, even an abort, ends the stream with policy-violation', async () => {
    for (const xml of [StreamRig.auth(), sasl('abort'), sasl('response', '=')]) {
      const { rig, answer } = pending()
      rig.transport.say(xml)
      rig.assertEnded('policy-violation')
      answer.answer({ ok: true })
      await settled()
      assert.deepEqual(rig.transport.heard(), [], 'nothing comes after the end')
      rig.assertOver()
    }
  })

  const departures: readonly (readonly [string, (rig: StreamRig) => void])[] = [
    ['is lost', rig => { rig.transport.events.lost(null) }], ['is closed', rig => { rig.transport.events.footer() }],
    ['sends something else', rig => { rig.transport.say(StreamRig.auth()) }],
  ]
  for (const [what, leave] of departures) {
    test(`a stream that ${what} meanwhile stays over: nobody logs in, and the log has what was decided, once, and that nobody was there to hear it`, async () => {
      for (const [judgement, told, other] of [[{ ok: true }, 'auth.success', 'auth.failure'],
        [{ ok: false, condition: 'not-authorized', reason: 'no such account' }, 'auth.failure', 'auth.success']] as const) {
        const { rig, answer } = pending()
        leave(rig)
        rig.transport.heard()
        answer.answer(judgement)
        await settled()
        assert.deepEqual(rig.transport.heard(), [])
        assert.equal(rig.transport.restarts, 0)
        const [event, ...others] = rig.eventsNamed(told)
        assert.equal(event?.gone, true)
        assert.equal(event.mechanism, 'EXTERNAL')
        assert.equal(event.address, '192.0.2.1')
        assert.deepEqual([...others, ...rig.eventsNamed(other)], [])
        rig.assertOver()
      }
    })
  }

  test('a client who waits for the answer is not silent: a backend may take longer than a step of negotiation (external.md §5)', async () => {
    const { rig, answer } = pending()
    rig.clock.advance(6 * stateTimeout)
    assert.deepEqual(rig.transport.heard(), [])
    answer.answer({ ok: true })
    await settled()
    assert.equal(rig.transport.heardOne().local, 'success')
    assert.equal(rig.eventsNamed('auth.success')[0]?.gone, undefined)
    rig.clock.advance(stateTimeout - 1)
    assert.deepEqual(rig.transport.heard(), [], 'the next step has all of its time')
    rig.clock.advance(1)
    rig.assertEnded('connection-timeout')
  })

  test('two backends that hang, one after the other, are temporary-auth-failure within their timeouts, and an event (external.md §5)', async () => {
    const timeoutMilliseconds = stateTimeout + 2_000
    const rig = new StreamRig({ impatient: { backends: [new LateBackend(), new LateBackend()], timeoutMilliseconds } }).opened()
    rig.transport.say(StreamRig.auth())
    for (const _ of [1, 2]) {
      assert.deepEqual(rig.eventsNamed('auth.failure'), [])
      rig.clock.advance(timeoutMilliseconds)
      await settled()
    }
    assert.equal(conditionOf(rig.transport.heardOne()), 'temporary-auth-failure')
    assert.equal(rig.eventsNamed('auth.backend_unreachable').length, 2)
    assert.deepEqual(rig.eventsNamed('auth.failure').map(({ condition }) => condition), ['temporary-auth-failure'])
    assert.deepEqual(rig.eventsNamed('stream.error'), [])
  })
})

/** Lets a test destructure what is a method. */
function withEvents(rig: StreamRig) {
  return { transport: rig.transport, eventsNamed: (name: string) => rig.eventsNamed(name) }
}
