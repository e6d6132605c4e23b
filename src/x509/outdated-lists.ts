// Tells of every revocation list whose next one is overdue: once, when that begins, and again when it does after a clock was set.
import type { RevocationList } from './revocation-list.ts'

export class OutdatedLists {
  #known = new Set<RevocationList>()

  /** Those among `lists` that were not outdated, or not there, the last time. `now` in milliseconds since the epoch. */
  among(lists: Iterable<RevocationList>, now: number): readonly RevocationList[] {
    const outdated = new Set([...lists].filter(list => list.isOutdated(now)))
    const news = [...outdated].filter(list => !this.#known.has(list))
    this.#known = outdated
    return news
  }
}
