/** Which of the messages that are kept for an account were given to a session, and which its client has: those may be dropped, in order (XEP-0160, XEP-0198 §4). */

export class Handover {
  /** Greatest id that a session was given. */
  #upTo = 0
  /** Greatest id that a client has. */
  #acknowledged = 0
  readonly #outstanding = new Set<number>()

  /** Messages with greater ids were given to nobody. */
  get upTo(): number { return this.#upTo }

  give(id: number): void {
    this.#upTo = Math.max(this.#upTo, id)
    this.#outstanding.add(id)
  }

  /** Its client has it. */
  acknowledge(id: number): void {
    this.#outstanding.delete(id)
    this.#acknowledged = Math.max(this.#acknowledged, id)
  }

  /** Nobody has it after all: it, and what was kept later, is to be given again. */
  takeBack(id: number): void {
    this.#outstanding.delete(id)
    this.#upTo = Math.min(this.#upTo, id - 1)
  }

  /** Clients have all with that id or a lesser one. */
  get mayBeDropped(): number { return Math.min(this.#acknowledged, this.#upTo, ...[...this.#outstanding].map(id => id - 1)) }
}
