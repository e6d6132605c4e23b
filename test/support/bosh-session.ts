/**
 * A client of BOSH as XEP-0124 wants one: never more requests than the session allows, every lost one repeated, responses
 * processed in the order of the requests (§14.2), whatever happens to the connections below.
 */
import { Agent as PlainAgent, type ClientRequest, request as plainRequest } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import type { Element } from '../../src/xml/element.ts'
import { parse } from '../../src/xml/parse.ts'
import { escapeValue } from '../../src/xml/write.ts'
import type { ClientIdentity } from './gateway.ts'

const NS_HTTPBIND = 'http://jabber.org/protocol/httpbind'

/** How long a test waits for what should come, in milliseconds. */
const patience = 10_000

/** A body stays far below what the gateway takes. */
const maxPayloadLength = 60_000

export interface BoshSessionOptions {
  readonly url: string
  readonly ca: string
  readonly identity: ClientIdentity | null
  /** Seconds. */
  readonly wait?: number
  readonly hold?: number
  /** How often one request is sent again before the client gives up. */
  readonly maxRepeats?: number
  /** Of every request, beside the usual ones. */
  readonly headers?: Readonly<Record<string, string>>
}

/** What goes into one body. Only those without attributes may share one. */
interface Outgoing { readonly attributes: string, readonly payload: string }

export class BoshSession {
  readonly #url: string
  readonly #agent: PlainAgent
  readonly #headers: Readonly<Record<string, string>>
  readonly #wait: number
  readonly #hold: number
  readonly #maxRepeats: number
  readonly #outgoing: Outgoing[] = []
  readonly #heard: Element[] = []
  /** Responses to later requests than the one whose turn it is, by rid. */
  readonly #early = new Map<number, Element>()
  #rid = 1_000_000
  /** The request whose response is to be processed next. */
  #turn = this.#rid
  #sid: string | null = null
  #requests = 1
  #isOver = false
  #failure: Error | null = null
  readonly #waiting: (() => void)[] = []
  /** Requests that were sent again because no answer came. */
  repeats = 0
  /** The condition of the terminate body; null without one. */
  condition: string | null = null

  constructor({ url, ca, identity, wait = 60, hold = 1, maxRepeats = 500, headers = {} }: BoshSessionOptions) {
    this.#url = url
    this.#agent = url.startsWith('https:') ? new Agent({ keepAlive: true, ca, ...identity ?? {} }) : new PlainAgent({ keepAlive: true })
    this.#headers = headers
    this.#wait = wait
    this.#hold = hold
    this.#maxRepeats = maxRepeats
  }

