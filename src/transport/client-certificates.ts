/**
 * What TLS showed of the client: one verdict for each connection, made when the handshake is over (external.md §1), and the connections
 * that end there because the listener wants it so. HTTP and TCP share it.
 */
import type { EventEmitter } from 'node:events'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '../telemetry/clock.ts'
import type { Log } from '../telemetry/log.ts'
import { evidenceOf } from '../x509/evidence.ts'
import { shownCertificate } from '../x509/session-certificate.ts'
import type { Trust } from '../x509/trust.ts'
import type { CertificateVerdict } from '../x509/verdict.ts'

export interface ClientCertificateOptions {
  /** Null on a listener without TLS, where there is nothing to see. */
  readonly tls: { readonly trust: Trust, readonly disconnect_on_failure: boolean, readonly require_certificate: boolean } | null
  readonly clock: Clock
  readonly log: Log
}

/** The clients' certificates of one listener. */
export class ClientCertificates {
  readonly #verdicts = new WeakMap<object, CertificateVerdict>()
  readonly #options: ClientCertificateOptions

  constructor(server: EventEmitter, options: ClientCertificateOptions) {
    this.#options = options
    // Before the server's own listener: a connection that is refused is never read.
    if (options.tls !== null) server.prependListener('secureConnection', (socket: TLSSocket) => { this.#judge(socket) })
  }

  /** A function that makes the verdict of this connection again, at the time of each call. It holds nothing else of it. */
  of(socket: object): () => CertificateVerdict {
    const verdict = this.#verdicts.get(socket) ?? none
    const { tls, clock } = this.#options
    if (verdict.kind !== 'accepted' || tls === null) return () => verdict
    const { trust } = tls
    return () => trust.reassess(verdict, clock.now())
  }

  #judge(socket: TLSSocket): void {
    const { tls, clock, log } = this.#options
    if (tls === null) return
    const known = socket.authorized ? shownCertificate(socket) : null
    const verdict = (known === null ? null : tls.trust.recognise(known, clock.now())) ?? tls.trust.judgeConnection(evidenceOf(socket), clock.now())
    this.#verdicts.set(socket, verdict)
    const address = socket.remoteAddress
    if (verdict.kind === 'refused') {
      log.info({ event: 'certificate.refused', source: 'direct', reason: verdict.reason, text: verdict.text, address,
        subject: verdict.certificate?.subject, fingerprint: verdict.certificate?.fingerprint256, disconnected: tls.disconnect_on_failure })
      if (tls.disconnect_on_failure) socket.destroy()
    } else if (verdict.kind === 'none' && tls.require_certificate) {
      log.info({ event: 'certificate.missing', source: 'direct', address, disconnected: true })
      socket.destroy()
    } else if (verdict.kind === 'none') {
      log.debug({ event: 'certificate.none', source: 'direct', address })
    } else {
      log.debug({ event: 'certificate.accepted', source: 'direct', address, fingerprint: verdict.certificate.fingerprint256 })
    }
  }
}

const none: CertificateVerdict = { kind: 'none' }
