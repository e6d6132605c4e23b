/** Reads the certificates of a PEM file, and says what is wrong with it in words. */
import { X509Certificate } from 'node:crypto'

import { splitPem } from './pem.ts'
import type { PemBlock } from './pem.ts'
import { readNamedFile } from './read-file.ts'
import type { Report } from './report.ts'
import { quoted } from './wording.ts'

export interface CertificateFile {
  readonly certificates: readonly X509Certificate[]
  readonly others: readonly PemBlock[]
  /** The permission bits. */
  readonly mode: number
}

const allowed = 'a PEM file with certificates'

/** Null when a mistake was reported at `path`. */
export async function readCertificateFile(file: string, path: string, report: Report): Promise<CertificateFile | null> {
  const wrong = (found: string, remedy: string) => {
    report.mistake(path, { found: `${quoted(file)}: ${found}`, allowed, remedy })
    return null
  }
  const read = await readNamedFile(file)
  if (!read.ok) return wrong(read.failure, 'Correct the path, or the permissions of the file.')
  const { blocks, problem } = splitPem(Buffer.from(read.bytes).toString('latin1'))
  if (problem !== null) return wrong(`a broken PEM block (${problem})`, 'Restore the file from its source: nothing after this block would be used.')
  const found = blocks.filter(({ label }) => label === 'CERTIFICATE')
  if (found.length === 0) {
    // DER begins with the tag of a SEQUENCE.
    if (read.bytes[0] === 0x30) return wrong('no PEM, it looks like DER', 'Convert it: openssl x509 -inform der -in FILE -out FILE.pem')
    const instead = blocks[0] === undefined ? '' : `, but a block ${blocks[0].label}`
    return wrong(`it holds no certificate${instead}`, 'Name the right file.')
  }
  const certificates: X509Certificate[] = []
  for (const [index, block] of found.entries()) {
    try {
      certificates.push(new X509Certificate(block.text))
    } catch {
      return wrong(`certificate ${index + 1} of ${found.length} cannot be parsed`, 'Restore the file from its source.')
    }
  }
  return { certificates, others: blocks.filter(({ label }) => label !== 'CERTIFICATE'), mode: read.mode }
}

export const isPrivateKey = ({ label }: PemBlock) => label.endsWith('PRIVATE KEY')

/** The subject on one line, control characters escaped. */
export const subjectText = ({ subject }: X509Certificate) => quoted(subject.split('\n').join(', '))

export type Validity = 'valid' | 'expired' | 'not yet valid'

export function validityAt({ validFromDate, validToDate }: X509Certificate, now: number): Validity {
  return now > validToDate.getTime() ? 'expired' : now < validFromDate.getTime() ? 'not yet valid' : 'valid'
}

/** "expired on 2020-01-01T00:00:00Z". */
export function validityText(certificate: X509Certificate, validity: Validity): string {
  const iso = (date: Date) => date.toISOString().replace('.000Z', 'Z')
  return validity === 'expired' ? `expired on ${iso(certificate.validToDate)}` : `is ${validity} before ${iso(certificate.validFromDate)}`
}
