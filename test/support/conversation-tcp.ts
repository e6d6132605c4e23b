/** Conversations over TCP (RFC 6120), by way of STARTTLS. */
import type { Element } from '../../src/xml/element.ts'
import type { ClientAdapter, ConversationClient } from './conversation-client.ts'
import { footer, streamHeader, TcpClient } from './tcp-client.ts'

class TcpConversation implements ConversationClient {
  readonly #client: TcpClient
  #saidGoodbye = false

  constructor(client: TcpClient) { this.#client = client }

  open(to: string): void { this.#client.send(streamHeader(to)) }

  restart(to: string): void {
    this.#client.restart()
    this.open(to)
  }

  send(xml: string): void { this.#client.send(xml) }

  async next(): Promise<Element | null> {
    const heard = await this.#client.next()
    if (heard.kind === 'element') return heard.element
    if (heard.kind === 'header') return this.next()
    // RFC 6120 §4.4: a goodbye is answered with one.
    this.#sayGoodbye()
    await this.#client.ended
    return null
  }

  async close(): Promise<void> {
    this.#sayGoodbye()
    await this.#client.ended
  }

  break(): void { this.#client.destroy() }

  snap(xml: string): void { this.#client.socket.write(xml.slice(0, xml.length / 2), () => { this.#client.destroy() }) }

  #sayGoodbye(): void {
    if (!this.#saidGoodbye) this.#client.send(footer)
    this.#saidGoodbye = true
  }
}

export const overTcp: ClientAdapter = {
  name: 'TCP',
  listener: `
[[listen.c2s]]
port = 0
tls.mode = "starttls_required"
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.cacertfile = "certs/ca.crt"
`,
  async connect(gateway, identity) {
    const client = await TcpClient.connect(gateway.port())
    await client.startTls({ ca: gateway.ca, ...identity })
    return new TcpConversation(client)
  },
}
