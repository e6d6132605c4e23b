// The least that telling many of something costs with `ws`: what one client says goes to all, as it is.
import type { AddressInfo } from 'node:net'
import type { WebSocket } from 'ws'
import { bareServer } from './bare-server.ts'

const { server, sockets } = bareServer(process.argv[2] ?? '')
const all = new Set<WebSocket>()

sockets.on('connection', socket => {
  all.add(socket)
  socket.on('message', (data, isBinary) => { for (const other of all) other.send(data, { binary: isBinary }) })
  socket.on('close', () => { all.delete(socket) })
  socket.on('error', () => {})
})

server.listen(0, '127.0.0.1', () => {
  process.stderr.write(`listening on wss://localhost:${(server.address() as AddressInfo).port}/\n`)
})
