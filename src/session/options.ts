/** `[limits]` and `[session]`: what one client, one account and one address may take, and the policy for resource conflicts. */
import Type from 'typebox'

export const limitsOptions = Type.Object({
  max_connections: Type.Integer({
    default: 20_000, minimum: 1, maximum: 1_000_000, unit: 'connections', description: 'Connections at a time, of all listeners together.',
  }),
  max_connections_per_address: Type.Integer({
    default: 5_000, minimum: 1, maximum: 1_000_000, unit: 'connections',
    description: 'Connections at a time from one IP address. Many people can share one address.',
  }),
  max_sessions_per_account: Type.Integer({
    default: 50, minimum: 1, maximum: 10_000, unit: 'sessions', description: 'Bound resources of one account.',
  }),
  max_unread_bytes: Type.Integer({
    default: 1_048_576, minimum: 10_000, maximum: 1_073_741_824, unit: 'bytes',
    description: 'Output that a client may leave unread. With more it has two seconds to catch up; with twice as much it is disconnected at once.',
  }),
  max_stanzas_per_second: Type.Integer({
    default: 0, minimum: 0, maximum: 1_000_000, unit: 'stanzas per second',
    description: 'Stanzas, and elements of stream management, that a session may send in the long run. 0 is no limit.',
  }),
  max_stanza_burst: Type.Integer({
    default: 100, minimum: 1, maximum: 1_000_000, unit: 'stanzas',
    description: 'Stanzas that a session may send at once before `max_stanzas_per_second` slows it down.',
  }),
  shutdown_timeout: Type.Integer({
    default: 5_000, minimum: 0, maximum: 600_000, unit: 'ms',
    description: 'Time that clients get to acknowledge what they were sent, and to say goodbye, when the gateway stops.',
  }),
}, { description: 'What one client, one account, one address and all of them together may take.' })

export const resourceConflictPolicies = ['close_old', 'close_new', 'rename'] as const

export const sessionOptions = Type.Object({
  resource_conflict: Type.Enum(resourceConflictPolicies, {
    default: 'close_old',
    description: 'When a client asks for a resource that is in use (RFC 6120 §7.7.2.2): end the old session, refuse the new one, '
      + 'or give the new one another resource.',
  }),
  resume_timeout: Type.Integer({
    default: 300, minimum: 0, maximum: 3_600, unit: 's',
    description: 'How long a session that lost its connection waits for its client to take it up again (XEP-0198). With 0 none does.',
  }),
  max_unacked_stanzas: Type.Integer({
    default: 1_000, minimum: 10, maximum: 1_000_000, unit: 'stanzas',
    description: 'Stanzas that may wait for a client that uses XEP-0198 to acknowledge them. With more its session ends.',
  }),
  max_unacked_bytes: Type.Optional(Type.Integer({
    minimum: 10_000, maximum: 1_073_741_824, unit: 'bytes',
    description: 'Bytes of those stanzas, and at most `limits.max_unread_bytes`, which it is without this key: they are sent again all at once.',
  })),
  hold_presence: Type.Boolean({
    default: true,
    description: 'Let clients say that they are in the background, and hold presence back from them while they are (XEP-0352).',
  }),
  location: Type.Optional(Type.String({
    minLength: 1, maxLength: 300,
    description: 'Where clients over TCP are to come back to, as `"host:port"` (XEP-0198 §3). Without this key they are told nothing.',
  })),
  see_other_uri: Type.Optional(Type.String({
    minLength: 1, maxLength: 300,
    description: 'Where WebSocket clients may go when the gateway stops (`see-other-uri`, RFC 7395 §3.6.1): a `wss` or `https` URI.',
  })),
  see_other_host: Type.Optional(Type.String({
    minLength: 1, maxLength: 300,
    description: 'Where TCP clients may go when the gateway stops (`see-other-host`, RFC 6120 §4.9.3.19), as `"host"` or `"host:port"`.',
  })),
}, { description: 'What becomes of sessions.' })

export type LimitsOptions = Type.Static<typeof limitsOptions>
export type SessionOptions = Type.Static<typeof sessionOptions>
export type ResourceConflictPolicy = SessionOptions['resource_conflict']
