/** `listen.c2s`, without its address and TLS files: the keys and defaults of XMPP over TCP (RFC 6120). */
import Type from 'typebox'
import { aDay } from './websocket-options.ts'

export const tcpModes = ['starttls', 'starttls_required', 'tls'] as const
export type TcpMode = (typeof tcpModes)[number]

export const tcpOptions = {
  max_stanza_size: Type.Integer({
    default: 262_144, minimum: 10_000, maximum: 16_777_216, unit: 'bytes',
    description: 'The longest stanza, and the longest stream header, accepted. No more than that is kept before it is complete.',
  }),
  ping_rate: Type.Integer({
    default: 30_000, minimum: 0, maximum: aDay, unit: 'ms',
    description: 'Silence after which white space is sent, so that nothing on the way forgets the connection. 0 is off.',
  }),
  state_timeout: Type.Integer({
    default: 10_000, minimum: 1, maximum: aDay, unit: 'ms', description: 'Time that a client has for each step of the negotiation, TLS among them. While it waits for the gateway it is not counted.',
  }),
}
