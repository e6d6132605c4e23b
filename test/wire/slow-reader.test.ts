// Bad input, "WebSocket": clients that do not read what is sent to them, or read it slowly.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { defaultToml } from '../support/gateway.ts'
import { WireClient } from '../support/wire-client.ts'
import { Scene, until } from './scene.ts'

const maxUnread = 1_048_576
let scene: Scene
before(async () => { scene = await Scene.start({ toml: `${defaultToml}[limits]\nmax_unread_bytes = ${maxUnread}\n` }) })
after(async () => { await scene.end() })

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** What is really held outside of the heap. */
function heldBytes(): number {
  collectGarbage()
  return process.memoryUsage().arrayBuffers
}

const body = 'x'.repeat(10_000)

test('a client that never reads while 50 MB are sent to it is cut, with its session; the sender is told, and nobody else notices', async () => {
  const alice = await WireClient.login(scene.gateway, 'alice')
  const bob = await WireClient.login(scene.gateway, 'bob', { resource: 'deaf' })
  bob.socket.pause()
  const before = heldBytes()
  let most = 0
  let bounced = false
  alice.socket.on('message', (data: Buffer) => { bounced ||= data.includes('service-unavailable') })
  const message = `<message xmlns='jabber:client' type='normal' to='${bob.jid}'><body>${body}</body></message>`
  let sent = 0
  for (; sent < 5_000; sent++) {
    await new Promise(resolve => { alice.socket.send(message, { binary: false }, resolve) })
    if (sent % 100 === 0) {
      await scene.undisturbed()
      most = Math.max(most, heldBytes() - before)
    }
  }
  assert.ok(sent * body.length >= 50_000_000)
  assert.match(String((await scene.oneEvent('stream.lost')).cause), /does not read/)
  assert.equal(scene.gateway.eventsNamed('session.ended').at(-1)?.reason, 'lost')
  assert.ok(most < 24 * maxUnread, `${most} bytes more than before, on both ends together`)
  await until(() => bounced, 'an error')
  bob.socket.terminate()
  await alice.quit()
})

test('a slow reader that catches up loses nothing, though the gateway held much of it back', async () => {
  const patient = await Scene.start({ toml: `${defaultToml}[limits]\nmax_unread_bytes = 67_108_864\n` })
  try {
    const alice = await WireClient.login(patient.gateway, 'alice')
    const bob = await WireClient.login(patient.gateway, 'bob')
    let heard = 0
    bob.socket.on('message', (data: Buffer) => { if (data.includes(`id='n${heard}'`)) heard += 1 })
    bob.socket.pause()
    // Far more than the kernel holds.
    const count = 3_000
    for (let n = 0; n < count; n++) {
      await new Promise(resolve => { alice.socket.send(`<message xmlns='jabber:client' id='n${n}' to='${bob.jid}'><body>${body}</body></message>`, resolve) })
      if (n === count / 2) {
        await patient.undisturbed()
        assert.equal(heard, 0)
        bob.socket.resume()
        await until(() => heard > count / 10, 'a part')
        bob.socket.pause()
      }
    }
    await patient.undisturbed()
    assert.ok(heard < count)
    bob.socket.resume()
    await until(() => heard === count, 'everything')
    await patient.nothingHappened()
    await bob.quit()
    await alice.quit()
  } finally {
    await patient.end()
  }
})

test('a client that asks for more than it reads is not read from, and goes on where it was when it reads again', async () => {
  const alice = await WireClient.login(scene.gateway, 'alice', { resource: 'asks' })
  // What it sends to itself comes back: the less it reads, the less is taken from it. Never more than the limit is unread.
  alice.socket.pause()
  const count = 1_500
  for (let n = 0; n < count; n++) alice.send(`<message xmlns='jabber:client' id='n${n}' to='${alice.jid}'><body>${body}</body></message>`)
  await scene.nothingHappened()
  let heard = 0
  alice.socket.on('message', () => { heard += 1 })
  alice.socket.resume()
  await until(() => heard === count, 'everything')
  await scene.nothingHappened()
  await alice.quit()
})

test('with the smallest limits, an answer longer than an eighth of them does not stop the connection for ever', async () => {
  const small = await Scene.start({ toml: `${defaultToml}websocket.max_stanza_size = 10_000\n[limits]\nmax_unread_bytes = 10_000\n` })
  try {
    const alice = await WireClient.login(small.gateway, 'alice')
    for (let n = 0; n < 20; n++) {
      alice.send(`<message xmlns='jabber:client' id='n${n}' to='${alice.jid}'><body>${'x'.repeat(5_000)}</body></message>`)
      assert.equal((await alice.next()).attributes.get('id'), `n${n}`)
    }
    await alice.quit()
    await small.nothingHappened()
  } finally {
    await small.end()
  }
})
