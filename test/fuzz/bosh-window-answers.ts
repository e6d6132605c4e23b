/** What has to hold of every answer of a BOSH window, whatever the network does (XEP-0124 §7–§10, §14). */
import assert from 'node:assert/strict'
import type { WindowRequest, WindowResponse } from '../../src/transport/bosh-window.ts'

export interface Circumstances {
  readonly now: number
  readonly isCreation: boolean
  readonly acks: boolean
  /** It came within `take`, and not within `settle`. */
  readonly isTaking: boolean
  /** It answers a rid that had arrived before, by the connection that it just came by again. */
  readonly isRepeat: boolean
  readonly hasEnded: boolean
  /** Highest rid that has arrived with all lower ones. */
  readonly received: number
}

export class BoshAnswers {
  readonly #first = new Map<number, WindowResponse>()
  readonly #sentAt = new Map<number, number>()
  #last = 0
  reports = 0

  judge({ rid, pause }: WindowRequest<unknown>, response: WindowResponse, circumstances: Circumstances): void {
    const { now, isCreation, acks, isTaking, isRepeat, hasEnded, received } = circumstances
    if (response.kind === 'error' || response.condition === 'item-not-found') return
    const before = this.#first.get(rid)
    if (before !== undefined) assert.deepEqual(response, before, 'a repeat gets the same')
    else if (!isRepeat && !hasEnded) {
      assert.ok(rid > this.#last, 'answers in the order of the rids')
      this.#last = rid
    }
    if (!hasEnded) this.#first.set(rid, response)
    if (pause !== null && response.kind === 'normal') assert.equal(response.payloads.length, 0, 'the answer to a pause carries nothing')
    assert.equal(response.isCreation, isCreation)
    const { ack, report } = response
    if (ack !== null && !isRepeat) {
      assert.ok(acks && (isCreation || ack !== rid))
      // A pause is answered as soon as it is its turn; of what came before its turn the next answer tells.
      assert.ok(ack === received || ack < received && isTaking, 'the ack is the highest rid without a gap')
    }
    if (report !== null && !isRepeat) {
      const sent = this.#sentAt.get(report.rid)
      assert.ok(report.time >= 1_000 && (sent === undefined || report.time <= now - sent), 'a report of a response that went before')
      this.reports += 1
    }
    this.#sentAt.set(rid, now)
  }
}
