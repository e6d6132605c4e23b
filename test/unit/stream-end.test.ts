/** How a stream ends: by a goodbye, a lost connection, an error, a timeout or a bug of ours; and what the log says (RFC 6120 §4.4, §4.9). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { NS_CLIENT } from '../../src/xmpp/namespaces.ts'
import { StreamError } from '../../src/xmpp/stream-error.ts'
import { stateTimeout } from '../support/recorded-transport.ts'
import { StreamRig } from '../support/stream-rig.ts'

const phases: readonly (readonly [string, () => StreamRig])[] = [
  ['before the first header', () => new StreamRig()],
  ['while authenticating', () => new StreamRig().opened()],
  ['after success', () => new StreamRig().authenticated()],
  ['while binding', () => new StreamRig().restarted()],
]
const everyPhase = [...phases, ['when established', () => new StreamRig().established()] as const]

describe('each step of negotiation has its time', () => {
  for (const [when, make] of phases) {
    test(`${when}: connection-timeout when it is over, and not a millisecond earlier (RFC 6120 §4.9.3.4)`, () => {
      const rig = make()
      assert.equal(rig.clock.pending, 1)
      rig.clock.advance(stateTimeout - 1)
      assert.deepEqual(rig.transport.heard(), [])
      rig.clock.advance(1)
      rig.assertEnded('connection-timeout')
    })
  }

  test('a step that was made begins the time of the next', () => {
    const rig = new StreamRig()
    rig.clock.advance(stateTimeout - 1)
    rig.opened().clock.advance(stateTimeout - 1)
    rig.transport.say(StreamRig.auth())
    rig.clock.advance(stateTimeout - 1)
    rig.transport.header()
    rig.clock.advance(stateTimeout - 1)
    rig.transport.say(StreamRig.bind)
    assert.match(rig.transport.heard().at(-1) ?? '', /<jid>/)
  })

  test('a challenge, or an attempt to bind that was refused, gives no more of it', () => {
    const challenged = new StreamRig().opened()
    challenged.clock.advance(stateTimeout - 1)
    challenged.transport.say(StreamRig.auth(''))
    challenged.transport.heard()
    challenged.clock.advance(1)
    challenged.assertEnded('connection-timeout')
  })

  test('an established stream has all the time there is, and no timer', () => {
    const rig = new StreamRig().established()
    assert.equal(rig.clock.pending, 0)
  })
})

describe('a goodbye', () => {
  for (const [when, make] of everyPhase) {
    test(`${when} is answered with one (RFC 6120 §4.4)`, () => {
      const rig = make()
      rig.transport.events.footer()
      assert.deepEqual(rig.transport.heard(), ['(footer)'])
      if (rig.sink !== null) assert.deepEqual(rig.sink.endings, ['closed'])
      rig.assertOver()
    })
  }
})

describe('a lost connection', () => {
  for (const [when, make] of everyPhase) {
    test(`${when} is written to no more, and the session learns that there was no goodbye (XEP-0198 §5)`, () => {
      const rig = make()
      rig.transport.events.lost(new Error('reset'))
      assert.deepEqual(rig.transport.heard(), [])
      if (rig.sink !== null) assert.deepEqual(rig.sink.endings, ['lost'])
      rig.assertOver()
    })
  }

  test('that is noticed while an error is being sent ends the stream once', () => {
    const rig = new StreamRig().established()
    rig.transport.onSend = () => {
      rig.transport.onSend = () => undefined
      rig.transport.events.lost(new Error('reset'))
    }
    rig.stream.end(new StreamError('conflict'))
    assert.deepEqual(rig.sink?.endings, ['failed'])
    assert.equal(rig.over.length, 1)
  })
})

describe('an error', () => {
  for (const [when, make] of everyPhase) {
    test(`${when} that the transport finds is told after a header of ours, then comes the footer (RFC 6120 §4.9.1.2)`, () => {
      const rig = make()
      rig.transport.events.fault(new StreamError('not-well-formed', 'a tag that ends nowhere'))
      assert.equal(rig.transport.headers.length > 0, true)
      assert.match(rig.transport.sent.at(-2) ?? '', /a tag that ends nowhere/)
      if (rig.sink !== null) assert.deepEqual(rig.sink.endings, ['failed'])
      rig.assertEnded('not-well-formed')
    })
  }

  test('has its condition and its words in the namespace of RFC 6120 §4.9.2', () => {
    const rig = new StreamRig().established()
    rig.stream.end(new StreamError('conflict', 'a < b & c'))
    const error = rig.transport.heardOne()
    assert.deepEqual([error.ns, error.local], ['http://etherx.jabber.org/streams', 'error'])
    assert.deepEqual(error.children.map(({ ns, local, text }) => [ns, local, text]), [['urn:ietf:params:xml:ns:xmpp-streams', 'conflict', ''],
      ['urn:ietf:params:xml:ns:xmpp-streams', 'text', 'a < b & c']])
  })

  test('that a session throws ends its own stream', () => {
    const rig = new StreamRig().established()
    rig.sink!.onReceive = () => { throw new StreamError('invalid-from') }
    rig.transport.say(`<message xmlns='${NS_CLIENT}' from='bob@example.net'/>`)
    rig.assertEnded('invalid-from')
    assert.equal(rig.eventsNamed('stream.error')[0]?.jid, 'alice@example.net/made')
  })

  test('none: the session ends in good order', () => {
    const rig = new StreamRig().established()
    rig.stream.end(null)
    assert.deepEqual(rig.transport.heard(), ['(footer)'])
    rig.assertOver()
  })
})

describe('a bug of ours', () => {
  test('ends this stream with internal-server-error and no word more, the log has its cause, and the process lives (RFC 6120 §4.9.3.8)', () => {
    const rig = new StreamRig().established()
    const bug = new TypeError('undefined is not a function', { cause: new Error('deeper') })
    rig.sink!.onReceive = () => { throw bug }
    rig.transport.say(`<message xmlns='${NS_CLIENT}'/>`)
    assert.doesNotMatch(rig.transport.sent.join(''), /undefined|function|deeper/)
    rig.assertEnded('internal-server-error')
    const [event] = rig.eventsNamed('stream.bug')
    assert.equal(event?.error, bug)
    assert.deepEqual(rig.sink?.endings, ['failed'])
  })
})

describe('a bug that shows itself when a stream ends', () => {
  const ends: readonly (readonly [string, (rig: StreamRig) => void])[] = [
    ['a goodbye', rig => { rig.transport.events.footer() }], ['a lost connection', rig => { rig.transport.events.lost(null) }],
    ['an error', rig => { rig.transport.events.fault(new StreamError('not-well-formed')) }], ['the session', rig => { rig.stream.end(null) }],
  ]
  for (const [what, end] of ends) {
    test(`by ${what} is logged and thrown at nobody: no socket's event could catch it`, () => {
      const rig = new StreamRig().established()
      const bug = new TypeError('a bug')
      rig.sink!.streamEnded = () => { throw bug }
      end(rig)
      assert.equal(rig.eventsNamed('stream.bug')[0]?.error, bug)
      rig.transport.heard()
      rig.assertOver()
    })
  }
})

test('no SASL payload and no message body is in any event of a whole life (DESIGN.md §6)', () => {
  const secret = 'wherefore-art-thou'
  const payload = Buffer.from(`${secret}@example.net`).toString('base64')
  const message = `<message xmlns='${NS_CLIENT}' to='bob@example.net'><body>${secret}</body></message>`
  const refused = new StreamRig().opened()
  refused.transport.say(StreamRig.auth(payload))
  refused.transport.say(StreamRig.auth(`${payload}!`))
  refused.transport.say(StreamRig.auth(Buffer.from(`${secret}@@`).toString('base64')))
  const early = new StreamRig().opened()
  early.transport.say(message)
  const unbound = new StreamRig().restarted()
  unbound.transport.say(message)
  const established = new StreamRig().established()
  established.transport.say(message)
  established.sink!.onReceive = () => { throw new Error('a bug') }
  established.transport.say(message)
  for (const { events } of [refused, early, unbound, established]) {
    assert.ok(events.length > 0)
    const written = inspect(events, { depth: Infinity, maxStringLength: Infinity, maxArrayLength: Infinity })
    assert.ok(!written.includes(secret) && !written.includes(payload), written)
  }
})
