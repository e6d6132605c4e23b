/** Collects the mistakes and warnings of one configuration, so that all of them can be told at once. */
import { resolve } from 'node:path'

import type { Mistake, Warning } from './config-error.ts'

export class Report {
  readonly file: string | null
  /** Relative paths in the configuration start here. */
  readonly folder: string
  readonly mistakes: Mistake[] = []
  readonly warnings: Warning[] = []

  constructor(file: string | null, folder: string) {
    this.file = file
    this.folder = folder
  }

  mistake(path: string, what: Pick<Mistake, 'found' | 'allowed' | 'remedy' | 'until'>): void {
    this.mistakes.push({ file: this.file, path, ...what })
  }

  warn(path: string, text: string): void {
    this.warnings.push({ path, text })
  }

  /** Whether no mistake was found in any of these keys or below them: a rule about several keys is only checked when each of
   * them is sound by itself, so that one slip does not bring three complaints. */
  sound(...paths: readonly string[]): boolean {
    return !this.mistakes.some(mistake => paths.some(path => isAtOrBelow(mistake.path, path)))
  }

  resolve(path: string): string {
    return resolve(this.folder, path)
  }
}

function isAtOrBelow(path: string, ancestor: string): boolean {
  if (!path.startsWith(ancestor)) return false
  const next = path[ancestor.length]
  return next === undefined || next === '.' || next === '['
}
