/** The server certificate of a listener and its chain: `tls.certfile`. */
import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'

import type { TlsMaterial } from '../x509/tls-material.ts'
import { isPrivateKey, readCertificateFile, subjectText, validityAt, validityText } from './certificate-file.ts'
import type { Present } from './present.ts'
import type { Report } from './report.ts'
import { warnIfOpen } from './server-key.ts'
import type { ServerKey } from './server-key.ts'
import { alternatives, quoted } from './wording.ts'

export interface Expectations extends Present {
  /** Null when the key could not be read, which has been reported. */
  readonly key: ServerKey | null
  readonly hosts: readonly string[]
}

const serverAuth = '1.3.6.1.5.5.7.3.1'
const twoWeeks = 14 * 86_400_000

/** Null when a mistake was reported. */
export async function checkServerCertificate(
  file: string | undefined, tlsPath: string, { key, hosts, now, inUse }: Expectations, report: Report,
): Promise<readonly X509Certificate[] | null> {
  const path = `${tlsPath}.certfile`
  if (file === undefined) return null
  const wrong = (where: string, found: string, remedy: string, until: number | null = null) => {
    report.mistake(where, { found, allowed: 'a valid certificate for the server, first in its file, and the key that belongs to it', remedy, until })
  }
  const read = await readCertificateFile(file, path, report)
  const [leaf] = read?.certificates ?? []
  if (read === null || leaf === undefined) return null
  if (read.others.some(isPrivateKey)) warnIfOpen(file, path, read.mode, report)

  const owner = key === null ? 0 : read.certificates.findIndex(certificate => certificate.checkPrivateKey(key.key))
  if (owner < 0) {
    const found = `a key that does not belong to the certificate ${subjectText(leaf)} in ${quoted(file)}`
    wrong(`${tlsPath}.keyfile`, found, 'Name the key that the certificate was made for.')
    return null
  }
  if (owner > 0) {
    const found = `${quoted(file)}: the server certificate is number ${owner + 1} in the file`
    wrong(path, found, 'Put the server certificate first, then those that issued it.')
    return null
  }
  const validity = validityAt(leaf, now)
  if (validity !== 'valid' && isInUse(leaf, inUse)) {
    report.warn(path, `the server certificate ${validityText(leaf, validity)}: clients refuse it. It stays in use until there is another.`)
  } else if (validity !== 'valid') {
    const remedy = validity === 'expired' ? 'Get a new certificate.' : 'Check the clock of this machine, or get another certificate.'
    wrong(path, `${quoted(file)}: the server certificate ${validityText(leaf, validity)}`, remedy, validity === 'expired' ? null : leaf.validFromDate.getTime())
    return null
  }
  warnAboutLeaf(leaf, hosts, now, path, report)
  warnAboutChain(read.certificates, now, path, report)
  return read.certificates
}

function isInUse({ fingerprint256 }: X509Certificate, inUse: TlsMaterial | null): boolean {
  const server = inUse?.server ?? null
  return server !== null && new X509Certificate(server.certChainPem).fingerprint256 === fingerprint256
}

function warnAboutLeaf(leaf: X509Certificate, hosts: readonly string[], now: number, path: string, report: Report): void {
  const { validToDate } = leaf
  const left = validToDate.getTime() - now
  if (left >= 0 && left < twoWeeks) report.warn(path, `the server certificate expires soon, on ${validToDate.toISOString()}.`)
  // Clients may reach the listener by another name than the domain, so this need not be wrong.
  if (!hosts.some(host => names(leaf, host))) {
    report.warn(path, `the server certificate is not for ${alternatives(hosts.map(quoted))}: clients that connect by that name refuse it.`)
  }
  const purposes = purposesOf(leaf)
  if (purposes.length > 0 && !purposes.includes(serverAuth)) {
    report.warn(path, 'the server certificate is not for servers (no serverAuth): clients refuse it.')
  }
}

function names(leaf: X509Certificate, host: string): boolean {
  const literal = host.replace(/^\[|\]$/g, '')
  if (isIP(literal) !== 0) return leaf.checkIP(literal) !== undefined
  const ascii = domainToASCII(host)
  // Browsers do not look at the common name, so neither do we.
  return ascii !== '' && leaf.checkHost(ascii, { subject: 'never' }) !== undefined
}

/** `keyUsage` of Node.js is the extended key usage; it is undefined when the certificate has none. */
function purposesOf(leaf: X509Certificate): readonly string[] {
  const purposes: unknown = leaf.keyUsage
  return Array.isArray(purposes) ? purposes.map(String) : []
}

function warnAboutChain(certificates: readonly X509Certificate[], now: number, path: string, report: Report): void {
  for (const [index, certificate] of certificates.slice(1).entries()) {
    const issued = certificates[index]
    if (issued !== undefined && !issued.checkIssued(certificate)) {
      report.warn(path, `the chain is out of order: ${subjectText(certificate)} did not issue the certificate before it.`)
    }
    const validity = validityAt(certificate, now)
    if (validity !== 'valid') report.warn(path, `the chain certificate ${subjectText(certificate)} ${validityText(certificate, validity)}.`)
  }
}
