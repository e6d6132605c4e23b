// Faults that a certificate has by its place in a certification path (RFC 5280 §6.1.3, §6.1.4), dates, signatures and revocation apart.
import { isStrongEnough } from './key-strength.ts'
import { oid } from './object-identifiers.ts'
import type { PathCertificate } from './path-certificate.ts'
import { formFaultOf, isHalfAnAuthority } from './path-form.ts'
import { faultOf, refusalOfVerification } from './refusal.ts'
import type { Refusal, RefusalReason } from './refusal.ts'

/** They narrow down what the path may be used for and are not applied here: a path that has one is refused, critical or not. */
const restrictions: ReadonlyMap<string, string> = new Map([
  [oid.nameConstraints, 'name constraints'], [oid.policyConstraints, 'policy constraints'], [oid.proxyCertInfo, 'proxy certificates'],
  [oid.ipAddressBlocks, 'constraints on IP addresses'], [oid.autonomousSystems, 'constraints on autonomous systems'],
])

export function leafFaultOf(leaf: PathCertificate, path: { readonly isAlone: boolean, readonly isStrict: boolean }): Refusal | null {
  const { certificate, extensions } = leaf
  const fault = faultOf(certificate)
  if (fault !== null) return fault
  if (extensions.malformed !== null) return { reason: 'malformed',
    text: `The certificate is malformed: ${extensions.malformed}. Ask for a new certificate.` }
  if (extensions.netscapeTypes?.includes(0) === false) return refusalOfVerification('INVALID_PURPOSE')
  return restrictionOf(leaf) ?? (path.isAlone ? null : signatureFaultOf(leaf)) ?? (path.isStrict ? strictFaultOf(leaf, path.isAlone) : null)
}

function strictFaultOf(leaf: PathCertificate, isAlone: boolean): Refusal | null {
  if (isHalfAnAuthority(leaf)) return misshapen(leaf, 'is half an authority (RFC 5280 §4.2.1.9)')
  // RFC 6818 §2: what RFC 5280 says of certificates does not hold for a self-signed one of an end entity.
  const fault = isAlone ? null : formFaultOf(leaf, false)
  return fault === null ? null : misshapen(leaf, fault)
}

export interface Place {
  /** The trust anchor. */
  readonly isLast: boolean
  /** How many certificates stand between this one and the leaf; self-issued ones do not count (RFC 5280 §4.2.1.9). */
  readonly intermediatesBelow: number
  readonly isStrict: boolean
}

export function authorityFaultOf(authority: PathCertificate, place: Place): Refusal | null {
  const { certificate, extensions } = authority
  const malformed = malformedIn(authority)
  if (malformed !== null) return ofAuthority(authority, 'malformed', `is malformed: ${malformed}`)
  if (certificate.unknownCriticalExtensions.length > 0) {
    return ofAuthority(authority, 'unknown-critical-extension',
      `has a critical extension that this server does not know (${certificate.unknownCriticalExtensions.slice(0, 3).join(', ')})`)
  }
  // As OpenSSL does it, and beyond RFC 5280 §4.2.1.12: an authority that lists purposes can issue for these only.
  if (certificate.extendedKeyUsages?.includes(oid.clientAuth) === false) return refusalOfVerification('INVALID_PURPOSE')
  if (!isStrongEnough(certificate)) return ofAuthority(authority, 'weak-key', 'has a key that is too weak, or of an unsupported kind')
  if (!mayIssue(authority, place)) return refusalOfVerification('INVALID_CA')
  // RFC 5280 §6.1.4 (l), (m).
  if (extensions.pathLength !== null && place.intermediatesBelow > extensions.pathLength) return refusalOfVerification('PATH_LENGTH_EXCEEDED')
  // RFC 5280 §6.1: an anchor is a name and a key; nothing rests on its signature.
  const fault = restrictionOf(authority) ?? (place.isLast ? null : signatureFaultOf(authority))
  if (fault !== null) return fault
  const formFault = place.isStrict ? formFaultOf(authority, place.isLast) : null
  return formFault === null ? null : misshapen(authority, formFault)
}

/** RFC 5280 §6.1.4 (k), (n). A root of version 1 has no way of saying that it is an authority: it is one because it was configured. */
function mayIssue({ certificate: { isAuthority, keyUsage }, version }: PathCertificate, { isLast, isStrict }: Place): boolean {
  return (isAuthority || (isLast && !isStrict && version === 1)) && (keyUsage === null || keyUsage.includes('keyCertSign'))
}

/** An old root may have a commonName that nobody can read: its name is only compared. */
function malformedIn({ certificate: { malformed }, extensions }: PathCertificate): string | null {
  return malformed === null || malformed.startsWith('commonName') ? extensions.malformed : malformed
}

function restrictionOf(candidate: PathCertificate): Refusal | null {
  const found = restrictions.entries().find(([type]) => candidate.extensions.types.has(type))
  return found === undefined ? null : ofAuthority(candidate, 'not-verified', `has ${found[1]}, which this server cannot apply`)
}

function signatureFaultOf({ signatureAlgorithm }: PathCertificate): Refusal | null {
  return signatureAlgorithm?.isStrong === true ? null : { reason: 'not-verified',
    text: 'A signature in the certificate\'s chain is made with a '
    + 'hash that is too weak, or in a way that is not known here. Use a certificate signed with SHA-256 or better.' }
}

const misshapen = (candidate: PathCertificate, fault: string) => ofAuthority(candidate, 'not-verified', fault)

function ofAuthority({ certificate }: PathCertificate, reason: RefusalReason, fault: string): Refusal {
  return { reason, text: `In the certificate's chain ${certificate.subject === '' ? 'one without a name' : certificate.subject} ${fault}. `
    + 'Use a certificate that another authority issued, or have this one mended.' }
}
