// The revocation lists of one listener: what they say of the certificates of a path (RFC 5280 §6.3). With lists configured, every authority of a
// path needs one: where it is missing, or out of date, the answer is that nobody knows.
import type { PathAuthority, Revocation } from './path.ts'
import type { RevocationList } from './revocation-list.ts'

/** Authorities whose list is remembered; there are more only where intermediate ones are changed all the time. */
const maxRemembered = 1_000

export class RevocationLists implements Revocation {
  readonly lists: readonly RevocationList[]
  readonly #acceptsOutdated: boolean
  /** By the authority's fingerprint; null where it has no list. */
  readonly #ofAuthority = new Map<string, RevocationList | null>()

  /** `acceptsOutdated`: a list counts even after its next one was due. */
  constructor(lists: readonly RevocationList[], acceptsOutdated: boolean) {
    this.lists = lists
    this.#acceptsOutdated = acceptsOutdated
  }

  statusOf(serialNumber: string, issuer: PathAuthority, now: number): ReturnType<Revocation['statusOf']> {
    const list = this.#listOf(issuer)
    if (list === null) return 'unavailable'
    // An old list is wrong only about what was revoked since.
    if (list.fields.serials.has(serialNumber)) return 'revoked'
    return list.isOutdated(now) && !this.#acceptsOutdated ? 'outdated' : 'good'
  }

  /** The newest of its lists. */
  #listOf(authority: PathAuthority): RevocationList | null {
    const known = this.#ofAuthority.get(authority.fingerprint256)
    if (known !== undefined) return known
    let newest: RevocationList | null = null
    for (const list of this.lists) {
      if (list.isOf(authority) && (newest === null || list.isNewerThan(newest))) newest = list
    }
    if (this.#ofAuthority.size >= maxRemembered) this.#ofAuthority.clear()
    this.#ofAuthority.set(authority.fingerprint256, newest)
    return newest
  }
}
