/** Bytes to a tree, for documents that we read ourselves. Throws XmlError. */
import type { Element } from './element.ts'
import { defaultXmlLimits } from './limits.ts'
import type { XmlLimits } from './limits.ts'
import { treeOf } from './tree.ts'
import { XmlError } from './xml-error.ts'

export function parse(bytes: Uint8Array, limits: XmlLimits = defaultXmlLimits): Element {
  if (bytes.length > limits.maxBytes) throw new XmlError('limit', 'the document is too long', limits.maxBytes, true)
  return treeOf(bytes, 0, bytes.length, limits, [])
}
