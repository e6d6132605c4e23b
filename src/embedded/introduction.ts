/**
 * What a resource is shown of others when it comes (RFC 6121 §4.2.2, §4.3, §3.1.3): as far as its client has room, and the rest as there is room again.
 * Everything is looked up when it is its turn, so that nothing goes out that is not so any more; what changes meanwhile is shown at once, as always.
 */
import type { Resident } from './resident.ts'

/** What there is to be seen now; nothing where it has gone. */
export type Glance = () => Uint8Array | null | undefined

export class Introduction {
  readonly #to: Resident
  readonly #glances: Iterator<Glance, undefined>
  #next: Glance | null = null

  constructor(to: Resident, glances: Iterator<Glance, undefined>) {
    this.#to = to
    this.#glances = glances
  }

  /** Until all is shown, there is no room for more, or the resource is not available any more. */
  goOn(): void {
    const { session } = this.#to
    while (this.#to.introduction === this) {
      const glance = this.#next ?? this.#following()
      if (glance === null) {
        this.#to.introduction = null
        return
      }
      const wire = glance() ?? null
      if (wire !== null && !session.hasRoomFor(wire.length)) {
        this.#next = glance
        session.whenRoom(wire.length, () => { this.goOn() })
        return
      }
      this.#next = null
      if (wire !== null) session.deliver(wire)
    }
  }

  #following(): Glance | null {
    const next = this.#glances.next()
    return next.done === true ? null : next.value
  }
}
