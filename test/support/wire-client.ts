// A client that says exactly what a test tells it to, over a real WebSocket, and keeps what it hears in order.
import { WebSocket, type ClientOptions } from 'ws'
import type { Element } from '../../src/xml/element.ts'
import { parse } from '../../src/xml/parse.ts'
import type { ClientIdentity, Gateway } from './gateway.ts'

export const NS_FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing'
export const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'

export interface WireOptions {
  readonly identity?: ClientIdentity | null
  /** Of the listener. */
  readonly listener?: number
  /** Another way there, through a proxy for instance. */
  readonly url?: string
  readonly socket?: ClientOptions
}

/** Long enough for a slow machine; a test that waits for something else fails here. */
const patience = 10_000

export class WireClient {
  readonly socket: WebSocket
  /** Resolves with the code of the WebSocket's close. */
  readonly closed: Promise<number>
  readonly #heard: string[] = []
  #waiting: (() => void) | null = null
  #isClosed = false
  jid: string | null = null

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data: Buffer) => {
      this.#heard.push(data.toString())
      this.#waiting?.()
    })
    this.closed = new Promise(resolve => {
      socket.on('close', code => {
        this.#isClosed = true
        this.#waiting?.()
        resolve(code)
      })
    })
    socket.on('error', () => {})
  }

  /** Resolves when the WebSocket is open; rejects with the reason when it does not open. */
  static open(gateway: Gateway, { identity = null, listener = 0, url = gateway.url(listener), socket: options = {} }: WireOptions = {}): Promise<WireClient> {
    const socket = new WebSocket(url, 'xmpp', { ca: gateway.ca, ...identity ?? {}, ...options })
    const client = new WireClient(socket)
    return new Promise((resolve, reject) => {
      socket.once('open', () => { resolve(client) })
      socket.once('error', reject)
    })
  }

  /** Opens, logs in with the certificate and binds. */
  static async login(gateway: Gateway, name: string, { resource = null, ...options }: WireOptions & { readonly resource?: string | null } = {}): Promise<WireClient> {
    const client = await WireClient.open(gateway, { identity: await gateway.identity(name), ...options })
    await client.authenticate()
    await client.bind(resource)
    return client
  }

  send(xml: string | Buffer): void { this.socket.send(xml, { binary: false }) }

  /** The next message as text; rejects when the WebSocket closes or nothing comes. */
  async nextText(): Promise<string> {
    const deadline = Date.now() + patience
    for (;;) {
      const text = this.#heard.shift()
      if (text !== undefined) return text
      if (this.#isClosed) throw new Error('the WebSocket closed while a message was awaited')
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => { reject(new Error('nothing was heard')) }, Math.max(0, deadline - Date.now()))
        this.#waiting = () => { clearTimeout(timer); this.#waiting = null; resolve() }
      })
    }
  }

  async next(): Promise<Element> { return parse(Buffer.from(await this.nextText())) }

  /** Sends `<open/>` and returns the answers: its `<open/>` and the features. */
  async header(to = 'localhost', extra = ''): Promise<{ readonly open: Element, readonly features: Element }> {
    this.send(`<open xmlns='${NS_FRAMING}' to='${to}' version='1.0'${extra}/>`)
    return { open: await this.next(), features: await this.next() }
  }

  async authenticate({ authzid = '=', to = 'localhost' } = {}): Promise<void> {
    await this.header(to)
    this.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>${authzid}</auth>`)
    const answer = await this.next()
    if (answer.local !== 'success') throw new Error(`authentication: ${answer.children.map(({ local, text }) => `${local} ${text}`).join(' ')}`)
  }

  async bind(resource: string | null = null, to = 'localhost'): Promise<string> {
    await this.header(to)
    const wanted = resource === null ? '' : `<resource>${resource}</resource>`
    this.send(`<iq xmlns='jabber:client' type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>${wanted}</bind></iq>`)
    const answer = await this.next()
    const jid = answer.children[0]?.children[0]?.text
    if (answer.attributes.get('type') !== 'result' || jid === undefined) throw new Error('the bind was refused')
    this.jid = jid
    return jid
  }

  /** Says goodbye and waits for the end. */
  async quit(): Promise<void> {
    if (!this.#isClosed) this.send(`<close xmlns='${NS_FRAMING}'/>`)
    await this.closed
  }
}

/** What a stream error said: its condition and its text. */
export function streamErrorIn(element: Element): { readonly condition: string, readonly text: string } | null {
  if (element.local !== 'error' || element.ns !== 'http://etherx.jabber.org/streams') return null
  return { condition: element.children[0]?.local ?? '', text: element.children.find(({ local }) => local === 'text')?.text ?? '' }
}
