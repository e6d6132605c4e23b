/** What the metrics look up in the gateway at each scrape. */
import type { SessionManager } from '../src/session/session-manager.ts'
import type { MetricSources } from '../src/telemetry/metrics.ts'
import type { TrafficByCarrier } from '../src/telemetry/traffic.ts'
import type { BoshSessions } from '../src/transport/bosh-sessions.ts'
import type { Trust } from '../src/x509/trust.ts'
import type { ConnectionLimits } from './connection-limits.ts'

export interface Observed {
  readonly traffic: TrafficByCarrier
  readonly limits: Pick<ConnectionLimits, 'size'>
  readonly manager: Pick<SessionManager, 'streamCount' | 'sessions'>
  readonly boshSessions: Pick<BoshSessions, 'size' | 'underWay'>
  /** Of every listener. */
  readonly trusts: readonly Pick<Trust, 'revocationLists'>[]
}

export const metricSources = ({ traffic, limits, manager, boshSessions, trusts }: Observed): MetricSources => ({
  traffic,
  connections: () => limits.size,
  streams: () => manager.streamCount,
  boshSessions: () => boshSessions.size,
  boshRequests: () => boshSessions.underWay,
  eachSession: visit => {
    for (const { facts, principal } of manager.sessions) visit(facts.transport, principal.mechanism, principal.certificate?.notAfter ?? null)
  },
  // The same list may be that of several listeners.
  nextCrlUpdates: () => [...new Map(trusts.flatMap(trust => trust.revocationLists()).map(({ issuer, nextUpdate }) => [JSON.stringify([nextUpdate, issuer]), nextUpdate])).values()],
})
