// What is left of an opening handshake once the WebSocket is open: an idle session must not pay for the request that began it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import Fastify from 'fastify'
import { WebSocket } from 'ws'
import { OriginPolicy } from '../../plugins/origin-policy.ts'
import { Peers } from '../../plugins/peer.ts'
import { ClientCertificates } from '../../src/transport/client-certificates.ts'
import { websocket } from '../../plugins/websocket.ts'
import type { Transport } from '../../src/stream/transport.ts'
import { systemClock } from '../../src/telemetry/clock.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import { Liveness } from '../../src/transport/liveness.ts'
import { Outbox } from '../../src/transport/outbox.ts'
import { Scanner } from '../../src/xml/scanner.ts'

for (const isPlain of [true, false]) test(`an open WebSocket holds neither the HTTP request nor the response that it began with (${isPlain ? 'the short way' : 'through the hooks'})`, async () => {
  const server = Fastify()
  const log = silentLog
  const clock = systemClock
  const accepted = Promise.withResolvers<Transport>()
  await server.register(websocket, {
    path: '/xmpp-websocket', maxStanzaSize: 10_000, compress: false, log,
    origins: new OriginPolicy([], false),
    peers: new Peers(new ClientCertificates(server.server, { tls: null, clock, log })),
    accept: accepted.resolve, isPlain: () => isPlain,
    shared: {
      stateTimeout: 1_000, limits: { maxBytes: 10_000, idle: null }, seeOtherUri: null, maxUnreadBytes: 10_000, scanner: new Scanner(), liveness: new Liveness(0, clock), outbox: new Outbox(), clock,
    },
  })
  const upgraded = once(server.server, 'upgrade')
  await server.listen({ host: '127.0.0.1', port: 0 })
  const client = new WebSocket(`ws://127.0.0.1:${(server.server.address() as AddressInfo).port}/xmpp-websocket`, 'xmpp')
  try {
    await once(client, 'open')
    await accepted.promise
    const [, socket] = await upgraded as [unknown, { readonly _httpMessage?: unknown }]
    assert.equal(socket._httpMessage ?? null, null)
  } finally {
    client.terminate()
    await server.close()
  }
})
