/** Scans an XML stream as it arrives (RFC 6120 §4, §11): its header, each first-level element, its footer. */
import { Buffer } from 'node:buffer'
import { isOf, WHITE_SPACE } from './characters.ts'
import { ElementDraft, isWhiteSpace } from './element-draft.ts'
import { defaultXmlLimits } from './limits.ts'
import type { XmlLimits } from './limits.ts'
import { MarkupReader } from './markup-reader.ts'
import type { MarkupSink } from './markup-reader.ts'
import { ScannedElement } from './scanned.ts'
import { bufferOf } from './span.ts'
import { XmlError } from './xml-error.ts'

export interface StreamSink {
  /** `<stream:stream …>`, as an element of its own without content. */
  header(header: ScannedElement): void
  /** A first-level element, on bytes of its own. */
  element(element: ScannedElement): void
  footer(): void
}

/** Longer input is read in pieces of this size, so that what is kept stays close to the limit. */
const maxPieceBytes = 65_536
/** A buffer that grew beyond this is given back between two elements. */
const maxIdleBytes = 16_384
const slash = 0x2F

/**
 * The buffer holds the header, whose declarations and name are needed to the end, and behind it the element being read. What is
 * complete is copied out; after each piece, the beginning of an incomplete element moves to behind the header and is read once more.
 */
export class StreamScanner {
  readonly #limits: XmlLimits
  readonly #sink: StreamSink
  readonly #reader: MarkupReader
  #buffer = Buffer.alloc(0)
  /** Bytes of the buffer in use, of the header with what stands before it, and the offset of the element being read. */
  #end = 0
  #headerEnd = 0
  #elementStart = 0
  /** Bytes of the chunk behind the piece that is being read. */
  #behind = 0
  #isRestarting = false
  #isStopped = false
  #isWriting = false

  constructor(sink: StreamSink, limits: XmlLimits = defaultXmlLimits) {
    this.#limits = limits
    this.#sink = sink
    this.#reader = new MarkupReader(limits, this.#markupSink(), 'stream', 2, 1)
    this.#reader.begin(0, [])
  }

