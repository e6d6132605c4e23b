/** Checks the files that the configuration names, before anything listens, and hands on what was read: the listener uses the very
 * bytes that were checked. */
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'

import type { TlsMaterial } from '../x509/tls-material.ts'
import type { Config } from './config.ts'
import type { Mistake, Warning } from './config-error.ts'
import { readNamedFile } from './read-file.ts'
import { Report } from './report.ts'
import { readAuthFiles } from './auth-files.ts'
import { loadTlsMaterial } from './tls-material.ts'
import { quoted } from './wording.ts'

export interface FileCheck {
  readonly mistakes: readonly Mistake[]
  readonly warnings: readonly Warning[]
  /** For each of `config.listen.http`, in order; null for plain HTTP, and where a mistake was found. */
  readonly tls: readonly (TlsMaterial | null)[]
  /** What stands in the files that the configured backends name, by path. */
  readonly authFiles: ReadonlyMap<string, string>
}

/** `now` in ms since the epoch. */
export async function checkFiles(config: Config, now: number): Promise<FileCheck> {
  const report = new Report(config.file, config.file === null ? '.' : dirname(config.file))
  // Listeners often share their TLS: what is wrong there is said once.
  const loaded = new Map<string, TlsMaterial | null>()
  const tls: (TlsMaterial | null)[] = []
  for (const [index, { tls: options }] of config.listen.http.entries()) {
    const key = JSON.stringify(options)
    const material = options === undefined ? null : loaded.get(key)
      ?? (loaded.has(key) ? null : await loadTlsMaterial(options, `listen.http[${index}].tls`, config.general.hosts, now, report))
    loaded.set(key, material)
    tls.push(material)
  }
  await checkMappingModules(config, report)
  const authFiles = await readAuthFiles(config.auth, report)
  await checkInlinePasswords(config, report)
  return { mistakes: report.mistakes, warnings: report.warnings, tls, authFiles }
}

async function checkMappingModules({ auth }: Config, report: Report): Promise<void> {
  for (const [index, mode] of auth.sasl_external.entries()) {
    if (typeof mode === 'string') continue
    const read = await readNamedFile(mode.module)
    if (!read.ok) {
      report.mistake(`auth.sasl_external[${index}].module`, {
        found: `${quoted(mode.module)}: ${read.failure}`, allowed: 'a JavaScript or TypeScript module', remedy: 'Correct the path.',
      })
    }
  }
}

async function checkInlinePasswords({ file, listen }: Config, report: Report): Promise<void> {
  const index = listen.http.findIndex(({ tls }) => tls?.password !== undefined)
  if (index < 0 || file === null) return
  const stats = await stat(file).catch(() => null)
  if (stats !== null && (stats.mode & 0o004) !== 0) {
    report.warn(`listen.http[${index}].tls.password`, 'everybody on this machine may read the configuration file with the password in it: '
      + 'use tls.password_file, or chmod o-rwx the file.')
  }
}
