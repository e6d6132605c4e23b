// One connection of an HTTP client that polls: a request, its response, the next request. As little as possible between it and TLS, so
// that the client's core is not what is measured.
import { connect, type TLSSocket } from 'node:tls'
import type { Identity } from './servers.ts'

/** What answers a request that has been held in vain, by the byte. */
export const emptyBody = '<body xmlns=\'http://jabber.org/protocol/httpbind\'/>'

const headEnd = Buffer.from('\r\n\r\n')

/** A whole request, whose body is ASCII. What programs say of themselves in headers is left away, on both sides of a comparison. */
export const postOf = (port: number, path: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nOrigin: https://localhost:${port}\r\nContent-Type: text/xml; charset=utf-8\r\n`
  + `Content-Length: ${body.length}\r\n\r\n${body}`

export interface PollOptions {
  readonly port: number
  readonly ca: string
  readonly identity: Identity
}

export class PollConnection {
  readonly #socket: TLSSocket
  #rest: Buffer | null = null
  /** Whether a request waits for its response. */
  isBusy = false
  /** Called with the body of each response. */
  onResponse: (body: Buffer) => void = () => {}
  onEnd: (cause: Error) => void = () => {}

  private constructor(socket: TLSSocket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => { this.#read(chunk) })
    socket.on('close', () => { this.onEnd(new Error('the server closed a connection')) })
    socket.on('error', error => { this.onEnd(error) })
  }

  static open({ port, ca, identity }: PollOptions): Promise<PollConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca, ...identity, ALPNProtocols: ['http/1.1'] })
      socket.once('error', reject)
      socket.once('secureConnect', () => {
        socket.off('error', reject)
        resolve(new PollConnection(socket))
      })
    })
  }

  /** `request` as `postOf` makes it. */
  post(request: string): void {
    if (this.isBusy) throw new Error('a second request on a connection that waits for a response')
    this.isBusy = true
    this.#socket.write(request, 'latin1')
  }

  /** Sends, and resolves with the body of the response. */
  ask(request: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.onEnd = reject
      this.onResponse = body => { resolve(body.toString()) }
      this.post(request)
    })
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk])
    this.#rest = bytes
    const end = bytes.indexOf(headEnd)
    if (end < 0) return
    const head = bytes.toString('latin1', 0, end)
    const length = /\r\ncontent-length: (\d+)/i.exec(head)
    if (!head.startsWith('HTTP/1.1 200') || length === null) {
      this.onEnd(new Error(`no response as it should be: ${head}`))
      return
    }
    const whole = end + headEnd.length + Number(length[1])
    if (bytes.length < whole) return
    this.#rest = null
    this.isBusy = false
    if (bytes.length > whole) this.onEnd(new Error('more than one response to one request'))
    else this.onResponse(bytes.subarray(end + headEnd.length, whole))
  }
}
