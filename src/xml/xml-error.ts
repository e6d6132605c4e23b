/** The one error of this folder: bytes from outside are not the XML that XMPP permits (RFC 6120 §11). */

/**
 * `not-well-formed`: XML 1.0, Namespaces in XML 1.0 or UTF-8 is violated.
 * `restricted-xml`: a comment, processing instruction, DOCTYPE or entity reference (RFC 6120 §11.1).
 * `bad-format`: well-formed perhaps, but not framed as one element (RFC 7395 §3.3.3).
 * `limit`: more than `XmlLimits` permits.
 */
export type XmlFault = 'not-well-formed' | 'restricted-xml' | 'bad-format' | 'limit'

/** The message says in words what is wrong and repeats nothing of the input but, at most, one name. */
export class XmlError extends Error {
  override readonly name = 'XmlError'
  readonly fault: XmlFault
  /** Bytes before the fault, counted from the start of the document (in a stream: of the header or of the current first-level element). */
  readonly offset: number
  /** It is simply longer than `XmlLimits.maxBytes`. */
  readonly isTooLong: boolean

  constructor(fault: XmlFault, message: string, offset: number, isTooLong = false) {
    super(message)
    this.fault = fault
    this.offset = offset
    this.isTooLong = isTooLong
  }
}
