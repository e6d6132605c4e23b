/** Stand-alone bytes of a scanned element (RFC 7395 §3.3.3): every namespace that it uses is declared in it. One copy at most. */
import { Buffer } from 'node:buffer'
import type { NamespaceContext } from './namespace-scope.ts'
import type { ScannedElement, Span } from './scanned.ts'
import { bufferOf, textIn } from './span.ts'
import { escapeValue, type Markup } from './write.ts'

/** The element with the attribute set to `value`, in a new array. `local` is an ASCII name of ours, in no namespace. */
export function withAttribute(element: ScannedElement, local: string, value: string): Uint8Array {
  const present = element.valueSpan(local)
  const declarations = declare(element.inherited)
  const escaped = escapeIfNeeded(value)
  if (present === null) return insert(element, `${declarations} ${local}='${escaped}'`)
  return replace(element, declarations, present, escaped)
}

/** The element itself: part of the scanned bytes, or a copy if declarations had to be added. */
export function standAlone(element: ScannedElement): Uint8Array {
  const declarations = declare(element.inherited)
  return declarations === '' ? element.bytes.subarray(element.start, element.end) : insert(element, declarations)
}

/** The element with `child` behind all that it contains, in a new array. `child` declares its own namespaces. */
export function withChild(element: ScannedElement, child: Markup): Uint8Array {
  const wire = bufferOf(standAlone(element))
  const name = textIn(element.bytes, element.start + 1, element.nameEnd)
  // An element ends in `/>` if it is one empty-element tag, and else in its end tag, which is its last `</`.
  if (wire[wire.length - 2] === solidus) return Buffer.concat([wire.subarray(0, -2), Buffer.from(`>${child}</${name}>`)])
  const end = wire.lastIndexOf('</')
  return Buffer.concat([wire.subarray(0, end), Buffer.from(child), wire.subarray(end)])
}

const solidus = 0x2F

function declare(inherited: NamespaceContext): string {
  let declarations = ''
  for (const { prefix, uri } of inherited) declarations += ` xmlns${prefix === '' ? '' : ':'}${prefix}='${escapeValue(uri)}'`
  return declarations
}

/** Whether the value can stand in quotes as it is; nearly always. */
const plain = /^[\w@./:+ -]*$/
const escapeIfNeeded = (value: string): string => plain.test(value) ? value : escapeValue(value)

function insert({ bytes, start, end, nameEnd }: ScannedElement, insertion: string): Uint8Array {
  const source = bufferOf(bytes)
  const width = Buffer.byteLength(insertion)
  const target = Buffer.allocUnsafe(end - start + width)
  const at = nameEnd - start
  source.copy(target, 0, start, nameEnd)
  target.write(insertion, at)
  source.copy(target, at + width, nameEnd, end)
  return target
}

function replace(element: ScannedElement, declarations: string, present: Span, value: string): Uint8Array {
  const { bytes, start, end, nameEnd } = element
  const source = bufferOf(bytes)
  const declarationsWidth = Buffer.byteLength(declarations)
  const valueWidth = Buffer.byteLength(value)
  const target = Buffer.allocUnsafe(end - start + declarationsWidth + valueWidth - (present.end - present.start))
  let at = source.copy(target, 0, start, nameEnd)
  at += target.write(declarations, at)
  at += source.copy(target, at, nameEnd, present.start)
  at += target.write(value, at)
  source.copy(target, at, present.end, end)
  return target
}
