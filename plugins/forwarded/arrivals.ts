/**
 * What arrives at a listener, before anything else looks at it: certificate headers from anybody but a configured proxy are answered 400, and behind
 * a proxy every request has a peer of its own, for one connection of a proxy carries the requests of many clients.
 */
import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isProxied } from '../../src/config/check-forwarding.ts'
import type { ListenHttp } from '../../src/config/listen-http.ts'
import { noChannelBindings } from '../../src/sasl/channel-binding.ts'
import type { Clock } from '../../src/telemetry/clock.ts'
import type { Log } from '../../src/telemetry/log.ts'
import { Recent } from '../../src/x509/recent.ts'
import type { Trust } from '../../src/x509/trust.ts'
import type { CertificateVerdict } from '../../src/x509/verdict.ts'
import type { ConnectionLimits } from '../connection-limits.ts'
import type { Look } from '../first-look.ts'
import type { Peer } from '../peer.ts'
import { addressOf } from '../remote-address.ts'
import { isUpgradeTo } from '../websocket.ts'
import { dialects } from './catalogue.ts'
import { certificateLines, forwardedChain } from './certificate-headers.ts'
import { clientHop } from './client-hop.ts'
import { ForwardingError } from './forwarding-error.ts'
import { expectNoCertificates, refuse, refuseForwarding } from './refusal.ts'
import { TrustedProxies } from './trusted-proxies.ts'

export interface ArrivalOptions {
  readonly listener: Pick<ListenHttp, 'socket' | 'trusted_proxies' | 'trusted_proxy_certificates' | 'forwarded_certificate' | 'tls' | 'websocket'>
  /** What forwarded certificates are verified against; null where none are. */
  readonly trust: Pick<Trust, 'judgeChain' | 'reassess'> | null
  readonly limits: Pick<ConnectionLimits, 'admit'>
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
}

/** They tell nothing of anybody, and those who ask stand beside the proxy. */
const openPaths: ReadonlySet<string> = new Set(['/healthz', '/readyz'])

/** Whose certificate, or lack of one, was told lately is not told again for each of his requests: BOSH makes many of them. */
const maxTold = 1_024

const noCertificate: CertificateVerdict = { kind: 'none' }
const none = (): CertificateVerdict => noCertificate
const unbound = () => noChannelBindings

/** The arrivals of one listener. */
export class Arrivals {
  readonly #options: ArrivalOptions
  /** Null where clients come themselves. */
  readonly proxies: TrustedProxies | null
  readonly #peers = new WeakMap<IncomingMessage, Peer>()
  /** Verdicts, by fingerprint. */
  readonly #told = new Recent<string>(maxTold)
  /** Addresses of clients without a certificate: there is nothing else to tell them apart by. */
  readonly #toldWithout = new Recent<true>(maxTold)
  #isAddressMissed = false

  constructor(options: ArrivalOptions) {
    this.#options = options
    this.proxies = isProxied(options.listener) ? new TrustedProxies(options.listener, options.listener.socket !== undefined) : null
  }