  /** The session request (§7.1). */
  open(to: string): void {
    this.#post({
      attributes: ` to='${escapeValue(to)}' wait='${this.#wait}' hold='${this.#hold}' ver='1.11' xml:lang='en' xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh'`,
      payload: '',
    })
  }

  /** XEP-0206 §5. */
  restart(to: string): void {
    this.#enqueue({ attributes: ` to='${escapeValue(to)}' xmpp:restart='true' xmlns:xmpp='urn:xmpp:xbosh'`, payload: '' })
  }

  send(xml: string): void { this.#enqueue({ attributes: '', payload: xml }) }

  /** Ends the session (§13), once everything before was sent. */
  terminate(): void { this.#enqueue({ attributes: " type='terminate'", payload: '' }) }

  /** Asks the server to wait a second for this client (§10), and never comes back. */
  fallSilent(): void {
    if (!this.#isOver && this.#sid !== null) this.#post({ attributes: " pause='1'", payload: '' }, () => { this.#finish() })
    this.#isOver = true
  }

  /** Goes away in the middle of a request, without a word. */
  abandon(xml: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#wake()
    const body = this.#body(this.#rid, { attributes: '', payload: xml })
    const request = this.#request(body)
    request.on('error', () => undefined)
    request.on('close', () => { this.#agent.destroy() })
    request.write(body.subarray(0, body.length / 2), () => { request.destroy() })
  }

  /** The next first-level child of the stream; null when the session is over. */
  async next(): Promise<Element | null> {
    const deadline = Date.now() + patience
    for (;;) {
      const element = this.#heard.shift()
      if (element !== undefined) return element
      if (this.#failure !== null) throw this.#failure
      if (this.#isOver) return null
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => { reject(new Error('nothing was heard')) }, Math.max(0, deadline - Date.now()))
        this.#waiting.push(() => { clearTimeout(timer); resolve() })
      })
    }
  }

  /** Resolves when the session is over; what arrives meanwhile is dropped. */
  async ended(): Promise<void> {
    while (await this.next() !== null);
  }

  #enqueue(outgoing: Outgoing): void {
    this.#outgoing.push(outgoing)
    this.#pump()
  }

  /** Sends what there is to send, and keeps one request for the server to answer. */
  #pump(): void {
    if (this.#sid === null) return
    while (!this.#isOver) {
      const underWay = this.#rid - this.#turn
      const [first] = this.#outgoing
      // §11: one request more than usual, if it ends the session.
      const allowed = first?.attributes.includes('terminate') === true ? this.#requests + 1 : this.#requests
      if (underWay >= allowed || (first === undefined && underWay > 0)) return
      this.#post(this.#nextOutgoing())
    }
  }

  #nextOutgoing(): Outgoing {
    const first = this.#outgoing.shift() ?? { attributes: '', payload: '' }
    if (first.attributes !== '') return first
    let { payload } = first
    while (this.#outgoing[0]?.attributes === '' && payload.length < maxPayloadLength) payload += this.#outgoing.shift()?.payload ?? ''
    return { attributes: '', payload }
  }

  /** Sends a request, again and again until there is an answer. */
  #post(outgoing: Outgoing, answered?: () => void): void {
    const rid = this.#rid
    this.#rid += 1
    const body = this.#body(rid, outgoing)
    const attempt = async (left: number): Promise<Element> => {
      try {
        const answer = await this.#exchange(body)
        // §17.3: a recoverable error wants the request again.
        if (answer.attributes.get('type') !== 'error') return answer
      } catch (error) {
        if (left === 0 || this.#failure !== null || this.#isOver) throw error
      }
      this.repeats += 1
      return attempt(left - 1)
    }
    attempt(this.#maxRepeats).then(answered ?? (response => { this.#take(rid, response) }), (error: unknown) => {
      if (!this.#isOver) this.#failure = error as Error
      this.#finish()
    })
  }

  #body(rid: number, { attributes, payload }: Outgoing): Buffer {
    const sid = this.#sid === null ? '' : ` sid='${this.#sid}'`
    return Buffer.from(`<body xmlns='${NS_HTTPBIND}' rid='${rid}'${sid}${attributes}>${payload}</body>`)
  }

  #request(body: Buffer): ClientRequest {
    const headers = { 'content-type': 'text/xml; charset=utf-8', 'content-length': body.length, ...this.#headers }
    return (this.#url.startsWith('https:') ? httpsRequest : plainRequest)(this.#url, { method: 'POST', agent: this.#agent, headers })
  }

  #exchange(body: Buffer): Promise<Element> {
    return new Promise((resolve, reject) => {
      const request = this.#request(body)
      request.on('error', reject)
      request.on('response', response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => { chunks.push(chunk) })
        // A response that was cut short is an error, and no end.
        response.on('error', reject)
        response.on('end', () => {
          if (response.statusCode === 200) resolve(parse(Buffer.concat(chunks)))
          else reject(new Error(`HTTP ${response.statusCode}`))
        })
      })
      request.end(body)
    })
  }

  #take(rid: number, response: Element): void {
    this.#early.set(rid, response)
    for (let next = this.#early.get(this.#turn); next !== undefined && !this.#isOver; next = this.#early.get(this.#turn)) {
      this.#early.delete(this.#turn)
      this.#turn += 1
      this.#process(next)
    }
    this.#wake()
    this.#pump()
  }

  #process({ attributes, children }: Element): void {
    const sid = attributes.get('sid')
    if (sid !== undefined) {
      this.#sid = sid
      this.#requests = Number(attributes.get('requests'))
    }
    this.#heard.push(...children)
    if (attributes.get('type') !== 'terminate') return
    this.condition = attributes.get('condition') ?? null
    this.#finish()
  }

  #finish(): void {
    this.#isOver = true
    this.#agent.destroy()
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}
