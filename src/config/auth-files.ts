/** Reads the files that the configured backends and the store name: passwords and CAs. What is missing is told before anything listens. */
import type { AuthOptions } from '../auth/options.ts'
import { readCertificateFile } from './certificate-file.ts'
import { readNamedFile } from './read-file.ts'
import type { Report } from './report.ts'
import { warnIfOpen } from './server-key.ts'
import { quoted } from './wording.ts'

/** By path. Only of the sections of backends that are asked (`auth.methods`). */
export async function readAuthFiles(auth: AuthOptions, report: Report): Promise<ReadonlyMap<string, string>> {
  const sections = []
  for (const name of auth.methods) sections.push(...await readSectionFiles(Object.getOwnPropertyDescriptor(auth, name)?.value, `auth.${name}`, report))
  return new Map(sections)
}

/** Of one section, wherever in it they are named. */
export async function readSectionFiles(section: unknown, name: string, report: Report): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  for (const { path, file } of filesIn(section, name)) {
    const read = await readNamedFile(file)
    if (!read.ok) {
      report.mistake(path, { found: `${quoted(file)}: ${read.failure}`, allowed: 'a file that can be read', remedy: 'Correct the path, or the permissions of the file.' })
      continue
    }
    if (isPublic(path)) await readCertificateFile(file, path, report)
    else warnIfOpen(file, path, read.mode, report)
    checkSecret(path, file, read.bytes, report)
    files.set(file, Buffer.from(read.bytes).toString('utf8'))
  }
  return files
}

/** Keys that name files end in "file": `password_file`, `tls.cacertfile`. */
function filesIn(section: unknown, path: string): readonly { readonly path: string, readonly file: string }[] {
  if (typeof section !== 'object' || section === null) return []
  return Object.entries(section).flatMap(([key, value]) => {
    if (typeof value === 'string') return key.endsWith('file') ? [{ path: `${path}.${key}`, file: value }] : []
    return filesIn(value, `${path}.${key}`)
  })
}

/** Of a secret the first line counts; an empty one is a file that was never filled. Without it LDAP would let the gateway in as nobody. */
function checkSecret(path: string, file: string, bytes: Uint8Array, report: Report): void {
  if (!path.endsWith('_file')) return
  const [line = ''] = Buffer.from(bytes).toString('utf8').split(/\r?\n/, 1)
  const needsColon = path.endsWith('basic_auth_file')
  if (line !== '' && !(needsColon && !line.includes(':'))) return
  report.mistake(path, {
    found: `${quoted(file)}: its first line ${line === '' ? 'is empty' : 'has no colon'}`, allowed: `a file whose first line is ${needsColon ? 'user:password' : 'the password'}`,
    remedy: `Write ${needsColon ? 'user, colon and password' : 'the password'} on the first line.`,
  })
}

/** Certificates are for everybody's eyes. */
const isPublic = (path: string): boolean => path.endsWith('certfile')
