// What Meerkat is compared with: the least that a relay over secure WebSockets costs in Node. `ws` and TLS with the same options, and
// each message goes to the other client of its pair as it is. It parses nothing, checks nothing, knows nobody.
import type { AddressInfo } from 'node:net'
import type { WebSocket } from 'ws'
import { bareServer } from './bare-server.ts'

const { server, sockets } = bareServer(process.argv[2] ?? '')

/** Who waits for the other half of the pair. */
const alone = new Map<string, { partner: WebSocket | null, readonly socket: WebSocket }>()

sockets.on('connection', (socket, request) => {
  const pair = request.url ?? ''
  const other = alone.get(pair)
  const self: { partner: WebSocket | null, readonly socket: WebSocket } = { partner: other?.socket ?? null, socket }
  if (other === undefined) alone.set(pair, self)
  else {
    other.partner = socket
    alone.delete(pair)
  }
  socket.on('message', (data, isBinary) => { self.partner?.send(data, { binary: isBinary }) })
  socket.on('error', () => {})
})

server.listen(0, '127.0.0.1', () => {
  process.stderr.write(`listening on wss://localhost:${(server.address() as AddressInfo).port}/\n`)
})
