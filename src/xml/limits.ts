/** What one document, or one first-level element of a stream, may cost. Exceeding any of it is the fault `limit`. */
export interface XmlLimits {
  /** Bytes of the whole document; in a stream of the header and of every first-level element. */
  readonly maxBytes: number
  /** Elements open at once, the root included. */
  readonly maxDepth: number
  /** Attributes of one element, namespace declarations included; four times as many declarations may be in scope at once. */
  readonly maxAttributes: number
  /** Bytes of one qualified name, prefix and colon included. */
  readonly maxNameBytes: number
}

/** RFC 6120 §13.12 forbids a limit on stanzas below 10,000 bytes; the other numbers are far above what any client was seen to send. */
export const defaultXmlLimits: XmlLimits = { maxBytes: 262_144, maxDepth: 128, maxAttributes: 128, maxNameBytes: 1024 }
