/** A reference being read, after its `&` (XML 1.0 §4.1): a character by number, or one of the five entities. Can stop after any byte. */
import { FORBIDDEN, INCOMPLETE, isOf, isCharacter, isWideNameCharacter, isWideNameStart, NAME_CHARACTER, NAME_START, wideCharacter,
  widthOf } from './characters.ts'
import { asciiIn } from './span.ts'
import { XmlError } from './xml-error.ts'

const START = 0, ENTITY = 1, NUMBER = 2, DECIMAL = 3, HEXADECIMAL = 4, DONE = 5
const HASH = 0x23, SEMICOLON = 0x3B, COLON = 0x3A, LETTER_X = 0x78
const longestPredefined = 4

const referents: ReadonlyMap<string, number> = new Map([['lt', 0x3C], ['gt', 0x3E], ['amp', 0x26], ['quot', 0x22], ['apos', 0x27]])

export class Reference {
  #state = START
  #start = 0
  /** The code point it stands for, once `isDone`. */
  code = 0

  get isDone(): boolean { return this.#state === DONE }

  /** A reference begins whose first byte after `&` is at `start`. */
  begin(start: number): void {
    this.#state = START
    this.#start = start
    this.code = 0
  }

  /** Reads on in `bytes[offset, end)` and returns where it stopped: behind the `;`, at `end`, or at a character that `end` cuts. */
  read(bytes: Uint8Array, offset: number, end: number): number {
    let i = offset
    while (i < end && this.#state !== DONE) {
      const byte = bytes[i] as number
      if (byte === SEMICOLON) this.#complete(bytes, i++)
      else if (this.#state === START && byte === HASH) {
        this.#state = NUMBER
        i++
      } else if (this.#state === NUMBER && byte === LETTER_X) {
        this.#state = HEXADECIMAL
        i++
      } else if (this.#state >= NUMBER) this.#digit(byte, i++)
      else {
        const width = this.#nameCharacter(bytes, i, end)
        if (width === 0) break
        this.#state = ENTITY
        i += width
      }
    }
    return i
  }

  #digit(byte: number, at: number): void {
    const digit = byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : this.#state === HEXADECIMAL ? hexadecimal(byte) : -1
    if (digit < 0) throw new XmlError('not-well-formed', 'a character reference is not a number', at)
    if (this.#state === NUMBER) this.#state = DECIMAL
    // Saturates, so that any number of digits stays a small integer.
    this.code = Math.min(this.code * (this.#state === HEXADECIMAL ? 16 : 10) + digit, 0x110000)
  }

  /** Bytes of the name character at `i`, 0 if `end` cuts it. */
  #nameCharacter(bytes: Uint8Array, i: number, end: number): number {
    const byte = bytes[i] as number
    const isStart = this.#state === START
    if (byte < 0x80) {
      const isName = byte === COLON || isOf(byte, isStart ? NAME_START : NAME_CHARACTER)
      if (!isName) throw new XmlError('not-well-formed', '& does not begin a reference', i)
      return 1
    }
    const code = wideCharacter(bytes, i, end)
    if (code === INCOMPLETE) return 0
    if (code === FORBIDDEN || !(isStart ? isWideNameStart(code) : isWideNameCharacter(code))) {
      throw new XmlError('not-well-formed', '& does not begin a reference', i)
    }
    return widthOf(code)
  }

  #complete(bytes: Uint8Array, end: number): void {
    if (this.#state === ENTITY) {
      const code = end - this.#start > longestPredefined ? undefined : referents.get(asciiIn(bytes, this.#start, end))
      // RFC 6120 §11.1: references to entities other than the predefined ones are not permitted.
      if (code === undefined) throw new XmlError('restricted-xml', 'an entity reference other than the five of XML', this.#start - 1)
      this.code = code
    } else if (!isCharacter(this.code)) {
      // Without any digit it is still 0, which is none.
      throw new XmlError('not-well-formed', 'a reference names no character of XML', this.#start - 1)
    }
    this.#state = DONE
  }
}

function hexadecimal(byte: number): number {
  if (byte >= 0x41 && byte <= 0x46) return byte - 0x37
  return byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : -1
}
