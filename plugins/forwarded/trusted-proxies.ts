/** Who may forward: by the address that connected, by the certificate that it showed in TLS, or by both where both are configured. */
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { plainFingerprint, trustedAddresses } from '../../src/config/check-forwarding.ts'
import type { ListenHttp } from '../../src/config/listen-http.ts'
import { addressOf, unixAddress } from '../remote-address.ts'

export class TrustedProxies {
  readonly #isUnixTrusted: boolean
  readonly #addresses: { has(address: string): boolean }
  /** Without trusted addresses the certificate alone decides. */
  readonly #hasAddresses: boolean
  readonly #fingerprints: ReadonlySet<string>
  readonly #known = new WeakMap<Socket, boolean>()

  constructor({ trusted_proxies: entries, trusted_proxy_certificates: pinned }: Pick<ListenHttp, 'trusted_proxies' | 'trusted_proxy_certificates'>, isUnixSocket: boolean) {
    const { unix, addresses } = trustedAddresses(entries)
    this.#isUnixTrusted = unix && isUnixSocket
    this.#addresses = addresses
    this.#hasAddresses = entries.length > 0
    this.#fingerprints = new Set(pinned.map(plainFingerprint).filter(fingerprint => fingerprint !== null))
  }

  /** Whether this connection is a proxy's. What it shows does not change. */
  includes(socket: Socket): boolean {
    const known = this.#known.get(socket)
    if (known !== undefined) return known
    const isTrusted = (!this.#hasAddresses || this.hasAddress(addressOf(socket))) && this.#showsPinnedCertificate(socket)
    // A socket that was closed meanwhile tells nothing any more.
    if (!socket.destroyed) this.#known.set(socket, isTrusted)
    return isTrusted
  }

  /** By its address alone: one that X-Forwarded-For names, or one that has not shown a certificate yet. */
  hasAddress(address: string): boolean {
    return address === unixAddress ? this.#isUnixTrusted : this.#addresses.has(address)
  }

  #showsPinnedCertificate(socket: Socket): boolean {
    if (this.#fingerprints.size === 0) return this.#hasAddresses
    // A resumed session shows no certificate anew (external.md §1).
    if (!(socket instanceof TLSSocket) || socket.isSessionReused()) return false
    const { fingerprint256 } = socket.getPeerCertificate() as { readonly fingerprint256?: string }
    return fingerprint256 !== undefined && this.#fingerprints.has(fingerprint256.replaceAll(':', '').toLowerCase())
  }
}
