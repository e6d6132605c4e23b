/**
 * What can wait elsewhere is given to a client as far as it has room, and the rest when there is room again. And what a client without stream management
 * was sent, as far as somebody wants to know whether it left: its connection tells.
 */
import type { OutboundStream } from '../stream/stream-services.ts'
import type { Unacknowledged } from './stream-management.ts'

interface Waiter { readonly bytes: number, readonly act: () => void }

/** The session, as far as its room is concerned. */
export interface Roomy {
  /** Null while there is none, or there will be none. */
  readonly outbound: OutboundStream | null
  /** Whether those who wait need wait no more, for there will be no room. */
  readonly isOver: boolean
  hasRoomFor(bytes: number): boolean
  /** Asks the client to acknowledge, where that could make room for so many bytes. */
  askFor(bytes: number): void
  fail(error: unknown): void
}

export class Room {
  readonly #session: Roomy
  #waiters: Waiter[] = []
  readonly #leaving: Unacknowledged[] = []
  /** The stream that will tell when what it was sent has left. */
  #telling: OutboundStream | null = null

  constructor(session: Roomy) { this.#session = session }

  /** Calls `act`, once, when there is room for so many bytes, or the session is over. */
  await(bytes: number, act: () => void): void {
    this.#waiters.push({ bytes, act })
    this.#seek(bytes)
  }

  /** There may be room, or there will be none. */
  wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) {
      if (this.#session.isOver || this.#session.hasRoomFor(waiter.bytes)) waiter.act()
      else this.await(waiter.bytes, waiter.act)
    }
  }

  /** To a client that does not acknowledge. */
  send(stanza: Unacknowledged): void {
    // The session may end with this very stanza.
    this.#leaving.push(stanza)
    this.#session.outbound?.send(stanza.wire)
    this.#awaitSent()
  }

  /** All that was sent has left. */
  get hasSentAll(): boolean { return this.#leaving.length === 0 }

  /** What has not left, and is nobody's any more. */
  takeAll(): readonly Unacknowledged[] { return this.#leaving.splice(0) }

  #seek(bytes: number): void {
    this.#session.askFor(bytes)
    if (this.#session.outbound?.hasRoomFor(bytes) === false) this.#awaitSent()
  }

  #awaitSent(): void {
    const { outbound } = this.#session
    if (outbound === null || this.#telling === outbound) return
    this.#telling = outbound
    const { length } = this.#leaving
    outbound.whenSent(() => {
      if (this.#telling === outbound) this.#telling = null
      if (this.#session.outbound === outbound) this.#haveLeft(length)
    })
  }

  /** Called from a socket's event: nobody above could catch a bug. */
  #haveLeft(count: number): void {
    try {
      for (const { receipt } of this.#leaving.splice(0, count)) receipt?.acknowledged()
      if (this.#leaving.length > 0) this.#awaitSent()
      this.wake()
    } catch (error) {
      this.#session.fail(error)
    }
  }
}
