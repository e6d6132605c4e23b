// A client that says exactly what a test tells it to, over BOSH on real connections: one <body/> after the other, or anything else.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Agent as PlainAgent, type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders, request as plainRequest } from 'node:http'
import { Agent, request as tlsRequest } from 'node:https'
import type { Element } from '../../src/xml/element.ts'
import { parse } from '../../src/xml/parse.ts'
import { escapeValue } from '../../src/xml/write.ts'
import type { ClientIdentity, Gateway } from './gateway.ts'

export const NS_HTTPBIND = 'http://jabber.org/protocol/httpbind'
export const NS_XBOSH = 'urn:xmpp:xbosh'
const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The answer's `<body/>`; throws where it is none. */
  readonly body: Element
}

/** A request that is under way. */
export interface Sent {
  readonly answer: Promise<Answer>
  /** Resolves when the gateway, which is in this process, has read all of the request and done what it does at once. */
  readonly taken: Promise<void>
  /** Cuts the connection. */
  abort(): void
}

export interface ConnectionOptions {
  readonly identity?: ClientIdentity | null
  /** Of the gateway's listeners. */
  readonly listener?: number
  /** Connections at a time. */
  readonly connections?: number
}

export interface HttpRequest {
  readonly method?: string
  readonly path?: string
  /** Null leaves out one that would be there. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>
  readonly content?: string | Uint8Array
}

/** Long enough for a slow machine; a test that waits for something else fails here. */
const patience = 10_000

/** The keep-alive connections of one client to one listener. */
export class HttpConnections {
  readonly #gateway: Gateway
  readonly #listener: number
  readonly #agent: Agent | PlainAgent
  #count = 0

  constructor(gateway: Gateway, { identity = null, listener = 0, connections = Infinity }: ConnectionOptions = {}) {
    this.#gateway = gateway
    this.#listener = listener
    const { secure } = gateway.listening[listener]!
    const shared = { keepAlive: true, maxSockets: connections }
    this.#agent = secure ? new Agent({ ...shared, ca: gateway.ca, servername: 'localhost', ...identity ?? {} }) : new PlainAgent(shared)
  }

