/** Checks the files that the configuration names, before anything listens, and hands on what was read: the listener uses the very
 * bytes that were checked. */
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'

import type { TlsMaterial } from '../x509/tls-material.ts'
import { checkData } from './check-data.ts'
import { hasPassword } from './check-database.ts'
import type { Config } from './config.ts'
import type { Mistake, Warning } from './config-error.ts'
import { listenersOf } from './listeners.ts'
import type { Present } from './present.ts'
import { readNamedFile } from './read-file.ts'
import { Report } from './report.ts'
import { readAuthFiles, readSectionFiles } from './auth-files.ts'
import { loadTlsMaterial } from './tls-material.ts'
import { stateOf } from './watched-files.ts'
import { quoted } from './wording.ts'

export interface FileCheck {
  readonly mistakes: readonly Mistake[]
  readonly warnings: readonly Warning[]
  /** For each of `listenersOf(config.listen)`, in order; null for plain HTTP, and where a mistake was found. */
  readonly tls: readonly (TlsMaterial | null)[]
  /** Of the files that were read for it, just before: as `stateOf` gives it. */
  readonly tlsState: string
  /** What stands in the files that the configured backends and the store name, by path. */
  readonly authFiles: ReadonlyMap<string, string>
}

/** `now` in ms since the epoch. */
export async function checkFiles(config: Config, now: number): Promise<FileCheck> {
  const report = new Report(config.file, config.file === null ? '.' : dirname(config.file))
  const tlsState = await stateOf(tlsFilesOf(config))
  const tls = await checkTlsFiles(config, { now, inUse: [] }, report)
  await checkMappingModules(config, report)
  const authFiles = new Map([...await readAuthFiles(config.auth, report), ...await readSectionFiles(config.store, 'store', report)])
  await checkInlinePasswords(config, report)
  checkData(config, report)
  return { mistakes: report.mistakes, warnings: report.warnings, tls, tlsState, authFiles }
}

/** For each of `listenersOf(config.listen)`, in order; `inUse` likewise, empty at the start. Asked again whenever the files may have changed. */
export async function checkTlsFiles(
  { listen, general }: Pick<Config, 'listen' | 'general'>, { now, inUse }: { readonly now: number, readonly inUse: readonly (TlsMaterial | null)[] }, report: Report,
): Promise<readonly (TlsMaterial | null)[]> {
  // Listeners often share their TLS: what is wrong there is said once.
  const loaded = new Map<string, TlsMaterial | null>()
  const tls: (TlsMaterial | null)[] = []
  for (const [index, { path, tls: options }] of listenersOf(listen).entries()) {
    const present: Present = { now, inUse: inUse[index] ?? null }
    const key = JSON.stringify({ ...options, mode: null, disconnect_on_failure: null })
    const material = options === undefined ? null : loaded.get(key)
      ?? (loaded.has(key) ? null : await loadTlsMaterial(options, `${path}.tls`, general.hosts, present, report))
    loaded.set(key, material)
    tls.push(material)
  }
  return tls
}

/** Everything that `checkTlsFiles` reads. */
export function tlsFilesOf({ listen }: Pick<Config, 'listen'>): readonly string[] {
  const files = listenersOf(listen).flatMap(({ tls }) => tls === undefined ? [] : [tls.certfile, tls.keyfile, tls.password_file, tls.cacertfile, ...tls.crl_files])
  return [...new Set(files)].filter(file => file !== undefined)
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

async function checkInlinePasswords({ file, listen, auth, store }: Config, report: Report): Promise<void> {
  const listener = listenersOf(listen).find(({ tls }) => tls?.password !== undefined)
  const inline = [
    ...listener === undefined ? [] : [{ path: `${listener.path}.tls.password`, instead: 'tls.password_file' }],
    ...auth.rdbms !== undefined && hasPassword(auth.rdbms) ? [{ path: 'auth.rdbms.url', instead: 'password_file' }] : [],
    ...hasPassword(store) ? [{ path: 'store.url', instead: 'password_file' }] : [],
  ]
  if (inline.length === 0 || file === null) return
  const stats = await stat(file).catch(() => null)
  if (stats === null || (stats.mode & 0o004) === 0) return
  for (const { path, instead } of inline) {
    report.warn(path, `everybody on this machine may read the configuration file with the password in it: use ${instead}, or chmod o-rwx the file.`)
  }
}
