// A request whose connection breaks before its body is complete: nothing of it is kept until the time for bodies has run out.
import assert from 'node:assert/strict'
import { createConnection } from 'node:net'
import { after, before, test } from 'node:test'
import { listeners, World } from './world.ts'

let world: World
before(async () => { world = await World.start() })
after(async () => { await world.stop() })

test('a body that breaks off is over at once, and is not too slow later', async () => {
  const { ip, port } = world.gateway.listening[listeners.plain]!
  const refused = () => world.gateway.eventsNamed('bosh.refused').map(({ status, reason }) => [status, reason])
  const socket = createConnection({ host: ip, port })
  socket.end('POST /http-bind HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n<body')
  for await (const _ of socket) { /* until it ends */ }
  while (refused().length === 0) await new Promise(resolve => { setImmediate(resolve) })
  world.clock.advance(60_000)
  assert.equal(refused().length, 1)
  assert.notEqual(refused()[0]?.[0], 408)
})
