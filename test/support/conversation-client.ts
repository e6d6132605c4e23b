/** What a conversation needs of a connection: the same for WebSocket, BOSH and TCP, so that no script knows what carries it. */
import type { Element } from '../../src/xml/element.ts'
import type { ClientIdentity, Gateway } from './gateway.ts'

export interface ConversationClient {
  /** Sends a stream header; what the server answers to it is not reported. */
  open(to: string): void
  /** The same after authentication (RFC 6120 §4.3.3). */
  restart(to: string): void
  /** Sends one element that declares its own namespaces. */
  send(xml: string): void
  /** The next first-level child of the server's stream; null when the stream and its connection have ended. */
  next(): Promise<Element | null>
  /** Says goodbye and waits until the server has, too. What arrives meanwhile is dropped. */
  close(): Promise<void>
  /** Lets the connection go away without a goodbye. */
  break(): void
  /** Begins to send that, and goes away in the middle of it. */
  snap(xml: string): void
}

export interface ClientAdapter {
  readonly name: string
  /** What meerkat.toml must say of listeners. */
  readonly listener: string
  /** Connects, with that certificate; nothing is sent yet. */
  connect(gateway: Gateway, identity: ClientIdentity): Promise<ConversationClient>
}