  /** Throws XmlError, after having told of all that was complete before the fault; whatever comes after it is ignored. */
  write(chunk: Uint8Array): void {
    if (this.#isWriting) throw new Error('write() within an event of the same stream')
    this.#isWriting = true
    let isDone = false
    try {
      for (let offset = 0; offset < chunk.length && !this.#isStopped; offset += maxPieceBytes) {
        this.#behind = Math.max(0, chunk.length - offset - maxPieceBytes)
        this.#take(chunk.subarray(offset, offset + maxPieceBytes))
      }
      isDone = true
    } catch (error) {
      throw error instanceof XmlError ? new XmlError(error.fault, error.message, Math.max(0, error.offset - this.#elementStart), error.isTooLong) : error
    } finally {
      this.#isWriting = false
      if (!isDone || this.#isStopped) this.stop()
    }
  }

  /** Something has begun and not ended: a header, an element. */
  get isPartial(): boolean { return this.#end > this.#elementStart }

  /** Within an event: how many bytes have come already behind what it tells of. */
  get bytesBehind(): number { return this.#end - this.#elementStart + this.#behind }

  /** The next byte begins a new stream (RFC 6120 §4.3.3). After STARTTLS make a new scanner instead: nothing sent in clear may remain. */
  restart(): void {
    this.#isRestarting = true
    this.#reader.isPaused = true
  }

  /** No more events; the rest of the input is ignored. */
  stop(): void {
    this.#isStopped = true
    this.#reader.isPaused = true
    if (this.#isWriting) return
    this.#buffer = Buffer.alloc(0)
    this.#reader.release()
  }

  #take(piece: Uint8Array): void {
    if (this.#isRestarting) this.#startAnew()
    this.#append(piece)
    for (;;) {
      this.#reader.isPaused = false
      this.#reader.run(this.#buffer, this.#end)
      if (this.#isStopped) return
      if (!this.#isRestarting) break
      this.#startAnew()
    }
    this.#tidy()
    if (this.#end - this.#headerEnd > this.#limits.maxBytes) throw new XmlError('limit', 'an element is too long', this.#end, true)
  }

  #startAnew(): void {
    this.#isRestarting = false
    // White space that came with the last element belongs to the stream that is over: an XML declaration may still follow.
    while (this.#elementStart < this.#end && isOf(this.#buffer[this.#elementStart] as number, WHITE_SPACE)) this.#elementStart += 1
    this.#buffer.copyWithin(0, this.#elementStart, this.#end)
    this.#end -= this.#elementStart
    this.#headerEnd = 0
    this.#elementStart = 0
    this.#reader.begin(0, [])
  }

  #append(piece: Uint8Array): void {
    const needed = this.#end + piece.length
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(1024, needed, Math.min(this.#buffer.length * 2, needed + maxPieceBytes)))
      this.#buffer.copy(grown, 0, 0, this.#end)
      this.#buffer = grown
    }
    this.#buffer.set(piece, this.#end)
    this.#end = needed
  }

  /** Drops what is complete; what is not moves to behind the header. */
  #tidy(): void {
    const reader = this.#reader
    if (reader.depth === 0 && !reader.isEnded) return
    const start = reader.isEnded ? reader.position : this.#elementStart
    if (start === this.#headerEnd) return
    this.#buffer.copyWithin(this.#headerEnd, start, this.#end)
    this.#end -= start - this.#headerEnd
    this.#elementStart = this.#headerEnd
    if (reader.isEnded) {
      reader.position = this.#headerEnd
      return
    }
    reader.rewind(this.#headerEnd)
    if (this.#end === this.#headerEnd && this.#buffer.length > maxIdleBytes) this.#buffer = Buffer.from(this.#buffer.subarray(0, this.#end))
    reader.run(this.#buffer, this.#end)
  }

  #markupSink(): MarkupSink {
    const draft = new ElementDraft()
    return {
      start: (reader, depth, next) => {
        if (depth === 0) {
          draft.begin(reader)
          this.#header(draft, next)
        } else if (depth === 1) draft.begin(reader)
        else draft.addChild(reader)
      },
      end: (reader, depth, next) => {
        if (depth === 0) {
          if (!this.#isStopped) this.#sink.footer()
        } else if (depth === 1) this.#element(draft, reader, next)
      },
      text: (bytes, depth, start, end) => {
        if (depth === 2) draft.addText(bytes, start, end)
        else if (!isWhiteSpace(bytes, start, end)) throw new XmlError('bad-format', 'text between the elements of a stream', start)
        // RFC 6120 §11.7: white space between elements keeps the connection alive and says nothing.
        else this.#elementStart = end
      },
      character: (code, depth) => {
        if (depth === 1) throw new XmlError('bad-format', 'text between the elements of a stream', this.#elementStart)
        draft.addCharacter(code)
      },
    }
  }

  #header(draft: ElementDraft, next: number): void {
    if (next > this.#limits.maxBytes) throw new XmlError('limit', 'the stream header is too long', next, true)
    this.#headerEnd = next
    this.#elementStart = next
    const tag = this.#buffer.subarray(draft.start, next)
    const isEmpty = tag[tag.length - 2] === slash
    const bytes = isEmpty ? Buffer.from(tag) : Buffer.concat([tag.subarray(0, -1), Buffer.from('/>')])
    this.#sink.header(new ScannedElement(bytes, bytes.length, draft.rebased(), []))
  }

  #element(draft: ElementDraft, reader: MarkupReader, next: number): void {
    if (next - draft.start > this.#limits.maxBytes) throw new XmlError('limit', 'an element is too long', next, true)
    this.#elementStart = next
    const bytes = Buffer.from(bufferOf(reader.bytes).subarray(draft.start, next))
    this.#sink.element(new ScannedElement(bytes, bytes.length, draft.rebased(), reader.scope.inherited()))
  }
}
