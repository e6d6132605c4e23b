/** All domains of this house: one router, one directory and one set of accounts behind them, with the protocols that are on. */
import type { Store } from '../store/store.ts'
import type { Clock } from '../telemetry/clock.ts'
import type { Log } from '../telemetry/log.ts'
import type { Domainpart } from '../xmpp/jid.ts'
import { Accounts } from './accounts.ts'
import { featuresWithout } from './catalogue.ts'
import { EmbeddedDomain } from './embedded-domain.ts'
import type { Feature, Software } from './feature.ts'
import { IqDispatch } from './iq-dispatch.ts'
import type { FeatureOptions } from './options.ts'
import { Router } from './router.ts'

export interface NeighbourhoodOptions {
  readonly hosts: readonly Domainpart[]
  readonly store: Store
  readonly options: FeatureOptions
  /** Those that are on; usually as `options` has it. */
  readonly features?: readonly Feature[]
  readonly software: Software
  readonly clock: Clock
  readonly log: Log
  /** Unpredictable: of resources, and of requests of our own. */
  readonly newId: () => string
}

export class Neighbourhood {
  readonly domains: readonly EmbeddedDomain[]
  readonly accounts: Accounts

  constructor({ hosts, store, options, features = featuresWithout(options.disabled), software, clock, log, newId }: NeighbourhoodOptions) {
    const isOn = (name: string): boolean => features.some(feature => feature.name === name)
    const accounts = this.accounts = new Accounts(store, { clock, log, isBlocking: isOn('blocking') })
    const iqs = new IqDispatch(features, { software, clock, store, options, newId, log })
    const router = new Router(new Set(hosts), iqs, {
      accounts, clock, log, newId,
      maxMessages: isOn('offline') ? options.max_offline_messages : 0,
      maxRosterItems: options.max_roster_items,
      keepsLastActivity: isOn('last-activity'),
    })
    this.domains = hosts.map(host => new EmbeddedDomain(host, { router, accounts, streamFeatures: iqs.streamFeatures(host), newResource: newId, maxRequests: options.max_roster_items }))
  }

  /** Settles when whatever was sent before is dealt with. */
  idle(): Promise<void> { return this.accounts.idle() }
}
