// TCP connections that say nothing, or do not read: white space both ways (RFC 6120 §4.6.1), and a limit on what waits for a client.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
import { test } from 'node:test'
import { footer, streamHeader, TcpClient } from '../support/tcp-client.ts'
import { c2sListener, tcpLogin, withListeners } from '../support/tcp-scene.ts'
import { TurnedClock } from '../support/turned-clock.ts'
import { Scene, until } from './scene.ts'

const pingRate = 1_000

/** The onlookers come by WebSocket, and must not die of a clock that leaps. */
const unpinged = 'websocket.ping_rate = 0\n[[listen.c2s]]'

test('white space is sent to a client that has said nothing for ping_rate, again and again, and never before a stream is open', async () => {
  const clock = new TurnedClock()
  const scene = await Scene.start({ clock, toml: withListeners(c2sListener(`tls.mode = "starttls"\nping_rate = ${pingRate}\nstate_timeout = 3_600_000`))
    .replace('[[listen.c2s]]', unpinged) })
  const alice = await tcpLogin(scene.gateway, 1, 'alice')
  const early = await TcpClient.connect(scene.gateway.port(1))
  for (let count = 1; count <= 5; count++) {
    clock.advance(1.25 * pingRate)
    await until(() => alice.keepalives === count, `keepalive ${count}`)
  }
  // Its first bytes are the header: white space in front of an XML declaration would be an error.
  early.send(streamHeader())
  assert.equal((await early.next()).kind, 'header')
  assert.equal(early.keepalives, 0)
  // The client's own white space says that it is there, and nothing else.
  for (let n = 0; n < 20; n++) {
    alice.send(' \n')
    await scene.undisturbed()
    clock.advance(pingRate / 2)
  }
  alice.send('<iq type=\'get\' id=\'p\'><ping xmlns=\'urn:xmpp:ping\'/></iq>')
  assert.equal((await alice.element()).attributes.get('id'), 'p')
  assert.equal(alice.keepalives, 5)
  await scene.nothingHappened()
  await early.element()
  await early.quit()
  await alice.quit()
  const stopped = scene.end()
  clock.advance(10_000)
  await stopped
})

test('a client that never reads is cut with its session once more waits for it than max_unread_bytes; others do not notice', async () => {
  const scene = await Scene.start({ toml: `${withListeners(c2sListener('tls.mode = "tls"'))}[limits]\nmax_unread_bytes = 1_048_576\n` })
  const alice = await tcpLogin(scene.gateway, 1, 'alice')
  const bob = await tcpLogin(scene.gateway, 1, 'bob')
  bob.socket.pause()
  const message = `<message type='headline' to='${bob.jid}'><body>${'x'.repeat(10_000)}</body></message>`
  for (let n = 0; n < 2_000 && scene.gateway.eventsNamed('stream.lost').length === 0; n++) {
    await new Promise(resolve => { alice.socket.write(message, resolve) })
    if (n % 50 === 0) await scene.undisturbed()
  }
  const { cause, transport, limit } = await scene.oneEvent('stream.lost')
  assert.match(String(cause), /does not read/)
  assert.deepEqual([transport, limit], ['tcp', 'limits.max_unread_bytes'])
  bob.destroy()
  await alice.quit()
  await scene.end()
})

test('a client that asks for more than it reads is not read from, and goes on where it was when it reads again', async () => {
  const scene = await Scene.start({ toml: `${withListeners(c2sListener('tls.mode = "tls"'))}[limits]\nmax_unread_bytes = 1_048_576\n` })
  const alice = await tcpLogin(scene.gateway, 1, 'alice')
  alice.socket.pause()
  const count = 1_500
  for (let n = 0; n < count; n++) alice.send(`<message id='n${n}' to='${alice.jid}'><body>${'x'.repeat(10_000)}</body></message>`)
  await scene.nothingHappened()
  alice.socket.resume()
  for (let n = 0; n < count; n++) assert.equal((await alice.element()).attributes.get('id'), `n${n}`)
  await alice.quit()
  await scene.nothingHappened()
  await scene.end()
})

test('max_stanzas_per_second slows a TCP session down and loses nothing', async () => {
  const clock = new TurnedClock()
  const scene = await Scene.start({ clock, toml: `${withListeners(c2sListener('tls.mode = "tls"'))}[limits]\nmax_stanzas_per_second = 10\nmax_stanza_burst = 20\n`.replace('[[listen.c2s]]', unpinged) })
  const alice = await tcpLogin(scene.gateway, 1, 'alice')
  const count = 600
  const start = clock.now()
  for (let n = 0; n < count; n++) alice.send(`<message to='${alice.jid}' id='n${n}'><body>${'x'.repeat(300)}</body></message>`)
  let heard = 0
  const all = (async () => { for (; heard < count; heard++) assert.equal((await alice.element()).attributes.get('id'), `n${heard}`) })()
  await until(() => {
    clock.advance(250)
    return heard === count
  }, 'everything')
  await all
  assert.ok(clock.now() - start > 20_000, `${clock.now() - start} ms`)
  // What it says is read when its time has come.
  clock.advance(60_000)
  await alice.quit()
  const stopped = scene.end()
  clock.advance(10_000)
  await stopped
})

test('a gateway that stops says <system-shutdown/> over TCP, and the connections are gone', async () => {
  const scene = await Scene.start({ toml: withListeners(c2sListener('tls.mode = "starttls"')) })
  const alice = await tcpLogin(scene.gateway, 1, 'alice')
  const early = await TcpClient.connect(scene.gateway.port(1))
  const stopping = scene.gateway.stop()
  assert.equal((await alice.element()).children[0]?.local, 'system-shutdown')
  assert.equal((await alice.next()).kind, 'footer')
  assert.equal((await early.next()).kind, 'header')
  assert.equal((await early.element()).children[0]?.local, 'system-shutdown')
  await Promise.all([alice.ended, early.ended])
  await stopping
})

test('a connection that says nothing is cut when its time is over, in clear and before TLS', async () => {
  const hasty = await Scene.start({ toml: withListeners(c2sListener('tls.mode = "starttls"\nstate_timeout = 300')) })
  try {
    const silent = connectPlain(hasty.gateway.port(1), '127.0.0.1')
    const heard: Buffer[] = []
    silent.on('data', (chunk: Buffer) => { heard.push(chunk) })
    await once(silent, 'end')
    assert.match(Buffer.concat(heard).toString(), /^<\?xml.*<stream:error.*<connection-timeout /)
    assert.ok(Buffer.concat(heard).toString().endsWith(footer))
    silent.destroy()
    assert.equal((await hasty.oneEvent('stream.error')).limit, 'tcp.state_timeout')
  } finally {
    await hasty.end()
  }
})
