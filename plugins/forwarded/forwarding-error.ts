/** What is wrong with what a proxy says of its client: told in the log and to the proxy, never with the content of a header. */

export const forwardingFaults = [
  /** A certificate header on a listener that takes none. */
  'not-expected',
  /** A certificate header from somebody who is not a configured proxy. */
  'not-a-proxy',
  /** No certificate header, but this listener is only for the configured proxies. */
  'not-through-a-proxy',
  /** A name that a proxy, a library or a log might take for that of a certificate header. */
  'look-alike',
  /** A certificate header of another product than the configured one. */
  'other-dialect',
  'repeated', 'too-long', 'malformed', 'contradictory', 'address', 'certificate-required', 'certificate-refused',
] as const
export type ForwardingFault = (typeof forwardingFaults)[number]

/** Thrown by what reads headers, caught in arrivals.ts alone. */
export class ForwardingError extends Error {
  override readonly name = 'ForwardingError'
  readonly fault: ForwardingFault

  /** `message`: for people; holds nothing that was sent. */
  constructor(fault: ForwardingFault, message: string) {
    super(message)
    this.fault = fault
  }
}

/** For values that are not of their format. */
export const malformed = (what: string): ForwardingError => new ForwardingError('malformed', what)
