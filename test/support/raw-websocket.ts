// A TLS connection on which a test writes HTTP and WebSocket frames byte by byte, also those that no library would write.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { ClientIdentity, Gateway } from './gateway.ts'

/** RFC 6455 §5.2. */
export const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

export interface Frame {
  readonly opcode: number
  readonly payload?: string | Buffer
  readonly fin?: boolean
  /** RSV1 is 4, RSV2 is 2, RSV3 is 1. */
  readonly rsv?: number
  readonly isMasked?: boolean
  /** What the header says, where that is not the truth. */
  readonly length?: number
}

/** RFC 6455 §5.2, with a mask of zeros: that leaves the payload as it is. */
export function frame({ opcode: code, payload = '', fin = true, rsv = 0, isMasked = true, length }: Frame): Buffer {
  const bytes = Buffer.from(payload)
  const stated = length ?? bytes.length
  const header = stated < 126 ? Buffer.alloc(2) : stated < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10)
  header[0] = (fin ? 0x80 : 0) | rsv << 4 | code
  header[1] = (isMasked ? 0x80 : 0) | (stated < 126 ? stated : stated < 65_536 ? 126 : 127)
  if (header.length === 4) header.writeUInt16BE(stated, 2)
  else if (header.length === 10) header.writeBigUInt64BE(BigInt(stated), 2)
  return Buffer.concat(isMasked ? [header, Buffer.alloc(4), bytes] : [header, bytes])
}

export const textFrame = (xml: string): Buffer => frame({ opcode: opcode.text, payload: xml })
export const closeFrame = (code: number): Buffer => frame({ opcode: opcode.close, payload: Buffer.of(code >> 8, code & 0xff) })

/** A request for an upgrade; null leaves a header out, a list gives it more than once. */
export function upgradeRequest(gateway: Gateway, { method = 'GET', path, headers = {}, listener = 0 }: {
  readonly method?: string, readonly path?: string, readonly listener?: number
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>> } = {}): string {
  const all: Record<string, string | readonly string[] | null> = {
    Host: `localhost:${gateway.port(listener)}`, Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'), 'Sec-WebSocket-Protocol': 'xmpp', ...headers,
  }
  const lines = Object.entries(all).flatMap(([name, value]) => value === null ? [] : [value].flat().map(one => `${name}: ${one}`))
  const target = path ?? gateway.listening[listener]?.websocketPath ?? '/'
  return [`${method} ${target} HTTP/1.1`, ...lines, '', ''].join('\r\n')
}

/** Long enough for a slow machine; a test that waits for something else fails here. */
const patience = 10_000

export class RawWebSocket {
  readonly socket: TLSSocket
  /** Resolves when the connection has gone. */
  readonly ended: Promise<void>
  #received: Buffer = Buffer.alloc(0)
  #isEnded = false
  #wake: (() => void) | null = null

  private constructor(socket: TLSSocket) {
    this.socket = socket
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => { this.#received = Buffer.concat([this.#received, chunk]); this.#wake?.() })
    this.ended = new Promise(resolve => { socket.on('close', () => { this.#isEnded = true; this.#wake?.(); resolve() }) })
  }

  /** A TLS connection, on which nothing has been said. */
  static async connect(gateway: Gateway, { identity = null, listener = 0, isHalfOpenAllowed = false, tls = {} }: {
    readonly identity?: ClientIdentity | null, readonly listener?: number, readonly isHalfOpenAllowed?: boolean, readonly tls?: ConnectionOptions } = {}): Promise<RawWebSocket> {
    // Known to Node, though not to its types: this end stays open when the server has ended its own.
    const halfOpen = { allowHalfOpen: isHalfOpenAllowed }
    const socket = connect({ ...halfOpen, host: '127.0.0.1', port: gateway.port(listener), servername: 'localhost', ca: gateway.ca, ...identity ?? {}, ...tls })
    const raw = new RawWebSocket(socket)
    await once(socket, 'secureConnect')
    return raw
  }

  /** An upgraded one. */
  static async open(gateway: Gateway, options: Parameters<typeof RawWebSocket.connect>[1] = {}): Promise<RawWebSocket> {
    const raw = await RawWebSocket.connect(gateway, options)
    raw.write(upgradeRequest(gateway, { listener: options.listener ?? 0 }))
    const { status } = await raw.response()
    if (status !== 101) throw new Error(`the upgrade was answered with ${status}`)
    return raw
  }

  write(bytes: string | Buffer): void { this.socket.write(bytes) }

  /** Resolves with false where the connection ended before. */
  async #more(): Promise<boolean> {
    if (this.#isEnded) return false
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => { reject(new Error('nothing was heard')) }, patience)
      this.#wake = () => { clearTimeout(timer); this.#wake = null; resolve() }
    })
    return true
  }

  /** The head of an HTTP response, and its body where it says how long that is. */
  async response(): Promise<{ readonly status: number, readonly head: string, readonly body: string }> {
    for (;;) {
      const end = this.#received.indexOf('\r\n\r\n')
      if (end >= 0) {
        const head = this.#received.toString('latin1', 0, end)
        const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
        if (this.#received.length >= end + 4 + length) {
          const body = this.#received.toString('utf8', end + 4, end + 4 + length)
          this.#received = this.#received.subarray(end + 4 + length)
          return { status: Number(head.split(' ', 2)[1]), head, body }
        }
      }
      if (!await this.#more()) throw new Error('the connection ended before a response')
    }
  }

  /** The next frame of the server; null where the connection ends instead. */
  async frame(): Promise<{ readonly opcode: number, readonly payload: Buffer } | null> {
    for (;;) {
      const bytes = this.#received
      const short = (bytes[1] ?? 0) & 0x7f
      const headerLength = short < 126 ? 2 : short === 126 ? 4 : 10
      if (bytes.length >= headerLength) {
        const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
        if (bytes.length >= headerLength + length) {
          this.#received = bytes.subarray(headerLength + length)
          return { opcode: (bytes[0] ?? 0) & 0x0f, payload: bytes.subarray(headerLength, headerLength + length) }
        }
      }
      if (!await this.#more()) return null
    }
  }

  /** The text of the next message; throws where something else comes. */
  async text(): Promise<string> {
    const next = await this.frame()
    if (next?.opcode !== opcode.text) throw new Error(`no text, but ${next === null ? 'the end' : `opcode ${next.opcode} ${next.payload.toString('hex')}`}`)
    return next.payload.toString()
  }

  /** The code of the close frame, whatever messages come before it; null where the connection ends without one. */
  async closeCode(): Promise<number | null> {
    for (;;) {
      const next = await this.frame()
      if (next === null) return null
      if (next.opcode === opcode.close) return next.payload.length < 2 ? 1005 : next.payload.readUInt16BE(0)
    }
  }

  /** How much has come and was not asked for yet. */
  get unread(): number { return this.#received.length }

  destroy(): void { this.socket.destroy() }
}
