/**
 * The grammar: XML 1.0 (5th edition) and Namespaces in XML 1.0, without what RFC 6120 §11.1 forbids. There is this one
 * implementation, for documents and for streams: it can stop after any byte and go on, and does not begin a token anew for that.
 */
import { AttributeList } from './attribute-list.ts'
import { COOKED, WIDE } from './character-data.ts'
import { findByte, FORBIDDEN, INCOMPLETE, isOf, NAME_START, STOPS_CDATA, STOPS_TEXT, STOPS_VALUE, WHITE_SPACE, wideCharacter,
  widthOf } from './characters.ts'
import type { XmlLimits } from './limits.ts'
import { NamespaceScope } from './namespace-scope.ts'
import type { NamespaceContext } from './namespace-scope.ts'
import { QualifiedName } from './qualified-name.ts'
import { Reference } from './reference.ts'
import { isAt } from './span.ts'
import { refuseDeclared, Surroundings } from './surroundings.ts'
import { XmlError } from './xml-error.ts'
import type { XmlFault } from './xml-error.ts'

/** What a reader tells. Offsets are into the bytes given to `run`; `depth` counts the elements around the one told of. */
export interface MarkupSink {
  /** A start tag, or an empty element's tag: name, attributes and namespaces are in `reader` until this returns. */
  start(reader: MarkupReader, depth: number, next: number): void
  end(reader: MarkupReader, depth: number, next: number): void
  /** Character data without references, possibly in several pieces. */
  text(bytes: Uint8Array, depth: number, start: number, end: number): void
  /** The character that a reference stands for. */
  character(code: number, depth: number): void
}

/** Where the reader stands. */
const OUTSIDE = 0, TAG = 1, ELEMENT_NAME = 2, IN_TAG = 3, ATTRIBUTE_NAME = 4, EQUALS = 5, QUOTE = 6, VALUE = 7, AFTER_VALUE = 8, EMPTY_TAG = 9,
  CONTENT = 10, END_TAG = 11, END_TAG_SPACE = 12, REFERENCE = 13, BRACKETS = 14, BANG = 15, CDATA_OPEN = 16, CDATA = 17, CDATA_BRACKETS = 18

const LT = 0x3C, GT = 0x3E, AMP = 0x26, SLASH = 0x2F, EXCLAMATION = 0x21, QUESTION = 0x3F, EQUALS_SIGN = 0x3D,
  OPENING_BRACKET = 0x5B, BRACKET = 0x5D, APOSTROPHE = 0x27, DOUBLE_QUOTE = 0x22

const nothing = new Uint8Array(0)

export class MarkupReader {
  readonly limits: XmlLimits
  readonly scope: NamespaceScope
  readonly attributes = new AttributeList()
  /** The name of the element whose start tag is told of; `elementColon` is -1 without a prefix. */
  elementStart = 0
  elementColon = -1
  elementEnd = 0
  /** Its binding in `scope`. */
  elementBinding = 0
  /** Offset of the `<` of the tag being read. */
  tagStart = 0
  /** The next byte to read. */
  position = 0
  /** Set by the sink to make `run` return after the present event. */
  isPaused = false
  /** Elements open. */
  depth = 0

  readonly #sink: MarkupSink
  readonly #surroundings: Surroundings
  readonly #isStream: boolean
  readonly #name: QualifiedName
  readonly #reference = new Reference()
  readonly #reportDepth: number
  readonly #watchDepth: number
  #bytes: Uint8Array = nothing
  #state = OUTSIDE
  /** For every open element: start and end of its name, and how many declarations were in scope around it. */
  readonly #open: number[] = []
  #nameEnd = 0
  #valueStart = 0
  #valueFlags = 0
  #quote = 0
  #brackets = 0
  #isInValue = false
  #tokenStart = 0

