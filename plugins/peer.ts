/** Who is at the other end of a request, as far as the connection shows: what every transport is told of its client. */
import type { Socket } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { type ChannelBindings, noChannelBindings } from '../src/sasl/channel-binding.ts'
import type { CertificateVerdict } from '../src/x509/verdict.ts'
import type { PeerCertificates } from './peer-certificate.ts'

export interface Peer {
  readonly remoteAddress: string
  /** TLS protects the way from the client to us. */
  readonly secure: boolean
  /** What its certificate is worth at the time of the call. Holds nothing of the request. */
  readonly certificate: () => CertificateVerdict
  readonly channelBindings: () => ChannelBindings
}

/** The peers of one listener. */
export class Peers {
  readonly #certificates: Pick<PeerCertificates, 'of'>
  /** What a connection shows of its client does not change: it is looked at once. */
  readonly #known = new WeakMap<Socket, Peer>()

  constructor(certificates: Pick<PeerCertificates, 'of'>) { this.#certificates = certificates }

  of(request: FastifyRequest): Peer {
    const { socket } = request.raw
    const known = this.#known.get(socket)
    if (known !== undefined) return known
    const peer: Peer = {
      remoteAddress: request.ip,
      secure: 'encrypted' in socket,
      certificate: this.#certificates.of(request),
      channelBindings: () => noChannelBindings,
    }
    this.#known.set(socket, peer)
    return peer
  }
}
