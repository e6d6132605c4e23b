/** The children of an element that was scanned, each with the declarations that it inherits: to keep one as it was sent. */
import type { XmlLimits } from './limits.ts'
import type { ScannedElement } from './scanned.ts'
import { scanChildren } from './scanner.ts'
import { standAlone } from './splice.ts'

/** Accepted once, so accepted again whatever the limits are now. */
const noLimits: XmlLimits = { maxBytes: Infinity, maxDepth: Infinity, maxAttributes: Infinity, maxNameBytes: Infinity }

export const childrenOf = (element: ScannedElement): readonly ScannedElement[] => scanChildren(standAlone(element), noLimits).children