  request({ method = 'POST', path, headers = {}, content = '' }: HttpRequest): Sent {
    const { ip, port, secure, boshPath } = this.#gateway.listening[this.#listener]!
    const mark = `${process.pid}-${this.#listener}-${this.#count++}-${Math.random()}`
    const all: Record<string, string | readonly string[] | null> = {
      Host: `localhost:${port}`, 'Content-Type': 'text/xml; charset=utf-8', ...method === 'GET' ? {} : { 'Content-Length': String(Buffer.byteLength(content)) },
      'X-Test': mark, ...headers,
    }
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null)) as OutgoingHttpHeaders
    const taken = whenTaken(mark)
    const sent = (secure ? tlsRequest : plainRequest)({ host: ip, port, method, path: path ?? boshPath ?? '/', headers: given, agent: this.#agent, timeout: patience })
    sent.on('timeout', () => { sent.destroy(new Error('nothing was heard')) })
    const answer = new Promise<Answer>((resolve, reject) => {
      sent.on('error', reject)
      sent.on('response', response => { collect(response).then(resolve, reject) })
    })
    // Whoever is interested awaits it; a test that aborts a request is not.
    answer.catch(() => undefined)
    sent.end(content)
    return { answer, taken, abort: () => { sent.destroy() } }
  }

  /** One request with exactly this body. */
  post(content: string | Uint8Array): Promise<Answer> { return this.request({ content }).answer }

  close(): void { this.#agent.destroy() }
}

async function collect(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  return { status: response.statusCode ?? 0, headers: response.headers, text, get body() { return parse(Buffer.from(text)) } }
}

function whenTaken(mark: string): Promise<void> {
  const channel = 'http.server.request.start'
  return new Promise(resolve => {
    const listener = (message: unknown): void => {
      const { request } = message as { readonly request: IncomingMessage }
      if (request.headers['x-test'] !== mark) return
      unsubscribe(channel, listener)
      // Behind whatever the handler does when the body is there.
      request.once('close', () => { setImmediate(resolve) }).once('end', () => { setImmediate(() => { setImmediate(resolve) }) })
    }
    subscribe(channel, listener)
  })
}

/** Null leaves out an attribute that would be there. */
export type Attributes = Readonly<Record<string, string | null>>

/** A stanza that nothing answers to. */
export const quiet = '<presence xmlns=\'jabber:client\' type=\'unavailable\' to=\'nobody@localhost\'/>'

/** One `<body/>`. */
export function bodyText(attributes: Attributes, content = ''): string {
  const written = Object.entries({ xmlns: NS_HTTPBIND, ...attributes })
    .map(([name, value]) => value === null ? '' : ` ${name}='${escapeValue(value)}'`).join('')
  return content === '' ? `<body${written}/>` : `<body${written}>${content}</body>`
}

export interface SessionOptions extends ConnectionOptions {
  /** Of the session request, beside or instead of the usual ones. */
  readonly attributes?: Attributes
  readonly content?: string
  readonly rid?: number
}

export class BoshClient {
  readonly connections: HttpConnections
  readonly gateway: Gateway
  /** The answer to the session request. */
  readonly creation: Answer
  readonly sid: string
  /** Of the next request. */
  rid: number
  jid = ''

  private constructor(gateway: Gateway, connections: HttpConnections, creation: Answer, rid: number) {
    this.gateway = gateway
    this.connections = connections
    this.creation = creation
    this.sid = creation.status === 200 ? creation.body.attributes.get('sid') ?? '' : ''
    this.rid = rid
  }

  /** Sends a session request. Whether it was granted is for the caller to see. */
  static async open(gateway: Gateway, options: SessionOptions = {}): Promise<BoshClient> {
    const { attributes = {}, content = '', rid = 1_000_000 } = options
    const connections = new HttpConnections(gateway, options)
    const asked = {
      rid: String(rid), to: 'localhost', wait: '60', hold: '1', ver: '1.11', 'xml:lang': 'en', 'xmpp:version': '1.0', 'xmlns:xmpp': NS_XBOSH, ...attributes,
    }
    return new BoshClient(gateway, connections, await connections.post(bodyText(asked, content)), rid + 1)
  }

  /** Opens a session, logs in with the certificate and binds. */
  static async login(gateway: Gateway, name: string, options: SessionOptions & { readonly resource?: string } = {}): Promise<BoshClient> {
    const client = await BoshClient.open(gateway, { identity: await gateway.identity(name), ...options })
    await client.authenticate()
    await client.bind(options.resource)
    return client
  }

  /** The text of the next request. */
  next(content = '', attributes: Attributes = {}): string { return bodyText({ rid: String(this.rid++), sid: this.sid, ...attributes }, content) }

  /** Sends the next request. */
  request(content = '', attributes: Attributes = {}): Sent { return this.connections.request({ content: this.next(content, attributes) }) }

  /** Sends the next request and waits for its answer. */
  send(content = '', attributes: Attributes = {}): Promise<Answer> { return this.request(content, attributes).answer }

  /** Sends the next request, and waits until the gateway holds it. */
  async hold(content = '', attributes: Attributes = {}): Promise<Sent> {
    const sent = this.request(content, attributes)
    await sent.taken
    return sent
  }

  async authenticate(authzid = '='): Promise<void> {
    const { body } = await this.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>${authzid}</auth>`)
    if (body.children[0]?.local !== 'success') throw new Error('the log-in failed')
    await this.restart()
  }

  /** XEP-0206 §5. */
  restart(attributes: Attributes = {}): Promise<Answer> {
    return this.send('', { to: 'localhost', 'xmpp:restart': 'true', 'xmlns:xmpp': NS_XBOSH, ...attributes })
  }

  async bind(resource?: string): Promise<void> {
    const wanted = resource === undefined ? '' : `<resource>${resource}</resource>`
    let { body } = await this.send(`<iq xmlns='jabber:client' type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>${wanted}</bind></iq>`)
    // The account is looked up first. Where no request is held the answer comes with a later one.
    while (body.children.length === 0 && !body.attributes.has('type')) ({ body } = await this.send(quiet))
    this.jid = body.children[0]?.children[0]?.children[0]?.text ?? ''
    if (this.jid === '') throw new Error('the bind was refused')
  }

  close(): void { this.connections.close() }
}
