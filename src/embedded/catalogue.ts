/** Every protocol that the embedded domain speaks. */
import type { Feature } from './feature.ts'
import { legacySession } from './features/legacy-session.ts'
import { ping } from './features/ping.ts'
import { serviceDiscovery } from './features/service-discovery.ts'
import { softwareVersion } from './features/software-version.ts'

export const features = [
  serviceDiscovery,
  ping,
  softwareVersion,
  legacySession,
] as const satisfies readonly Feature[]

/** `'disco' | 'ping' | …` */
export type FeatureName = (typeof features)[number]['name']
