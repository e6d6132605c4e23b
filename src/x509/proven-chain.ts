// A chain that was found to lead to an authority: what was proved by its bytes stays so, and what time or an operator can change is asked anew.
import type { Certificate } from './certificate.ts'
import type { PathAuthority, PathLink } from './path.ts'
import type { AcceptedCertificate } from './verdict.ts'

/** Kept for every connection, so it is small: authorities and their bytes are shared. */
export class ProvenChain {
  readonly certificate: Certificate
  /** DER, the leaf first; one octet in each character, which takes half the memory of a buffer. */
  readonly chain: readonly string[]
  /** Checked as RFC 5280 wants it for what a proxy forwards. */
  readonly isStrict: boolean
  /** The leaf's own signature is all there is: `selfsigned_peer`. */
  readonly isSelfSigned: boolean
  path: readonly PathLink[]
  /** Fingerprints of the certificates of the path that were configured authorities. */
  anchors: readonly string[]
  /** The set of authorities that it was last held against. */
  authorities: object

  constructor(certificate: Certificate, chain: readonly string[], found: Pick<ProvenChain, 'isStrict' | 'isSelfSigned' | 'path' | 'anchors' | 'authorities'>) {
    this.certificate = certificate
    this.chain = chain
    this.isStrict = found.isStrict
    this.isSelfSigned = found.isSelfSigned
    this.path = found.path
    this.anchors = found.anchors
    this.authorities = found.authorities
  }

  get ders(): readonly Buffer[] { return this.chain.map(der => Buffer.from(der, 'latin1')) }
}

/** What `Trust` accepted, and can judge again. */
export class ProvenCertificate implements AcceptedCertificate {
  readonly kind = 'accepted'
  readonly certificate: Certificate
  readonly proof: ProvenChain
  /** Milliseconds since the epoch. */
  readonly judgedAt: number

  constructor(proof: ProvenChain, judgedAt: number) {
    this.certificate = proof.certificate
    this.proof = proof
    this.judgedAt = judgedAt
  }
}

/** Authorities that clients send along, each kept once. There are as many as the configured authorities certify, so a limit is a formality. */
export class SharedAuthorities {
  readonly #byFingerprint = new Map<string, PathAuthority>()
  readonly #chains = new Map<string, string>()
  readonly #limit: number

  constructor(limit: number) { this.#limit = limit }

  /** The same path with the authorities that are known already. */
  share(path: readonly PathLink[]): readonly PathLink[] {
    return path.map(link => ({ ...link, issuer: this.#one(this.#byFingerprint, link.issuer.fingerprint256, link.issuer) }))
  }

  /** As `ProvenChain.chain`. */
  shareBytes(chain: readonly Uint8Array[]): readonly string[] {
    return chain.map((der, index) => {
      const text = Buffer.from(der.buffer, der.byteOffset, der.length).toString('latin1')
      return index === 0 ? text : this.#one(this.#chains, text, text)
    })
  }

  #one<Value>(known: Map<string, Value>, key: string, value: Value): Value {
    const found = known.get(key)
    if (found !== undefined) return found
    if (known.size >= this.#limit) known.clear()
    known.set(key, value)
    return value
  }
}
