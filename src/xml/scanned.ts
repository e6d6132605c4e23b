/** An element that was found sound and is kept as bytes. What is asked of it is decoded then; a relayed stanza never becomes a tree. */
import { ATTRIBUTE_STRIDE, COLON_AT, DECLARATION, FLAGS_AT, KIND_AT, NAME_AT, NAME_END_AT, ORDINARY, PREFIXED, VALUE_AT, VALUE_END_AT } from './attribute-list.ts'
import { attributeValue } from './character-data.ts'
import type { Element, QName } from './element.ts'
import type { XmlLimits } from './limits.ts'
import type { NamespaceContext } from './namespace-scope.ts'
import { isAt, isSame } from './span.ts'
import { treeOf } from './tree.ts'

export interface Span { readonly start: number, readonly end: number }

/** What a scan has found; offsets are into `bytes`. */
export interface Findings extends QName {
  readonly start: number
  /** Offset behind the name in the start tag. */
  readonly nameEnd: number
  /** The root's attributes as attribute-list.ts lays them out. */
  readonly spans: readonly number[]
  readonly childCount: number
  readonly firstChild: QName | null
  readonly hasText: boolean
}

/** Accepted once, so accepted again whatever the limits are now. */
const noLimits: XmlLimits = { maxBytes: Infinity, maxDepth: Infinity, maxAttributes: Infinity, maxNameBytes: Infinity }

export class ScannedElement implements QName {
  readonly bytes: Uint8Array
  /** `bytes[start, end)` is exactly this element; white space around it is outside. */
  readonly start: number
  readonly end: number
  readonly ns: string
  readonly local: string
  /** The declarations that this element relies on and leaves to the elements around it. */
  readonly inherited: NamespaceContext
  /** Element children of this element itself. */
  readonly childCount: number
  readonly firstChild: QName | null
  /** Whether character data other than white space stands directly in this element. */
  readonly hasText: boolean
  /** Offset behind the name in the start tag: where attributes can be inserted. */
  readonly nameEnd: number
  readonly #spans: readonly number[]

  constructor(bytes: Uint8Array, end: number, findings: Findings, inherited: NamespaceContext) {
    this.bytes = bytes
    this.start = findings.start
    this.end = end
    this.ns = findings.ns
    this.local = findings.local
    this.inherited = inherited
    this.childCount = findings.childCount
    this.firstChild = findings.firstChild
    this.hasText = findings.hasText
    this.nameEnd = findings.nameEnd
    this.#spans = findings.spans
  }

  /** The value of the attribute in no namespace, references decoded and white space normalised (XML 1.0 §3.3.3). `local` is ASCII. */
  attribute(local: string): string | null {
    return this.#value(this.#find(local, false))
  }

  /** The value of the attribute `local` in the namespace `ns`, whose prefix this element declares itself; both are ASCII. */
  qualifiedAttribute(ns: string, local: string): string | null {
    const { bytes } = this
    const spans = this.#spans
    for (let at = 0; at < spans.length; at += ATTRIBUTE_STRIDE) {
      const colon = spans[at + COLON_AT] as number
      if (colon < 0 || spans[at + KIND_AT] === DECLARATION || !isAt(bytes, colon + 1, spans[at + NAME_END_AT] as number, local)) continue
      if (this.#declared(spans[at + NAME_AT] as number, colon) === ns) return this.#value(at)
    }
    return null
  }

  /** What this element declares the prefix in `bytes[start, end)` to be. */
  #declared(start: number, end: number): string | null {
    const spans = this.#spans
    for (let at = 0; at < spans.length; at += ATTRIBUTE_STRIDE) {
      const colon = spans[at + COLON_AT] as number
      if (colon >= 0 && spans[at + KIND_AT] === DECLARATION
        && isSame(this.bytes, colon + 1, spans[at + NAME_END_AT] as number, start, end)) return this.#value(at)
    }
    return null
  }

  /** The default namespace that this element declares itself (`xmlns`); null where it declares none. */
  get declaredDefault(): string | null {
    const spans = this.#spans
    for (let at = 0; at < spans.length; at += ATTRIBUTE_STRIDE) {
      if (spans[at + KIND_AT] === DECLARATION && (spans[at + COLON_AT] as number) < 0) return this.#value(at)
    }
    return null
  }

  /** `xml:lang`, without what surrounding elements say. */
  get lang(): string | null {
    return this.#value(this.#find('xml:lang', true))
  }

  /** Where the attribute's value stands in `bytes`, without its quotes. */
  valueSpan(local: string): Span | null {
    const at = this.#find(local, false)
    return at < 0 ? null : { start: this.#spans[at + VALUE_AT] as number, end: this.#spans[at + VALUE_END_AT] as number }
  }

  /** The whole element as a tree. */
  element(): Element {
    return treeOf(this.bytes, this.start, this.end, noLimits, this.inherited)
  }

  #find(name: string, isPrefixed: boolean): number {
    const spans = this.#spans
    for (let at = 0; at < spans.length; at += ATTRIBUTE_STRIDE) {
      const kind = spans[at + KIND_AT] as number
      if ((isPrefixed ? kind >= PREFIXED - 2 : kind === ORDINARY)
        && isAt(this.bytes, spans[at + NAME_AT] as number, spans[at + NAME_END_AT] as number, name)) return at
    }
    return -1
  }

  #value(at: number): string | null {
    const spans = this.#spans
    return at < 0 ? null : attributeValue(this.bytes, spans[at + VALUE_AT] as number, spans[at + VALUE_END_AT] as number,
      spans[at + FLAGS_AT] as number)
  }
}