  /** The client of a request that came through a proxy; undefined where it came itself. */
  of({ raw }: Pick<FastifyRequest, 'raw'>): Peer | undefined { return this.#peers.get(raw) }

  /** Whether `meet` has nothing to say to a request: its client comes itself, and says nothing of certificates. */
  isPlain({ rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>): boolean { return this.proxies === null && certificateLines(rawHeaders).length === 0 }

  /** The listener's first look: it holds for every path, upgrades and such without a route included. */
  readonly meet: Look = (request, reply) => {
    const { raw } = request
    try {
      const peer = this.#peerOf(raw)
      if (peer === null) return true
      this.#peers.set(raw, peer)
      return this.#isWelcome(peer, reply) && this.#isAdmitted(request, peer, reply)
    } catch (error) {
      return refuseForwarding(error, request, reply, this.#options.log)
    }
  }

  /** Null for a client that comes itself. Throws ForwardingError. */
  #peerOf({ rawHeaders, socket, url }: IncomingMessage): Peer | null {
    const { listener, clock, trust } = this.#options
    const lines = certificateLines(rawHeaders)
    const isTrusted = this.proxies?.includes(socket) ?? false
    if (lines.length > 0) {
      if (listener.forwarded_certificate === undefined) expectNoCertificates(lines)
      if (!isTrusted) throw new ForwardingError('not-a-proxy', 'Headers about client certificates are taken from configured proxies only.')
    }
    if (this.proxies === null) return null
    if (!isTrusted) {
      if (openPaths.has((url ?? '').split('?', 1)[0] ?? '')) return null
      throw new ForwardingError('not-through-a-proxy', 'This listener is for its reverse proxies only: connect to them.')
    }
    const hop = clientHop(rawHeaders, this.proxies)
    const chain = listener.forwarded_certificate === undefined ? null : forwardedChain(lines, dialects[listener.forwarded_certificate])
    // A certificate is shown in TLS, and nowhere else.
    if (chain !== null && hop.secure === false) throw new ForwardingError('contradictory', 'A certificate was forwarded of a client that, says the proxy, speaks no TLS.')
    const remoteAddress = hop.address ?? this.#unnamed(addressOf(socket))
    const verdict = chain === null || trust === null ? noCertificate : trust.judgeChain(chain, clock.now())
    return {
      remoteAddress, secure: hop.secure ?? chain !== null,
      certificate: verdict.kind === 'none' || trust === null ? none : verdict.kind === 'refused' ? () => verdict : () => trust.reassess(verdict, clock.now()),
      // TLS ends at the proxy: what is exported from its connection to us would bind nobody.
      channelBindings: unbound,
    }
  }

  /** What the listener's `tls` demands of certificates, of this request. */
  #isWelcome({ certificate, remoteAddress: address }: Peer, reply: FastifyReply): boolean {
    const { listener: { tls, forwarded_certificate }, log } = this.#options
    if (forwarded_certificate === undefined || tls === undefined) return true
    const verdict = certificate()
    if (verdict.kind === 'none') {
      if (!tls.require_certificate) {
        if (this.#toldWithout.get(address) !== true) log.debug({ event: 'certificate.none', source: 'forwarded', address })
        this.#toldWithout.set(address, true)
        return true
      }
      log.info({ event: 'certificate.missing', source: 'forwarded', address, disconnected: true })
      return refuse(reply, 403, 'A client certificate is required here, and the proxy forwarded none.')
    }
    const fingerprint = verdict.certificate?.fingerprint256
    const isTold = fingerprint !== undefined && this.#told.get(fingerprint) === reasonOf(verdict)
    if (fingerprint !== undefined) this.#told.set(fingerprint, reasonOf(verdict))
    if (verdict.kind === 'accepted') {
      if (!isTold) log.debug({ event: 'certificate.accepted', source: 'forwarded', address, fingerprint })
      return true
    }
    if (!isTold || tls.disconnect_on_failure) {
      log.info({ event: 'certificate.refused', source: 'forwarded', reason: verdict.reason, text: verdict.text, address,
        subject: verdict.certificate?.subject, fingerprint, disconnected: tls.disconnect_on_failure })
    }
    return tls.disconnect_on_failure ? refuse(reply, 403, verdict.text) : true
  }

  /** Counts the client for as long as its WebSocket, or this request, lasts. */
  #isAdmitted({ raw }: FastifyRequest, { remoteAddress }: Peer, reply: FastifyReply): boolean {
    const { limits, listener: { websocket } } = this.#options
    const leave = limits.admit(remoteAddress)
    if (leave === null) return refuse(reply, 429, 'There are too many connections from this address.')
    // The response of an upgrade never ends, and its connection is that of one client.
    if (websocket !== false && isUpgradeTo(websocket.path, raw)) raw.socket.once('close', leave)
    else reply.raw.once('close', leave)
    return true
  }

  /** Without a word of the proxy all its clients are one, for limits and in logs: that is told once. */
  #unnamed(address: string): string {
    if (!this.#isAddressMissed) this.#options.log.warn({ event: 'forwarded.no_address', address })
    this.#isAddressMissed = true
    return address
  }
}

const reasonOf = (verdict: CertificateVerdict): string => verdict.kind === 'refused' ? verdict.reason : verdict.kind
