// Programs of the system that some tests need. Where one is missing its tests are skipped with a reason, unless REQUIRE_SERVICES=1: then they fail.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** For `{ skip: … }` of a suite: false when all of them are there, else the reason. */
export function requireProgram(...names: readonly string[]): string | false {
  const missing = names.filter(name => pathOf(name) === null)
  if (missing.length === 0) return false
  return lacking(missing.join(', '))
}

/** Debian's own, which has Debian's libraries; another one may stand before it in the path. */
export const debianPython = '/usr/bin/python3'

/** The same for what Debian's Python has to be able to import. */
export function requirePython(statement: string): string | false {
  return spawnSync(debianPython, ['-c', statement], { stdio: 'ignore' }).status === 0 ? false : lacking(`what "${debianPython} -c '${statement}'" needs`)
}

function lacking(what: string): string {
  const reason = `not installed: ${what}`
  if (process.env.REQUIRE_SERVICES === '1') throw new Error(`${reason} (REQUIRE_SERVICES=1)`)
  return reason
}

/** Where the program is, as a shell would find it. */
export function pathOf(name: string): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name)
    if (folder !== '' && isExecutable(path)) return path
  }
  return null
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
