/** A qualified name being read (Namespaces in XML 1.0 §4, XML 1.0 §2.3). Can stop after any byte. */
import { FORBIDDEN, INCOMPLETE, isOf, isWideNameCharacter, isWideNameStart, NAME_CHARACTER, NAME_START, wideCharacter,
  widthOf } from './characters.ts'
import { XmlError } from './xml-error.ts'

const COLON_BYTE = 0x3A

export class QualifiedName {
  readonly #maxBytes: number
  start = 0
  /** Offset of the colon, or -1. */
  colon = -1

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  begin(start: number): void {
    this.start = start
    this.colon = -1
  }

  /** Passes over the name; stops at `end`, behind the name, or at a character that `end` cuts (the only one above 0x7F). */
  read(bytes: Uint8Array, offset: number, end: number): number {
    let i = offset
    for (;;) {
      while (i < end && isOf(bytes[i] as number, NAME_CHARACTER)) i++
      if (i - this.start > this.#maxBytes) throw new XmlError('limit', 'a name is too long', i)
      if (i >= end) return i
      const byte = bytes[i] as number
      if (byte === COLON_BYTE) {
        if (this.colon >= 0) throw new XmlError('not-well-formed', 'a second colon in a name', i)
        this.colon = i++
      } else if (byte < 0x80) return i
      else {
        const code = wideCharacter(bytes, i, end)
        if (code === INCOMPLETE) return i
        if (code === FORBIDDEN || !isWideNameCharacter(code)) {
          throw new XmlError('not-well-formed', 'a character that no name may hold', i)
        }
        i += widthOf(code)
      }
    }
  }

  /** The name ends before `end`. Prefix and local part are NCNames, so each begins like a name and neither is empty. */
  finish(bytes: Uint8Array, end: number): void {
    if (this.colon >= 0) checkStart(bytes, this.start, this.colon)
    checkStart(bytes, this.colon < 0 ? this.start : this.colon + 1, end)
  }
}

function checkStart(bytes: Uint8Array, start: number, end: number): void {
  const byte = bytes[start] as number
  const isStart = start < end
    && (byte < 0x80 ? isOf(byte, NAME_START) : isWideNameStart(wideCharacter(bytes, start, end)))
  if (!isStart) throw new XmlError('not-well-formed', 'a name begins with a character that must not begin one', start)
}
