/** Feeds a document to the incremental scanner as a first-level element, in pieces. */
import { Buffer } from 'node:buffer'
import type { Element } from '../../src/xml/element.ts'
import { defaultXmlLimits } from '../../src/xml/limits.ts'
import type { XmlLimits } from '../../src/xml/limits.ts'
import { StreamScanner } from '../../src/xml/stream-scanner.ts'
import { XmlError } from '../../src/xml/xml-error.ts'
import type { XmlFault } from '../../src/xml/xml-error.ts'

/** A name that no test document uses, so that the surroundings lend it nothing. */
const header = Buffer.from('<stream--:h xmlns:stream--="urn:x:stream">')
const footer = Buffer.from('</stream--:h>')

export interface Outcome { readonly fault: XmlFault | null, readonly elements: readonly Element[], readonly isEnded: boolean }

/** `cuts` are offsets into the document, in order, at which one piece ends and the next begins. */
export function scanInStream(document: Uint8Array, cuts: readonly number[], limits: XmlLimits = defaultXmlLimits): Outcome {
  const elements: Element[] = []
  let isEnded = false
  const scanner = new StreamScanner({
    header() {},
    element(element) { elements.push(element.element()) },
    footer() { isEnded = true },
  }, { ...limits, maxDepth: limits.maxDepth + 1 })
  try {
    scanner.write(header)
    let from = 0
    for (const cut of [...cuts, document.length]) {
      scanner.write(document.subarray(from, cut))
      from = cut
    }
    scanner.write(footer)
  } catch (error) {
    if (error instanceof XmlError) return { fault: error.fault, elements, isEnded }
    throw error
  }
  return { fault: null, elements, isEnded }
}

/** The tree of the one element, or null if the stream did not hold exactly one. */
export function onlyElement({ fault, elements, isEnded }: Outcome): Element | null {
  return fault === null && isEnded && elements.length === 1 ? elements[0] ?? null : null
}

/** What a stream makes of input that is bad only as a document of its own, or bad in another way there; null is no fault. */
export const inStream: ReadonlyMap<string, XmlFault | null> = new Map<string, XmlFault | null>([
  ['nothing', null], ['white space only', null], ['white space first', null],
  ['two elements', null], ['two elements with white space between them', null],
  ['an XML declaration', 'restricted-xml'], ['an XML declaration alone', 'restricted-xml'],
  ['an end of the stream smuggled between two elements', 'not-well-formed'], ['a second end tag', 'not-well-formed'],
  ['a CDATA section before the element', 'bad-format'], ['a CDATA section with white space before the element', 'bad-format'],
  // The rest of the stream is part of the section, until a limit ends it.
  ['half a CDATA section', null],
])
