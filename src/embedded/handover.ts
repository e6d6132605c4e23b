/** Which of the messages that are kept for an account were given to a session, and which its client has: those may be dropped, in order (XEP-0160, XEP-0198 §4). */

export class Handover {
  /** Greatest id that a session was given. */
  #upTo = 0
  /** Greatest id that a client has. */
  #acknowledged = 0
  readonly #outstanding = new Set<number>()
  /** Given once, and nobody has them after all. */
  readonly #returned = new Set<number>()

  /** All that have to be given have greater ids; some of those a session may have been given. */
  get after(): number { return Math.min(this.#upTo, ...[...this.#returned].map(id => id - 1)) }

  /** Whether nobody has been given it, or nobody has it after all. */
  isToBeGiven(id: number): boolean { return id > this.#upTo || this.#returned.has(id) }

  give(id: number): void {
    this.#upTo = Math.max(this.#upTo, id)
    this.#returned.delete(id)
    this.#outstanding.add(id)
  }

  /** Its client has it. */
  acknowledge(id: number): void {
    this.#outstanding.delete(id)
    this.#acknowledged = Math.max(this.#acknowledged, id)
  }

  /** Nobody has it after all: it is to be given again, and what others were given is not. */
  takeBack(id: number): void {
    if (this.#outstanding.delete(id)) this.#returned.add(id)
  }

  /** Behind `after` and up to `upTo` there are no others any more than those that were found. Of what lies elsewhere nothing is known. */
  found(ids: readonly number[], after: number, upTo: number): void {
    const there = new Set(ids)
    for (const id of this.#returned) if (id > after && id <= upTo && !there.has(id)) this.#returned.delete(id)
  }

  /** Clients have some that may not be dropped yet, of which the store knows nothing: they would be given once more. */
  get isAhead(): boolean { return this.#acknowledged > this.mayBeDropped }

  /** Clients have all with that id or a lesser one. */
  get mayBeDropped(): number { return Math.min(this.#acknowledged, this.#upTo, ...[...this.#outstanding, ...this.#returned].map(id => id - 1)) }
}
