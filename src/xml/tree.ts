/** Builds `Element`s from what the reader tells. Only for elements that we answer ourselves. */
import { ATTRIBUTE_STRIDE, COLON_AT, DECLARATION, FLAGS_AT, KIND_AT, NAME_AT, NAME_END_AT, ORDINARY, PREFIXED, VALUE_AT,
  VALUE_END_AT } from './attribute-list.ts'
import { attributeValue, characterData } from './character-data.ts'
import type { Element } from './element.ts'
import { nameIn } from './known-names.ts'
import type { XmlLimits } from './limits.ts'
import { MarkupReader } from './markup-reader.ts'
import type { MarkupSink } from './markup-reader.ts'
import { NS_XML } from './namespace-scope.ts'
import type { NamespaceContext } from './namespace-scope.ts'

interface Branch extends Element {
  readonly attributes: Map<string, string>
  readonly children: Branch[]
  text: string
}

class TreeBuilder implements MarkupSink {
  readonly #branches: Branch[] = []
  root: Element | null = null

  start(reader: MarkupReader): void {
    const branch: Branch = {
      ns: reader.scope.uri(reader.elementBinding),
      local: nameIn(reader.bytes, reader.elementColon < 0 ? reader.elementStart : reader.elementColon + 1, reader.elementEnd),
      attributes: attributesOf(reader),
      children: [],
      text: '',
    }
    this.#branches.at(-1)?.children.push(branch)
    this.root ??= branch
    this.#branches.push(branch)
  }

  end(): void {
    this.#branches.pop()
  }

  text(bytes: Uint8Array, _depth: number, start: number, end: number): void {
    const branch = this.#branches.at(-1)
    if (branch !== undefined) branch.text += characterData(bytes, start, end)
  }

  character(code: number): void {
    const branch = this.#branches.at(-1)
    if (branch !== undefined) branch.text += String.fromCodePoint(code)
  }
}

/** Keyed as `Element` says. */
function attributesOf({ attributes: { spans, count }, bytes, scope }: MarkupReader): Map<string, string> {
  const attributes = new Map<string, string>()
  for (let at = 0; at < count * ATTRIBUTE_STRIDE; at += ATTRIBUTE_STRIDE) {
    const kind = spans[at + KIND_AT] as number
    if (kind === DECLARATION) continue
    const colon = spans[at + COLON_AT] as number
    const local = nameIn(bytes, colon < 0 ? spans[at + NAME_AT] as number : colon + 1, spans[at + NAME_END_AT] as number)
    const ns = kind === ORDINARY ? '' : scope.uri(kind - PREFIXED)
    attributes.set(ns === '' ? local : ns === NS_XML ? `xml:${local}` : `{${ns}}${local}`,
      attributeValue(bytes, spans[at + VALUE_AT] as number, spans[at + VALUE_END_AT] as number, spans[at + FLAGS_AT] as number))
  }
  return attributes
}

/** The one element in `bytes[start, end)`, in the namespaces that `context` declares around it. */
export function treeOf(bytes: Uint8Array, start: number, end: number, limits: XmlLimits, context: NamespaceContext): Element {
  const builder = new TreeBuilder()
  const reader = new MarkupReader(limits, builder, 'document', Infinity, -1)
  reader.begin(start, context)
  reader.run(bytes, end)
  reader.finish(end)
  if (builder.root === null) throw new Error('a document without an element was accepted')
  return builder.root
}
