// Limits of connections, sessions, speed and patience, over real TLS. Those of messages are in frames.test.ts and slow-reader.test.ts.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { defaultToml, type Gateway } from '../support/gateway.ts'
import { closeFrame, RawWebSocket, upgradeRequest } from '../support/raw-websocket.ts'
import { TurnedClock } from '../support/turned-clock.ts'
import { WireClient } from '../support/wire-client.ts'
import { Scene, until } from './scene.ts'

const limited = (limits: string) => `${defaultToml}[limits]\n${limits}\n`

/** With the scene's two onlookers already there. */
async function withScene(options: Parameters<typeof Scene.start>[0], act: (scene: Scene) => Promise<void>): Promise<void> {
  const scene = await Scene.start(options)
  try { await act(scene) } finally { await scene.end() }
}

/** A TCP connection without TLS, to see what happens before a handshake. */
async function tcp(gateway: Gateway): Promise<{ readonly socket: Socket, readonly ended: Promise<unknown> }> {
  const socket = connect(gateway.port(), '127.0.0.1')
  socket.on('error', () => {}).resume()
  const ended = once(socket, 'close')
  await once(socket, 'connect')
  return { socket, ended }
}

describe('max_connections and max_connections_per_address', () => {
  for (const key of ['max_connections', 'max_connections_per_address'] as const) {
    test(`${key}: one connection more is cut before TLS, and there is room again when one has gone`, async () => {
      await withScene({ toml: limited(`${key} = 3`) }, async scene => {
        const alice = await WireClient.login(scene.gateway, 'alice')
        await assert.rejects(WireClient.open(scene.gateway))
        const event = await scene.oneEvent('connection.refused')
        assert.deepEqual([event.limit, event.address], [`limits.${key}`, '127.0.0.1'])
        await alice.quit()
        // The socket beneath goes a moment after the WebSocket.
        await until(() => scene.gateway.app.sessionCount === 2, 'the end of the session')
        let next: WireClient | null = null
        while (next === null) next = await WireClient.login(scene.gateway, 'alice').catch(() => null)
        scene.forget()
        await next.quit()
        await scene.nothingHappened()
      })
    })
  }

  test('a connection that was cut at the limit, or failed its handshake, is not counted for ever', async () => {
    await withScene({ toml: limited('max_connections = 3') }, async scene => {
      for (let n = 0; n < 5; n++) {
        const { socket, ended } = await tcp(scene.gateway)
        socket.write('this is no TLS')
        await ended
        await scene.oneEvent('tls.failed')
      }
      const alice = await WireClient.login(scene.gateway, 'alice')
      await alice.quit()
      await scene.nothingHappened()
    })
  })
})

test('max_sessions_per_account: one more resource is refused with <resource-constraint/>, and others may still log in', async () => {
  await withScene({ toml: limited('max_sessions_per_account = 2') }, async scene => {
    const first = await WireClient.login(scene.gateway, 'alice', { resource: 'a' })
    await WireClient.login(scene.gateway, 'alice', { resource: 'b' })
    const third = await WireClient.open(scene.gateway, { identity: await scene.gateway.identity('alice') })
    await third.authenticate()
    await third.header()
    const bind = (resource: string) => third.send('<iq xmlns=\'jabber:client\' type=\'set\' id=\'c\'><bind xmlns=\'urn:ietf:params:xml:ns:xmpp-bind\'>'
      + `<resource>${resource}</resource></bind></iq>`)
    bind('c')
    const answer = await third.next()
    assert.equal(answer.attributes.get('type'), 'error')
    assert.equal(answer.children[0]?.children[0]?.local, 'resource-constraint')
    // One that has the same name takes the old one's place.
    bind('a')
    assert.equal((await third.next()).attributes.get('type'), 'result')
    assert.match(await first.nextText(), /<conflict /)
    await WireClient.login(scene.gateway, 'bob')
    await scene.oneEvent('stream.error')
  })
})

