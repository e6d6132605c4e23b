// A client over direct TLS (XEP-0368) with as little between it and TLS as possible; it has the face of the WebSocket client beside it.
import { connect, type TLSSocket } from 'node:tls'
import { StreamScanner } from '../../src/xml/stream-scanner.ts'
import type { ClientOptions } from './frame-client.ts'

const header = '<?xml version="1.0"?><stream:stream xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams" to="localhost" version="1.0">'
const messageEnd = Buffer.from('</message>')

export class StreamClient {
  readonly #socket: TLSSocket
  #rest: Buffer | null = null
  /** Until the login is over; after that messages are all that comes, and are told apart by their end. */
  #scanner: StreamScanner | null = null
  #isOpen = false
  onText: (bytes: Buffer, start: number, end: number) => void = () => {}
  onEnd: (cause: Error) => void = () => {}

  private constructor(socket: TLSSocket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      if (this.#scanner === null) this.#read(chunk)
      else this.#scanner.write(chunk)
    })
    socket.on('close', () => { this.onEnd(new Error('the server closed a connection')) })
    const hear = (bytes: Uint8Array) => { this.onText(Buffer.from(bytes), 0, bytes.length) }
    this.#scanner = new StreamScanner({ header: ({ bytes }) => { hear(bytes) }, element: ({ bytes }) => { hear(bytes) }, footer: () => {} })
  }

  static open({ port, ca, identity }: Omit<ClientOptions, 'path'>): Promise<StreamClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ...ca === undefined ? {} : { ca }, ...identity, ALPNProtocols: ['xmpp-client'] })
      socket.once('error', reject)
      socket.once('secureConnect', () => { resolve(new StreamClient(socket)) })
    })
  }

  frameOf(payload: Buffer): Buffer { return payload }

  write(bytes: Buffer): void { this.#socket.write(bytes) }

  /** `<open/>` stands for the header of a stream, the second of which begins it anew. */
  say(text: string): void {
    if (!text.startsWith('<open ')) {
      this.#socket.write(text)
      return
    }
    if (this.#isOpen) this.#scanner?.restart()
    this.#isOpen = true
    this.#socket.write(header)
  }

  /** Sends, and resolves with the next `count` elements; a header is one. */
  ask(text: string, count: number): Promise<string[]> {
    return new Promise((resolve, reject) => {
      const heard: string[] = []
      this.onEnd = reject
      this.onText = (bytes, start, end) => {
        heard.push(bytes.toString('utf8', start, end))
        if (heard.length === count) resolve(heard)
      }
      this.say(text)
    })
  }

  /** From now on nothing but messages comes. */
  settle(): void { this.#scanner = null }

  /** Resolves when the connection has gone. */
  end(): Promise<void> {
    this.onEnd = () => {}
    return new Promise(resolve => {
      this.#socket.once('close', () => { resolve() })
      this.#socket.destroy()
    })
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    for (;;) {
      const end = bytes.indexOf(messageEnd, at)
      if (end < 0) break
      this.onText(bytes, at, end + messageEnd.length)
      at = end + messageEnd.length
    }
    this.#rest = at === bytes.length ? null : bytes.subarray(at)
  }
}
