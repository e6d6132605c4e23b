// Goes through DER value by value, without building a tree: for lists of any length, which are read a slice at a time.
import { DerError, headerAt } from './der.ts'

export class DerCursor {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  get isAtEnd(): boolean { return this.#at === this.#end }

  /** Whether the next value has this tag. */
  isNext(identifier: number): boolean { return !this.isAtEnd && this.#bytes[this.#at] === identifier }

  /** Goes past the next value, which must have this tag, and gives its content. Throws DerError. */
  take(identifier: number): Buffer {
    const { contentStart, contentEnd } = this.#header(identifier)
    this.#at = contentEnd
    return this.#bytes.subarray(contentStart, contentEnd)
  }

  /** As `take`, for what is not looked at. */
  skip(identifier: number): void { this.#at = this.#header(identifier).contentEnd }

  /** As `take`, for what lies inside a constructed value. */
  enter(identifier: number): DerCursor {
    const { contentStart, contentEnd } = this.#header(identifier)
    this.#at = contentEnd
    return new DerCursor(this.#bytes, contentStart, contentEnd)
  }

  /** As `take`, tag and length included. */
  whole(identifier: number): Buffer {
    const start = this.#at
    this.#at = this.#header(identifier).contentEnd
    return this.#bytes.subarray(start, this.#at)
  }

  /** Throws DerError where something is left. */
  finish(): void {
    if (!this.isAtEnd) throw new DerError('more than belongs there')
  }

  #header(identifier: number): { readonly contentStart: number, readonly contentEnd: number } {
    const header = headerAt(this.#bytes, this.#at, this.#end)
    if (header.identifier !== identifier) throw new DerError(`tag 0x${header.identifier.toString(16)} where 0x${identifier.toString(16)} belongs`)
    return header
  }
}
