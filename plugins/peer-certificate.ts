/**
 * What TLS showed of the visitor, for every request: one verdict for each connection, made when the handshake is over
 * (external.md §1), and the connections that end there because the listener wants it so.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '../src/telemetry/clock.ts'
import type { Log } from '../src/telemetry/log.ts'
import { evidenceOf } from '../src/x509/evidence.ts'
import { type CertificateVerdict, reassess, verdictOf, type VerifyMode } from '../src/x509/verdict.ts'

export interface PeerCertificateOptions {
  /** Null on a listener without TLS, where there is nothing to see. */
  readonly tls: { readonly verify_mode: VerifyMode, readonly disconnect_on_failure: boolean, readonly require_certificate: boolean } | null
  readonly clock: Clock
  readonly log: Log
}

/** The visitors' certificates of one listener. */
export class PeerCertificates {
  readonly #verdicts = new WeakMap<object, CertificateVerdict>()
  readonly #options: PeerCertificateOptions

  constructor(server: FastifyInstance['server'], options: PeerCertificateOptions) {
    this.#options = options
    // Before the HTTP server's own listener: a connection that is refused is never read.
    if (options.tls !== null) server.prependListener('secureConnection', (socket: TLSSocket) => { this.#judge(socket) })
  }

  /** A function that makes the verdict of this request's connection again, at the time of each call. It holds nothing else of the request. */
  of(request: FastifyRequest): () => CertificateVerdict {
    const verdict = this.#verdicts.get(request.raw.socket) ?? none
    if (verdict.kind !== 'accepted') return () => verdict
    const { clock } = this.#options
    return () => reassess(verdict, clock.now())
  }

  #judge(socket: TLSSocket): void {
    const { tls, clock, log } = this.#options
    if (tls === null) return
    const verdict = verdictOf(evidenceOf(socket), tls.verify_mode, clock.now())
    this.#verdicts.set(socket, verdict)
    const address = socket.remoteAddress
    if (verdict.kind === 'refused') {
      log.info({ event: 'certificate.refused', reason: verdict.reason, text: verdict.text, address,
        subject: verdict.certificate?.subject, fingerprint: verdict.certificate?.fingerprint256, disconnected: tls.disconnect_on_failure })
      if (tls.disconnect_on_failure) socket.destroy()
    } else if (verdict.kind === 'none' && tls.require_certificate) {
      log.info({ event: 'certificate.missing', address, disconnected: true })
      socket.destroy()
    }
  }
}

const none: CertificateVerdict = { kind: 'none' }
