/** Stream errors (RFC 6120 §4.9.3). */
import type { Markup } from '../xml/write.ts'

export const streamConditions = ['bad-format', 'bad-namespace-prefix', 'conflict', 'connection-timeout', 'host-gone', 'host-unknown',
  'improper-addressing', 'internal-server-error', 'invalid-from', 'invalid-namespace', 'invalid-xml', 'not-authorized',
  'not-well-formed', 'policy-violation', 'remote-connection-failed', 'reset', 'resource-constraint', 'restricted-xml',
  'see-other-host', 'system-shutdown', 'undefined-condition', 'unsupported-encoding', 'unsupported-feature',
  'unsupported-stanza-type', 'unsupported-version'] as const
export type StreamCondition = (typeof streamConditions)[number]

export interface StreamErrorOptions extends ErrorOptions {
  /** The application-specific condition (RFC 6120 §4.9.4). */
  readonly detail?: Markup
}

/** The stream cannot go on. Thrown anywhere below ReceivingStream; caught in exactly one place, `ReceivingStream.fail`. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  readonly condition: StreamCondition
  readonly detail: Markup | null
  constructor(condition: StreamCondition, text?: string, options?: StreamErrorOptions) {
    super(text ?? condition, options)
    this.condition = condition
    this.detail = options?.detail ?? null
  }
}
