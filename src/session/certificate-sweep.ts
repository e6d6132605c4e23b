/** No session outlives the certificate that it logged in with (RFC 6120 §13.7.2.3, external.md §7): all of them are held against theirs again and again. */
import type { Clock, Timer } from '../telemetry/clock.ts'
import type { Log } from '../telemetry/log.ts'
import type { CertificateVerdict } from '../x509/verdict.ts'
import { StreamError } from '../xmpp/stream-error.ts'
import type { Departure } from './domain.ts'
import type { Session } from './session.ts'

/** Milliseconds between two rounds; external.md §7 allows 30 s. It is time that passes, not a date: clocks are set, forwards and back. */
const interval = 10_000

/** How many sessions are looked at in one go. One whose authority has gone may cost a millisecond. */
const slice = 16

interface End { readonly reason: Departure, readonly cause: string, readonly text: string }

export class CertificateSweep {
  readonly #sessions: () => Iterable<Session>
  readonly #clock: Clock
  readonly #log: Log
  readonly #timer: Timer
  #next: Timer | null = null

  constructor(sessions: () => Iterable<Session>, { clock, log }: { readonly clock: Clock, readonly log: Log }) {
    this.#sessions = sessions
    this.#clock = clock
    this.#log = log
    this.#timer = clock.every(interval, () => { if (this.#next === null) this.begin() })
  }

  /** A round from the beginning, whatever round is under way. */
  begin(): void {
    this.#next?.cancel()
    this.#go([...this.#sessions()].filter(({ principal }) => principal.certificate !== null).values())
  }

  stop(): void {
    this.#timer.cancel()
    this.#next?.cancel()
  }

  #go(left: IterableIterator<Session>): void {
    this.#next = null
    for (let count = slice; count > 0; count--) {
      const next = left.next()
      if (next.done === true) return
      this.#hold(next.value)
    }
    this.#next = this.#clock.after(0, () => { this.#go(left) })
  }

  #hold(session: Session): void {
    const { jid, principal: { certificate } } = session
    // Of a session that logged in otherwise, certificates decide nothing; one that waits for its client is taken up with a good one only.
    if (certificate === null || session.isDetached) return
    try {
      const end = this.#clock.now() > certificate.notAfter ? expired : endFor(session.facts.certificate(), certificate.fingerprint256)
      if (end === null) return
      this.#log.info({ event: 'session.certificate_lost', jid, fingerprint: certificate.fingerprint256, reason: end.cause, text: end.text })
      session.suspend(end.reason, new StreamError('reset', end.text))
    } catch (error) {
      // One session must not keep the others from being looked at.
      this.#log.error({ event: 'session.bug', jid, error })
    }
  }
}

const expired: End = { reason: 'expired', cause: 'expired', text: 'the certificate that this session logged in with has expired' }

/** What the session's connection says of its certificate now. */
function endFor(verdict: CertificateVerdict, fingerprint: string): End | null {
  if (verdict.kind === 'accepted' && verdict.certificate.fingerprint256 === fingerprint) return null
  if (verdict.kind !== 'refused') return { reason: 'distrusted', cause: 'not-shown', text: 'the certificate that this session logged in with is not shown any more' }
  switch (verdict.reason) {
    case 'expired': return expired
    case 'revoked': return { reason: 'revoked', cause: 'revoked', text: 'the certificate that this session logged in with has been revoked' }
    case 'untrusted': case 'self-signed':
      return { reason: 'distrusted', cause: verdict.reason, text: 'the authority of the certificate that this session logged in with is no longer trusted' }
    default:
      return { reason: 'distrusted', cause: verdict.reason, text: `the certificate that this session logged in with is no longer accepted: ${verdict.text}` }
  }
}
