/** The namespace declarations in scope (Namespaces in XML 1.0 §6), and which of the outer ones an element relied on. */
import { attributeValue } from './character-data.ts'
import { nameIn } from './known-names.ts'
import type { XmlLimits } from './limits.ts'
import { isAt, isSame, signatureOf, textIn } from './span.ts'
import { XmlError } from './xml-error.ts'

/** A declaration, by value. `prefix` is `''` for the default namespace, `uri` is `''` where that is taken back. */
export interface Declaration { readonly prefix: string, readonly uri: string }
/** What the element around a document or a first-level element has declared; a later entry hides an earlier one. */
export type NamespaceContext = readonly Declaration[]

export const NS_XML = 'http://www.w3.org/XML/1998/namespace'
export const NS_XMLNS = 'http://www.w3.org/2000/xmlns/'

/** In place of a binding's index: no namespace, and the prefix `xml`, which is bound without a declaration. */
export const NO_NAMESPACE = -1
export const XML_NAMESPACE = -2

/** A declaration as spans of the document; objects are pooled, so a scan allocates none. */
interface Binding {
  signature: number
  prefixStart: number
  prefixEnd: number
  valueStart: number
  valueEnd: number
  valueFlags: number
  /** The prefix of a declaration from the context, which stands in no document; null for one of the document. */
  outside: Uint8Array | null
  uri: string | null
  uriNumber: number
  isDefault: boolean
  /** The default namespace that this declaration hides. */
  hidden: number
  isUsed: boolean
}

export class NamespaceScope {
  readonly #limits: XmlLimits
  readonly #bindings: Binding[] = []
  readonly #uriNumbers = new Map<string, number>()
  #bytes: Uint8Array = new Uint8Array(0)
  #size = 0
  #default = NO_NAMESPACE
  /** Bindings below this index are declared outside of the element whose reliance on them is recorded. */
  #outer = 0
  #isOuterUsed = false

  constructor(limits: XmlLimits) {
    this.#limits = limits
  }

