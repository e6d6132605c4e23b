/**
 * A message that several clients of an account were given, some of them as a copy (XEP-0280), or one that came to its client by a detour: who has it, and what
 * it was at first. So nobody is given it twice, and it is not lost while somebody may have it still (XEP-0198 §4).
 */
import type { Receipt } from '../session/stream-management.ts'
import type { Resident } from './resident.ts'

type Form = 'message' | 'copy'

export class GivenMessage implements Receipt {
  /** As it was sent first, and when, in milliseconds since the epoch: what is passed on once more says no other time (XEP-0203 §2). */
  readonly original: { readonly wire: Uint8Array, readonly at: number }
  /** It is kept, or its sender has been told: the others that were given it need not care. */
  isSettled = false
  readonly #holders = new Map<Resident, Form>()
  /** So many may acknowledge it still. */
  #pending = 0
  #isAcknowledged = false

  constructor(original: GivenMessage['original']) { this.original = original }

  /** They are about to be given it: all are known before the first is, who may be lost with it. */
  announce(residents: readonly Resident[], form: Form): void {
    for (const resident of residents) this.#holders.set(resident, form)
    this.#pending += residents.length
    this.isSettled = false
  }

  give(resident: Resident, wire: Uint8Array): void {
    if (resident.hasLeft) this.lost()
    else resident.session.deliver(wire, this)
  }

  acknowledged(): void {
    this.#pending -= 1
    this.#isAcknowledged = true
  }

  /** One that was given it has gone, and did not acknowledge it. */
  lost(): void { this.#pending -= 1 }

  /** As what that resource was given it, whatever became of it. */
  formFor(resident: Resident): Form | undefined { return this.#holders.get(resident) }

  /** Nobody has acknowledged it, and nobody will. */
  get isLost(): boolean { return this.#pending === 0 && !this.#isAcknowledged }
}
