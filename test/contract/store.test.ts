// The contract of the store, without a database and in SQLite.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { Value } from 'typebox/value'
import { openStore } from '../../src/store/open-store.ts'
import { storeOptions } from '../../src/store/options.ts'
import type { Store } from '../../src/store/store.ts'
import { systemClock } from '../../src/telemetry/clock.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import { RememberedStore } from '../support/remembered-store.ts'
import { storeContract } from './store.ts'

const folders: string[] = []
after(() => { for (const folder of folders) rmSync(folder, { recursive: true }) })

const surroundings = { clock: systemClock, log: silentLog, file: () => '' }
const places = new WeakMap<Store, { readonly dataFolder: string, readonly url?: string }>()

async function open(place: { readonly dataFolder: string, readonly url?: string }): Promise<Store> {
  const { dataFolder, ...url } = place
  const store = await openStore({ ...Value.Create(storeOptions), ...url }, { ...surroundings, dataFolder })
  places.set(store, place)
  return store
}

async function reopen(store: Store): Promise<Store> {
  await store.close()
  return open(places.get(store)!)
}

function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-store-'))
  folders.push(folder)
  return folder
}

storeContract('in memory', () => Promise.resolve(new RememberedStore()), { reopen: null })
storeContract('SQLite', () => open({ dataFolder: join(freshFolder(), 'data') }), { reopen })
storeContract('SQLite in a file that is named', () => {
  const folder = freshFolder()
  return open({ dataFolder: folder, url: `sqlite:${join(folder, 'elsewhere.db')}` })
}, { reopen })
