// Loads configurations that are written out in a test, from a temporary folder.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Config } from '../../src/config/config.ts'
import { ConfigError } from '../../src/config/config-error.ts'
import type { Mistake } from '../../src/config/config-error.ts'
import { loadConfig } from '../../src/config/load.ts'

/** A listener that is complete, for tests about something else. */
export const goodListener = `
[[listen.http]]
tls.certfile = "server.crt"
tls.keyfile = "server.key"
tls.cacertfile = "ca.crt"
`

export async function loadText(toml: string): Promise<Config> {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-config-'))
  try {
    const file = join(folder, 'meerkat.toml')
    writeFileSync(file, toml)
    return await loadConfig(file, { certsFolder: join(folder, 'certs') })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export async function errorOf(toml: string): Promise<ConfigError> {
  const error: unknown = await loadText(toml).then(() => null, (reason: unknown) => reason)
  assert.ok(error instanceof ConfigError, `expected mistakes, got ${String(error)}`)
  return error
}

/** The only mistake of this configuration. */
export async function mistakeOf(toml: string): Promise<Mistake> {
  const { mistakes } = await errorOf(toml)
  assert.equal(mistakes.length, 1, mistakes.map(({ path, found }) => `${path}: ${found}`).join('\n'))
  return mistakes[0]!
}