  get size(): number { return this.#size }

  reset(context: NamespaceContext): void {
    this.#size = 0
    this.#default = NO_NAMESPACE
    this.#outer = 0
    this.#isOuterUsed = false
    if (this.#uriNumbers.size > 0) this.#uriNumbers.clear()
    for (const { prefix, uri } of context) {
      const outside = new TextEncoder().encode(prefix)
      const binding = this.#push(signatureOf(outside, 0, outside.length), 0, outside.length, prefix === '')
      binding.outside = outside
      binding.uri = uri
    }
  }

  /** The bytes that spans refer to from now on (a stream's buffer moves when it grows). */
  refer(bytes: Uint8Array): void {
    this.#bytes = bytes
  }

  #push(signature: number, prefixStart: number, prefixEnd: number, isDefault: boolean): Binding {
    let binding = this.#bindings[this.#size]
    if (binding === undefined) {
      binding = { signature, prefixStart, prefixEnd, valueStart: 0, valueEnd: 0, valueFlags: 0, outside: null, uri: null,
        uriNumber: -1, isDefault, hidden: this.#default, isUsed: false }
      this.#bindings.push(binding)
    } else {
      binding.signature = signature
      binding.prefixStart = prefixStart
      binding.prefixEnd = prefixEnd
      binding.outside = null
      binding.uri = null
      binding.uriNumber = -1
      binding.isDefault = isDefault
      binding.hidden = this.#default
      binding.isUsed = false
    }
    if (isDefault) this.#default = this.#size
    this.#size++
    return binding
  }

  /** Declares `bytes[valueStart, valueEnd)` for the prefix in `bytes[prefixStart, prefixEnd)`; an empty span is the default namespace. */
  declare(prefixStart: number, prefixEnd: number, valueStart: number, valueEnd: number, valueFlags: number): void {
    const bytes = this.#bytes
    const isDefault = prefixStart === prefixEnd
    // Namespaces in XML 1.0 §3: `xml` and `xmlns` keep their meaning, and nothing else may take it.
    const isXmlPrefix = isAt(bytes, prefixStart, prefixEnd, 'xml')
    if (isAt(bytes, prefixStart, prefixEnd, 'xmlns')) throw new XmlError('not-well-formed', 'the prefix xmlns is declared', prefixStart)
    const isXmlUri = this.#isUri(valueStart, valueEnd, valueFlags, NS_XML)
    if (isXmlPrefix !== isXmlUri) throw new XmlError('not-well-formed', 'the namespace of xml: is bound anew', valueStart)
    if (isXmlPrefix) return
    if (this.#isUri(valueStart, valueEnd, valueFlags, NS_XMLNS)) {
      throw new XmlError('not-well-formed', 'the namespace of xmlns: is bound', valueStart)
    }
    // Namespaces in XML 1.0 §6.1: only the default namespace can be taken back.
    if (!isDefault && valueStart === valueEnd) throw new XmlError('not-well-formed', 'a prefix is declared as empty', valueStart)
    if (this.#size >= this.#limits.maxAttributes * 4) throw new XmlError('limit', 'too many namespace declarations in scope', prefixStart)
    const binding = this.#push(signatureOf(bytes, prefixStart, prefixEnd), prefixStart, prefixEnd, isDefault)
    binding.valueStart = valueStart
    binding.valueEnd = valueEnd
    binding.valueFlags = valueFlags
  }

  #isUri(start: number, end: number, flags: number, uri: string): boolean {
    return flags === 0 ? isAt(this.#bytes, start, end, uri) : attributeValue(this.#bytes, start, end, flags) === uri
  }

  /** The binding of unprefixed element names. */
  useDefault(): number {
    const index = this.#default
    if (index < this.#outer && index >= 0) this.#use(index)
    return index
  }

  /** The binding of the prefix in `bytes[start, end)`. */
  resolve(start: number, end: number): number {
    const bytes = this.#bytes
    const signature = signatureOf(bytes, start, end)
    for (let index = this.#size - 1; index >= 0; index--) {
      const binding = this.#bindings[index] as Binding
      if (binding.signature !== signature || binding.isDefault) continue
      if (binding.outside === null ? isSame(bytes, start, end, binding.prefixStart, binding.prefixEnd)
        : isEqual(bytes, start, end, binding.outside)) {
        if (index < this.#outer) this.#use(index)
        return index
      }
    }
    if (isAt(bytes, start, end, 'xml')) return XML_NAMESPACE
    throw new XmlError('not-well-formed', `the prefix ${textIn(bytes, start, end).slice(0, 40)} is not declared`, start)
  }

  #use(index: number): void {
    (this.#bindings[index] as Binding).isUsed = true
    this.#isOuterUsed = true
  }

  uri(index: number): string {
    if (index < 0) return index === XML_NAMESPACE ? NS_XML : ''
    const binding = this.#bindings[index] as Binding
    return binding.uri ??= binding.valueFlags === 0 ? nameIn(this.#bytes, binding.valueStart, binding.valueEnd)
      : attributeValue(this.#bytes, binding.valueStart, binding.valueEnd, binding.valueFlags)
  }

  /** A small number for the namespace, so that long ones are not compared again and again. */
  uriNumber(index: number): number {
    if (index < 0) return index
    const binding = this.#bindings[index] as Binding
    if (binding.uriNumber < 0) {
      const uri = this.uri(index)
      const number = this.#uriNumbers.get(uri) ?? this.#uriNumbers.size
      this.#uriNumbers.set(uri, number)
      binding.uriNumber = number
    }
    return binding.uriNumber
  }

  /** From here on, reliance on the declarations that are in scope now is recorded. */
  watch(): void {
    if (this.#isOuterUsed) for (let index = 0; index < this.#outer; index++) (this.#bindings[index] as Binding).isUsed = false
    this.#outer = this.#size
    this.#isOuterUsed = false
  }

  /** The outer declarations that were relied on since `watch`. The default one does not count where it stands for no namespace. */
  inherited(): NamespaceContext {
    if (!this.#isOuterUsed) return NOTHING
    const used: Declaration[] = []
    for (let index = 0; index < this.#outer; index++) {
      const binding = this.#bindings[index] as Binding
      if (!binding.isUsed) continue
      const declaration = { prefix: this.#prefix(binding), uri: this.uri(index) }
      if (declaration.prefix !== '' || declaration.uri !== '') used.push(declaration)
    }
    return used
  }

  #prefix(binding: Binding): string {
    const bytes = binding.outside ?? this.#bytes
    return textIn(bytes, binding.prefixStart, binding.prefixEnd)
  }

  /** Forgets the declarations made since there were `size` of them. */
  leave(size: number): void {
    while (this.#size > size) {
      const binding = this.#bindings[--this.#size] as Binding
      if (binding.isDefault) this.#default = binding.hidden
      binding.uri = null
    }
  }
}

const NOTHING: NamespaceContext = []

function isEqual(bytes: Uint8Array, start: number, end: number, other: Uint8Array): boolean {
  if (end - start !== other.length) return false
  for (let index = 0; index < other.length; index++) if (bytes[start + index] !== other[index]) return false
  return true
}
