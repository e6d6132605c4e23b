// One certification path for tests, with what must come out of it.
import type { RefusalReason } from '../../src/x509/refusal.ts'
import { makeList } from './chain-maker.ts'
import type { Made, MadeList } from './chain-maker.ts'

export type Expected = 'accepted' | RefusalReason
  /** We refuse what openssl accepts. */
  | { readonly reason: RefusalReason, readonly though: string }

export interface Chain {
  readonly what: string
  /** The leaf first. */
  readonly sent: readonly Uint8Array[]
  readonly anchors: readonly Uint8Array[]
  /** Null: none is configured. */
  readonly lists: readonly MadeList[] | null
  readonly expected: Expected
  /** Where the form of RFC 5280 is not insisted on; without it: the same. */
  readonly expectedLenient?: Expected
  /** Milliseconds since the epoch; default: now. */
  readonly now?: number
}

interface Parts extends Partial<Pick<Chain, 'lists' | 'now' | 'expectedLenient'>> {
  readonly sent: readonly (Made | Uint8Array)[]
  readonly anchors: readonly Made[]
  /** Each gets a revocation list that revokes nothing. Default: the anchors. */
  readonly authorities?: readonly Made[]
}

export function chain(what: string, expected: Expected, parts: Parts): Chain {
  const { sent, anchors, authorities = anchors, lists = authorities.map(authority => makeList(authority)), ...rest } = parts
  return { what, expected, sent: sent.map(one => one instanceof Uint8Array ? one : one.der), anchors: anchors.map(({ der }) => der), lists, ...rest }
}

export const though = (reason: RefusalReason, why: string): Expected => ({ reason, though: why })
