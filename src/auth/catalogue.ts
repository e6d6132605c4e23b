/** The backends there are. Adding one is a file in backends/ and a line here; configuration and documentation follow. */

import type { AuthBackend } from './backend.ts'
import { pki } from './backends/pki.ts'

export const backends = [pki] as const satisfies readonly AuthBackend[]

/** As written in `auth.methods`. */
export type BackendName = (typeof backends)[number]['name']

/** The named backends, in the order in which they are to be asked. */
export function backendsNamed(names: readonly BackendName[]): readonly AuthBackend[] {
  const all: readonly AuthBackend[] = backends
  return names.flatMap(name => all.filter(backend => backend.name === name))
}
