/** Stanza errors (RFC 6120 §8.3.3), each condition with the error type that the section assigns to it. */
import type { QName } from '../xml/element.ts'

type StanzaErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait'

export const stanzaConditions = {
  'bad-request': 'modify',
  'conflict': 'cancel',
  'feature-not-implemented': 'cancel',
  'forbidden': 'auth',
  'internal-server-error': 'cancel',
  'item-not-found': 'cancel',
  'jid-malformed': 'modify',
  'not-acceptable': 'modify',
  'not-allowed': 'cancel',
  'not-authorized': 'auth',
  'policy-violation': 'modify',
  'recipient-unavailable': 'wait',
  'remote-server-not-found': 'cancel',
  'resource-constraint': 'wait',
  'service-unavailable': 'cancel',
  'unexpected-request': 'wait',
} as const satisfies Record<string, StanzaErrorType>

export type StanzaCondition = keyof typeof stanzaConditions

/** A stanza could not be handled; the stream lives on. Dispatch turns it into an error reply. */
export class StanzaError extends Error {
  override readonly name = 'StanzaError'
  readonly condition: StanzaCondition
  /** RFC 6120 §8.3.4: an element of a protocol of its own that says more. */
  readonly specific: QName | null
  readonly type: StanzaErrorType

  /** `type`: where a protocol wants another than is usual for the condition. */
  constructor(condition: StanzaCondition, text?: string, { specific, type, ...options }: ErrorOptions & { readonly specific?: QName, readonly type?: StanzaErrorType } = {}) {
    super(text ?? condition, options)
    this.condition = condition
    this.specific = specific ?? null
    this.type = type ?? stanzaConditions[condition]
  }
}
