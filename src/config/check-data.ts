/** Whether the databases in files can be made, read and written where they are to be, without making any: it may be somebody else who asks. */
import { accessSync, constants, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'

import { storeFile } from '../store/open-store.ts'
import { versionProblem } from '../store/version-problem.ts'
import type { Config } from './config.ts'
import type { Report } from './report.ts'
import { quoted } from './wording.ts'

export function checkData({ general, store, auth }: Config, report: Report): void {
  const file = storeFile(store.url, general.data_dir)
  const isEmbedded = store.url === undefined
  if (isEmbedded || auth.methods.includes('internal')) checkFolder(general.data_dir, 'general.data_dir', report)
  if (file === null) return
  const path = isEmbedded ? 'general.data_dir' : 'store.url'
  if (!isEmbedded) checkFolder(dirname(file), path, report)
  if (!report.sound(path)) return
  const problem = problemOf(file, 'file') ?? (statOf(file) === null ? null : versionProblem(file))
  if (problem !== null) report.mistake(path, { found: `${quoted(file)}: ${problem}`, allowed: 'a database of this version of Meerkat that this user may read and write', remedy: 'Put its backup in its place, or name another.' })
}

function checkFolder(folder: string, path: string, report: Report): void {
  const there = nearest(folder)
  const problem = problemOf(there, 'folder')
  if (problem === null) return
  report.mistake(path, {
    found: `${quoted(folder)}: ${there === folder ? '' : `it cannot be made, for ${there} is there, and `}${problem}`, allowed: 'a folder in which this user may write, or one that can be made',
    remedy: 'Change its permissions, or name another.',
  })
}

/** The folder itself, or the one in which the first missing part of its path would be made. */
function nearest(folder: string): string {
  const parent = dirname(folder)
  return parent === folder || statOf(folder) !== null ? folder : nearest(parent)
}

function statOf(path: string): Stats | null {
  try {
    return statSync(path)
  } catch {
    // Also beneath something that is no folder, or may not be entered: what is above tells.
    return null
  }
}

/** Null where all is well, or there is nothing yet. */
function problemOf(path: string, kind: 'file' | 'folder'): string | null {
  const stats = statOf(path)
  if (stats === null) return null
  if (kind === 'folder' ? !stats.isDirectory() : !stats.isFile()) return `it is no ${kind}`
  try {
    accessSync(path, kind === 'folder' ? constants.W_OK | constants.X_OK : constants.R_OK | constants.W_OK)
    return null
  } catch {
    return 'this user may not write there'
  }
}
