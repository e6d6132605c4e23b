/** The limits that a client can run into, by their keys in the configuration: what log events and the metric of limits call them. */

export const limitNames = [
  'limits.max_connections', 'limits.max_connections_per_address', 'limits.max_sessions_per_account', 'limits.max_unread_bytes',
  'limits.max_stanzas_per_second', 'session.max_unacked_stanzas', 'session.max_unacked_bytes',
  'websocket.max_stanza_size', 'websocket.state_timeout',
  'bosh.max_stanza_size', 'bosh.state_timeout', 'bosh.request_timeout', 'bosh.max_hold', 'bosh.max_pause', 'bosh.polling', 'bosh.inactivity',
  'bosh.max_deferred_bytes', 'bosh.max_sessions_per_address', 'bosh.max_sessions_per_certificate',
  'tcp.max_stanza_size', 'tcp.state_timeout',
  'auth.attempts.max_failures', 'auth.attempts.max_failures_per_account', 'auth.attempts.max_failures_per_address',
  // What no key sets: depth, attributes and length of names in XML, and how often one stream may fail to authenticate.
  'xml', 'authentication_failures',
] as const
export type LimitName = (typeof limitNames)[number]

/** What a client ran into: thrown or told as itself, or as the cause of the error that the client hears. */
export class LimitReached extends Error {
  override readonly name = 'LimitReached'
  readonly limit: LimitName

  constructor(limit: LimitName, message: string) {
    super(message)
    this.limit = limit
  }
}

/** The limit that an error is about, for the `limit` of its log event. */
export function limitOf(error: unknown): LimitName | undefined {
  if (error instanceof LimitReached) return error.limit
  return error instanceof Error ? limitOf(error.cause) : undefined
}
