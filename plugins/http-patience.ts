/** How long a client may take to say what it wants: RFC 6120 §13.12's denial of service begins before the first stanza. Milliseconds. */

export interface HttpPatience {
  /** For the TLS handshake. */
  readonly handshake: number
  /** For one whole request, and from the connection to the first one; Node's own default for the latter is a minute. */
  readonly request: number
  /** How often it is looked which requests are overdue. */
  readonly interval: number
}

export const httpPatience: HttpPatience = { handshake: 10_000, request: 30_000, interval: 5_000 }

/** Node's options for it, apart from `requestTimeout`, which Fastify sets by itself. */
export const requestTimeouts = ({ request, interval }: HttpPatience) =>
  ({ headersTimeout: request, requestTimeout: request, connectionsCheckingInterval: interval })
