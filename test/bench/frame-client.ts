// A WebSocket client (RFC 6455) with as little between it and TLS as possible, so that the client's core is not what is measured.
import { randomBytes } from 'node:crypto'
import { connect, type SecureContext, type TLSSocket } from 'node:tls'
import type { Identity } from './servers.ts'

const TEXT = 1, CLOSE = 8, PING = 9, PONG = 10

/** One masked frame with this payload, to be sent as often as one likes. A mask of zeros would spare the server the unmasking. */
export function maskedFrame(payload: Buffer, opcode: number = TEXT): Buffer {
  const mask = randomBytes(4).map(byte => byte | 1)
  const { length } = payload
  const header = length < 126 ? Buffer.from([0x80 | opcode, 0x80 | length]) : Buffer.from([0x80 | opcode, 0x80 | 126, length >> 8, length & 0xFF])
  return Buffer.concat([header, mask, payload.map((byte, index) => byte ^ (mask[index & 3] as number))])
}

export interface ClientOptions {
  readonly port: number
  readonly path: string
  /** Whom it trusts; with a context of its own that is in there. */
  readonly ca?: string
  readonly identity: Identity | { readonly secureContext: SecureContext }
}

export class FrameClient {
  readonly #socket: TLSSocket
  #rest: Buffer | null = null
  /** Called for each text message with the place of its payload. */
  onText: (bytes: Buffer, start: number, end: number) => void = () => {}
  onEnd: (cause: Error) => void = () => {}

  private constructor(socket: TLSSocket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => { this.#read(chunk) })
    socket.on('close', () => { this.onEnd(new Error('the server closed a connection')) })
  }

  static open({ port, path, ca, identity }: ClientOptions): Promise<FrameClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ...ca === undefined ? {} : { ca }, ...identity, ALPNProtocols: ['http/1.1'] })
      socket.on('error', reject)
      socket.on('close', () => { reject(new Error('the server closed the connection before it was open')) })
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`
        + `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n`)
      let answer = ''
      const read = (chunk: Buffer) => {
        answer += chunk.toString('latin1')
        const end = answer.indexOf('\r\n\r\n')
        if (end < 0) return
        socket.off('data', read)
        if (!answer.startsWith('HTTP/1.1 101') || end + 4 !== answer.length) reject(new Error(`no upgrade: ${answer}`))
        else resolve(new FrameClient(socket))
      }
      socket.on('data', read)
    })
  }

  frameOf(payload: Buffer): Buffer { return maskedFrame(payload) }

  /** Only for what comes without frames. */
  settle(): void { /* every message has its own */ }

  write(frame: Buffer): void { this.#socket.write(frame) }

  say(text: string): void { this.write(maskedFrame(Buffer.from(text))) }

  /** Sends, and resolves with the next `count` messages. */
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
      if (bytes.length < at + 2) break
      const opcode = (bytes[at] as number) & 0x0F
      let length = bytes[at + 1] as number
      let start = at + 2
      if (length === 126) {
        if (bytes.length < at + 4) break
        length = bytes.readUInt16BE(at + 2)
        start = at + 4
      } else if (length > 126) throw new Error('a frame that no benchmark sends')
      const end = start + length
      if (bytes.length < end) break
      if (opcode === TEXT) this.onText(bytes, start, end)
      else if (opcode === PING) this.write(maskedFrame(bytes.subarray(start, end), PONG))
      else if (opcode === CLOSE) this.onEnd(new Error('the server closed a WebSocket'))
      at = end
    }
    this.#rest = at === bytes.length ? null : bytes.subarray(at)
  }
}
