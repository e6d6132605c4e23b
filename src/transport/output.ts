/**
 * Writes to one client: what is written within one turn of the event loop leaves together, a client that reads slowly is not read from
 * either, and one that does not read at all is cut (websocket.md, "limits"). WebSocket and TCP share it.
 */
import type { Duplex } from 'node:stream'
import type { Clock, Timer } from '../telemetry/clock.ts'
import { LimitReached } from '../telemetry/limit.ts'
import type { Held, Outbox } from './outbox.ts'

/** So many milliseconds a client has to catch up, once more than `maxUnreadBytes` wait for it: a burst from others is not its fault. */
const catchUpTime = 2_000
/** What it may have unread at most within that time, in multiples of `maxUnreadBytes`. */
const burstFactor = 2

const doesNotRead = (): LimitReached => new LimitReached('limits.max_unread_bytes', 'the client does not read what is sent to it')

export interface OutputShared {
  /** Unread output, in bytes, beyond which the client is cut if it does not catch up soon. Reading from it stops at an eighth of that. */
  readonly maxUnreadBytes: number
  readonly outbox: Outbox
  readonly clock: Clock
}

/** The connection, as far as its output is concerned. */
export interface Readable {
  /** Bytes that were written and have not left for the client. */
  readonly unreadBytes: number
  pauseReading(): void
  resumeReading(): void
  cut(cause: Error): void
}

export class Output implements Held {
  /** What it holds back is what the client has not read. */
  readonly #wire: Duplex
  readonly #connection: Readable
  readonly #shared: OutputShared
  #isHeld = false
  #waitsForDrain = false
  #isOver = false
  #pause: Timer | null = null
  #lastChance: Timer | null = null

  constructor(wire: Duplex, connection: Readable, shared: OutputShared) {
    this.#wire = wire
    this.#connection = connection
    this.#shared = shared
  }

  /** Nothing is read for some time, because somebody asked for that. */
  get isPaused(): boolean { return this.#pause !== null }

  /** To be called before each write. */
  hold(): void {
    if (this.#isHeld) return
    this.#isHeld = true
    this.#wire.cork()
    this.#shared.outbox.add(this)
  }

  release(): void {
    this.#isHeld = false
    this.#wire.uncork()
  }

  /** To be called after each write: is there too much by now? */
  check(): void {
    const { unreadBytes } = this.#connection
    const { maxUnreadBytes } = this.#shared
    if (unreadBytes > maxUnreadBytes) this.#askToCatchUp(unreadBytes)
    // Only where `drain` will tell of the end: below its own mark the socket never says that it has caught up.
    else if (!this.#waitsForDrain && this.#wire.writableNeedDrain && unreadBytes > maxUnreadBytes / 8) this.#pauseUntilDrained()
  }

  /** Half of what may be unread is for what can wait. Whoever has nothing unread has room for one of any size. */
  hasRoomFor(bytes: number): boolean {
    const { unreadBytes } = this.#connection
    return unreadBytes === 0 || unreadBytes + bytes <= this.#shared.maxUnreadBytes / 2
  }

  /** Nothing is read for so many milliseconds. */
  pause(milliseconds: number): void {
    this.#connection.pauseReading()
    this.#pause?.cancel()
    this.#pause = this.#shared.clock.after(milliseconds, () => {
      this.#pause = null
      this.#resume()
    })
  }

  /** What comes is read again, whatever held it up, and the client is judged no more. */
  end(): void {
    this.#isOver = true
    this.#pause?.cancel()
    this.#pause = null
    this.#lastChance?.cancel()
    this.#lastChance = null
  }

  #askToCatchUp(unreadBytes: number): void {
    const { clock, maxUnreadBytes } = this.#shared
    if (unreadBytes > burstFactor * maxUnreadBytes) {
      this.#connection.cut(doesNotRead())
      return
    }
    this.#lastChance ??= clock.after(catchUpTime, () => {
      this.#lastChance = null
      if (this.#connection.unreadBytes > maxUnreadBytes) this.#connection.cut(doesNotRead())
    })
  }

  /** A client that reads slowly is not read from either, until it has caught up. */
  #pauseUntilDrained(): void {
    this.#waitsForDrain = true
    this.#connection.pauseReading()
    this.#wire.once('drain', () => {
      this.#waitsForDrain = false
      this.#resume()
    })
  }

  #resume(): void {
    if (!this.#isOver && !this.#waitsForDrain && this.#pause === null) this.#connection.resumeReading()
  }
}
