/** Stream headers and features as ReceivingStream answers them (RFC 6120 §4.3, §4.7). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { StreamRig } from '../support/stream-rig.ts'
import { parse } from '../../src/xml/parse.ts'
import { parseVersion, type StreamHeader } from '../../src/xmpp/stream-header.ts'

describe('the first stream header', () => {
  test('is answered with a header from the domain that was asked for, with an id, and with the mechanisms (RFC 6120 §4.3.2)', () => {
    const { transport } = new StreamRig()
    transport.header()
    const [header] = transport.headers
    assert.deepEqual(header, { id: 'id-1', from: 'example.net', to: null, lang: 'en', version: '1.0' })
    const [first, features, ...more] = transport.heard()
    assert.equal(first, '(header)')
    assert.deepEqual(more, [])
    const offered = parse(Buffer.from(features!)).children[0]
    assert.equal(offered?.local, 'mechanisms')
    assert.deepEqual(offered.children.map(({ text }) => text), ['EXTERNAL'])
  })

  test('names in "to" the account that the peer named in "from", prepared, and nobody where that is none (RFC 6120 §4.7.2)', () => {
    for (const [from, to] of [['Alice@Example.NET', 'alice@example.net'], ['a@@b', null], ['alice@example.net/x', null], ['', null]] as const) {
      const { transport } = new StreamRig()
      transport.header({ from })
      assert.equal(transport.headers[0]?.to, to, from)
    }
  })

  test('has "from" only for a hint: another account may log in afterwards (external.md §6)', () => {
    const rig = new StreamRig()
    rig.transport.header({ from: 'mallory@example.net' })
    rig.transport.heard()
    rig.transport.say(StreamRig.auth())
    assert.equal(rig.transport.heardOne().local, 'success')
  })

  test('offers no mechanism to a client that none could help', () => {
    const { transport } = new StreamRig({ verdict: { kind: 'none' } })
    transport.header()
    assert.doesNotMatch(transport.heard().join(''), /EXTERNAL/)
  })

  const wrong: readonly (readonly [string, Partial<StreamHeader>, string])[] = [
    ['names no domain', { to: null }, 'improper-addressing'],
    ['names a domain that is not served', { to: 'example.com' }, 'host-unknown'],
    ['names an account', { to: 'alice@example.net' }, 'host-unknown'],
    ['names nothing', { to: '' }, 'host-unknown'],
    ['has no version, which is 0.9', { version: null }, 'unsupported-version'],
    ['has version 0.9', { version: '0.9' }, 'unsupported-version'],
    ['has version abc', { version: 'abc' }, 'unsupported-version'],
    ['has version 1', { version: '1' }, 'unsupported-version'],
    ['has version -1.0', { version: '-1.0' }, 'unsupported-version'],
    ['has version 1.0.0', { version: '1.0.0' }, 'unsupported-version'],
  ]
  for (const [what, header, condition] of wrong) {
    test(`that ${what} is ${condition}, sent after a header of ours (RFC 6120 §4.9.1.2)`, () => {
      const rig = new StreamRig()
      rig.transport.header(header)
      assert.equal(rig.transport.headers.length, 1)
      assert.equal(rig.transport.sent[0], '(header)')
      assert.equal(rig.transport.sent.length, 3)
      rig.assertEnded(condition)
    })
  }

  for (const version of ['1.0', '01.0', '1.10', '1.99', '2.0', '10.0']) {
    test(`of version ${version} is answered with the highest version that we speak (RFC 6120 §4.7.5)`, () => {
      const { transport } = new StreamRig()
      transport.header({ version })
      assert.equal(transport.headers[0]?.version, '1.0')
      assert.match(transport.sent[1] ?? '', /mechanisms/)
    })
  }

  test('in another namespace than that of RFC 7395 is invalid-namespace', () => {
    const rig = new StreamRig()
    rig.transport.say("<open xmlns='jabber:client' to='example.net' version='1.0'/>")
    rig.assertEnded('invalid-namespace')
  })

  test('is what a stream begins with: a stanza is not-authorized, anything else bad-format', () => {
    for (const [xml, condition] of [["<message xmlns='jabber:client'/>", 'not-authorized'], [StreamRig.auth(), 'bad-format'], ["<x xmlns='y'/>", 'bad-format']] as const) {
      const rig = new StreamRig()
      rig.transport.say(xml)
      assert.deepEqual(rig.transport.sent[0], '(header)')
      rig.assertEnded(condition)
    }
  })
})

describe('a later stream header', () => {
  test('before authentication is over is a policy-violation', () => {
    const rig = new StreamRig().opened()
    rig.transport.header()
    rig.assertEnded('policy-violation')
  })

  test('while resources are offered, or after one was bound, is a policy-violation', () => {
    for (const rig of [new StreamRig().restarted(), new StreamRig().established()]) {
      rig.transport.header()
      rig.assertEnded('policy-violation')
    }
  })

  test('after success opens a new stream: another id, and the offer to bind instead of mechanisms (RFC 6120 §6.4.6)', () => {
    const { transport } = new StreamRig().authenticated()
    transport.header({ from: 'alice@example.net' })
    assert.deepEqual(transport.headers.map(({ id }) => id), ['id-1', 'id-2'])
    assert.equal(transport.headers[1]?.to, 'alice@example.net')
    const features = transport.heardOne()
    assert.deepEqual(features.children.map(({ local }) => local), ['bind', 'session', 'sm', 'csi', 'limits'])
  })

  test('to another domain after success is refused: the identity is one of the first (external.md §6)', () => {
    const rig = new StreamRig().authenticated()
    rig.transport.header({ to: 'example.org' })
    assert.equal(rig.transport.headers.length, 1, 'no header in the name of the other domain')
    rig.assertEnded('not-authorized')
  })

  test('from another JID after success is invalid-from (RFC 6120 §4.9.3.9)', () => {
    for (const from of ['bob@example.net', 'alice@example.org', 'example.net', 'a@@b', '']) {
      const rig = new StreamRig().authenticated()
      rig.transport.header({ from })
      rig.assertEnded('invalid-from')
    }
  })

  test('is as strict about its domain and version as the first', () => {
    for (const [header, condition] of [[{ to: null }, 'improper-addressing'], [{ to: 'example.com' }, 'host-unknown'], [{ version: '0.9' }, 'unsupported-version']] as const) {
      const rig = new StreamRig().authenticated()
      rig.transport.header(header)
      rig.assertEnded(condition)
    }
  })
})

test('versions are two numbers, not strings: 1.10 is later than 1.2 (RFC 6120 §4.7.5)', () => {
  assert.deepEqual(parseVersion('1.10'), { major: 1, minor: 10 })
  assert.deepEqual(parseVersion('001.02'), { major: 1, minor: 2 })
  assert.deepEqual(parseVersion(null), { major: 0, minor: 9 })
  for (const none of ['', '1', '1.', '.1', '1.0 ', '1e3.0', '0x1.0', '1,0', '9'.repeat(4_000)]) assert.equal(parseVersion(none), null, none.slice(0, 20))
})
