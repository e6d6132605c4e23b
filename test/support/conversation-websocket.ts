/** Conversations over WebSocket (RFC 7395). */
import type { Socket } from 'node:net'
import type { Element } from '../../src/xml/element.ts'
import type { ClientAdapter, ConversationClient } from './conversation-client.ts'
import { textFrame } from './raw-websocket.ts'
import { NS_FRAMING, WireClient } from './wire-client.ts'

export class WebSocketConversation implements ConversationClient {
  readonly #client: WireClient
  #saidGoodbye = false

  constructor(client: WireClient) { this.#client = client }

  open(to: string): void { this.#client.send(`<open xmlns='${NS_FRAMING}' to='${to}' version='1.0'/>`) }

  restart(to: string): void { this.open(to) }

  send(xml: string): void { this.#client.send(xml) }

  async next(): Promise<Element | null> {
    const element = await this.#client.next()
    if (element.ns !== NS_FRAMING) return element
    if (element.local === 'open') return this.next()
    // RFC 7395 §3.6: a goodbye is answered with one.
    this.#sayGoodbye()
    await this.#client.closed
    return null
  }

  async close(): Promise<void> {
    this.#sayGoodbye()
    await this.#client.closed
  }

  break(): void { this.#client.socket.terminate() }

  snap(xml: string): void {
    const { _socket: wire } = this.#client.socket as unknown as { readonly _socket: Socket }
    const whole = textFrame(xml)
    wire.write(whole.subarray(0, whole.length / 2), () => { this.break() })
  }

  #sayGoodbye(): void {
    if (!this.#saidGoodbye) this.#client.send(`<close xmlns='${NS_FRAMING}'/>`)
    this.#saidGoodbye = true
  }
}

export const overWebSocket: ClientAdapter = {
  name: 'WebSocket',
  listener: `
[[listen.http]]
port = 0
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.cacertfile = "certs/ca.crt"
`,
  async connect(gateway, identity) { return new WebSocketConversation(await WireClient.open(gateway, { identity })) },
}
