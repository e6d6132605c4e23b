/** The attributes of the start tag being read, as spans (XML 1.0 §3.1, Namespaces in XML 1.0 §6.3). Reused from tag to tag. */
import type { NamespaceScope } from './namespace-scope.ts'
import { isAt, isSame, signatureOf } from './span.ts'
import { XmlError } from './xml-error.ts'

/** Numbers that one attribute takes in a list of spans, and their order. */
export const ATTRIBUTE_STRIDE = 8
/** Offset of the name. */
export const NAME_AT = 0
/** Offset of the colon in the name, or -1. */
export const COLON_AT = 1
export const NAME_END_AT = 2
export const VALUE_AT = 3
export const VALUE_END_AT = 4
/** `COOKED` and `WIDE` of character-data.ts. */
export const FLAGS_AT = 5
/** `ORDINARY`, `DECLARATION`, or the binding of the prefix + `PREFIXED`. */
export const KIND_AT = 6
const SIGNATURE_AT = 7

export const DECLARATION = 0
export const ORDINARY = 1
/** Bindings start at -2 (namespace-scope.ts), so kinds of prefixed attributes start at 2. */
export const PREFIXED = 4

export class AttributeList {
  readonly spans: number[] = []
  count = 0

  add(start: number, colon: number, end: number, valueStart: number, valueEnd: number, flags: number): void {
    const spans = this.spans
    const at = this.count++ * ATTRIBUTE_STRIDE
    spans[at + NAME_AT] = start
    spans[at + COLON_AT] = colon
    spans[at + NAME_END_AT] = end
    spans[at + VALUE_AT] = valueStart
    spans[at + VALUE_END_AT] = valueEnd
    spans[at + FLAGS_AT] = flags
    spans[at + KIND_AT] = ORDINARY
    spans[at + SIGNATURE_AT] = 0
  }

  copy(): readonly number[] {
    return this.spans.slice(0, this.count * ATTRIBUTE_STRIDE)
  }

  /** The start tag is complete: declarations take effect, then prefixes are resolved and no name may stand twice. */
  settle(bytes: Uint8Array, scope: NamespaceScope): void {
    const { spans } = this
    const total = this.count * ATTRIBUTE_STRIDE
    for (let at = 0; at < total; at += ATTRIBUTE_STRIDE) {
      const start = spans[at] as number
      const colon = spans[at + COLON_AT] as number
      const end = spans[at + NAME_END_AT] as number
      const isDefault = colon < 0
      if (!isAt(bytes, start, isDefault ? end : colon, 'xmlns')) continue
      scope.declare(isDefault ? end : colon + 1, end, spans[at + VALUE_AT] as number, spans[at + VALUE_END_AT] as number,
        spans[at + FLAGS_AT] as number)
      spans[at + KIND_AT] = DECLARATION
    }
    let seen = 0
    for (let at = 0; at < total; at += ATTRIBUTE_STRIDE) {
      const colon = spans[at + COLON_AT] as number
      const end = spans[at + NAME_END_AT] as number
      const local = colon < 0 ? spans[at] as number : colon + 1
      if (colon >= 0 && spans[at + KIND_AT] !== DECLARATION) spans[at + KIND_AT] = scope.resolve(spans[at] as number, colon) + PREFIXED
      const signature = signatureOf(bytes, local, end)
      spans[at + SIGNATURE_AT] = signature
      const bit = 1 << (signature ^ signature >> 16 ^ signature >> 24)
      if ((seen & bit) !== 0) this.#refuseDuplicate(bytes, scope, at)
      seen |= bit
    }
  }

  #refuseDuplicate(bytes: Uint8Array, scope: NamespaceScope, at: number): void {
    const { spans } = this
    const end = spans[at + NAME_END_AT] as number
    const colon = spans[at + COLON_AT] as number
    const kind = spans[at + KIND_AT] as number
    const local = colon < 0 ? spans[at] as number : colon + 1
    for (let other = 0; other < at; other += ATTRIBUTE_STRIDE) {
      if (spans[other + SIGNATURE_AT] !== spans[at + SIGNATURE_AT]) continue
      const otherColon = spans[other + COLON_AT] as number
      // A name without prefix is in no namespace: it equals only another one without prefix.
      if (colon < 0 !== otherColon < 0) continue
      const otherLocal = otherColon < 0 ? spans[other] as number : otherColon + 1
      if (!isSame(bytes, local, end, otherLocal, spans[other + NAME_END_AT] as number)) continue
      if (colon < 0 || isSameNamespace(scope, kind, spans[other + KIND_AT] as number)) {
        throw new XmlError('not-well-formed', 'an attribute stands twice', spans[at] as number)
      }
    }
  }
}

/** Whether two prefixed attributes, or two declarations of a prefix, share a namespace. */
function isSameNamespace(scope: NamespaceScope, kind: number, other: number): boolean {
  if (kind === other) return true
  if (kind < PREFIXED - 2 || other < PREFIXED - 2) return false
  return scope.uriNumber(kind - PREFIXED) === scope.uriNumber(other - PREFIXED)
}
