// One X.509 certificate (RFC 5280 §4.1), read from its DER into plain data: small, because one is kept for every connection.
import { hash, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { BareJid } from '../xmpp/jid.ts'
import { readCertificateFields } from './certificate-fields.ts'
import type { CertificateFields } from './certificate-fields.ts'
import { derOf, DerError } from './der.ts'
import { readDistinguishedName } from './distinguished-name.ts'
import { noExtensions, readExtensions } from './certificate-extensions.ts'
import type { KeyUsage } from './certificate-extensions.ts'
import { keyStrengthOf } from './key-strength.ts'
import type { KeyKind } from './key-strength.ts'

export interface Certificate {
  /** SHA-256 over the DER, lower-case hexadecimal, no colons. */
  readonly fingerprint256: string
  /** Hexadecimal. */
  readonly serialNumber: string
  /** RFC 4514, for people and logs only. */
  readonly subject: string
  readonly issuer: string
  readonly commonNames: readonly string[]
  /** Milliseconds since the epoch; both instants are still inside (RFC 5280 §4.1.2.5). */
  readonly notBefore: number
  readonly notAfter: number
  /** Prepared bare JIDs, each once. One without a localpart is never a user. */
  readonly xmppAddrs: readonly BareJid[]
  /** Mailboxes (rfc822Name), each once, the domain in lower case; what is no plain one is left out. */
  readonly emailAddrs: readonly string[]
  /** Why the certificate is refused as a whole, e.g. `xmppAddr with a resource`; starts with the part concerned. Null: nothing is wrong. */
  readonly malformed: string | null
  /** Subject and issuer are the same, byte for byte. */
  readonly isSelfIssued: boolean
  readonly isAuthority: boolean
  /** Null: the extension is absent, which allows every use (RFC 5280 §4.2.1.3, §4.2.1.12). */
  readonly keyUsage: readonly KeyUsage[] | null
  /** Object identifiers in dotted decimal. */
  readonly extendedKeyUsages: readonly string[] | null
  readonly unknownCriticalExtensions: readonly string[]
  readonly keyKind: KeyKind
  /** Of the modulus or the curve; 0 where nothing is known of it. */
  readonly keyBits: number
}

/** The bytes are no certificate at all. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError'
}

/** A certificate together with what it was read from: for those who look further, and keep none of it for a connection. */
export interface OpenedCertificate {
  readonly certificate: Certificate
  readonly fields: CertificateFields
  /** OpenSSL's reading of the same bytes. */
  readonly opened: X509Certificate
  readonly publicKey: KeyObject
}

/** Throws CertificateError when the bytes are not exactly one certificate in DER. */
export const readCertificate = (der: Uint8Array): Certificate => openCertificate(der).certificate

/** Throws as readCertificate does. `opened`: OpenSSL's reading of these bytes, where it is there already. */
export function openCertificate(der: Uint8Array, opened?: X509Certificate): OpenedCertificate {
  try {
    const fields = readCertificateFields(der)
    const key = openKey(der, opened)
    return { certificate: certificateOf(der, fields, key.publicKey), fields, ...key }
  } catch (cause) {
    if (cause instanceof DerError) throw new CertificateError(`not a certificate: ${cause.message}`, { cause })
    throw cause
  }
}

/** No signature is looked at, not even one by the certificate's own key: that key is of whoever sent it, and can be as slow as he likes. */
function certificateOf(der: Uint8Array, fields: CertificateFields, publicKey: KeyObject): Certificate {
  const subject = readDistinguishedName(fields.subject)
  const extensions = fields.extensions === null ? noExtensions : readExtensions(fields.extensions)
  return {
    fingerprint256: hash('sha256', der, 'hex'),
    serialNumber: fields.serialNumber,
    subject: subject.text,
    issuer: readDistinguishedName(fields.issuer).text,
    commonNames: subject.commonNames,
    notBefore: fields.notBefore,
    notAfter: fields.notAfter,
    xmppAddrs: extensions.xmppAddrs,
    emailAddrs: extensions.emailAddrs,
    malformed: extensions.malformed ?? subject.malformed,
    isSelfIssued: derOf(fields.issuer).equals(derOf(fields.subject)),
    ...keyStrengthOf(publicKey),
    isAuthority: extensions.isAuthority,
    keyUsage: extensions.keyUsage,
    extendedKeyUsages: extensions.extendedKeyUsages,
    unknownCriticalExtensions: extensions.unknownCriticalExtensions,
  }
}

/** OpenSSL reads the certificate too: what only one of the two readers takes is refused. */
function openKey(der: Uint8Array, known?: X509Certificate): Pick<OpenedCertificate, 'opened' | 'publicKey'> {
  try {
    const opened = known ?? new X509Certificate(der)
    return { opened, publicKey: opened.publicKey }
  } catch (cause) {
    throw new CertificateError('not a certificate: OpenSSL cannot read it or its public key', { cause })
  }
}
