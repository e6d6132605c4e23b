/** The CAs that client certificates are checked against: `tls.cacertfile` (behaviour/external.md §1). */
import type { X509Certificate } from 'node:crypto'

import { CertificateError } from '../x509/certificate.ts'
import { readAnchor } from '../x509/path.ts'
import type { Anchor } from '../x509/path.ts'
import { isPrivateKey, readCertificateFile, subjectText, validityAt, validityText } from './certificate-file.ts'
import type { Present } from './present.ts'
import type { Report } from './report.ts'
import { quoted } from './wording.ts'

export interface Authorities {
  /** All that stand in the file. */
  readonly certificates: readonly X509Certificate[]
  /** Those that can be used. */
  readonly anchors: readonly Anchor[]
}

/** Null when a mistake was reported at `path`. */
export async function checkAuthorities(file: string, path: string, { now, inUse }: Present, report: Report): Promise<Authorities | null> {
  const wrong = (found: string, remedy: string, until: number | null = null) => {
    report.mistake(path, { found: `${quoted(file)}: ${found}`, allowed: 'a PEM file with CA certificates and nothing else', remedy, until })
    return null
  }
  const read = await readCertificateFile(file, path, report)
  if (read === null) return null
  if (read.others.some(isPrivateKey)) {
    return wrong('it holds a private key', 'Move the key elsewhere: whoever reads it can make certificates for anybody.')
  }
  const [other] = read.others
  if (other !== undefined) return wrong(`it holds a block ${other.label}`, 'Remove what is not a CERTIFICATE.')

  const judged = read.certificates.map(certificate => ({ certificate, validity: validityAt(certificate, now) }))
  const stale = judged.filter(({ validity }) => validity !== 'valid')
  const staleTexts = stale.map(({ certificate, validity }) => `the CA ${subjectText(certificate)} ${validityText(certificate, validity)}`)
  if (stale.length === judged.length && !isNoNews(read.certificates, inUse?.read.authorities ?? [], now)) {
    const begins = stale.filter(({ validity }) => validity === 'not yet valid').map(({ certificate }) => certificate.validFromDate.getTime())
    return wrong(staleTexts.join('; '), 'Name a CA that is valid: with this one nobody could log in.', begins.length === 0 ? null : Math.min(...begins))
  }
  for (const text of staleTexts) report.warn(path, `${text}: the certificates it issued are refused.`)
  for (const { certificate } of judged) {
    // Not a mistake: a pinned self-signed client certificate is such an entry, and vouches for itself.
    if (!certificate.ca) report.warn(path, `${subjectText(certificate)} is not marked as a CA: it vouches for no certificate but itself.`)
  }
  const anchors = read.certificates.flatMap(certificate => anchorOf(certificate, path, report) ?? [])
  return anchors.length > 0 ? { certificates: read.certificates, anchors } : wrong('none of its certificates can be used', 'Name a CA whose certificate is as RFC 5280 wants it.')
}

/** Whether nobody loses anything: those in use have all had their time, and nothing but some of them is named. */
function isNoNews(certificates: readonly X509Certificate[], inUse: readonly X509Certificate[], now: number): boolean {
  const known = new Set(inUse.map(({ fingerprint256 }) => fingerprint256))
  return inUse.every(certificate => validityAt(certificate, now) !== 'valid') && certificates.every(({ fingerprint256 }) => known.has(fingerprint256))
}

/** Ours is the stricter reader; old CAs have certificates that nobody would write today. */
function anchorOf(certificate: X509Certificate, path: string, report: Report): Anchor | null {
  try {
    return readAnchor(certificate.raw)
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error
    report.warn(path, `the CA ${subjectText(certificate)} cannot be used (${error.message}): the certificates it issued are refused.`)
    return null
  }
}
