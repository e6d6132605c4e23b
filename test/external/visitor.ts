// Somebody who opens a stream with some certificate or none, by WebSocket or BOSH, and says what a test tells it to.
import type { LookupFunction } from 'node:net'
import type { ClientOptions } from 'ws'
import type { Element } from '../../src/xml/element.ts'
import { BoshClient } from '../support/bosh-client.ts'
import type { TestCertificate } from '../support/certificates.ts'
import type { ClientIdentity, Gateway } from '../support/gateway.ts'
import { NS_SASL, WireClient } from '../support/wire-client.ts'

export interface Visitor {
  /** The mechanisms of the stream's features. */
  readonly offered: readonly string[]
  /** Says something, and hears what comes next. */
  ask(xml: string): Promise<Element>
  /** After success: a new stream, a resource; resolves with the full JID. */
  bind(): Promise<string>
  leave(): Promise<void>
}

export interface VisitOptions {
  readonly identity: ClientIdentity | null
  /** Of the gateway's listeners. */
  readonly listener?: number
}

export interface Carrier {
  readonly name: string
  /** Opens a stream to localhost. Rejects where the connection is not let in. */
  visit(gateway: Gateway, options: VisitOptions): Promise<Visitor>
}

const mechanismsIn = (features: Element | undefined): readonly string[] =>
  features?.children.find(({ local }) => local === 'mechanisms')?.children.map(({ text }) => text) ?? []

/** Listeners of one port differ in their addresses; `ws` hands every option on to TLS. */
function at(address: string): ClientOptions {
  const lookup: LookupFunction = (_host, options, done) => {
    if (options.all === true) done(null, [{ address, family: 4 }])
    else done(null, address, 4)
  }
  return { lookup } as ClientOptions
}

const webSocket: Carrier = {
  name: 'WebSocket',
  async visit(gateway, { identity, listener = 0 }) {
    const client = await WireClient.open(gateway, { identity, listener, socket: at(gateway.listening[listener]!.ip) })
    const { features } = await client.header()
    return {
      offered: mechanismsIn(features),
      ask: xml => {
        client.send(xml)
        return client.next()
      },
      bind: () => client.bind(),
      leave: () => client.quit(),
    }
  },
}

const bosh: Carrier = {
  name: 'BOSH',
  async visit(gateway, options) {
    const client = await BoshClient.open(gateway, options)
    return {
      offered: mechanismsIn(client.creation.body.children.find(({ local }) => local === 'features')),
      async ask(xml) {
        const { body, text } = await client.send(xml)
        const [element, ...others] = body.children
        if (element === undefined || others.length > 0) throw new Error(`one element was expected: ${text}`)
        return element
      },
      async bind() {
        await client.restart()
        await client.bind()
        return client.jid
      },
      async leave() {
        await client.send('', { type: 'terminate' })
        client.close()
      },
    }
  },
}

export const carriers: readonly Carrier[] = [webSocket, bosh]

export const identityOf = ({ certificatePem, privateKeyPem }: TestCertificate): ClientIdentity => ({ cert: certificatePem, key: privateKeyPem })

export const base64 = (text: string | Uint8Array): string => Buffer.from(text).toString('base64')

/** `data` as it stands in the element: base64, `=` or nothing. */
export const auth = (data: string, mechanism = 'EXTERNAL'): string => `<auth xmlns='${NS_SASL}' mechanism='${mechanism}'>${data}</auth>`
export const response = (data: string): string => `<response xmlns='${NS_SASL}'>${data}</response>`
export const abort = `<abort xmlns='${NS_SASL}'/>`

/** How a client may say whom it wants to be: in words for the test, and what it sends. An empty challenge is answered with `answer`. */
export interface Saying { readonly name: string, readonly initial: string, readonly answer?: string }

/** `success`, or the condition of the failure. */
export async function outcomeOf(visitor: Visitor, { initial, answer = '' }: Saying): Promise<string> {
  let heard = await visitor.ask(auth(initial))
  if (heard.local === 'challenge' && heard.text === '') heard = await visitor.ask(response(answer))
  return heard.local === 'success' ? 'success' : heard.children[0]?.local ?? heard.local
}

/** Logs in whether EXTERNAL is offered or not. The bare JID that was bound, or the condition. */
export async function logIn(visitor: Visitor, saying: Saying): Promise<string> {
  const outcome = await outcomeOf(visitor, saying)
  return outcome === 'success' ? (await visitor.bind()).replace(/\/.*/, '') : outcome
}
