// BOSH by any way to a gateway: through a proxy, over a Unix socket, with whatever headers; several users may share one connection.
import { Agent as PlainAgent, request as plainRequest } from 'node:http'
import { Agent, request as tlsRequest } from 'node:https'
import { parse } from '../../src/xml/parse.ts'
import { type Attributes, bodyText, NS_XBOSH } from './bosh-client.ts'
import type { ClientIdentity } from './gateway.ts'
import { NS_SASL } from './wire-client.ts'

export interface Way {
  /** `http://host:port` or `https://…`. */
  readonly origin: string
  /** In the place of the origin's host and port. */
  readonly socketPath?: string
  readonly ca?: string
  readonly identity?: ClientIdentity | null
  /** Connections at a time. */
  readonly connections?: number
}

export type Headers = Readonly<Record<string, string | readonly string[]>>

const patience = 10_000

/** The connections of whoever goes this way. */
export class Connections {
  readonly #way: Way
  readonly #agent: PlainAgent

  constructor(way: Way) {
    this.#way = way
    const shared = { keepAlive: true, maxSockets: way.connections ?? Infinity }
    this.#agent = way.origin.startsWith('https:') ? new Agent({ ...shared, ca: way.ca, servername: 'localhost', ...way.identity ?? {} }) : new PlainAgent(shared)
  }

  async request(path: string, { method = 'GET', headers = {}, content = '' }: { readonly method?: string, readonly headers?: Headers, readonly content?: string } = {}) {
    const { origin, socketPath } = this.#way
    const { protocol, hostname, port, host } = new URL(origin)
    const options = { ...socketPath === undefined ? { host: hostname, port } : { socketPath }, method, path, agent: this.#agent, timeout: patience,
      headers: { Host: host, ...content === '' ? {} : { 'Content-Length': String(Buffer.byteLength(content)) }, ...headers } as Record<string, string> }
    return new Promise<{ readonly status: number, readonly text: string, readonly connection: string | undefined }>((resolve, reject) => {
      const sent = (protocol === 'https:' ? tlsRequest : plainRequest)(options, response => {
        const chunks: Buffer[] = []
        response.on('data', chunk => { chunks.push(chunk as Buffer) })
        response.on('end', () => { resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString(), connection: response.headers.connection }) })
        response.on('error', reject)
      })
      sent.on('error', reject)
      sent.on('timeout', () => { sent.destroy(new Error('nothing was heard')) })
      sent.end(content)
    })
  }

  close(): void { this.#agent.destroy() }
}

/** One session of one user. */
export class BoshWay {
  readonly #connections: Connections
  readonly #headers: Headers
  sid = ''
  #rid = 1_000_000
  jid = ''
  /** The mechanisms that were offered. */
  offered: readonly string[] = []

  constructor(connections: Connections, headers: Headers = {}) {
    this.#connections = connections
    this.#headers = headers
  }

  /** The answer to the next request; `headers` in the place of this user's own. */
  async send(content = '', attributes: Attributes = {}, headers = this.#headers) {
    const body = bodyText({ rid: String(this.#rid++), sid: this.sid === '' ? null : this.sid, ...attributes }, content)
    const { status, text } = await this.#connections.request('/http-bind', { method: 'POST', headers: { 'Content-Type': 'text/xml; charset=utf-8', ...headers }, content: body })
    if (status !== 200) throw new Error(`${status} ${text}`)
    return parse(Buffer.from(text))
  }

  async open(): Promise<void> {
    const body = await this.send('', { to: 'localhost', wait: '5', hold: '1', ver: '1.11', 'xmpp:version': '1.0', 'xmlns:xmpp': NS_XBOSH })
    this.sid = body.attributes.get('sid') ?? ''
    const features = body.children.find(({ local }) => local === 'features')
    this.offered = features?.children.find(({ local }) => local === 'mechanisms')?.children.map(({ text }) => text) ?? []
  }

  /** `success`, or the condition of the failure. */
  async authenticate(authzid = '='): Promise<string> {
    const [answer] = (await this.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>${authzid}</auth>`)).children
    return answer?.local === 'success' ? 'success' : answer?.children[0]?.local ?? 'nothing'
  }

  async login(): Promise<string> {
    await this.open()
    const outcome = await this.authenticate()
    if (outcome !== 'success') throw new Error(outcome)
    await this.send('', { to: 'localhost', 'xmpp:restart': 'true', 'xmlns:xmpp': NS_XBOSH })
    let body = await this.send('<iq xmlns=\'jabber:client\' type=\'set\' id=\'bind\'><bind xmlns=\'urn:ietf:params:xml:ns:xmpp-bind\'/></iq>')
    // The account is looked up first, and a response may go before it is found.
    while (body.children.length === 0 && !body.attributes.has('type')) body = await this.send()
    this.jid = body.children[0]?.children[0]?.children[0]?.text ?? ''
    if (this.jid === '') throw new Error('the bind was refused')
    return this.jid
  }

  async leave(): Promise<void> { await this.send('', { type: 'terminate' }) }
}
