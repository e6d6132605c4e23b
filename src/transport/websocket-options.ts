/** `listen.http.websocket`: the keys and defaults of XMPP over WebSocket (RFC 7395, behaviour/websocket.md). */
import Type from 'typebox'

/** Timers of Node.js overflow beyond 2^31-1 ms and then fire at once; a day is far below and long enough. */
export const aDay = 86_400_000

export const websocketOptions = Type.Object({
  path: Type.String({
    default: '/xmpp-websocket', allowed: 'a path such as "/xmpp-websocket"', description: 'The path of the WebSocket endpoint.',
  }),
  max_stanza_size: Type.Integer({
    default: 262_144, minimum: 10_000, maximum: 16_777_216, unit: 'bytes',
    description: 'The longest message accepted, checked before it is parsed.',
  }),
  ping_rate: Type.Integer({
    default: 30_000, minimum: 0, maximum: aDay, unit: 'ms',
    description: 'Silence after which the client is pinged; one unanswered ping and the connection counts as lost. 0 is off.',
  }),
  state_timeout: Type.Integer({
    default: 10_000, minimum: 1, maximum: aDay, unit: 'ms', description: 'Time that a client has for each step of the negotiation. While it waits for the gateway it is not counted.',
  }),
  compress: Type.Boolean({
    default: false, description: 'Offer `permessage-deflate`. It multiplies the memory that a connection needs.',
  }),
}, { description: 'XMPP over WebSocket.' })

export type WebSocketOptions = Type.Static<typeof websocketOptions>
