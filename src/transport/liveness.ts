/**
 * Finds connections that went silent (websocket.md, "pings"): one sweep for all instead of a timer for each, so that a
 * message costs one assignment and an idle connection nothing.
 */
import type { Clock, Timer } from '../telemetry/clock.ts'

export interface Watched {
  /** Sweeps since the peer was last heard; the connection sets it to 0 whenever it hears anything. */
  quietSweeps: number
  /** Nothing is read from the peer on purpose, so that its silence means nothing. */
  readonly isSlowedDown: boolean
  ping(): void
  /** Cuts the connection. */
  die(): void
}

/** Silence is measured in quarters of the ping rate: a ping goes out between 1 and 1¼ times the rate after the last sign of life. */
const sweepsPerPing = 4

export class Liveness {
  readonly #watched = new Set<Watched>()
  readonly #timer: Timer | null

  /** `pingRate` in milliseconds; 0 turns pings off. */
  constructor(pingRate: number, clock: Clock) {
    this.#timer = pingRate === 0 ? null : clock.every(pingRate / sweepsPerPing, () => { this.#sweep() })
  }

  watch(connection: Watched): void { this.#watched.add(connection) }
  forget(connection: Watched): void { this.#watched.delete(connection) }
  get size(): number { return this.#watched.size }
  /** Cuts every connection that is left. */
  endAll(): void { for (const connection of [...this.#watched]) connection.die() }
  stop(): void { this.#timer?.cancel() }

  #sweep(): void {
    for (const connection of this.#watched) {
      if (connection.isSlowedDown) continue
      connection.quietSweeps += 1
      if (connection.quietSweeps === sweepsPerPing + 1) connection.ping()
      else if (connection.quietSweeps > 2 * sweepsPerPing + 1) connection.die()
    }
  }
}
