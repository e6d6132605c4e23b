/** Every protocol that the embedded domain speaks. */
import type { Feature } from './feature.ts'
import { blocking } from './features/blocking.ts'
import { carbons } from './features/carbons.ts'
import { entityCapabilities } from './features/entity-capabilities.ts'
import { entityTime } from './features/entity-time.ts'
import { lastActivity } from './features/last-activity.ts'
import { legacySession } from './features/legacy-session.ts'
import { offline } from './features/offline.ts'
import { ping } from './features/ping.ts'
import { privateXml } from './features/private-xml.ts'
import { roster } from './features/roster.ts'
import { serviceDiscovery } from './features/service-discovery.ts'
import { softwareVersion } from './features/software-version.ts'
import { vcard } from './features/vcard.ts'

export const features: readonly Feature[] = [
  serviceDiscovery,
  entityCapabilities,
  roster,
  offline,
  blocking,
  carbons,
  vcard,
  privateXml,
  lastActivity,
  entityTime,
  ping,
  softwareVersion,
  legacySession,
]

/** As written in `features.disabled`. */
export const featureNames: readonly string[] = features.filter(({ isRequired }) => isRequired !== true).map(({ name }) => name)

/** Those that are left on. */
export const featuresWithout = (disabled: readonly string[]): readonly Feature[] =>
  features.filter(({ name, needs, isRequired }) => isRequired === true || ![name, needs].some(one => one !== undefined && disabled.includes(one)))
