/** The children of an element that was scanned, each with the declarations that it inherits: to keep one as it was sent, or to take one out. */
import { Buffer } from 'node:buffer'
import type { XmlLimits } from './limits.ts'
import type { ScannedElement } from './scanned.ts'
import { scanChildren, scanDocument } from './scanner.ts'
import { standAlone } from './splice.ts'

/** Accepted once, so accepted again whatever the limits are now. */
const noLimits: XmlLimits = { maxBytes: Infinity, maxDepth: Infinity, maxAttributes: Infinity, maxNameBytes: Infinity }

export const childrenOf = (element: ScannedElement): readonly ScannedElement[] => scanChildren(standAlone(element), noLimits).children

/** The element without those of its children, stand-alone; the very one where there are none of them. */
export function withoutChildren(element: ScannedElement, isUnwanted: (child: ScannedElement) => boolean): ScannedElement {
  const { root, children } = scanChildren(standAlone(element), noLimits)
  const unwanted = children.filter(isUnwanted)
  if (unwanted.length === 0) return element
  const parts: Uint8Array[] = []
  let from = root.start
  for (const { start, end } of unwanted) {
    parts.push(root.bytes.subarray(from, start))
    from = end
  }
  return scanDocument(Buffer.concat([...parts, root.bytes.subarray(from, root.end)]), noLimits)
}
