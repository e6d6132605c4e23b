/** Notices when files are replaced, rewritten, removed or put back. They are looked at again and again: that sees an atomic rename, a changed link
 * anywhere in the path (Kubernetes swaps `..data`) and a network file system alike, which notifications of the system do not. */
import { stat } from 'node:fs/promises'

import type { Clock, Timer } from '../telemetry/clock.ts'

/** Milliseconds between two looks. A change counts when two looks see the same, so that what is being written is left alone. */
const interval = 1_000

export interface WatchedFilesOptions {
  readonly paths: readonly string[]
  /** As `stateOf` gave it when they were read; null: as they are at the first look. */
  readonly state: string | null
  readonly clock: Clock
  readonly changed: () => void
  readonly look?: (paths: readonly string[]) => Promise<string>
}

export class WatchedFiles {
  readonly #options: WatchedFilesOptions
  readonly #look: (paths: readonly string[]) => Promise<string>
  #timer: Timer | null = null
  #isLooking = false
  /** What the others know of. */
  #known: string | null
  #last: string | null = null

  constructor(options: WatchedFilesOptions) {
    this.#options = options
    this.#look = options.look ?? stateOf
    this.#known = options.state
  }

  start(): void {
    if (this.#options.paths.length > 0) this.#timer = this.#options.clock.every(interval, () => { void this.#compare() })
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  /** They are about to be read: what is there now is no news any more. */
  async mark(): Promise<void> { this.#known = await this.#look(this.#options.paths) }

  async #compare(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    const before = this.#last
    const now = await this.#look(this.#options.paths).finally(() => { this.#isLooking = false })
    this.#last = now
    this.#known ??= now
    if (this.#timer === null || now === this.#known || now !== before) return
    this.#known = now
    this.#options.changed()
  }
}

/** Two states are equal where nothing has happened to the files in between. Never rejects. */
export async function stateOf(paths: readonly string[]): Promise<string> {
  const states = await Promise.all(paths.map(async path => {
    try {
      // Of the file that the path leads to in the end.
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
      return [dev, ino, size, mtimeNs, ctimeNs].join(':')
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    }
  }))
  return states.join('\n')
}
