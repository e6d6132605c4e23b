// Sessions in which nothing happens for longer than the server may keep a request: the libraries poll on, and still hear what comes.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { $msg, $pres, Strophe } from 'strophe.js'
import { defaultToml, Gateway } from '../support/gateway.ts'
import { Inbox, inTime, seen } from './inbox.ts'
import { stanzaBoshLogin } from './stanza-bosh-login.ts'
import { stropheBoshLogin } from './strophe-bosh-login.ts'

Strophe.setLogLevel(Strophe.LogLevel.FATAL)

/** How often `wait` (a second here) runs out before anybody says something. */
const times = 3

const isEmptyBody = (text: string) => /^<body [^>]*\/>$/.test(text)

test('strophe.js and stanza over BOSH still hear each other when wait has run out several times (XEP-0124 §8)', async () => {
  const gateway = await Gateway.start({ toml: `${defaultToml}\nbosh.max_wait = 1\n` })
  const credentialsOf = async (name: string) => ({ ...await gateway.identity(name), ca: gateway.ca })
  try {
    const alice = await inTime('CONNECTED', stropheBoshLogin(gateway.boshUrl(), 'alice@localhost', await credentialsOf('alice')))
    const bob = stanzaBoshLogin(gateway.boshUrl(), 'bob@localhost', await credentialsOf('bob'))
    await inTime('session:started', once(bob, 'session:started'))
    const empty = { alice: 0, bob: 0 }
    alice.rawInput = (text: string) => { if (isEmptyBody(text)) empty.alice += 1 }
    bob.on('raw', (direction: string, text: string) => { if (direction === 'incoming' && isEmptyBody(text)) empty.bob += 1 })
    const inboxes = { alice: new Inbox(), bob: new Inbox() }
    alice.addHandler((message: { getAttribute(name: string): string, readonly textContent: string }) => {
      inboxes.alice.put({ from: message.getAttribute('from'), text: message.textContent })
      return true
    }, '', 'message', 'chat')
    bob.on('chat', message => { inboxes.bob.put({ from: message.from, text: message.body ?? '' }) })
    alice.send($pres())
    bob.sendPresence()

    for (let round = 1; round <= 2; round += 1) {
      Object.assign(empty, { alice: 0, bob: 0 })
      await seen(`${times} empty answers for each`, () => empty.alice >= times && empty.bob >= times)
      alice.send($msg({ to: bob.jid, type: 'chat' }).c('body').t(`question ${round}`))
      assert.deepEqual(await inboxes.bob.next(), { from: alice.jid, text: `question ${round}` })
      bob.sendMessage({ to: alice.jid, body: `answer ${round}`, type: 'chat' })
      assert.deepEqual(await inboxes.alice.next(), { from: bob.jid, text: `answer ${round}` })
    }

    const ended = once(bob, 'disconnected')
    bob.disconnect()
    await inTime('disconnected', ended)
    await inTime('DISCONNECTED', new Promise<void>(resolve => {
      alice.connect_callback = (status: number) => { if (status === Strophe.Status.DISCONNECTED) resolve() }
      alice.disconnect()
    }))
    await seen('the end of both sessions', () => gateway.eventsNamed('session.ended').length === 2)
    assert.deepEqual(gateway.eventsNamed('session.ended').map(({ reason }) => reason), ['closed', 'closed'])
    assert.deepEqual(gateway.eventsNamed('stream.error'), [])
  } finally {
    await gateway.stop()
  }
})
