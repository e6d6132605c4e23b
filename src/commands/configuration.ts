/** What `start` and `check` have in common: which configuration it is, and whether it and its files are sound. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Config } from '../config/config.ts'
import { ConfigError } from '../config/config-error.ts'
import { checkFiles, type FileCheck } from '../config/check-files.ts'
import { loadConfig } from '../config/load.ts'
import { ensureDevelopmentCertificates } from '../x509/development-folder.ts'
import type { Surroundings } from './command.ts'

export interface CheckedConfiguration {
  readonly config: Config
  readonly tls: FileCheck['tls']
  readonly tlsState: FileCheck['tlsState']
  readonly authFiles: FileCheck['authFiles']
  readonly warnings: FileCheck['warnings']
  /** Names of the development certificates' files made just now. */
  readonly made: readonly string[]
}

export const certsFolderOf = ({ root }: Pick<Surroundings, 'root'>): string => join(root, 'certs')

/** The file named, or `meerkat.toml` in this folder or the project's, or none: then the built-in defaults serve localhost. */
export function configurationFile(named: string | undefined, { root }: Pick<Surroundings, 'root'>): string | null {
  if (named !== undefined) return resolve(named)
  return [resolve('meerkat.toml'), join(root, 'meerkat.toml')].find(existsSync) ?? null
}

/** Rejects with ConfigError, all mistakes together. Without a file the development certificates are made first, where they are missing. */
export async function checkedConfiguration(file: string | null, surroundings: Surroundings, now: number): Promise<CheckedConfiguration> {
  const certsFolder = certsFolderOf(surroundings)
  let made: readonly string[] = []
  if (file === null) {
    const files = await ensureDevelopmentCertificates({ folder: certsFolder, now })
    if (files.notMade !== null) surroundings.printError(`meerkat: some development certificates were not made: ${files.notMade}`)
    made = files.made
  }
  const config = await loadConfig(file, { certsFolder })
  const { mistakes, warnings, tls, tlsState, authFiles } = await checkFiles(config, now)
  if (mistakes.length > 0) throw new ConfigError(mistakes)
  return { config, tls, tlsState, authFiles, warnings: [...config.warnings, ...warnings], made }
}
