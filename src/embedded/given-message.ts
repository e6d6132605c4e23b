/** What becomes of a message that a session is given and has to acknowledge (XEP-0198 §4), beyond what its bytes say. */
import type { Receipt } from '../session/stream-management.ts'

export class GivenMessage implements Receipt {
  /** As it was sent first, and when, in milliseconds since the epoch: what is passed on once more says no other time (XEP-0203 §2). */
  readonly original: { readonly wire: Uint8Array, readonly at: number }

  constructor(original: GivenMessage['original']) { this.original = original }

  acknowledged(): void {
    // Nobody waits for it.
  }
}
