/** Resource binding on the stream, at once and with a domain that takes a while (RFC 6120 §7). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fullJid } from '../../src/xmpp/jid.ts'
import { NS_BIND, NS_CLIENT } from '../../src/xmpp/namespaces.ts'
import { StanzaError } from '../../src/xmpp/stanza-error.ts'
import { StreamError } from '../../src/xmpp/stream-error.ts'
import { bare } from '../support/external-certificate.ts'
import { stateTimeout } from '../support/recorded-transport.ts'
import { bindAs, type Binder, RecordedSink, StreamRig } from '../support/stream-rig.ts'
import { settled } from '../support/turned-clock.ts'

const bind = (resource: string): string =>
  `<iq xmlns='${NS_CLIENT}' type='set' id='b'><bind xmlns='${NS_BIND}'><resource>${resource}</resource></bind></iq>`
const message = `<message xmlns='${NS_CLIENT}' to='bob@example.net'><body>a</body></message>`

describe('binding', () => {
  test('hands on what the client asks for, null for nothing or an empty resource, and tells the full JID', () => {
    for (const [xml, requested, jid] of [[bind('x &amp; y'), 'x & y', 'alice@example.net/x &amp; y'], [bind(''), null, 'alice@example.net/made'],
      [StreamRig.bind, null, 'alice@example.net/made']] as const) {
      const asked: (string | null)[] = []
      const { transport } = new StreamRig({ bind: (principal, resource) => { asked.push(resource); return bindAs(principal, resource) } }).restarted()
      transport.say(xml)
      assert.deepEqual(asked, [requested])
      assert.deepEqual(transport.heard(), [`<iq xmlns='${NS_CLIENT}' type='result' id='b'><bind xmlns='${NS_BIND}'><jid>${jid}</jid></bind></iq>`])
    }
  })

  test('is for the account that logged in, of the domain that it logged in to', () => {
    const asked: unknown[] = []
    new StreamRig({ bind: (principal, resource) => { asked.push([principal.account, principal.domain]); return bindAs(principal, resource) } }).established()
    assert.deepEqual(asked, [['alice@example.net', 'example.net']])
  })

  test('that is refused leaves the stream as it was: the client may ask again', () => {
    const conditions = ['conflict', 'resource-constraint', 'bad-request'] as const
    let attempt = 0
    const { transport } = new StreamRig({ bind: (principal, resource) => {
      const condition = conditions[attempt]
      attempt += 1
      if (condition !== undefined) throw new StanzaError(condition)
      return bindAs(principal, resource)
    } }).restarted()
    for (const condition of conditions) {
      transport.say(bind('x'))
      const answer = transport.heardOne()
      assert.equal(answer.attributes.get('type'), 'error')
      assert.equal(answer.attributes.get('id'), 'b')
      assert.equal(answer.children[0]?.children[0]?.local, condition)
    }
    transport.say(bind('x'))
    assert.equal(transport.heardOne().attributes.get('type'), 'result')
  })

  test('anything else before it ends the stream: a stanza is not-authorized (RFC 6120 §7.1)', () => {
    for (const [xml, condition] of [[message, 'not-authorized'], [`<presence xmlns='${NS_CLIENT}'/>`, 'not-authorized'],
      [`<iq xmlns='${NS_CLIENT}' type='set' id='1'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>`, 'not-authorized'],
      ["<message xmlns='jabber:server'/>", 'invalid-namespace'], ["<r xmlns='urn:xmpp:sm:3'/>", 'unsupported-stanza-type']] as const) {
      const rig = new StreamRig().restarted()
      rig.transport.say(xml)
      rig.assertEnded(condition)
    }
  })

  test('a stanza after it goes to the session, in order, as it is', () => {
    const rig = new StreamRig().established()
    rig.transport.say(message)
    rig.transport.say(`<presence xmlns='${NS_CLIENT}'/>`)
    assert.deepEqual(rig.sink?.received.map(({ kind }) => kind), ['message', 'presence'])
    assert.deepEqual(rig.transport.heard(), [])
  })

  test('a fault of the domain ends this stream with internal-server-error, and is logged', () => {
    const rig = new StreamRig({ bind: () => { throw new TypeError('a bug') } }).restarted()
    rig.transport.say(StreamRig.bind)
    rig.assertEnded('internal-server-error')
    assert.ok(rig.eventsNamed('stream.bug')[0]?.error instanceof TypeError)
  })
})

describe('binding that takes a while', () => {
  const pending = () => {
    const asked: { readonly resolve: (sink: RecordedSink) => void, readonly reject: (error: Error) => void }[] = []
    const late: Binder = () => new Promise((resolve, reject) => { asked.push({ resolve, reject }) })
    const rig = new StreamRig({ bind: late }).restarted()
    rig.transport.say(StreamRig.bind)
    assert.deepEqual(rig.transport.heard(), [])
    return { rig, ...asked[0]!, sink: new RecordedSink(fullJid(bare('alice@example.net'), 'late')) }
  }

  test('is answered when it is done', async () => {
    const { rig, resolve, sink } = pending()
    resolve(sink)
    await settled()
    assert.match(rig.transport.heard().join(''), /<jid>alice@example.net\/late<\/jid>/)
    rig.transport.say(message)
    assert.equal(sink.received.length, 1)
    assert.equal(rig.clock.pending, 0)
  })

  test('a refusal is an answer, after which the client may ask again', async () => {
    const { rig, reject } = pending()
    reject(new StanzaError('conflict'))
    await settled()
    assert.equal(rig.transport.heardOne().children[0]?.children[0]?.local, 'conflict')
    rig.transport.say(StreamRig.bind)
    assert.deepEqual(rig.transport.heard(), [], 'it is under way')
  })

  test('a client who waits for it is not silent: the domain may take longer than a step of negotiation', async () => {
    const { rig, resolve, sink } = pending()
    rig.clock.advance(6 * stateTimeout)
    assert.deepEqual(rig.transport.heard(), [])
    resolve(sink)
    await settled()
    assert.match(rig.transport.heard().join(''), /<jid>alice@example.net\/late<\/jid>/)
    assert.equal(rig.clock.pending, 0)
  })

  test('a refusal gives no more time to the step: what the client had left of it goes on', async () => {
    const asked: ((error: Error) => void)[] = []
    const rig = new StreamRig({ bind: () => new Promise((_resolve, reject) => { asked.push(reject) }) }).restarted()
    for (const reason of ['conflict', 'resource-constraint'] as const) {
      rig.clock.advance(stateTimeout / 4)
      rig.transport.say(StreamRig.bind)
      rig.clock.advance(stateTimeout)
      asked.pop()?.(new StanzaError(reason))
      await settled()
      assert.equal(rig.transport.heardOne().attributes.get('type'), 'error')
    }
    rig.clock.advance(stateTimeout / 2 - 1)
    assert.deepEqual(rig.transport.heard(), [])
    rig.clock.advance(1)
    rig.assertEnded('connection-timeout')
  })

  test('nor is one silent who waits for his session (XEP-0198 §5)', async () => {
    const work = Promise.withResolvers<undefined>()
    let isBusy = true
    const rig = new StreamRig({
      resume: () => isBusy ? work.promise : { kind: 'failed', condition: 'item-not-found', handled: null, error: null },
    }).restarted()
    rig.transport.say("<resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/>")
    rig.clock.advance(6 * stateTimeout)
    assert.deepEqual(rig.transport.heard(), [])
    isBusy = false
    work.resolve(undefined)
    await settled()
    assert.match(rig.transport.heard().join(''), /^<failed /)
    rig.clock.advance(stateTimeout)
    rig.assertEnded('connection-timeout')
  })

  test('a fault ends the stream with internal-server-error', async () => {
    const { rig, reject } = pending()
    reject(new Error('a bug'))
    await settled()
    rig.assertEnded('internal-server-error')
  })

  test('a request to resume meanwhile is a policy-violation: one stream, one session', () => {
    const { rig } = pending()
    rig.transport.say("<resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/>")
    rig.assertEnded('policy-violation')
  })

  test('a second request meanwhile is a policy-violation, and no resource is bound', async () => {
    const { rig, resolve, sink } = pending()
    rig.transport.say(StreamRig.bind)
    rig.assertEnded('policy-violation')
    resolve(sink)
    await settled()
    assert.equal(rig.sink, null)
    assert.deepEqual(rig.transport.heard(), [])
  })

  test('a stream that ends meanwhile gets no resource: none is bound for it, so that nobody is in its way', async () => {
    const ends: readonly ((rig: StreamRig) => void)[] = [rig => { rig.transport.events.lost(new Error('gone')) }, rig => { rig.transport.events.footer() },
      rig => { rig.stream.end(new StreamError('system-shutdown')) }]
    for (const end of ends) {
      const { rig, resolve, sink } = pending()
      end(rig)
      rig.transport.heard()
      resolve(sink)
      await settled()
      assert.equal(rig.sink, null)
      rig.assertOver()
    }
  })

  test('a refusal for a stream that has gone is told to nobody', async () => {
    const { rig, reject } = pending()
    rig.transport.events.lost(null)
    reject(new Error('a bug that concerns nobody any more'))
    await settled()
    rig.assertOver()
  })
})
