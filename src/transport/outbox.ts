/**
 * Gathers what is written within one turn of the event loop, whoever sent it, so that several stanzas for one client leave in
 * one TLS record and one system call: of what a relayed stanza costs, writing it is a third. Nothing waits: the flush runs when
 * every socket that was readable has been read, before the loop goes back to the network.
 */

/** A connection whose output is held back. */
export interface Held { release(): void }

export class Outbox {
  #held: Held[] = []

  /** Calls `release` at the end of this turn. */
  add(connection: Held): void {
    if (this.#held.push(connection) === 1) setImmediate(this.#flush)
  }

  readonly #flush = (): void => {
    const held = this.#held
    this.#held = []
    for (const connection of held) connection.release()
  }
}
