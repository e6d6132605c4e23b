/** A log that tells everything on, and tells a counter first: what happens is said once, and the metrics follow from it. */
import type { Log, LogEvent } from './log.ts'

export function countingLog(log: Log, count: (event: LogEvent) => void): Log {
  return {
    debug(event) { count(event); log.debug(event) },
    info(event) { count(event); log.info(event) },
    warn(event) { count(event); log.warn(event) },
    error(event) { count(event); log.error(event) },
  }
}
