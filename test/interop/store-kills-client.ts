// A client that keeps account of what the server has taken over from it, and it from the server (XEP-0198), until the server is killed.
import { WebSocket } from 'ws'
import type { Element } from '../../src/xml/element.ts'
import { parse } from '../../src/xml/parse.ts'
import type { ClientIdentity } from '../support/gateway.ts'

const NS_FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing'
const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
const NS_BIND = 'urn:ietf:params:xml:ns:xmpp-bind'
const NS_SM = 'urn:xmpp:sm:3'

/** The connection has gone while something was waited for. */
export class Gone extends Error {}

const patience = 15_000

/** A promise that a stanza stands for: told when the server has answered for it. */
export interface Promised { handled(): void }

/** What it does with what it hears. */
export interface Ear {
  hear(element: Element): void
  /** It told the server that it has all that it heard so far. */
  taken(): void
}

export class LedgerClient {
  readonly user: string
  /** Resolves when the connection has gone. */
  readonly closed: Promise<void>
  readonly #socket: WebSocket
  readonly #ear: Ear
  readonly #waiting = new Set<(element: Element | null) => void>()
  /** Said, and not answered for. */
  readonly #open: (Promised | null)[] = []
  #acknowledged = 0
  #handled = 0
  #isManaged = false
  #isClosed = false
  #ids = 0
  /** Whether it answers where the server asks what it has. */
  acknowledges = true
  jid = ''

  private constructor(user: string, socket: WebSocket, ear: Ear) {
    this.user = user
    this.#socket = socket
    this.#ear = ear
    socket.on('message', (data: Buffer) => { this.#hear(parse(data)) })
    socket.on('error', () => {})
    this.closed = new Promise(resolve => {
      socket.on('close', () => {
        this.#isClosed = true
        for (const wake of [...this.#waiting]) wake(null)
        resolve()
      })
    })
  }

  static async enter(user: string, { port, ca, identity, ear }: { port: number, ca: string, identity: ClientIdentity, ear: Ear }): Promise<LedgerClient> {
    const client = new LedgerClient(user, new WebSocket(`wss://localhost:${port}/xmpp-websocket`, 'xmpp', { ca, ...identity }), ear)
    await new Promise<void>((resolve, reject) => {
      client.#socket.once('open', resolve)
      client.#socket.once('close', () => { reject(new Gone('no connection')) })
    })
    const open = `<open xmlns='${NS_FRAMING}' to='localhost' version='1.0'/>`
    await client.#asked(open, ({ local }) => local === 'features')
    await client.#asked(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>=</auth>`, ({ local }) => local === 'success')
    await client.#asked(open, ({ local }) => local === 'features')
    const bound = await client.#asked(`<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='${NS_BIND}'/></iq>`, ({ local }) => local === 'iq')
    client.jid = bound.children[0]?.children[0]?.text ?? ''
    if (client.jid === '') throw new Error(`${user} is not bound`)
    await client.#asked(`<enable xmlns='${NS_SM}'/>`, ({ local }) => local === 'enabled')
    client.#isManaged = true
    return client
  }

  get unanswered(): number { return this.#open.length }

  /** One stanza. */
  say(xml: string, promised: Promised | null = null): void {
    this.#open.push(promised)
    this.#send(xml)
  }

  /** "What have you got?" */
  ask(): void { this.#send(`<r xmlns='${NS_SM}'/>`) }

  /** Says what it has. */
  acknowledge(): void {
    this.#send(`<a xmlns='${NS_SM}' h='${this.#handled}'/>`)
    this.#ear.taken()
  }

  /** Resolves with the answer. */
  request(type: 'get' | 'set', payload: string): Promise<Element> {
    const id = this.newId()
    this.say(`<iq xmlns='jabber:client' type='${type}' id='${id}'>${payload}</iq>`)
    return this.until(({ local, attributes }) => local === 'iq' && attributes.get('id') === id)
  }

  newId(): string {
    this.#ids += 1
    return `q${this.#ids}`
  }

  ping(): Promise<Element> { return this.request('get', "<ping xmlns='urn:xmpp:ping'/>") }

  /** Resolves when its own presence comes back (RFC 6121 §4.2.2). */
  async becomeAvailable(): Promise<void> {
    this.say("<presence xmlns='jabber:client'/>")
    await this.until(({ local, attributes }) => local === 'presence' && attributes.get('from') === this.jid)
  }

  /** Resolves when at most so many stanzas are unanswered. */
  async answered(most: number): Promise<void> {
    while (this.#open.length > most) await this.until(({ ns, local }) => ns === NS_SM && local === 'a')
  }

  /** The next element of that kind; rejects with Gone. */
  until(isMeant: (element: Element) => boolean): Promise<Element> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(new Gone(this.user))
        return
      }
      const end = () => { clearTimeout(deadline); this.#waiting.delete(wake) }
      const deadline = setTimeout(() => { end(); reject(new Error(`${this.user} waits in vain`)) }, patience)
      const wake = (element: Element | null): void => {
        if (element !== null && !isMeant(element)) return
        end()
        if (element === null) reject(new Gone(this.user))
        else resolve(element)
      }
      this.#waiting.add(wake)
    })
  }

  /** Says goodbye. */
  async leave(): Promise<void> {
    this.#send(`<close xmlns='${NS_FRAMING}'/>`)
    await this.closed
  }

  destroy(): void { this.#socket.terminate() }

  #asked(xml: string, isMeant: (element: Element) => boolean): Promise<Element> {
    this.#send(xml)
    return this.until(isMeant)
  }

  #send(xml: string): void {
    // What is said to a connection that goes away is lost: that is what all this is about.
    this.#socket.send(xml, () => undefined)
  }

  #hear(element: Element): void {
    const { ns, local, attributes } = element
    if (ns === NS_SM && local === 'a') this.#answered(Number(attributes.get('h')))
    else if (ns === NS_SM && local === 'r') {
      if (this.acknowledges) this.acknowledge()
    } else if (ns === 'jabber:client' && this.#isManaged) {
      this.#handled += 1
      this.#ear.hear(element)
    }
    for (const wake of [...this.#waiting]) wake(element)
  }

  #answered(h: number): void {
    const count = h - this.#acknowledged
    if (!(count >= 0 && count <= this.#open.length)) throw new Error(`h='${h}' after ${this.#acknowledged}, with ${this.#open.length} unanswered`)
    this.#acknowledged = h
    for (const promised of this.#open.splice(0, count)) promised?.handled()
  }
}
