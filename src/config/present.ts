/** What the files of a listener's TLS are held against beside the rules. */
import type { TlsMaterial } from '../x509/tls-material.ts'

export interface Present {
  /** Milliseconds since the epoch. */
  readonly now: number
  /**
   * What the listener has in use; null at the start. It was good once and stays in use whatever is said of it, so that nothing in it becomes a mistake by
   * its date alone: an old certificate must not keep away a new revocation list.
   */
  readonly inUse: TlsMaterial | null
}
