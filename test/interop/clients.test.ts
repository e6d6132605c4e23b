// The libraries that people write XMPP clients with, each as its own documentation uses it, over WSS and BOSH with TLS client certificates.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { issueToFolder } from '../../src/x509/development-folder.ts'
import { defaultToml, Gateway } from '../support/gateway.ts'
import { libraries } from './chatter.ts'
import { seen } from './inbox.ts'
import { xmppJsLogin } from './xmpp-js-login.ts'

describe('client libraries log in with a TLS client certificate', () => {
  let gateway: Gateway
  before(async () => {
    gateway = await Gateway.start({
      // A library that goes without having acknowledged the last message finds it again when it comes back.
      toml: `features.disabled = ["offline"]\n${defaultToml}`,
      async prepare(folder) {
        await issueToFolder({ folder: join(folder, 'certs'), now: Date.now(), xmppAddrs: ['alice@localhost', 'carol@localhost'], fileName: 'both' })
      },
    })
  })
  after(async () => { await gateway.stop() })

  const endOf = (jid: string) => gateway.eventsNamed('session.ended').find(event => event['jid'] === jid)

  for (const [library, logIn] of Object.entries(libraries)) {
    test(`${library}: login by SASL EXTERNAL, ping, software version, service discovery, a clean end`, async () => {
      const alice = await logIn(gateway, 'alice')
      assert.match(alice.jid, /^alice@localhost\/.+/)
      assert.equal(gateway.eventsNamed('auth.success').at(-1)?.['mechanism'], 'EXTERNAL')
      await alice.appear()
      assert.equal(await alice.softwareName(), 'Meerkat')
      const features = await alice.features()
      for (const feature of ['urn:xmpp:ping', 'jabber:iq:version', 'http://jabber.org/protocol/disco#info']) assert.ok(features.includes(feature), feature)
      await alice.leave()
      await seen('the end of the session', () => endOf(alice.jid) !== undefined)
      assert.equal(endOf(alice.jid)?.['reason'], 'closed')
    })
  }

  for (const [hers, logInAlice] of Object.entries(libraries)) {
    for (const [his, logInBob] of Object.entries(libraries)) {
      test(`alice at ${hers} and bob at ${his} talk in both directions`, async () => {
        const alice = await logInAlice(gateway, 'alice')
        const bob = await logInBob(gateway, 'bob')
        await alice.appear()
        await bob.appear()
        const question = `Wherefore art thou <${hers}> & "${his}"? 🌹`
        alice.say('bob@localhost', question)
        assert.deepEqual(await bob.hear(), { from: alice.jid, text: question })
        bob.say(alice.jid, 'Here\nI am.')
        assert.deepEqual(await alice.hear(), { from: bob.jid, text: 'Here\nI am.' })
        await alice.leave()
        await seen('the end of her session', () => endOf(alice.jid) !== undefined)
        // What she did not acknowledge comes back to him (XEP-0198 §4). stanza 12 over BOSH breaks where something comes just when it leaves.
        await bob.softwareName()
        await bob.leave()
        await seen('the end of his session', () => endOf(bob.jid) !== undefined)
      })
    }
  }

  for (const [library, logIn] of Object.entries(libraries)) {
    test(`${library}: a certificate with two addresses logs in as the one that the client names (external.md §4)`, async () => {
      const carol = await logIn(gateway, 'carol', 'both')
      assert.match(carol.jid, /^carol@localhost\/.+/)
      await carol.leave()
    })
  }

  test('a refusal comes with the server\'s words: a certificate with two addresses and no word which one is invalid-authzid', async () => {
    const client = xmppJsLogin(gateway.url(), 'localhost', { ...await gateway.identity('both'), ca: gateway.ca })
    await assert.rejects(client, (error: Error & { readonly condition?: string, readonly text?: string }) => {
      assert.equal(error.condition, 'invalid-authzid')
      assert.notEqual(error.text ?? '', '')
      return true
    })
  })

  for (const [library, logIn] of Object.entries(libraries)) {
    test(`${library}: what was said to somebody who was away is there when they come back`, async () => {
      const keeping = await Gateway.start()
      try {
        // For one who has never been there nothing is kept.
        await (await logIn(keeping, 'bob')).leave()
        const alice = await logIn(keeping, 'alice')
        await alice.appear()
        alice.say('bob@localhost', 'Are you there?')
        // Answered behind the message.
        await alice.softwareName()
        const bob = await logIn(keeping, 'bob')
        await bob.appear()
        assert.deepEqual(await bob.hear(), { from: alice.jid, text: 'Are you there?' })
        await bob.softwareName()
        await alice.leave()
        await bob.leave()
        assert.deepEqual(keeping.eventsNamed('stream.error'), [])
      } finally {
        await keeping.stop()
      }
    })
  }

  test('nothing that a library sent was a stream error to the gateway', () => {
    assert.deepEqual(gateway.eventsNamed('stream.error'), [])
    assert.deepEqual(gateway.eventsNamed('stream.bug'), [])
  })
})
