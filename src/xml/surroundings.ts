/** What may stand around the root: white space after it, and before a stream's header (RFC 6120 §11.1, RFC 7395 §3.3.3). */
import { FORBIDDEN, INCOMPLETE, isOf, NAME_START, WHITE_SPACE, wideCharacter } from './characters.ts'
import { asciiIn } from './span.ts'
import { XmlError } from './xml-error.ts'
import type { XmlFault } from './xml-error.ts'

const BEFORE = 0, FIRST_TAG = 1, TARGET = 2, DECLARATION = 3, INSIDE = 4, AFTER = 5, AFTER_TAG = 6, AFTER_BANG = 7
const LT = 0x3C, GT = 0x3E, QUESTION = 0x3F, BANG = 0x21, HYPHEN = 0x2D, LETTER_D = 0x44, BRACKET = 0x5B, SLASH = 0x2F

/** XML 1.0 §2.8 with §4.3.3, without the `<?` and `>` around it. */
const declarationSyntax = new RegExp('^xml[ \\t\\r\\n]+version[ \\t\\r\\n]*=[ \\t\\r\\n]*(?:"1\\.[0-9]+"|\'1\\.[0-9]+\')'
  + '(?:[ \\t\\r\\n]+encoding[ \\t\\r\\n]*=[ \\t\\r\\n]*(?:"([A-Za-z][A-Za-z0-9._-]*)"|\'([A-Za-z][A-Za-z0-9._-]*)\'))?'
  + '(?:[ \\t\\r\\n]+standalone[ \\t\\r\\n]*=[ \\t\\r\\n]*(?:"(?:yes|no)"|\'(?:yes|no)\'))?[ \\t\\r\\n]*\\?$')
const maxDeclarationBytes = 256

export class Surroundings {
  readonly #isStream: boolean
  #state = BEFORE
  #start = 0

  constructor(form: 'document' | 'stream') {
    this.#isStream = form === 'stream'
  }

  /** Offset of the last `<`. */
  tagStart = 0

  /** Whether the `<` of the root has been read, and the root not yet ended. */
  get isInside(): boolean { return this.#state === INSIDE }
  get isAfter(): boolean { return this.#state >= AFTER }

  begin(start: number): void {
    this.#state = BEFORE
    this.#start = start
  }

  leaveRoot(): void {
    this.#state = AFTER
  }

  /** Reads on in `bytes[offset, end)`; stops behind the `<` of the root, at `end`, or at a character that `end` cuts. */
  read(bytes: Uint8Array, offset: number, end: number): number {
    let i = offset
    while (i < end && this.#state !== INSIDE) {
      const byte = bytes[i] as number
      const isSpace = isOf(byte, WHITE_SPACE)
      switch (this.#state) {
        case BEFORE:
          if (byte === LT) this.#state = FIRST_TAG
          // RFC 7395 §3.3.3: the first character of a message is `<`. A TCP stream may follow the white space of the one before it.
          else if (!isSpace || !this.#isStream) return this.#refuseText(bytes, i, end, 'the first character is not <')
          else if (i - this.#start > maxDeclarationBytes) fail('limit', 'too much white space before the stream', i)
          if (byte === LT) this.tagStart = i
          break
        case FIRST_TAG:
          if (byte !== QUESTION) {
            this.#state = INSIDE
            return i
          }
          // XML 1.0 §2.8: the declaration stands at the very beginning or not at all.
          if (this.tagStart !== this.#start) fail('restricted-xml', 'a processing instruction', this.tagStart)
          this.#state = TARGET
          break
        case TARGET: {
          const index = i - this.#start - 2
          if (index < 3 ? byte !== 'xml'.charCodeAt(index) : !isSpace) fail('restricted-xml', 'a processing instruction', this.tagStart)
          if (index < 3) break
          if (!this.#isStream) fail('bad-format', 'an XML declaration', this.tagStart)
          this.#state = DECLARATION
          break
        }
        case DECLARATION:
          if (i - this.#start > maxDeclarationBytes) fail('limit', 'the XML declaration is too long', i)
          if (byte === GT) this.#checkDeclaration(asciiIn(bytes, this.#start + 2, i))
          break
        case AFTER:
          if (byte === LT) {
            this.tagStart = i
            this.#state = AFTER_TAG
          } else if (!isSpace) return this.#refuseText(bytes, i, end, 'text follows the element')
          break
        case AFTER_TAG:
          if (byte === QUESTION) fail('restricted-xml', 'a processing instruction', this.tagStart)
          if (byte === SLASH || byte >= 0x80 || isOf(byte, NAME_START)) fail('bad-format', 'a tag follows the element', i)
          if (byte !== BANG) fail('not-well-formed', 'no name follows <', i)
          this.#state = AFTER_BANG
          break
        case AFTER_BANG:
          refuseDeclared(byte, i)
          if (byte === BRACKET) fail('bad-format', 'text follows the element', i)
          fail('not-well-formed', 'no markup of XML', i)
      }
      i++
    }
    return i
  }

  /** Returns `offset` if the character there is cut by `end`. */
  #refuseText(bytes: Uint8Array, offset: number, end: number, message: string): number {
    const byte = bytes[offset] as number
    const code = byte < 0x80 ? byte : wideCharacter(bytes, offset, end)
    if (code === INCOMPLETE) return offset
    const isCharacter = code >= 0x20 || isOf(byte, WHITE_SPACE)
    if (code === FORBIDDEN || !isCharacter) fail('not-well-formed', 'a character that XML forbids, or broken UTF-8', offset)
    return fail('bad-format', message, offset)
  }

  #checkDeclaration(declaration: string): void {
    const match = declarationSyntax.exec(declaration)
    if (match === null) fail('not-well-formed', 'the XML declaration is malformed', this.tagStart)
    const encoding = match[1] ?? match[2] ?? 'UTF-8'
    // RFC 6120 §11.6: UTF-8 and nothing else.
    if (encoding.toUpperCase() !== 'UTF-8') fail('bad-format', 'the encoding is not UTF-8', this.tagStart)
    this.#state = BEFORE
  }

  /** The input ended at `position`, which lies before or after the root. */
  finish(position: number, length: number): void {
    if (this.#state === AFTER && position === length) return
    if (this.#state === BEFORE && position === length) fail('bad-format', 'there is no element', position)
    if (this.#state === TARGET) fail('restricted-xml', 'a processing instruction', this.tagStart)
    fail('not-well-formed', 'the input ends within markup', position)
  }
}

/** RFC 6120 §11.1: after `<!`, a comment or a DOCTYPE is on its way. */
export function refuseDeclared(byte: number, offset: number): void {
  if (byte === HYPHEN) fail('restricted-xml', 'a comment', offset)
  if (byte === LETTER_D) fail('restricted-xml', 'a DOCTYPE', offset)
}

function fail(fault: XmlFault, message: string, offset: number): never {
  throw new XmlError(fault, message, offset)
}
