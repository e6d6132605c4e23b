// Is there a valid certification path from a certificate to one of the configured authorities? RFC 5280 §6.1, fail closed: for chains that a
// proxy forwards, and for those of live sessions when authorities or revocation lists have changed. Work is bounded: no alternatives are tried.
import type { X509Certificate } from 'node:crypto'
import { CertificateError } from './certificate.ts'
import type { Certificate } from './certificate.ts'
import { buildPath, maxPathLength } from './path-building.ts'
import type { BuiltPath } from './path-building.ts'
import { isSelfIssued, readPathCertificate } from './path-certificate.ts'
import type { PathAuthority, PathCertificate } from './path-certificate.ts'
import { authorityFaultOf, leafFaultOf } from './path-fault.ts'
import { dateFaultOf, refusalOfVerification } from './refusal.ts'
import type { Refusal, RefusalReason } from './refusal.ts'

export type { PathAuthority }

/** A configured authority. One that is not its own issuer helps to build paths, but ends none. */
export type Anchor = PathCertificate

/** Throws CertificateError. */
export const readAnchor = (der: Uint8Array): Anchor => readPathCertificate(der)

/** What revocation lists say. */
export interface Revocation {
  /** Of the certificate that `issuer` issued under this serial number (hexadecimal, as in Certificate). `now` in milliseconds. */
  statusOf(serialNumber: string, issuer: PathAuthority, now: number): 'good' | 'revoked' | 'unavailable' | 'outdated'
}

export interface PathOptions {
  readonly anchors: readonly Anchor[]
  /** Null: none is configured. Otherwise every certificate of the path needs an answer, its anchor too. */
  readonly revocation: Revocation | null
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Also what RFC 5280 demands of the form alone, as `openssl verify -x509_strict` does. Default true; TLS handshakes do not ask for it. */
  readonly isStrict?: boolean
  /** OpenSSL's reading of the leaf, where it is there already. */
  readonly opened?: X509Certificate | undefined
}

/** Of one certificate: what has to be asked again later, when the signatures are known to be good. */
export interface PathLink {
  readonly serialNumber: string
  /** An anchor is its own. */
  readonly issuer: PathAuthority
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
}

export type PathOutcome =
  /** `path`: the leaf first, the anchor last. */
  | { readonly ok: true, readonly leaf: Certificate, readonly path: readonly PathLink[] }
  | { readonly ok: false, readonly reason: RefusalReason, readonly text: string,
    /** The leaf, for showing and logging only; null when it could not be read. */
    readonly certificate: Certificate | null }

/** What OpenSSL lets a peer send in a handshake. */
export const maxChainBytes = 102_400

/**
 * `chain`: DER, the leaf first; the others in any order, with or without the anchor. What does not belong to the path is only read.
 * Never throws for anything that the chain holds.
 */
export function validatePath(chain: readonly Uint8Array[], options: PathOptions): PathOutcome {
  const { anchors, revocation, now, isStrict = true, opened } = options
  if (chain.length === 0 || chain.length > maxPathLength || chain.reduce((sum, der) => sum + der.length, 0) > maxChainBytes) {
    return refused({ reason: 'malformed', text: `This is not a chain of 1 to ${maxPathLength} certificates in ${maxChainBytes} bytes.` },
      null)
  }
  const read: PathCertificate[] = []
  for (const der of chain) {
    try {
      // Authorities come along with most leaves, and were read with the configuration.
      read.push(anchors.find(anchor => Buffer.compare(anchor.der, der) === 0) ?? readPathCertificate(der, read.length === 0 ? opened : undefined))
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error
      return refused({ reason: 'malformed', text: `The ${read.length === 0 ? 'certificate' : 'certificate\'s chain'} cannot be read: `
        + `${error.message}. Ask for a new certificate.` }, read[0]?.certificate ?? null)
    }
  }
  const [leaf, ...sent] = read
  if (leaf === undefined) return refused(refusalOfVerification(null), null)
  const built = buildPath(leaf, sent, anchors, now)
  const path = built.certificates
  const links = path.map((certificate, index) => linkOf(certificate, path[index + 1] ?? certificate))
  // The leaf's own dates are told last: external.md §2 has credentials-expired only where they are the only fault.
  const fault = faultInPath(built, isStrict) ?? signatureFaultOf(path) ?? recheckPath(links, { revocation, now })
  return fault === null ? { ok: true, leaf: leaf.certificate, path: links } : refused(fault, leaf.certificate)
}

/** For a path that was found valid: its dates and its revocation, as of now. */
export function recheckPath(path: readonly PathLink[], { revocation, now }: Pick<PathOptions, 'revocation' | 'now'>): Refusal | null {
  const [leaf] = path
  if (leaf === undefined) return refusalOfVerification(null)
  if (revocation !== null) {
    for (const { serialNumber, issuer } of path) {
      switch (revocation.statusOf(serialNumber, issuer, now)) {
        case 'good': break
        case 'revoked': return refusalOfVerification('CERT_REVOKED')
        case 'outdated': return refusalOfVerification('CRL_HAS_EXPIRED')
        case 'unavailable': return refusalOfVerification('UNABLE_TO_GET_CRL')
      }
    }
  }
  for (const link of path) if (link !== leaf && dateFaultOf(link, now) !== null) return refusalOfVerification('CERT_HAS_EXPIRED')
  return dateFaultOf(leaf, now)
}

function faultInPath({ certificates, isTrusted }: BuiltPath, isStrict: boolean): Refusal | null {
  const [leaf, ...authorities] = certificates
  if (leaf === undefined) return refusalOfVerification(null)
  const leafFault = leafFaultOf(leaf, { isAlone: authorities.length === 0, isStrict })
  if (leafFault !== null) return leafFault
  if (!isTrusted) return untrusted(certificates)
  let intermediatesBelow = 0
  for (const [index, authority] of authorities.entries()) {
    const fault = authorityFaultOf(authority, { isLast: index === authorities.length - 1, intermediatesBelow, isStrict })
    if (fault !== null) return fault
    if (!isSelfIssued(authority)) intermediatesBelow++
  }
  return null
}

function untrusted([leaf, ...others]: readonly PathCertificate[]): Refusal {
  const isSelfIssuedLeaf = others.length === 0 && leaf?.certificate.isSelfIssued === true
  return refusalOfVerification(isSelfIssuedLeaf ? 'DEPTH_ZERO_SELF_SIGNED_CERT' : 'UNABLE_TO_GET_ISSUER_CERT')
}

/**
 * RFC 5280 §6.1.3 (a)(1), from the anchor downwards: no key is used before it is known to be good, so nobody sends keys that are slow to use.
 * Nor does reading a certificate use its own.
 * OpenSSL is asked too whether one may have issued the other: it knows of faults in extensions that are not read here.
 */
function signatureFaultOf(path: readonly PathCertificate[]): Refusal | null {
  const [anchor, ...subjects] = path.toReversed()
  let issuer = anchor
  for (const subject of subjects) {
    if (issuer === undefined || !subject.opened.checkIssued(issuer.opened) || !subject.opened.verify(issuer.authority.publicKey)) {
      return refusalOfVerification('CERT_SIGNATURE_FAILURE')
    }
    issuer = subject
  }
  return null
}

function linkOf({ certificate: { serialNumber, notBefore, notAfter } }: PathCertificate, { authority }: PathCertificate): PathLink {
  return { serialNumber, issuer: authority, notBefore, notAfter }
}

function refused(refusal: Refusal, certificate: Certificate | null): PathOutcome {
  return { ok: false, ...refusal, certificate }
}