test('max_stanzas_per_second slows a session down and loses nothing; its silence meanwhile is not held against it', async () => {
  const clock = new TurnedClock()
  const scene = await Scene.start({ clock, toml: limited('max_stanzas_per_second = 10\nmax_stanza_burst = 20')
    .replace('[limits]', 'websocket.ping_rate = 1_000\n[limits]') })
  const alice = await WireClient.login(scene.gateway, 'alice')
  const count = 1_000
  let heard = 0
  alice.socket.on('message', (data: Buffer) => {
    assert.ok(data.includes(`id='n${heard}'`))
    heard += 1
  })
  // More bytes than one read takes, so that there is something left to be slow with.
  const padding = 'x'.repeat(300)
  for (let n = 0; n < count; n++) alice.send(`<message xmlns='jabber:client' to='${alice.jid}' id='n${n}'><body>${padding}</body></message>`)
  await until(() => heard >= 20, 'the burst')
  const first = heard
  const start = clock.now()
  await until(() => {
    clock.advance(250)
    return heard === count
  }, 'everything')
  assert.ok(first < count, `${first} at once`)
  assert.ok(clock.now() - start > (count - first) * 100 / 2, `${clock.now() - start} ms for ${count - first} stanzas`)
  assert.equal(scene.gateway.app.sessionCount >= 1, true)
  assert.deepEqual(scene.gateway.eventsNamed('session.ended').filter(({ jid }) => jid === alice.jid), [])
  const stopped = scene.end()
  clock.advance(10_000)
  await stopped
})

describe('patience', { concurrency: true }, () => {
  const patience = { handshake: 300, request: 500, interval: 100 }

  test('a TLS handshake that is never finished is cut, whether it was begun or not', async () => {
    await withScene({ patience }, async scene => {
      for (const bytes of [Buffer.alloc(0), Buffer.from('16030100', 'hex')]) {
        const { socket, ended } = await tcp(scene.gateway)
        socket.write(bytes)
        await ended
        await scene.oneEvent('tls.failed')
      }
    })
  })

  test('a request that dribbles in is answered with 408 and cut; so is a connection on which nothing is asked', async () => {
    await withScene({ patience }, async scene => {
      for (const bytes of [upgradeRequest(scene.gateway).slice(0, 80), '', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx']) {
        const raw = await RawWebSocket.connect(scene.gateway)
        if (bytes !== '') raw.write(bytes)
        // Another byte now and then is no reason for more patience.
        const dribble = setInterval(() => { if (bytes !== '' && raw.socket.writable) raw.write('x') }, 50)
        try {
          if (!bytes.startsWith('POST')) assert.equal((await raw.response()).status, 408)
          await raw.ended
        } finally {
          clearInterval(dribble)
        }
        await scene.undisturbed()
        assert.deepEqual(scene.gateway.events.filter(({ level }) => level === 'error'), [])
      }
    })
  })

  test('a client that sends a close frame and then holds its end of the connection open loses session and connection after 5 s', async () => {
    await withScene({}, async scene => {
      const raw = await RawWebSocket.open(scene.gateway, { isHalfOpenAllowed: true })
      const start = Date.now()
      raw.write(closeFrame(1000))
      assert.equal(await raw.closeCode(), 1000)
      await scene.oneEvent('stream.lost')
      assert.ok(Date.now() - start < 8_000, `${Date.now() - start} ms`)
      raw.destroy()
    })
  })

  test('an upgraded connection is not a request, and lasts', async () => {
    await withScene({ patience }, async scene => {
      const alice = await WireClient.login(scene.gateway, 'alice')
      const { ended } = await tcp(scene.gateway)
      // Twice what a request may take: that of an unfinished handshake, and once more.
      await ended
      await (await tcp(scene.gateway)).ended
      alice.send('<iq xmlns=\'jabber:client\' type=\'get\' id=\'p\'><ping xmlns=\'urn:xmpp:ping\'/></iq>')
      assert.equal((await alice.next()).attributes.get('id'), 'p')
      await scene.undisturbed()
    })
  })
})
