/** Puts together what stands behind the listeners: accounts, mechanisms and the domains that are served. */
import { Attempts } from './auth/attempts.ts'
import { createBackends } from './auth/catalogue.ts'
import type { ExternalMode } from './auth/certificate-mapping.ts'
import { createDecoys } from './auth/decoy-secret.ts'
import { BackendDispatch } from './auth/dispatch.ts'
import { loadMappingModule } from './auth/mapping-module.ts'
import type { Config } from './config/config.ts'
import { Neighbourhood } from './embedded/neighbourhood.ts'
import type { SaslContext } from './sasl/mechanism.ts'
import { randomIds } from './session/random-ids.ts'
import type { Host } from './session/session-manager.ts'
import { openStore } from './store/open-store.ts'
import type { Clock } from './telemetry/clock.ts'
import type { Log } from './telemetry/log.ts'

/** How long a custom mapping module or a backend may take, in milliseconds. */
const authenticationTimeout = 5_000

export interface HouseOptions {
  readonly config: Config
  /** Contents of the files that `auth` names, by path. */
  readonly authFiles: ReadonlyMap<string, string>
  readonly software: { readonly name: string, readonly version: string }
  readonly clock: Clock
  readonly log: Log
}

export interface House {
  readonly hosts: readonly Host[]
  readonly newId: () => string
  /** When no session is left: settles when all that was taken is kept, and the store is closed. */
  readonly close: () => Promise<void>
}

export async function composeHouse({ config, authFiles, software, clock, log }: HouseOptions): Promise<House> {
  const { auth, general } = config
  const newId = randomIds()
  const decoys = await createDecoys(auth, general.data_dir, log)
  const attempts = new Attempts(auth.attempts, { clock, log })
  const backends = new BackendDispatch({
    backends: await createBackends(auth, { hosts: general.hosts, dataFolder: general.data_dir, file: path => fileNamed(authFiles, path), decoys, clock, log }),
    timeoutMilliseconds: authenticationTimeout, clock, log,
  })
  const modes: ExternalMode[] = []
  for (const mode of auth.sasl_external) modes.push(typeof mode === 'string' ? mode : await loadMappingModule(mode.module, { clock, log, timeoutMilliseconds: authenticationTimeout }))
  const external: SaslContext['external'] = { modes, commonName: auth.sasl_external_common_name }
  // Last: what fails before leaves nothing open.
  const store = await openStore(config.store, { dataFolder: general.data_dir, file: path => fileNamed(authFiles, path), clock, log })
  const neighbourhood = new Neighbourhood({ hosts: general.hosts, store, options: config.features, software, clock, log, newId })
  const hosts = neighbourhood.domains.map((domain): Host => ({
    domain,
    mechanisms: auth.sasl_mechanisms,
    saslContext: peer => ({ ...peer, domain: domain.name, external, backends, attempts, decoys, newNonce: newId }),
  }))
  const close = async (): Promise<void> => {
    await neighbourhood.idle()
    await Promise.all([backends.close(), store.close()])
  }
  return { hosts, newId, close }
}

function fileNamed(files: ReadonlyMap<string, string>, path: string): string {
  const content = files.get(path)
  if (content === undefined) throw new Error(`a file that was not read beforehand: ${path}`)
  return content
}
