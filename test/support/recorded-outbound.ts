// The stream below a session, as far as the session sees it: keeps what it is told, in order.
import type { OutboundStream } from '../../src/stream/stream-services.ts'
import { noChannelBindings } from '../../src/sasl/channel-binding.ts'
import type { ConnectionFacts } from '../../src/stream/transport.ts'
import type { StreamError } from '../../src/xmpp/stream-error.ts'
import type { Principal } from '../../src/auth/credentials.ts'
import type { BareJid } from '../../src/xmpp/jid.ts'
import { domainOf } from '../../src/xmpp/jid.ts'
import { Scanner } from '../../src/xml/scanner.ts'
import { readStanza, type Stanza } from '../../src/xmpp/stanza.ts'

export class RecordedOutbound implements OutboundStream {
  readonly facts: ConnectionFacts = {
    transport: 'websocket', remoteAddress: '192.0.2.1', secure: true, certificate: () => ({ kind: 'none' }), channelBindings: () => noChannelBindings,
  }
  /** Stanzas, `(pause 100)` and `(end conflict)`. */
  readonly sent: string[] = []

  send(wire: Uint8Array): void { this.sent.push(Buffer.from(wire).toString()) }
  say(markup: string): void { this.sent.push(markup) }
  /** A client that reads everything at once. */
  hasRoomFor: (bytes: number) => boolean = () => true
  whenSent: (act: () => void) => void = act => { act() }
  pause(milliseconds: number): void { this.sent.push(`(pause ${milliseconds})`) }
  end(error: StreamError | null): void { this.sent.push(`(end ${error?.condition ?? 'in good order'})`) }
  fail(error: unknown): void { throw error }

  /** What was sent since this was last asked. */
  heard(): readonly string[] { return this.sent.splice(0) }
}

export const principalOf = (account: BareJid): Principal => ({ account, domain: domainOf(account), mechanism: 'EXTERNAL', certificate: null })

/** A stanza as a client sends it. */
export function stanza(xml: string): Stanza {
  const read = readStanza(new Scanner().scan(Buffer.from(xml.replace(/^<\w+/, name => `${name} xmlns='jabber:client'`))))
  if (read === null) throw new Error('no stanza')
  return read
}