  /**
   * `reportDepth`: the sink hears of elements down to this depth, and of the text directly in the elements above it. `watchDepth`:
   * elements of this depth have their reliance on outer namespace declarations recorded in `scope`.
   */
  constructor(limits: XmlLimits, sink: MarkupSink, form: 'document' | 'stream', reportDepth: number, watchDepth: number) {
    this.limits = limits
    this.scope = new NamespaceScope(limits)
    this.#name = new QualifiedName(limits.maxNameBytes)
    this.#sink = sink
    this.#surroundings = new Surroundings(form)
    this.#isStream = form === 'stream'
    this.#reportDepth = reportDepth
    this.#watchDepth = watchDepth
  }

  /** Forgets everything; reading begins at `position`. */
  begin(position: number, context: NamespaceContext): void {
    this.position = position
    this.isPaused = false
    this.depth = 0
    this.#state = OUTSIDE
    this.#surroundings.begin(position)
    this.scope.reset(context)
  }

  /** Inside a root: forgets the first-level element being read, to begin with it again at `position`. */
  rewind(position: number): void {
    this.position = position
    if (this.depth > 1) this.scope.leave(this.#open[5] as number)
    this.depth = 1
    this.#state = CONTENT
  }

  /** The bytes that offsets refer to. */
  get bytes(): Uint8Array { return this.#bytes }

  /** Whether the root is complete. */
  get isEnded(): boolean { return this.#surroundings.isAfter }

  /** Lets go of the input. */
  release(): void {
    this.#bytes = nothing
    this.scope.refer(this.#bytes)
  }

  /** The input is over: throws unless it was one whole document. */
  finish(length: number): void {
    if (this.#state !== OUTSIDE) this.#fail('not-well-formed', 'the input ends within the element', this.position)
    this.#surroundings.finish(this.position, length)
  }

  /** Reads `bytes[position, end)`. What was read before must still be there; the array may be another one. */
  run(bytes: Uint8Array, end: number): void {
    if (this.#bytes !== bytes) {
      this.#bytes = bytes
      this.scope.refer(bytes)
    }
    let state = this.#state
    let i = this.position
    reading: while (i < end) {
      const byte = bytes[i] as number
      switch (state) {
        case CONTENT: {
          const start = i
          i = this.#characters(bytes, i, end, STOPS_TEXT)
          if (i > start && this.depth <= this.#reportDepth) this.#sink.text(bytes, this.depth, start, i)
          if (i >= end) break
          const stop = bytes[i] as number
          if (stop >= 0x80) break reading
          if (stop === LT) {
            this.tagStart = i++
            state = TAG
          } else if (stop === AMP) {
            this.#isInValue = false
            this.#reference.begin(++i)
            state = REFERENCE
          } else {
            this.#brackets = 0
            state = BRACKETS
          }
          break
        }
        case TAG:
          if (isOf(byte, NAME_START) || byte >= 0x80) {
            if (this.depth >= this.limits.maxDepth) this.#fail('limit', 'elements are nested too deeply', i)
            this.#name.begin(i)
            this.attributes.count = 0
            state = ELEMENT_NAME
            break
          }
          i++
          if (byte === SLASH && this.depth > 0) {
            this.#tokenStart = i
            state = END_TAG
          } else if (byte === EXCLAMATION) state = BANG
          else if (byte === QUESTION) this.#fail('restricted-xml', 'a processing instruction', this.tagStart)
          else this.#fail('not-well-formed', 'no name follows <', i)
          break
        case ELEMENT_NAME:
          i = this.#name.read(bytes, i, end)
          if (i >= end) break
          if ((bytes[i] as number) >= 0x80) break reading
          this.#name.finish(bytes, i)
          this.elementStart = this.#name.start
          this.elementColon = this.#name.colon
          this.elementEnd = i
          state = AFTER_VALUE
          break
        case IN_TAG:
        case AFTER_VALUE:
          if (isOf(byte, WHITE_SPACE)) {
            i++
            state = IN_TAG
          } else if (byte === GT) {
            state = CONTENT
            this.#startTag(bytes, ++i)
            if (this.isPaused) break reading
          } else if (byte === SLASH) {
            i++
            state = EMPTY_TAG
          } else {
            if (state === AFTER_VALUE || byte < 0x80 && !isOf(byte, NAME_START)) {
              this.#fail('not-well-formed', 'a tag is malformed', i)
            }
            if (this.attributes.count >= this.limits.maxAttributes) this.#fail('limit', 'too many attributes', i)
            this.#name.begin(i)
            state = ATTRIBUTE_NAME
          }
          break
        case ATTRIBUTE_NAME:
          i = this.#name.read(bytes, i, end)
          if (i >= end) break
          if ((bytes[i] as number) >= 0x80) break reading
          this.#name.finish(bytes, i)
          this.#nameEnd = i
          state = EQUALS
          // The usual spelling in one step, which only saves time.
          if (i + 1 < end && bytes[i] === EQUALS_SIGN && (bytes[i + 1] === APOSTROPHE || bytes[i + 1] === DOUBLE_QUOTE)) {
            this.#quote = bytes[i + 1] as number
            i += 2
            this.#valueStart = i
            this.#valueFlags = 0
            state = VALUE
          }
          break
        case EQUALS:
          if (byte === EQUALS_SIGN) state = QUOTE
          else if (!isOf(byte, WHITE_SPACE)) this.#fail('not-well-formed', 'an attribute has no value', i)
          i++
          break
        case QUOTE:
          if (byte === APOSTROPHE || byte === DOUBLE_QUOTE) {
            this.#quote = byte
            this.#valueStart = i + 1
            this.#valueFlags = 0
            state = VALUE
          } else if (!isOf(byte, WHITE_SPACE)) this.#fail('not-well-formed', 'a value is not quoted', i)
          i++
          break
        case VALUE: {
          i = this.#characters(bytes, i, end, STOPS_VALUE)
          if (i >= end) break
          const stop = bytes[i] as number
          if (stop >= 0x80) break reading
          if (stop === this.#quote) {
            this.attributes.add(this.#name.start, this.#name.colon, this.#nameEnd, this.#valueStart, i, this.#valueFlags)
            state = AFTER_VALUE
          } else if (stop === AMP) {
            this.#valueFlags |= COOKED
            this.#isInValue = true
            this.#reference.begin(i + 1)
            state = REFERENCE
          } else if (isOf(stop, WHITE_SPACE)) this.#valueFlags |= COOKED
          else if (stop === LT) this.#fail('not-well-formed', '< in an attribute value', i)
          i++
          break
        }
        case EMPTY_TAG:
          if (byte !== GT) this.#fail('not-well-formed', 'no > follows /', i)
          state = CONTENT
          this.#startTag(bytes, ++i)
          state = this.#endTag(i)
          if (this.isPaused) break reading
          break
        case END_TAG: {
          const at = this.depth * 3 - 3
          const shift = (this.#open[at] as number) - this.#tokenStart
          const stop = (this.#open[at + 1] as number) - shift
          while (i < end && i < stop && bytes[i] === bytes[i + shift]) i++
          if (i === stop) state = END_TAG_SPACE
          else if (i < end) this.#fail('not-well-formed', 'an end tag does not match its start tag', i)
          break
        }
        case END_TAG_SPACE:
          i++
          if (byte === GT) {
            state = this.#endTag(i)
            if (this.isPaused) break reading
          } else if (!isOf(byte, WHITE_SPACE)) {
            this.#fail('not-well-formed', 'an end tag does not match its start tag', i)
          }
          break
        default: {
          const from = i
          this.#state = state
          i = this.#rare(bytes, i, end)
          if (i === from && state === this.#state) break reading
          state = this.#state
        }
      }
    }
    this.#state = state
    this.position = i
  }

  /** The states of less common markup; a step of `run`. Stands still when the end of the input cuts a character. */
  #rare(bytes: Uint8Array, offset: number, end: number): number {
    let i = offset
    const byte = bytes[i] as number
    switch (this.#state) {
      case OUTSIDE:
        i = this.#surroundings.read(bytes, i, end)
        if (!this.#surroundings.isInside) break
        this.tagStart = this.#surroundings.tagStart
        this.#state = TAG
        break
      case REFERENCE:
        i = this.#reference.read(bytes, i, end)
        if (!this.#reference.isDone) break
        this.#state = this.#isInValue ? VALUE : CONTENT
        if (!this.#isInValue && this.depth <= this.#reportDepth) this.#sink.character(this.#reference.code, this.depth)
        break
      case BRACKETS:
      case CDATA_BRACKETS: {
        if (byte === BRACKET) {
          this.#brackets++
          return i + 1
        }
        const isInCdata = this.#state === CDATA_BRACKETS
        const isClosing = byte === GT && this.#brackets >= 2
        // XML 1.0 §2.4: `]]>` must not appear in text.
        if (isClosing && !isInCdata) this.#fail('not-well-formed', ']]> in text', i)
        const textEnd = isClosing ? i - 2 : i
        const textStart = i - this.#brackets
        if (textEnd > textStart && this.depth <= this.#reportDepth) this.#sink.text(bytes, this.depth, textStart, textEnd)
        this.#state = isInCdata && !isClosing ? CDATA : CONTENT
        if (isClosing) i++
        break
      }
      case BANG:
        refuseDeclared(byte, i)
        if (byte !== OPENING_BRACKET || this.depth === 0) this.#fail('not-well-formed', 'no markup of XML', i)
        if (this.#isStream && this.depth === 1) this.#fail('bad-format', 'text between the elements of a stream', i)
        this.#tokenStart = ++i
        this.#state = CDATA_OPEN
        break
      case CDATA_OPEN:
        if (byte !== 'CDATA['.charCodeAt(i - this.#tokenStart)) this.#fail('not-well-formed', 'no markup of XML', i)
        i++
        if (i - this.#tokenStart === 6) this.#state = CDATA
        break
      case CDATA:
        i = this.#characters(bytes, i, end, STOPS_CDATA)
        if (i > offset && this.depth <= this.#reportDepth) this.#sink.text(bytes, this.depth, offset, i)
        if (i >= end || bytes[i] !== BRACKET) break
        this.#brackets = 0
        this.#state = CDATA_BRACKETS
    }
    return i
  }

  /** Passes over characters; stops at `end`, at one of the class `stops`, or at a character that `end` cuts. */
  #characters(bytes: Uint8Array, offset: number, end: number, stops: number): number {
    let i = offset
    for (;;) {
      i = findByte(bytes, i, end, stops)
      if (i >= end) return i
      const byte = bytes[i] as number
      if (byte < 0x80) {
        if (byte < 0x20 && !isOf(byte, WHITE_SPACE)) this.#fail('not-well-formed', 'a control character', i)
        return i
      }
      const code = wideCharacter(bytes, i, end)
      if (code === INCOMPLETE) return i
      if (code === FORBIDDEN) this.#fail('not-well-formed', 'a character that XML forbids, or broken UTF-8', i)
      this.#valueFlags |= WIDE
      i += widthOf(code)
    }
  }

  #startTag(bytes: Uint8Array, next: number): void {
    const { scope, depth } = this
    if (depth === this.#watchDepth) scope.watch()
    const at = depth * 3
    this.#open[at] = this.elementStart
    this.#open[at + 1] = this.elementEnd
    this.#open[at + 2] = scope.size
    if (this.attributes.count > 0) this.attributes.settle(bytes, scope)
    if (this.elementColon < 0) this.elementBinding = scope.useDefault()
    else {
      if (isAt(bytes, this.elementStart, this.elementColon, 'xmlns')) this.#fail('not-well-formed', 'an element in xmlns:', this.elementStart)
      this.elementBinding = scope.resolve(this.elementStart, this.elementColon)
    }
    this.depth = depth + 1
    if (depth <= this.#reportDepth) this.#sink.start(this, depth, next)
  }

  /** Returns the state after it. */
  #endTag(next: number): number {
    const depth = --this.depth
    if (depth <= this.#reportDepth) this.#sink.end(this, depth, next)
    this.scope.leave(this.#open[depth * 3 + 2] as number)
    if (depth > 0) return CONTENT
    this.#surroundings.leaveRoot()
    return OUTSIDE
  }

  #fail(fault: XmlFault, message: string, offset: number): never {
    throw new XmlError(fault, message, offset)
  }
}
