/**
 * A client as XEP-0198 wants one: counts what it hears, keeps what it says until it is acknowledged, and comes back by whatever way it likes when its
 * connection has gone. Now and then it goes away by itself, in the middle of a stanza.
 */
import type { Element } from '../../src/xml/element.ts'
import type { Randomness } from '../fuzz/xml-documents.ts'
import type { ConversationClient } from './conversation-client.ts'

export const NS_SM = 'urn:xmpp:sm:3'
const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
const NS_BIND = 'urn:ietf:params:xml:ns:xmpp-bind'
const NS_STREAMS = 'http://etherx.jabber.org/streams'

/** Asks for an acknowledgement after so many stanzas. */
const askAfter = 20

/** One resumption in so many is not waited for. */
const haste = 8

/** So many connections in a row may come to nothing. */
const maxAttempts = 50

/** A way to the gateway. */
export interface Way {
  readonly name: string
  connect(): Promise<ConversationClient>
}

export interface ResumingOptions {
  /** The way to take next; null at first. */
  readonly choose: (before: Way | null) => Way
  readonly random: Randomness
  /** The mean of the stanzas that it hears before it goes away by itself. */
  readonly meanStanzas: number
  readonly hear: (stanza: Element) => void
}

/** The server said what it must not say: coming back does not help. */
class Grievance extends Error {}

export class ResumingClient {
  readonly #options: ResumingOptions
  #line: ConversationClient | null = null
  #jid = ''
  #id = ''
  /** Of the server's stanzas. */
  #handled = 0
  /** Of those that were said. */
  #acknowledged = 0
  #unacknowledged: string[] = []
  #unasked = 0
  #isLeaving = false
  #isCalm = false
  readonly #quiet: (() => void)[] = []
  /** Resumptions, by the way that was lost. */
  readonly resumptions = new Map<string, number>()
  /** Rejects where the server did what it must not do; resolves after `leave`. */
  readonly over: Promise<void>

  private constructor(options: ResumingOptions, bound: () => void) {
    this.#options = options
    this.over = this.#live(bound)
  }

  /** Resolves when it is bound for the first time. */
  static async arrive(options: ResumingOptions): Promise<ResumingClient> {
    return new Promise((resolve, reject) => {
      const client = new ResumingClient(options, () => { resolve(client) })
      client.over.catch(reject)
    })
  }

  get jid(): string { return this.#jid }

  /** Says it now, or as soon as it is back. */
  say(xml: string): void {
    this.#unacknowledged.push(xml)
    this.#line?.send(xml)
    this.#unasked += 1
    if (this.#unasked >= askAfter) this.#ask()
  }

  /** From now on it stays. */
  calm(): void { this.#isCalm = true }

  /** Resolves when all that was said is acknowledged. */
  acknowledged(): Promise<void> {
    if (this.#unacknowledged.length === 0) return Promise.resolve()
    this.#ask()
    return new Promise(resolve => { this.#quiet.push(resolve) })
  }

  async leave(): Promise<void> {
    this.#isLeaving = true
    // XEP-0198 §4: what came is acknowledged before the stream is closed.
    this.#line?.send(this.#answer())
    await this.#line?.close()
    await this.over
  }

  async #live(bound: () => void): Promise<void> {
    let way: Way | null = null
    for (let attempts = 0; attempts < maxAttempts; attempts += 1) {
      const next = this.#options.choose(way)
      let line: ConversationClient | null = null
      try {
        line = await next.connect()
        await this.#enter(line)
        if (way === null) bound()
        else this.resumptions.set(way.name, (this.resumptions.get(way.name) ?? 0) + 1)
        way = next
        attempts = 0
        await this.#listen(line)
      } catch (error) {
        if (error instanceof Grievance) throw error
        line?.break()
      }
      this.#line = null
      if (this.#isLeaving) return
    }
    throw new Grievance('there is no way to the server')
  }

  async #enter(line: ConversationClient): Promise<void> {
    const hear = async (wanted: string): Promise<Element> => {
      const element = await line.next()
      if (element === null) throw new Error('the connection has gone')
      if (element.local !== wanted) throw new Grievance(`<${wanted}/> was expected, and this came: ${written(element)}`)
      return element
    }
    line.open('localhost')
    await hear('features')
    line.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>=</auth>`)
    await hear('success')
    line.restart('localhost')
    await hear('features')
    if (this.#id !== '') {
      line.send(`<resume xmlns='${NS_SM}' previd='${this.#id}' h='${this.#handled}'/>`)
      if (!this.#isCalm && this.#options.random.oneIn(haste)) {
        line.snap(this.#answer())
        throw new Error('gone before it heard whether it was back')
      }
      const { attributes } = await hear('resumed')
      if (attributes.get('previd') !== this.#id) throw new Grievance('another session was resumed')
      this.#acknowledge(attributes)
      this.#line = line
      for (const xml of this.#unacknowledged) line.send(xml)
      this.#ask()
      return
    }
    line.send(`<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='${NS_BIND}'/></iq>`)
    const bound = await hear('iq')
    // Where the connection goes before the answer comes, there is nothing yet to come back to.
    line.send(`<enable xmlns='${NS_SM}' resume='true'/>`)
    const { attributes } = await hear('enabled')
    this.#jid = bound.children[0]?.children[0]?.text ?? ''
    this.#id = attributes.get('id') ?? ''
    this.#line = line
  }

  /** Returns when the connection has gone. */
  async #listen(line: ConversationClient): Promise<void> {
    const { hear, meanStanzas, random } = this.#options
    let patience = 1 + random.below(2 * meanStanzas)
    for (let element = await line.next(); element !== null; element = await line.next()) {
      if (element.ns === NS_STREAMS) throw new Grievance(`a stream error: ${written(element)}`)
      if (element.ns === NS_SM) {
        this.#manage(element, line)
        continue
      }
      this.#handled += 1
      hear(element)
      patience -= 1
      if (patience > 0 || this.#isCalm || this.#isLeaving) continue
      line.snap(`<message xmlns='jabber:client' to='${this.#jid}' id='half'><body>${'This is never said to the end. '.repeat(random.below(100))}</body></message>`)
      return
    }
  }

  #manage({ local, attributes }: Element, line: ConversationClient): void {
    if (local === 'a') this.#acknowledge(attributes)
    else if (local === 'r') line.send(this.#answer())
    else throw new Grievance(`this is no time for <${local}/>`)
  }

  #acknowledge(attributes: ReadonlyMap<string, string>): void {
    const count = Number(attributes.get('h')) - this.#acknowledged
    if (!(count >= 0 && count <= this.#unacknowledged.length)) throw new Grievance(`h='${attributes.get('h')}' after ${this.#acknowledged}, with ${this.#unacknowledged.length} unacknowledged`)
    this.#acknowledged += count
    this.#unacknowledged = this.#unacknowledged.slice(count)
    if (this.#unacknowledged.length > 0) return
    for (const resolve of this.#quiet.splice(0)) resolve()
  }

  #answer(): string { return `<a xmlns='${NS_SM}' h='${this.#handled}'/>` }

  #ask(): void {
    this.#unasked = 0
    this.#line?.send(`<r xmlns='${NS_SM}'/>`)
  }
}

const written = ({ local, attributes, text, children }: Element): string =>
  `<${local}${[...attributes].map(([name, value]) => ` ${name}='${value}'`).join('')}>${text}${children.map(written).join('')}</${local}>`
