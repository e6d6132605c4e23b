// A client over TCP that says exactly what a test tells it to, byte by byte where it must, and keeps what it hears in order.
import { once } from 'node:events'
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { Element } from '../../src/xml/element.ts'
import { StreamScanner } from '../../src/xml/stream-scanner.ts'
import { escapeValue } from '../../src/xml/write.ts'

export const NS_TLS = 'urn:ietf:params:xml:ns:xmpp-tls'
const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'

/** Long enough for a slow machine; a test that waits for something else fails here. */
const patience = 10_000

/** `end`: the connection is over. */
export type Heard = { readonly kind: 'header', readonly element: Element } | { readonly kind: 'element', readonly element: Element } | { readonly kind: 'footer' | 'end' }

export const streamHeader = (to = 'localhost', extra = ''): string =>
  `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='${to}' version='1.0'${extra}>`
export const starttls = `<starttls xmlns='${NS_TLS}'/>`
export const footer = '</stream:stream>'

export class TcpClient {
  socket: Socket
  /** Resolves when the connection has gone. */
  readonly ended: Promise<void>
  readonly #heard: Heard[] = []
  #scanner: StreamScanner
  #wake: (() => void) | null = null
  #isEnded = false
  /** White space between elements that was heard. */
  keepalives = 0
  jid: string | null = null

  private constructor(socket: Socket) {
    this.socket = socket
    this.#scanner = this.#newScanner()
    this.#attach(socket)
    this.ended = new Promise(resolve => {
      socket.on('close', () => {
        this.#isEnded = true
        this.#hear({ kind: 'end' })
        resolve()
      })
    })
  }

  static async connect(port: number): Promise<TcpClient> {
    const client = new TcpClient(connectPlain({ port, host: '127.0.0.1', noDelay: true }))
    await once(client.socket, 'connect')
    return client
  }

  /** With TLS from the first byte. */
  static async connectTls(port: number, options: ConnectionOptions): Promise<TcpClient> {
    const client = new TcpClient(connectTls({ port, host: '127.0.0.1', servername: 'localhost', ALPNProtocols: ['xmpp-client'], ...options }))
    await once(client.socket, 'secureConnect')
    client.socket.setNoDelay(true)
    return client
  }

  /** The handshake alone; what comes before it is the test's business. */
  async secure(options: ConnectionOptions): Promise<void> {
    const plain = this.socket
    plain.removeAllListeners('data')
    plain.removeAllListeners('end')
    const tls = connectTls({ socket: plain, servername: 'localhost', ...options })
    this.socket = tls
    this.#scanner = this.#newScanner()
    this.#attach(tls)
    await once(tls, 'secureConnect')
  }

  /** From `<stream:stream>` to TLS. */
  async startTls(options: ConnectionOptions, to = 'localhost'): Promise<void> {
    await this.header(to)
    this.send(starttls)
    const answer = await this.element()
    if (answer.local !== 'proceed') throw new Error(`STARTTLS: ${answer.local}`)
    await this.secure(options)
  }

  get tls(): TLSSocket { return this.socket as TLSSocket }

  send(xml: string | Uint8Array): void { this.socket.write(xml) }

  async next(): Promise<Heard> {
    const deadline = Date.now() + patience
    for (;;) {
      const heard = this.#heard.shift()
      if (heard !== undefined) {
        // It stays true.
        if (heard.kind === 'end') this.#heard.unshift(heard)
        return heard
      }
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => { reject(new Error('nothing was heard')) }, Math.max(0, deadline - Date.now()))
        this.#wake = () => { clearTimeout(timer); this.#wake = null; resolve() }
      })
    }
  }

  /** The next, which must be an element. */
  async element(): Promise<Element> {
    const heard = await this.next()
    if (heard.kind !== 'element') throw new Error(`an element was awaited, ${heard.kind} came`)
    return heard.element
  }

  /** Opens a stream, and returns the answers: its header and the features. */
  async header(to = 'localhost', extra = ''): Promise<{ readonly open: Element, readonly features: Element }> {
    this.send(streamHeader(to, extra))
    const heard = await this.next()
    if (heard.kind !== 'header') throw new Error(`a header was awaited, ${heard.kind} came`)
    return { open: heard.element, features: await this.element() }
  }

  async authenticate({ authzid = '=', to = 'localhost' } = {}): Promise<void> {
    await this.header(to)
    this.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>${authzid}</auth>`)
    const answer = await this.element()
    if (answer.local !== 'success') throw new Error(`authentication: ${answer.children.map(({ local, text }) => `${local} ${text}`).join(' ')}`)
    this.restart()
  }

  /** The server's next stream begins (RFC 6120 §4.3.3). */
  restart(): void { this.#scanner.restart() }

  async bind(resource: string | null = null, to = 'localhost'): Promise<string> {
    await this.header(to)
    const wanted = resource === null ? '' : `<resource>${escapeValue(resource)}</resource>`
    this.send(`<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>${wanted}</bind></iq>`)
    const answer = await this.element()
    const jid = answer.children[0]?.children[0]?.text
    if (answer.attributes.get('type') !== 'result' || jid === undefined) throw new Error('the bind was refused')
    this.jid = jid
    return jid
  }

  /** Says goodbye and waits for the end. */
  async quit(): Promise<void> {
    if (!this.#isEnded) this.send(footer)
    await this.ended
  }

  destroy(): void { this.socket.destroy() }

  #hear(heard: Heard): void {
    this.#heard.push(heard)
    this.#wake?.()
  }

  #attach(socket: Socket): void {
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      if (chunk.length === 1 && chunk[0] === 0x20) this.keepalives += 1
      // Not well-formed for a scanner: there was no header to close.
      if (chunk.toString() === footer) this.#hear({ kind: 'footer' })
      else this.#scanner.write(chunk)
    })
  }

  #newScanner(): StreamScanner {
    return new StreamScanner({
      header: root => { this.#hear({ kind: 'header', element: root.element() }) },
      element: element => { this.#hear({ kind: 'element', element: element.element() }) },
      footer: () => { this.#hear({ kind: 'footer' }) },
    })
  }
}
