/** Scans a whole document once: is it well-formed, is it one element, and what is its root? (RFC 6120 §11, RFC 7395 §3.3.3) */
import { ElementDraft } from './element-draft.ts'
import { defaultXmlLimits } from './limits.ts'
import type { XmlLimits } from './limits.ts'
import { MarkupReader } from './markup-reader.ts'
import type { MarkupSink } from './markup-reader.ts'
import type { NamespaceContext } from './namespace-scope.ts'
import { ScannedElement } from './scanned.ts'
import { XmlError } from './xml-error.ts'

const noContext: NamespaceContext = []

/** The root, and the root's children if `depth` is 1. */
class DocumentSink implements MarkupSink {
  readonly #root = new ElementDraft()
  readonly #child: ElementDraft | null
  root: ScannedElement | null = null
  children: ScannedElement[] = []

  constructor(withChildren: boolean) {
    this.#child = withChildren ? new ElementDraft() : null
  }

  start(reader: MarkupReader, depth: number): void {
    if (depth === 0) this.#root.begin(reader)
    else if (depth === 1) {
      this.#root.addChild(reader)
      this.#child?.begin(reader)
    } else this.#child?.addChild(reader)
  }

  end(reader: MarkupReader, depth: number, next: number): void {
    // With children, reliance on outer declarations is recorded for each child: nothing is outside of the root then.
    if (depth === 0) this.root = new ScannedElement(reader.bytes, next, this.#root, this.#child === null ? reader.scope.inherited() : noContext)
    else if (depth === 1 && this.#child !== null) {
      this.children.push(new ScannedElement(reader.bytes, next, this.#child, reader.scope.inherited()))
    }
  }

  text(bytes: Uint8Array, depth: number, start: number, end: number): void {
    if (depth === 1) this.#root.addText(bytes, start, end)
    else if (depth === 2) this.#child?.addText(bytes, start, end)
  }

  character(code: number, depth: number): void {
    if (depth === 1) this.#root.addCharacter(code)
    else if (depth === 2) this.#child?.addCharacter(code)
  }
}

/** Scans one document after another with the same working memory. Keeps nothing of a document once it is scanned. */
export class Scanner {
  readonly #limits: XmlLimits
  readonly #sink: DocumentSink
  readonly #reader: MarkupReader

  constructor(limits: XmlLimits = defaultXmlLimits, withChildren = false) {
    this.#limits = limits
    this.#sink = new DocumentSink(withChildren)
    this.#reader = new MarkupReader(limits, this.#sink, 'document', withChildren ? 2 : 1, withChildren ? 1 : 0)
  }

  /** Exactly one element, which may be followed by white space; `context` is what was declared around it. Throws XmlError. */
  scan(bytes: Uint8Array, context: NamespaceContext = noContext): ScannedElement {
    const sink = this.#sink
    const reader = this.#reader
    if (bytes.length > this.#limits.maxBytes) throw new XmlError('limit', 'the document is too long', this.#limits.maxBytes, true)
    sink.children = []
    try {
      reader.begin(0, context)
      reader.run(bytes, bytes.length)
      reader.finish(bytes.length)
      if (sink.root === null) throw new Error('a document without an element was accepted')
      return sink.root
    } finally {
      sink.root = null
      reader.release()
    }
  }

  /** The same, with the root's children if the scanner was made for them. */
  scanChildren(bytes: Uint8Array): { readonly root: ScannedElement, readonly children: readonly ScannedElement[] } {
    const root = this.scan(bytes)
    const { children } = this.#sink
    this.#sink.children = []
    return { root, children }
  }
}

/** Exactly one element. Whoever scans often keeps a `Scanner` instead. Throws XmlError. */
export function scanDocument(bytes: Uint8Array, limits: XmlLimits = defaultXmlLimits, context: NamespaceContext = noContext): ScannedElement {
  return new Scanner(limits).scan(bytes, context)
}

/** Exactly one element and each of its children, which know the declarations that they inherit from it. Throws XmlError. */
export function scanChildren(bytes: Uint8Array, limits: XmlLimits = defaultXmlLimits):
{ readonly root: ScannedElement, readonly children: readonly ScannedElement[] } {
  return new Scanner(limits, true).scanChildren(bytes)
}
