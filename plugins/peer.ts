/** Who is at the other end of a request, as far as the connection shows: what every transport is told of its client. */
import type { Socket } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { ChannelBindings } from '../src/sasl/channel-binding.ts'
import type { ClientCertificates } from '../src/transport/client-certificates.ts'
import type { CertificateVerdict } from '../src/x509/verdict.ts'
import { channelBindingsOf } from '../src/sasl/tls-channel-bindings.ts'
import type { Arrivals } from './forwarded/arrivals.ts'
import { addressOf } from './remote-address.ts'

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
  readonly #certificates: Pick<ClientCertificates, 'of'>
  readonly #arrivals: Pick<Arrivals, 'of'> | null
  /** What a connection shows of its client does not change: it is looked at once. */
  readonly #known = new WeakMap<Socket, Peer>()

  /** `arrivals`: the clients that come through proxies; null where there are none. */
  constructor(certificates: Pick<ClientCertificates, 'of'>, arrivals: Pick<Arrivals, 'of'> | null = null) {
    this.#certificates = certificates
    this.#arrivals = arrivals
  }

  of(request: Pick<FastifyRequest, 'raw'>): Peer {
    // One connection of a proxy carries the requests of many clients.
    const forwarded = this.#arrivals?.of(request)
    if (forwarded !== undefined) return forwarded
    const { socket } = request.raw
    const known = this.#known.get(socket)
    if (known !== undefined) return known
    const peer: Peer = {
      remoteAddress: addressOf(socket),
      secure: 'encrypted' in socket,
      certificate: this.#certificates.of(socket),
      channelBindings: channelBindingsOf(socket),
    }
    this.#known.set(socket, peer)
    return peer
  }
}
