// A certificate authority opened for issuing: its key, and from its own certificate what every certificate that it issues must repeat.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { openCertificate } from './certificate.ts'
import type { CertificateFields } from './certificate-fields.ts'
import { readExtension } from './certificate-extensions.ts'
import { keyIdentifierOf } from './certificate-writer.ts'
import { childrenOf, contentOf, derOf, readDer, tag } from './der.ts'
import { oid } from './object-identifiers.ts'

/** Cannot be issued as asked; the message is for people. */
export class IssueError extends Error {
  override readonly name = 'IssueError'
}

export interface OpenAuthority {
  /** DER Name, byte for byte as in the authority's certificate. */
  readonly name: Uint8Array
  readonly keyIdentifier: Uint8Array
  /** Milliseconds since the epoch. */
  readonly notAfter: number
  readonly privateKey: KeyObject
}

/** Any authority will do, also one that was brought along. Throws IssueError when the two do not make one. */
export function openAuthority(ca: { readonly certificatePem: string, readonly privateKeyPem: string }): OpenAuthority {
  let certificate: X509Certificate
  let privateKey: KeyObject
  try {
    certificate = new X509Certificate(ca.certificatePem)
    privateKey = createPrivateKey(ca.privateKeyPem)
  } catch (cause) {
    throw new IssueError('the authority\'s certificate or its key cannot be read (an encrypted key cannot be used)', { cause })
  }
  if (!certificate.checkPrivateKey(privateKey)) throw new IssueError('the authority\'s key does not belong to its certificate')
  const { certificate: { isAuthority, keyUsage, notAfter }, fields } = openCertificate(certificate.raw)
  if (!isAuthority || keyUsage?.includes('keyCertSign') === false) {
    throw new IssueError('the authority\'s certificate is not one that may issue certificates (RFC 5280 §4.2.1.9, §4.2.1.3)')
  }
  const { name, keyIdentifier } = identityOf(fields)
  return { name, keyIdentifier: keyIdentifier ?? keyIdentifierOf(privateKey), notAfter, privateKey }
}

/** RFC 5280 §4.2.1.1: what it issues names its subject and its key identifier as they stand in its own certificate. */
function identityOf({ subject, extensions }: CertificateFields): { readonly name: Uint8Array, readonly keyIdentifier: Uint8Array | null } {
  const found = extensions === null ? undefined
    : childrenOf(extensions, tag.sequence).map(readExtension).find(({ type }) => type === oid.subjectKeyIdentifier)
  return { name: derOf(subject), keyIdentifier: found === undefined ? null : contentOf(readDer(found.value), tag.octetString) }
}
