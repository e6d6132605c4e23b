/** The private key of a listener, and the password that opens it. Neither is ever part of a message. */
import { createPrivateKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

import type { TlsOptions } from '../x509/tls-options.ts'
import { isPrivateKey } from './certificate-file.ts'
import { splitPem } from './pem.ts'
import { readNamedFile } from './read-file.ts'
import type { Report } from './report.ts'
import { quoted } from './wording.ts'

export interface ServerKey {
  readonly key: KeyObject
  readonly pem: string
  readonly passphrase: string | null
}

const readable = new Set(['PRIVATE KEY', 'ENCRYPTED PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY'])

/** Null when a mistake was reported. */
export async function readServerKey(tls: TlsOptions, path: string, report: Report): Promise<ServerKey | null> {
  const given = await readPassphrase(tls, path, report)
  if (tls.keyfile === undefined) return null
  const wrong = (found: string, remedy: string) => {
    report.mistake(`${path}.keyfile`, { found: `${quoted(tls.keyfile ?? '')}: ${found}`, allowed: 'a PEM file with one private key', remedy })
    return null
  }
  const read = await readNamedFile(tls.keyfile)
  if (!read.ok) return wrong(read.failure, 'Correct the path, or the permissions of the file.')
  warnIfOpen(tls.keyfile, `${path}.keyfile`, read.mode, report)
  const { blocks, problem } = splitPem(Buffer.from(read.bytes).toString('latin1'))
  if (problem !== null) return wrong(`a broken PEM block (${problem})`, 'Restore the file from its source.')
  const [block, second] = blocks.filter(isPrivateKey)
  if (block === undefined) {
    const instead = blocks[0] === undefined ? '' : `, but a block ${blocks[0].label}`
    return wrong(`it holds no private key${instead}`, 'Name the right file.')
  }
  if (second !== undefined) return wrong('it holds more than one private key', 'Leave the key of the server certificate only.')
  if (!readable.has(block.label)) return wrong(`a key of the kind ${block.label}`, 'Convert it: openssl pkey -in FILE -out FILE.pem')
  if (block.isEncrypted && given === 'mistaken') return null
  if (block.isEncrypted && given === 'none') return wrong('the key is encrypted, and no password is given', 'Set tls.password_file.')

  const opening = block.isEncrypted && typeof given === 'object' ? given.passphrase : null
  try {
    const key = createPrivateKey({ key: block.text, format: 'pem', ...(opening === null ? {} : { passphrase: opening }) })
    return { key, pem: block.text, passphrase: opening }
  } catch {
    if (opening === null) return wrong('a private key that cannot be parsed', 'Restore the file from its source.')
    const source = tls.password_file === undefined ? 'password' : 'password_file'
    report.mistake(`${path}.${source}`, {
      found: `a password that does not open the key ${quoted(tls.keyfile)}`, allowed: 'the password that the key was encrypted with',
      remedy: source === 'password' ? 'Correct it.' : 'Correct the first line of that file.',
    })
    return null
  }
}

async function readPassphrase(tls: TlsOptions, path: string, report: Report): Promise<{ readonly passphrase: string } | 'none' | 'mistaken'> {
  if (tls.password_file === undefined) return tls.password === undefined ? 'none' : { passphrase: tls.password }
  const read = await readNamedFile(tls.password_file)
  // As openssl's own -passin file: does, the first line counts.
  const [password = ''] = read.ok ? Buffer.from(read.bytes).toString('utf8').split(/\r?\n/, 1) : []
  if (password !== '') {
    if (read.ok) warnIfOpen(tls.password_file, `${path}.password_file`, read.mode, report)
    return { passphrase: password }
  }
  report.mistake(`${path}.password_file`, {
    found: `${quoted(tls.password_file)}: ${read.ok ? 'its first line is empty' : read.failure}`, allowed: 'a file whose first line is the password',
    remedy: read.ok ? 'Write the password on the first line.' : 'Correct the path, or the permissions of the file.',
  })
  return 'mistaken'
}

/** A group may well read a key (Debian's ssl-cert); everybody may not. */
export function warnIfOpen(file: string, path: string, mode: number, report: Report): void {
  if ((mode & 0o004) !== 0) report.warn(path, `everybody on this machine may read ${quoted(file)}: chmod o-rwx it.`)
}
