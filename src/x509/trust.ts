// The authorities and revocation lists of one listener as they are now, and what they make of a client's certificate (external.md §1). A reload
// replaces them at once; every verdict can be made again by what holds then.
import { hash } from 'node:crypto'
import type { X509Certificate } from 'node:crypto'
import type { Evidence } from './evidence.ts'
import { recheckPath, validatePath } from './path.ts'
import type { Anchor, PathOptions, PathOutcome } from './path.ts'
import { ProvenCertificate, ProvenChain, SharedAuthorities } from './proven-chain.ts'
import { Recent } from './recent.ts'
import { dateFaultOf, refusalOfVerification } from './refusal.ts'
import type { Refusal } from './refusal.ts'
import type { RevocationLists } from './revocation-lists.ts'
import { selfSignatureFaultOf } from './self-signature.ts'
import type { CertificateVerdict, RefusedCertificate, VerifyMode } from './verdict.ts'

export interface TrustMaterial {
  readonly anchors: readonly Anchor[]
  /** Null: no `crl_files`. */
  readonly revocation: RevocationLists | null
}

/** Chains of those who come back: reading and verifying one costs as much as half a handshake. */
const maxRecent = 1_024
const maxSharedAuthorities = 256

const none: CertificateVerdict = { kind: 'none' }

export class Trust {
  readonly #mode: VerifyMode
  #material: TrustMaterial
  /** Fingerprints; a new set with every reload. */
  #authorities: ReadonlySet<string>
  readonly #recent = new Recent<ProvenChain>(maxRecent)
  /** Of those that came in handshakes: by the leaf. */
  readonly #recentLeaves = new Recent<ProvenChain>(maxRecent)
  readonly #shared = new SharedAuthorities(maxSharedAuthorities)

  constructor(mode: VerifyMode, material: TrustMaterial) {
    this.#mode = mode
    this.#material = material
    this.#authorities = fingerprintsOf(material)
  }

  replace(material: TrustMaterial): void {
    this.#material = material
    this.#authorities = fingerprintsOf(material)
  }

  /** For those who watch over them. `nextUpdate` in milliseconds since the epoch. */
  revocationLists(): readonly { readonly issuer: string, readonly nextUpdate: number | null }[] {
    return (this.#material.revocation?.lists ?? []).map(({ fields: { issuer, nextUpdate } }) => ({ issuer, nextUpdate }))
  }

  /**
   * Of a client's own TLS connection, once for each. OpenSSL and we must agree: a library's flag alone is never the verdict, and OpenSSL may have
   * looked at authorities that were replaced during the handshake. `now` in milliseconds since the epoch.
   */
  judgeConnection({ chain, opened, authorized, authorizationError: code }: Evidence, now: number): CertificateVerdict {
    if (this.#mode === 'none' || chain.length === 0) return none
    const verdict = this.#judge(chain, false, now, opened)
    const isDateFault = verdict.kind === 'refused' && (verdict.reason === 'expired' || verdict.reason === 'not-yet-valid')
    // The dates of the leaf are what we find last, and what OpenSSL may find after something worse: external.md §2 has the client told of them
    // only where they are the only fault.
    if ((verdict.kind === 'refused' && !isDateFault) || (authorized && code === null)) return verdict
    if (isDateFault && isDate(code)) return verdict
    const isSelfSigned = isDateFault || (verdict instanceof ProvenCertificate && verdict.proof.isSelfSigned)
    if (isSelfSigned && verdict.certificate?.isSelfIssued === true && code === selfSigning) return verdict
    return { kind: 'refused', ...refusalOfVerification(code), certificate: verdict.certificate }
  }

  /**
   * As `judgeConnection`, of a connection that OpenSSL has no objection to: only by the peer's own certificate (DER, one octet in each character), where a
   * chain from it to an authority is known and as good as ever. Null where it has to be looked at closely. What else the peer sends is nothing that
   * could make a certificate worse.
   */
  recognise(leaf: string, now: number): CertificateVerdict | null {
    const known = this.#mode === 'none' ? undefined : this.#recentLeaves.get(leaf)
    return known === undefined || this.#faultOf(known, now) !== null ? null : new ProvenCertificate(known, now)
  }

  /** Of a chain that a proxy forwards: DER, the leaf first. That the client has the private key is the proxy's word. */
  judgeChain(chain: readonly Uint8Array[], now: number): CertificateVerdict {
    return this.#mode === 'none' || chain.length === 0 ? none : this.#judge(chain, true, now)
  }

  /**
   * The same verdict by what holds now: dates, revocation lists, authorities. Asked at every SASL EXTERNAL attempt and again and again during a
   * session: a connection can be days old. What was refused stays refused.
   */
  reassess(verdict: CertificateVerdict, now: number): CertificateVerdict {
    if (verdict.kind !== 'accepted') return verdict
    if (!(verdict instanceof ProvenCertificate)) return { kind: 'refused', ...refusalOfVerification(null), certificate: verdict.certificate }
    // What was valid once has begun to be so: a clock that is set back does not undo it.
    const fault = this.#faultOf(verdict.proof, Math.max(now, verdict.judgedAt))
    return fault === null ? verdict : { kind: 'refused', ...fault, certificate: verdict.certificate }
  }

  #judge(chain: readonly Uint8Array[], isStrict: boolean, now: number, opened?: X509Certificate): ProvenCertificate | RefusedCertificate {
    const key = `${isStrict ? 's' : ''}${hash('sha256', chain.length === 1 && chain[0] !== undefined ? chain[0] : Buffer.concat(chain), 'base64')}`
    const known = this.#recent.get(key)
    if (known !== undefined) {
      const fault = this.#faultOf(known, now)
      return fault === null ? new ProvenCertificate(known, now) : { kind: 'refused', ...fault, certificate: known.certificate }
    }
    const outcome = this.#validate(chain, isStrict, now, opened)
    if (!outcome.ok) return this.#selfSigned(chain, isStrict, outcome, now, opened) ?? { kind: 'refused', reason: outcome.reason, text: outcome.text, certificate: outcome.certificate }
    const proof = new ProvenChain(outcome.leaf, this.#shared.shareBytes(chain), {
      isStrict, isSelfSigned: false, path: this.#shared.share(outcome.path), anchors: this.#anchorsIn(outcome.path), authorities: this.#authorities,
    })
    this.#recent.set(key, proof)
    if (!isStrict && proof.chain[0] !== undefined) this.#recentLeaves.set(proof.chain[0], proof)
    return new ProvenCertificate(proof, now)
  }

