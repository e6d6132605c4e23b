/** The contract of Transport on WebSocket, over real connections on the loopback. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import { systemClock } from '../../src/telemetry/clock.ts'
import { Liveness } from '../../src/transport/liveness.ts'
import { Outbox } from '../../src/transport/outbox.ts'
import { StreamSocket } from '../../src/transport/stream-socket.ts'
import { WebSocketTransport } from '../../src/transport/websocket.ts'
import { parse } from '../../src/xml/parse.ts'
import { Scanner } from '../../src/xml/scanner.ts'
import { NS_FRAMING } from '../../src/xmpp/namespaces.ts'
import { transportContract, type TransportUnderTest } from './transport.ts'

const framing: Readonly<Record<string, string>> = {
  header: `<open xmlns='${NS_FRAMING}' to='example.net' version='1.0'/>`,
  footer: `<close xmlns='${NS_FRAMING}'/>`,
}

async function webSocketPair(): Promise<TransportUnderTest> {
  const http = createServer()
  const server = new WebSocketServer({ server: http, WebSocket: StreamSocket, handleProtocols: () => 'xmpp' })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const accepted = new Promise<WebSocketTransport>(resolve => {
    server.once('connection', (socket, request) => {
      resolve(new WebSocketTransport(socket, request.socket,
        { transport: 'websocket', remoteAddress: '127.0.0.1', secure: false, certificate: () => ({ kind: 'none' }) },
        { stateTimeout: 1_000, maxUnreadBytes: 1_000_000, scanner: new Scanner(), liveness: new Liveness(0, systemClock), outbox: new Outbox(), clock: systemClock }))
    })
  })
  const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/`, 'xmpp')
  const heard: (string | null)[] = []
  let wake = (): void => undefined
  client.on('message', (data: Buffer) => { heard.push(data.toString()); wake() })
  client.on('close', () => { heard.push(null); wake() })
  client.on('error', () => undefined)
  await once(client, 'open')
  return {
    transport: await accepted,
    peer: {
      send(...things) {
        // One write for all of them: they arrive together.
        const { _socket: wire } = client as unknown as { readonly _socket: { cork(): void, uncork(): void } }
        wire.cork()
        for (const thing of things) client.send(framing[thing] ?? thing)
        wire.uncork()
      },
      vanish() { client.terminate() },
      async next() {
        while (heard.length === 0) await new Promise<void>(resolve => { wake = resolve })
        const text = heard.shift() ?? null
        if (text === null) return null
        const element = parse(Buffer.from(text))
        if (element.ns !== NS_FRAMING) return element
        return element.local === 'open' ? 'header' : 'footer'
      },
    },
    async cleanUp() {
      client.terminate()
      for (const socket of server.clients) socket.terminate()
      server.close()
      http.close()
      await once(http, 'close')
    },
  }
}

transportContract('WebSocket', webSocketPair)
