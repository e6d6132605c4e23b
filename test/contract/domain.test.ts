/** The contract of Domain on the embedded one. */
import { features } from '../../src/embedded/catalogue.ts'
import { EmbeddedDomain } from '../../src/embedded/embedded-domain.ts'
import { IqDispatch } from '../../src/embedded/iq-dispatch.ts'
import { Router } from '../../src/embedded/router.ts'
import { systemClock } from '../../src/telemetry/clock.ts'
import { domainpart } from '../support/stream-rig.ts'
import { domainContract } from './domain.ts'

domainContract('embedded', () => {
  let made = 0
  const router = new Router(new Set(['example.net']), new IqDispatch(features, { name: 'Meerkat', version: '0' }), systemClock)
  return new EmbeddedDomain(domainpart('example.net'), router, () => { made += 1; return `made-${made}` })
})
