/** The authentication of one stream: what is offered, how often one may try, and what the log is told of each login and refusal (external.md §6). */
import type { Principal } from '../auth/credentials.ts'
import { LimitReached } from '../telemetry/limit.ts'
import type { Log } from '../telemetry/log.ts'
import type { ScannedElement } from '../xml/scanned.ts'
import { StreamError } from '../xmpp/stream-error.ts'
import { SaslNegotiation, type SaslReply } from './sasl-negotiation.ts'
import type { ServedHost, StreamServices } from './stream-services.ts'
import type { ConnectionFacts, Transport } from './transport.ts'

/** external.md §6: after this many failures the stream ends. */
const maxFailures = 3

export class Authentication {
  readonly features: Uint8Array
  readonly #negotiation: SaslNegotiation
  readonly #isTlsRequired: boolean
  readonly #facts: ConnectionFacts
  readonly #log: Log
  #failures = 0

  constructor(host: ServedHost, { facts, upgrade, limits, stateTimeout }: Pick<Transport, 'facts' | 'upgrade' | 'limits' | 'stateTimeout'>,
    { log, announcements }: Pick<StreamServices, 'log' | 'announcements'>) {
    const context = host.saslContext({
      remoteAddress: facts.remoteAddress, secure: facts.secure, certificate: () => facts.certificate(), channelBindings: () => facts.channelBindings(),
    })
    this.#negotiation = new SaslNegotiation(host.mechanisms, context)
    this.#facts = facts
    this.#log = log
    // XEP-0478 §4: limits may change with the next features. Until somebody has logged in there is less time to be silent.
    const idle = Math.min(limits.idle ?? stateTimeout, stateTimeout)
    this.features = announcements.authentication(this.#negotiation.advertised, upgrade, { ...limits, idle })
    this.#isTlsRequired = upgrade?.required === true
  }

  /** Takes an element in the SASL namespace. */
  receive(element: ScannedElement): SaslReply | Promise<SaslReply> {
    // RFC 6120 §6.5.4
    if (this.#isTlsRequired) return this.#negotiation.fail('encryption-required', 'TLS comes before authentication here')
    return this.#negotiation.receive(element)
  }

  /** Tells the log. Answers with who it is now, if anybody. */
  conclude(reply: SaslReply): Principal | null { return this.#conclude(reply, false) }

  /** Tells the log what was decided when the client had left: whoever guesses leaves a trace, also where he does not wait for the answer. */
  concludeUnheard(reply: SaslReply): void { this.#conclude(reply, true) }

  #conclude(reply: SaslReply, isGone: boolean): Principal | null {
    const { remoteAddress: address, transport } = this.#facts
    switch (reply.kind) {
      case 'challenge':
        return null
      case 'success': {
        const { principal, backend } = reply
        this.#log.info({ event: 'auth.success', account: principal.account, mechanism: principal.mechanism, backend, transport, address,
          fingerprint: principal.certificate?.fingerprint256, ...isGone ? { gone: true } : {} })
        return principal
      }
      case 'failure':
        this.#failures += 1
        this.#log.info({ event: 'auth.failure', account: reply.account, mechanism: reply.mechanism, condition: reply.condition, reason: reply.reason,
          transport, address, fingerprint: this.#fingerprint(), ...isGone ? { gone: true } : {} })
        return null
    }
  }

  /** Throws once there were too many failures. */
  checkFailures(): void {
    if (this.#failures < maxFailures) return
    const text = 'too many failed authentications'
    throw new StreamError('policy-violation', text, { cause: new LimitReached('authentication_failures', text) })
  }

  /** Of the certificate that the client showed, whatever that is worth. */
  #fingerprint(): string | undefined {
    const verdict = this.#facts.certificate()
    return verdict.kind === 'none' ? undefined : verdict.certificate?.fingerprint256
  }
}
