// A certificate as a certification path needs it (RFC 5280 §6.1): with OpenSSL's reading beside our own, its key, and its names to compare.
import type { KeyObject, X509Certificate } from 'node:crypto'
import { CertificateError, openCertificate } from './certificate.ts'
import type { Certificate } from './certificate.ts'
import { derOf, DerError } from './der.ts'
import { comparableName } from './distinguished-name.ts'
import { readPathExtensions } from './path-extensions.ts'
import type { PathExtensions } from './path-extensions.ts'
import { readSignatureAlgorithm } from './signature-algorithm.ts'
import type { SignatureAlgorithm } from './signature-algorithm.ts'

/** An issuing certificate of the path, as the revocation check needs it. */
export interface PathAuthority {
  /** DER of the subject. */
  readonly subjectDer: Uint8Array
  readonly publicKey: KeyObject
  /** RFC 5280 §4.2.1.3: key usage, where it is there, allows cRLSign. */
  readonly mayCrlSign: boolean
  readonly fingerprint256: string
  /** As comparableName gives it. */
  readonly subjectName: string
  /** Hexadecimal, of its subjectKeyIdentifier; null where that is absent. */
  readonly keyIdentifier: string | null
}

export interface PathCertificate {
  readonly der: Uint8Array
  readonly certificate: Certificate
  readonly opened: X509Certificate
  readonly version: 1 | 2 | 3
  /** As comparableName gives them; empty where the name is. */
  readonly subjectName: string
  readonly issuerName: string
  /** Null: not known here. */
  readonly signatureAlgorithm: SignatureAlgorithm | null
  readonly extensions: PathExtensions
  readonly authority: PathAuthority
}

/** Throws CertificateError when the bytes are not exactly one certificate in DER. `known`: OpenSSL's reading of them, where it is there already. */
export function readPathCertificate(der: Uint8Array, known?: X509Certificate): PathCertificate {
  const { certificate, fields, opened, publicKey } = openCertificate(der, known)
  try {
    const subjectName = comparableName(fields.subject)
    const extensions = readPathExtensions(fields.extensions)
    return {
      der, certificate, opened, subjectName, extensions,
      version: fields.version,
      issuerName: comparableName(fields.issuer),
      signatureAlgorithm: readSignatureAlgorithm(fields.signatureAlgorithm),
      authority: {
        subjectDer: derOf(fields.subject), subjectName, publicKey, fingerprint256: certificate.fingerprint256,
        keyIdentifier: extensions.subjectKeyIdentifier,
        mayCrlSign: certificate.keyUsage === null || certificate.keyUsage.includes('cRLSign'),
      },
    }
  } catch (cause) {
    if (cause instanceof DerError) throw new CertificateError(`not a certificate: ${cause.message}`, { cause })
    throw cause
  }
}

/** RFC 5280 §6.1.3 (a)(4) and §4.2.1.1: the names chain, the key identifiers agree, and the key is of the kind that made the signature. */
export function mayHaveIssued(issuer: PathCertificate, subject: PathCertificate): boolean {
  if (subject.issuerName !== issuer.subjectName) return false
  if (subject.signatureAlgorithm?.keyKinds.includes(issuer.certificate.keyKind) !== true) return false
  const named = subject.extensions.authorityKeyIdentifier
  if (named === null) return true
  const { subjectKeyIdentifier } = issuer.extensions
  return (named.keyIdentifier === null || subjectKeyIdentifier === null || named.keyIdentifier === subjectKeyIdentifier)
    && (named.serialNumber === null || named.serialNumber === issuer.certificate.serialNumber)
    && (named.issuerName === null || named.issuerName === issuer.issuerName)
}

/** Ends a path: it names itself as its issuer. The signature, which a trust anchor proves nothing with, is not looked at. */
export const isOwnIssuer = (candidate: PathCertificate): boolean => mayHaveIssued(candidate, candidate)

export const isSelfIssued = ({ subjectName, issuerName }: PathCertificate): boolean => subjectName === issuerName
