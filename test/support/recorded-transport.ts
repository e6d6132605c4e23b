// A transport without a network: a test says what the peer sends, and reads what the stream sends.
import { streamErrorMarkup } from '../../src/stream/stream-error-markup.ts'
import type { ConnectionFacts, Transport, TransportEvents, Upgrade } from '../../src/stream/transport.ts'
import type { CertificateVerdict } from '../../src/x509/verdict.ts'
import type { Element } from '../../src/xml/element.ts'
import { parse } from '../../src/xml/parse.ts'
import { noChannelBindings } from '../../src/sasl/channel-binding.ts'
import { Scanner } from '../../src/xml/scanner.ts'
import type { Markup } from '../../src/xml/write.ts'
import type { StreamError } from '../../src/xmpp/stream-error.ts'
import type { ResponseHeader, StreamHeader } from '../../src/xmpp/stream-header.ts'

export const stateTimeout = 10_000

export class RecordedTransport implements Transport {
  readonly facts: ConnectionFacts
  readonly stateTimeout = stateTimeout
  readonly limits = { maxBytes: 262_144, idle: 30_000 }
  upgrade: Upgrade | null = null
  readonly headers: ResponseHeader[] = []
  /** How often a new stream was announced. */
  restarts = 0
  /** Everything in order: `(header)`, XML, `(footer)`, `(pause 100)`. */
  readonly sent: string[] = []
  /** Called before something is taken to be sent: to lose the connection just then. */
  onSend: () => void = () => undefined
  readonly #scanner = new Scanner()
  #events: TransportEvents | null = null

  constructor(certificate: () => CertificateVerdict, facts: Partial<ConnectionFacts> = {}) {
    this.facts = { transport: 'websocket', remoteAddress: '192.0.2.1', secure: true, certificate, channelBindings: () => noChannelBindings, ...facts }
  }

  // What the stream calls.

  listen(events: TransportEvents): void { this.#events = events }

  open(header: ResponseHeader): void {
    this.headers.push(header)
    this.sent.push('(header)')
  }

  send(wire: Uint8Array | Markup): void {
    this.onSend()
    this.sent.push(typeof wire === 'string' ? wire : Buffer.from(wire).toString())
  }

  /** A peer that reads everything at once. */
  hasRoomFor: (bytes: number) => boolean = () => true
  whenSent: (act: () => void) => void = act => { act() }

  restart(): void { this.restarts += 1 }

  pause(milliseconds: number): void { this.sent.push(`(pause ${milliseconds})`) }

  close(error: StreamError | null): void {
    if (error !== null) this.send(streamErrorMarkup(error))
    this.sent.push('(footer)')
  }

  // What the peer does.

  get events(): TransportEvents {
    if (this.#events === null) throw new Error('nobody listens')
    return this.#events
  }

  header(header: Partial<StreamHeader> = {}): void {
    this.events.header({ to: 'example.net', from: null, lang: null, version: '1.0', ...header })
  }

  say(xml: string): void { this.events.inbound(this.#scanner.scan(Buffer.from(xml))) }

  /** What was sent since this was last asked. */
  heard(): readonly string[] { return this.sent.splice(0) }

  /** The only element among it; headers and footers do not count. */
  heardOne(): Element {
    const elements = this.heard().filter(text => !text.startsWith('('))
    if (elements.length !== 1) throw new Error(`one element was expected: ${elements.join(' ')}`)
    return parse(Buffer.from(elements[0]!))
  }
}
