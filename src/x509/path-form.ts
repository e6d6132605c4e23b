// What RFC 5280 §4 demands of whoever writes a certificate that stands in a path. A certificate that offends against it can still be told
// apart from a forged one, so these are asked for only where the path is checked strictly; in `openssl verify` it is -x509_strict.
import type { PathCertificate } from './path-certificate.ts'
import { oid } from './object-identifiers.ts'

/** RFC 5280 §4.1.2.2. */
const maxSerialNumberOctets = 20

/** In words that go on after "The certificate …", or null. `isLast`: the anchor, which nobody needs to lead to. */
export function formFaultOf(candidate: PathCertificate, isLast: boolean): string | null {
  return usageFaultOf(candidate) ?? nameFaultOf(candidate) ?? identifierFaultOf(candidate, isLast)
}

/** One that is neither an authority by basicConstraints (§4.2.1.9) nor plainly none. */
export function isHalfAnAuthority({ certificate, extensions, version }: PathCertificate): boolean {
  if (extensions.types.has(oid.basicConstraints)) return false
  return certificate.keyUsage?.includes('keyCertSign') === true || extensions.netscapeTypes?.some(bit => bit >= 5) === true
    || (version === 1 && certificate.isSelfIssued)
}

function usageFaultOf({ certificate: { isAuthority, keyUsage }, extensions }: PathCertificate): string | null {
  const mayIssue = keyUsage?.includes('keyCertSign')
  if (!isAuthority) {
    if (extensions.pathLength !== null) return 'limits a path though it is no authority (RFC 5280 §4.2.1.9)'
    return mayIssue === true ? 'may issue certificates though it is no authority (RFC 5280 §4.2.1.3)' : null
  }
  if (!extensions.criticalTypes.has(oid.basicConstraints)) return 'has basicConstraints that are not critical (RFC 5280 §4.2.1.9)'
  if (mayIssue === undefined) return 'is an authority without key usage (RFC 5280 §4.2.1.3)'
  return extensions.pathLength !== null && !mayIssue ? 'limits a path though it may not issue certificates (RFC 5280 §4.2.1.9)' : null
}

/** RFC 5280 §4.1.2.4, an issuer has a name, is held by asking each authority of the path for its own. */
function nameFaultOf({ certificate: { isAuthority, keyUsage }, subjectName, extensions }: PathCertificate): string | null {
  if (extensions.altNameCount === 0) return 'has an empty subjectAltName (RFC 5280 §4.2.1.6)'
  if (subjectName !== '') return null
  if (isAuthority || keyUsage?.includes('cRLSign') === true || extensions.altNameCount === null) return 'has no subject (RFC 5280 §4.1.2.6)'
  return extensions.criticalTypes.has(oid.subjectAltName) ? null : 'has no subject, and a subjectAltName that is not critical (RFC 5280 §4.1.2.6)'
}

function identifierFaultOf({ certificate, version, extensions }: PathCertificate, isLast: boolean): string | null {
  const { serialNumber, isAuthority } = certificate
  const isPositive = /^[0-7]/.test(serialNumber) && /[1-9a-f]/.test(serialNumber)
  if (!isLast && (!isPositive || serialNumber.length > 2 * maxSerialNumberOctets)) {
    return 'has a serial number that is not positive, or of more than 20 octets (RFC 5280 §4.1.2.2)'
  }
  if (version < 3) return null
  if (!isLast && (extensions.authorityKeyIdentifier?.keyIdentifier ?? null) === null) {
    return 'does not name its issuer\'s key (authorityKeyIdentifier, RFC 5280 §4.2.1.1)'
  }
  return isAuthority && extensions.subjectKeyIdentifier === null ? 'does not name its own key (subjectKeyIdentifier, RFC 5280 §4.2.1.2)' : null
}
