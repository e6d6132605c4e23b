/** The contract of Transport on WebSocket and TCP, over real connections on the loopback, and on BOSH, from request body to response body. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import { systemClock } from '../../src/telemetry/clock.ts'
import { readBody, scanWrapper } from '../../src/transport/bosh-body.ts'
import { BoshTransport, type Exchange, type RequestOrigin } from '../../src/transport/bosh.ts'
import { Liveness } from '../../src/transport/liveness.ts'
import { Outbox } from '../../src/transport/outbox.ts'
import { StreamSocket } from '../../src/transport/stream-socket.ts'
import { TcpTransport } from '../../src/transport/tcp.ts'
import { WebSocketTransport } from '../../src/transport/websocket.ts'
import { defaultXmlLimits } from '../../src/xml/limits.ts'
import type { Element } from '../../src/xml/element.ts'
import { parse } from '../../src/xml/parse.ts'
import { noChannelBindings } from '../../src/sasl/channel-binding.ts'
import { Scanner } from '../../src/xml/scanner.ts'
import { NS_FRAMING } from '../../src/xmpp/namespaces.ts'
import { footer, streamHeader, TcpClient } from '../support/tcp-client.ts'
import { TurnedClock } from '../support/turned-clock.ts'
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
        { transport: 'websocket', remoteAddress: '127.0.0.1', secure: false, certificate: () => ({ kind: 'none' }), channelBindings: () => noChannelBindings },
        { stateTimeout: 1_000, limits: { maxBytes: 10_000, idle: null }, seeOtherUri: null, maxUnreadBytes: 1_000_000, scanner: new Scanner(), liveness: new Liveness(0, systemClock), outbox: new Outbox(), clock: systemClock }))
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

transportContract('WebSocket', webSocketPair, { refusesBadXmlItself: false, delimitsElements: true })

async function tcpPair(): Promise<TransportUnderTest> {
  const server = createTcpServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = new Promise<TcpTransport>(resolve => {
    server.once('connection', socket => {
      resolve(new TcpTransport(socket,
        { transport: 'tcp', remoteAddress: '127.0.0.1', secure: false, certificate: () => ({ kind: 'none' }), channelBindings: () => noChannelBindings }, null,
        { stateTimeout: 1_000, maxUnreadBytes: 1_000_000, xmlLimits: defaultXmlLimits, limits: { maxBytes: 10_000, idle: null }, seeOtherHost: null, liveness: new Liveness(0, systemClock), outbox: new Outbox(), clock: systemClock }))
    })
  })
  const client = await TcpClient.connect((server.address() as AddressInfo).port)
  return {
    transport: await accepted,
    peer: {
      send(...things) {
        client.send(things.map(thing => thing === 'header' ? streamHeader('example.net') : thing === 'footer' ? footer : thing).join(''))
      },
      vanish() { client.destroy() },
      async next() {
        const heard = await client.next()
        return heard.kind === 'element' ? heard.element : heard.kind === 'end' ? null : heard.kind
      },
    },
    async cleanUp() {
      client.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

transportContract('TCP', tcpPair, { refusesBadXmlItself: false, delimitsElements: false })

const NS_HTTPBIND = 'http://jabber.org/protocol/httpbind'
const inactivity = 60

/** The end of the wire is where HTTP begins: bodies go in, and come out. */
async function boshPair(): Promise<TransportUnderTest> {
  const clock = new TurnedClock()
  const origin: RequestOrigin = { secure: true, remoteAddress: '127.0.0.1', certificate: () => ({ kind: 'none' }), channelBindings: () => noChannelBindings, fingerprint: null }
  const transport = new BoshTransport(1, origin, {
    creation: { sid: 'sid', wait: 60, hold: 1, requests: 2, inactivity, polling: 5, maxPause: 120, ver: '1.11', content: null },
    limits: { requests: 2, hold: 1, wait: 60_000, inactivity: inactivity * 1_000, maxPause: 120_000, polling: 5_000,
      maxDeferredBytes: 100_000, maxResponseBytes: 100_000, acks: false },
    stateTimeout: 1_000, maxBytes: 99_000,
  }, { maxUnreadBytes: 1_000_000, outbox: new Outbox(), clock }, { over: () => undefined, gone: () => { hear(null) } })
  const scanner = new Scanner(defaultXmlLimits, true)
  const unanswered = new Set<Exchange>()
  const heard: ('header' | 'footer' | Element | null)[] = []
  let wake = (): void => undefined
  let rid = 0
  let isOver = false

  const hear = (thing: 'header' | 'footer' | Element | null): void => {
    heard.push(thing)
    wake()
  }
  const take = ({ attributes, children }: Element): void => {
    // What comes after the end says only that there is no such session any more.
    if (isOver) return
    if (attributes.has('sid')) hear('header')
    for (const child of children) hear(child)
    if (attributes.get('type') !== 'terminate') return
    isOver = true
    hear('footer')
    hear(null)
  }
  const request = (attributes: string, payload = ''): void => {
    rid += 1
    const bytes = Buffer.from(`<body xmlns='${NS_HTTPBIND}' rid='${rid}' ${rid === 1 ? '' : "sid='sid'"} ${attributes}>${payload}</body>`)
    const body = readBody(scanWrapper(bytes, scanner))
    const exchange: Exchange = { respond(answer) { unanswered.delete(exchange); take(parse(answer)) } }
    unanswered.add(exchange)
    transport.request(body, bytes.length, origin, exchange)
  }
  return {
    transport,
    peer: {
      send(...things) {
        // What fits into one body goes in one; a poll lets the server say what it has.
        const stanzas: string[] = []
        let attributes = ''
        const flush = () => {
          if (attributes !== '' || stanzas.length > 0) request(attributes, stanzas.splice(0).join(''))
          attributes = ''
        }
        for (const thing of things) {
          if (thing === 'header') {
            flush()
            attributes = rid === 0 ? "to='example.net' wait='60' hold='1' ver='1.11'"
              : "to='example.net' xmpp:restart='true' xmlns:xmpp='urn:xmpp:xbosh'"
          } else if (thing === 'footer') {
            flush()
            request("type='terminate'")
          } else {
            stanzas.push(thing)
          }
        }
        flush()
      },
      vanish() {
        for (const exchange of unanswered) transport.connectionLost(exchange)
        clock.advance(inactivity * 1_000)
      },
      async next() {
        while (heard.length === 0) await new Promise<void>(resolve => { wake = resolve })
        return heard.shift() ?? null
      },
    },
    async cleanUp() { clock.advance(inactivity * 3_000) },
  }
}

transportContract('BOSH', boshPair, { refusesBadXmlItself: true, delimitsElements: true })
