/** Conversations over BOSH (XEP-0124, XEP-0206). */
import type { Element } from '../../src/xml/element.ts'
import { parse } from '../../src/xml/parse.ts'
import { NS_STREAM_ERRORS, NS_STREAMS } from '../../src/xmpp/namespaces.ts'
import { BoshSession } from './bosh-session.ts'
import type { ClientAdapter, ConversationClient } from './conversation-client.ts'
import type { ClientIdentity, Gateway } from './gateway.ts'

/** XEP-0124 §17.2: conditions of BOSH that are what streams call a stream error, and come without one. */
const streamErrors: ReadonlySet<string> = new Set(['host-gone', 'host-unknown', 'improper-addressing', 'internal-server-error', 'policy-violation',
  'system-shutdown'])

export class BoshConversation implements ConversationClient {
  readonly #session: BoshSession
  #heardError = false

  constructor(session: BoshSession) { this.#session = session }

  open(to: string): void { this.#session.open(to) }

  restart(to: string): void { this.#session.restart(to) }

  send(xml: string): void { this.#session.send(xml) }

  async next(): Promise<Element | null> {
    const element = await this.#session.next()
    if (element !== null) {
      this.#heardError ||= element.ns === NS_STREAMS && element.local === 'error'
      return element
    }
    const { condition } = this.#session
    if (this.#heardError || condition === null || !streamErrors.has(condition)) return null
    this.#heardError = true
    return parse(Buffer.from(`<stream:error xmlns:stream='${NS_STREAMS}'><${condition} xmlns='${NS_STREAM_ERRORS}'/></stream:error>`))
  }

  async close(): Promise<void> {
    this.#session.terminate()
    await this.#session.ended()
  }

  /** Connections come and go without anybody noticing; what breaks is the session, when its client does not come back. */
  break(): void { this.#session.fallSilent() }

  snap(xml: string): void { this.#session.abandon(xml) }
}

/** `maxRepeats`: how often a request whose connection broke is sent again before the client takes its session for lost. */
export const boshConversation = (gateway: Gateway, identity: ClientIdentity, maxRepeats?: number): ConversationClient =>
  new BoshConversation(new BoshSession({ url: gateway.boshUrl(), ca: gateway.ca, identity, ...maxRepeats === undefined ? {} : { maxRepeats } }))

export const overBosh: ClientAdapter = {
  name: 'BOSH',
  listener: `
[[listen.http]]
port = 0
websocket = false
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.cacertfile = "certs/ca.crt"
`,
  async connect(gateway, identity) {
    return boshConversation(gateway, identity)
  },
}
