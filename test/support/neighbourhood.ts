// The embedded domain example.net over a store in memory.
import { Neighbourhood, type NeighbourhoodOptions } from '../../src/embedded/neighbourhood.ts'
import type { FeatureOptions } from '../../src/embedded/options.ts'
import { domainpart } from './stream-rig.ts'
import { RememberedStore } from './remembered-store.ts'
import { recordingLog, TurnedClock } from './turned-clock.ts'

export const defaultOptions: FeatureOptions = {
  disabled: [], max_vcard_size: 65_536, max_private_size: 262_144, max_roster_items: 2_000, max_offline_messages: 500, max_blocked: 1_000,
}

export function neighbourhood(options: Partial<NeighbourhoodOptions> = {}): Neighbourhood {
  let ids = 0
  return new Neighbourhood({
    hosts: [domainpart('example.net')], store: new RememberedStore(), options: defaultOptions, software: { name: 'Meerkat', version: '1.2.3' },
    clock: new TurnedClock(), log: recordingLog().log, newId: () => { ids += 1; return `made-${ids}` }, ...options,
  })
}
