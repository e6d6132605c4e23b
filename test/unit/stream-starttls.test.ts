/** STARTTLS on the stream (RFC 6120 §5): what is offered, what it forgets, and what it is answered with where there is none. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NS_CLIENT, NS_TLS } from '../../src/xmpp/namespaces.ts'
import { StreamRig } from '../support/stream-rig.ts'

const starttls = `<starttls xmlns='${NS_TLS}'/>`

interface Upgradable { readonly rig: StreamRig, readonly starts: { count: number } }

function upgradable(required: boolean): Upgradable {
  const rig = new StreamRig()
  const starts = { count: 0 }
  rig.transport.upgrade = { required, start() { starts.count += 1; rig.transport.upgrade = null } }
  return { rig, starts }
}

describe('STARTTLS', () => {
  test('is offered first; where it is required nothing else is (RFC 6120 §5.3.1)', () => {
    for (const required of [false, true]) {
      const { rig: { transport } } = upgradable(required)
      transport.header()
      const children = transport.heardOne().children
      assert.deepEqual(children.map(({ local }) => local), required ? ['starttls'] : ['starttls', 'mechanisms', 'limits'])
      assert.equal(children[0]?.ns, NS_TLS)
      assert.deepEqual(children[0]?.children.map(({ local }) => local), required ? ['required'] : [])
    }
  })

  test('begins the stream anew: a header is awaited, with an id of its own, and features without it (RFC 6120 §5.4.3.3)', () => {
    const { rig: { transport }, starts } = upgradable(true)
    transport.header()
    transport.heard()
    transport.say(starttls)
    assert.equal(starts.count, 1)
    assert.deepEqual(transport.heard(), [], 'the transport says <proceed/>')
    transport.header()
    assert.deepEqual(transport.heardOne().children.map(({ local }) => local), ['mechanisms', 'limits'])
    assert.equal(new Set(transport.headers.map(({ id }) => id)).size, 2)
  })

  test('an element before the new header is refused behind a header of its own', () => {
    const { rig, starts } = upgradable(true)
    rig.transport.header()
    rig.transport.heard()
    rig.transport.say(starttls)
    rig.transport.say(StreamRig.auth())
    assert.equal(starts.count, 1)
    assert.equal(rig.transport.sent[0], '(header)')
    rig.assertEnded('bad-format')
  })

  test('has a time of its own', () => {
    const { rig } = upgradable(true)
    rig.transport.header()
    rig.clock.advance(9_000)
    rig.transport.say(starttls)
    rig.clock.advance(9_000)
    assert.equal(rig.over.length, 0)
    rig.clock.advance(1_001)
    assert.equal(rig.over.length, 1)
  })

  test('that is required makes every authentication <encryption-required/> (RFC 6120 §6.5.4), which counts as a failure', () => {
    const { rig } = upgradable(true)
    rig.transport.header()
    rig.transport.heard()
    for (let n = 0; n < 2; n++) {
      rig.transport.say(StreamRig.auth())
      assert.deepEqual(rig.transport.heardOne().children[0]?.local, 'encryption-required')
    }
    rig.transport.say(StreamRig.auth())
    rig.assertEnded('policy-violation')
  })

  test('where there is none is answered with <failure/>, and the stream ends (RFC 6120 §5.4.2.2)', () => {
    const rig = new StreamRig({ facts: { transport: 'tcp' } }).opened()
    rig.transport.say(starttls)
    const [failure, footer] = rig.transport.heard()
    assert.equal(failure, `<failure xmlns='${NS_TLS}'/>`)
    assert.equal(footer, '(footer)')
    rig.assertOver()
    assert.equal(rig.eventsNamed('starttls.refused').length, 1)
  })

  test('over HTTP there is no such element (RFC 7395 §3.9, XEP-0206 §2)', () => {
    for (const transport of ['websocket', 'bosh'] as const) {
      const rig = new StreamRig({ facts: { transport } }).opened()
      rig.transport.say(starttls)
      rig.assertEnded('unsupported-stanza-type')
    }
  })

  test('after authentication, in a session, and other elements of its namespace are unknown', () => {
    for (const rig of [new StreamRig().restarted(), new StreamRig().established()]) {
      rig.transport.say(starttls)
      rig.assertEnded('unsupported-stanza-type')
    }
    const rig = new StreamRig().opened()
    rig.transport.say(`<proceed xmlns='${NS_TLS}'/>`)
    rig.assertEnded('unsupported-stanza-type')
  })
})

test('a new stream is announced to the transport with <success/>, and only then (RFC 6120 §4.3.3)', () => {
  const rig = new StreamRig().opened()
  rig.transport.say(StreamRig.auth('!'))
  assert.equal(rig.transport.restarts, 0)
  rig.transport.say(StreamRig.auth())
  assert.equal(rig.transport.restarts, 1)
  rig.transport.header()
  rig.transport.say(`<iq xmlns='${NS_CLIENT}' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>`)
  assert.equal(rig.transport.restarts, 1)
})
