// Which certificates lead from the leaf to a trust anchor. RFC 5280 §6 leaves this open; it is done as OpenSSL does it, so that a forwarded
// chain leads where the same chain leads in a TLS handshake, and without trying alternatives: whoever sends certificates buys no work.
import { isOwnIssuer, mayHaveIssued } from './path-certificate.ts'
import type { PathCertificate } from './path-certificate.ts'

/** The leaf and the anchor included. Paths for people have three certificates. */
export const maxPathLength = 10

export interface BuiltPath {
  /** From the leaf upwards. */
  readonly certificates: readonly PathCertificate[]
  /** Its last certificate is a trust anchor that is its own issuer. */
  readonly isTrusted: boolean
}

/** `sent`: what came with the leaf, in any order. An anchor that is not its own issuer ends no path, it only helps to build one. */
export function buildPath(leaf: PathCertificate, sent: readonly PathCertificate[], anchors: readonly PathCertificate[], now: number): BuiltPath {
  const path = [leaf]
  let last = leaf
  let isAmongAnchors = isOwnIssuer(leaf) && anchors.some(anchor => isSame(anchor, leaf))
  while (!isOwnIssuer(last)) {
    const unused = sent.filter(candidate => path.every(used => !isSame(used, candidate)))
    const trusted = bestIssuer(last, anchors, now)
    // Above an anchor only anchors are looked at. Where they go in circles the length ends it.
    const next = trusted ?? (isAmongAnchors ? null : bestIssuer(last, unused, now))
    if (next === null || path.length >= maxPathLength) return { certificates: path, isTrusted: false }
    isAmongAnchors ||= trusted !== null
    path.push(next)
    last = next
  }
  return { certificates: path, isTrusted: isAmongAnchors }
}

const isSame = (one: PathCertificate, other: PathCertificate) => one.certificate.fingerprint256 === other.certificate.fingerprint256

/** The first within its dates, else the one that lasts longest: then its dates are the fault that is told. */
function bestIssuer(subject: PathCertificate, candidates: readonly PathCertificate[], now: number): PathCertificate | null {
  let best: PathCertificate | null = null
  for (const candidate of candidates) {
    if (!mayHaveIssued(candidate, subject)) continue
    const { notBefore, notAfter } = candidate.certificate
    if (now >= notBefore && now <= notAfter) return candidate
    if (best === null || notAfter > best.certificate.notAfter) best = candidate
  }
  return best
}
