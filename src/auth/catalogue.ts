/** The backends there are. Adding one is a file in backends/ and a line here and in options.ts; documentation follows. */

import type { AuthBackend, BackendDefinition, BackendSurroundings } from './backend.ts'
import { http } from './backends/http.ts'
import { internal } from './backends/internal.ts'
import { ldap } from './backends/ldap.ts'
import { pki } from './backends/pki.ts'
import { rdbms } from './backends/rdbms.ts'
import type { AuthOptions, BackendName } from './options.ts'

const definitions: Readonly<Record<BackendName, BackendDefinition>> = {
  pki: { name: 'pki', create: () => pki },
  internal,
  rdbms,
  http,
  ldap,
}

/** The configured backends, in the order in which they are to be asked. */
export async function createBackends(options: AuthOptions, surroundings: BackendSurroundings): Promise<readonly AuthBackend[]> {
  const backends: AuthBackend[] = []
  for (const name of options.methods) backends.push(await definitions[name].create(options, surroundings))
  return backends
}