  /** external.md §1: a single certificate that signed itself, which has no other fault, its dates apart. */
  #selfSigned(chain: readonly Uint8Array[], isStrict: boolean, outcome: PathOutcome & { readonly ok: false }, now: number, opened?: X509Certificate): ProvenCertificate | RefusedCertificate | null {
    const { reason, certificate } = outcome
    const [leaf, ...others] = chain
    if (this.#mode !== 'selfsigned_peer' || reason !== 'self-signed' || certificate === null || leaf === undefined || others.length > 0) return null
    const fault = selfSignatureFaultOf(leaf, opened) ?? dateFaultOf(certificate, now)
    if (fault !== null) return { kind: 'refused', ...fault, certificate }
    return new ProvenCertificate(new ProvenChain(certificate, this.#shared.shareBytes(chain), {
      isStrict, isSelfSigned: true, path: [], anchors: [], authorities: this.#authorities }), now)
  }

  #faultOf(proof: ProvenChain, now: number): Refusal | null {
    if (proof.isSelfSigned) return dateFaultOf(proof.certificate, now)
    if (proof.authorities !== this.#authorities) {
      // Its signatures are as good as ever, as long as nobody on whom they rest was removed.
      if (!proof.anchors.every(fingerprint => this.#authorities.has(fingerprint))) {
        const outcome = this.#validate(proof.ders, proof.isStrict, now)
        if (!outcome.ok) return { reason: outcome.reason, text: outcome.text }
        proof.path = this.#shared.share(outcome.path)
        proof.anchors = this.#anchorsIn(outcome.path)
      }
      proof.authorities = this.#authorities
    }
    return recheckPath(proof.path, { revocation: this.#material.revocation, now })
  }

  #validate(chain: readonly Uint8Array[], isStrict: boolean, now: number, opened?: X509Certificate): PathOutcome {
    const { anchors, revocation } = this.#material
    return validatePath(chain, { anchors, revocation, now, isStrict, opened } satisfies PathOptions)
  }

  #anchorsIn(path: (PathOutcome & { readonly ok: true })['path']): readonly string[] {
    return [...new Set(path.map(({ issuer }) => issuer.fingerprint256))].filter(fingerprint => this.#authorities.has(fingerprint))
  }
}

const selfSigning = 'DEPTH_ZERO_SELF_SIGNED_CERT'
const isDate = (code: string | null): boolean => code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID'

const fingerprintsOf = ({ anchors }: TrustMaterial): ReadonlySet<string> => new Set(anchors.map(({ certificate }) => certificate.fingerprint256))
