/** Logs are events with fields (house style): what happened, to whom, why; never a password, a SASL payload or a message body. */

/** One thing that happened. `event` is a stable dotted name; the other fields are plain values. */
export interface LogEvent {
  readonly event: string
  readonly [field: string]: unknown
}

export interface Log {
  debug(event: LogEvent): void
  info(event: LogEvent): void
  warn(event: LogEvent): void
  error(event: LogEvent): void
}

/** Swallows everything: for tests and tools that say what they have to say themselves. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
