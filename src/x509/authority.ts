// A certificate authority opened for issuing: its key, and from its own certificate what every certificate that it issues must repeat.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readCertificate } from './certificate.ts'
import { readExtension } from './certificate-extensions.ts'
import { keyIdentifierOf } from './certificate-writer.ts'
import { childrenOf, contentOf, derOf, DerError, readDer, tag, tagOf } from './der.ts'
import type { DerNode } from './der.ts'
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
  const { isAuthority, keyUsage, notAfter } = readCertificate(certificate.raw)
  if (!isAuthority || keyUsage?.includes('keyCertSign') === false) {
    throw new IssueError('the authority\'s certificate is not one that may issue certificates (RFC 5280 §4.2.1.9, §4.2.1.3)')
  }
  const { name, keyIdentifier } = identityOf(certificate.raw)
  return { name, keyIdentifier: keyIdentifier ?? keyIdentifierOf(privateKey), notAfter, privateKey }
}

/** RFC 5280 §4.2.1.1: what it issues names its subject and its key identifier as they stand in its own certificate. */
function identityOf(der: Uint8Array): { readonly name: Uint8Array, readonly keyIdentifier: Uint8Array | null } {
  const [toBeSigned] = childrenOf(readDer(der), tag.sequence)
  const fields = toBeSigned === undefined ? [] : childrenOf(toBeSigned, tag.sequence)
  const subject = fields[5] // after version (authorities are v3), serial number, algorithm, issuer and validity
  const wrapper = fields.find(field => tagOf(field) === tag.constructedContext(3))
  if (subject === undefined || wrapper === undefined) throw new DerError('an authority without subject or extensions')
  const extensions = childrenOf(wrapper, tag.constructedContext(3)).flatMap(list => childrenOf(list, tag.sequence))
  return { name: derOf(subject), keyIdentifier: subjectKeyIdentifierOf(extensions) }
}

function subjectKeyIdentifierOf(extensions: readonly DerNode[]): Uint8Array | null {
  const found = extensions.map(readExtension).find(({ type }) => type === oid.subjectKeyIdentifier)
  return found === undefined ? null : contentOf(readDer(found.value), tag.octetString)
}
