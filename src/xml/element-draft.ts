/** Gathers what a scan finds out about one element until its end tag. Reused from element to element. */
import { ATTRIBUTE_STRIDE, COLON_AT, NAME_AT, NAME_END_AT, VALUE_AT, VALUE_END_AT } from './attribute-list.ts'
import { isOf, WHITE_SPACE } from './characters.ts'
import type { QName } from './element.ts'
import { nameIn } from './known-names.ts'
import type { MarkupReader } from './markup-reader.ts'
import type { Findings } from './scanned.ts'

export class ElementDraft implements Findings {
  start = 0
  nameEnd = 0
  ns = ''
  local = ''
  spans: readonly number[] = []
  childCount = 0
  firstChild: QName | null = null
  hasText = false

  /** The reader tells of the element's own start tag. */
  begin(reader: MarkupReader): void {
    this.start = reader.tagStart
    this.nameEnd = reader.elementEnd
    this.ns = reader.scope.uri(reader.elementBinding)
    this.local = localOf(reader)
    this.spans = reader.attributes.copy()
    this.childCount = 0
    this.firstChild = null
    this.hasText = false
  }

  /** The reader tells of a child's start tag. */
  addChild(reader: MarkupReader): void {
    if (this.childCount++ === 0) this.firstChild = { ns: reader.scope.uri(reader.elementBinding), local: localOf(reader) }
  }

  addText(bytes: Uint8Array, start: number, end: number): void {
    if (!this.hasText) this.hasText = !isWhiteSpace(bytes, start, end)
  }

  addCharacter(code: number): void {
    if (code > 0x7F || !isOf(code, WHITE_SPACE)) this.hasText = true
  }

  /** The same findings for a copy that begins with the element. */
  rebased(): Findings {
    const { start, ns, local, childCount, firstChild, hasText } = this
    const spans = this.spans.map((value, at) => {
      switch (at % ATTRIBUTE_STRIDE) {
        case NAME_AT:
        case NAME_END_AT:
        case VALUE_AT:
        case VALUE_END_AT: return value - start
        case COLON_AT: return value < 0 ? value : value - start
        default: return value
      }
    })
    return { start: 0, nameEnd: this.nameEnd - start, ns, local, spans, childCount, firstChild, hasText }
  }
}

const localOf = (reader: MarkupReader): string =>
  nameIn(reader.bytes, reader.elementColon < 0 ? reader.elementStart : reader.elementColon + 1, reader.elementEnd)

export function isWhiteSpace(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (!isOf(bytes[i] as number, WHITE_SPACE)) return false
  return true
}
