/** Which log events count for which metrics: the only place that knows both. */
import type { EventName } from './events.ts'
import type { LimitName } from './limit.ts'
import type { LogEvent } from './log.ts'
import type { CounterKey, LabelsOf } from './metric-catalogue.ts'

/** Where events are counted. */
export interface Counters {
  add<Key extends CounterKey>(metric: Key, labels: LabelsOf<Key>): void
  observe(metric: 'backendSeconds', labels: LabelsOf<'backendSeconds'>, value: number): void
}

type Rule = (event: LogEvent, counters: Counters) => void

const bug: Rule = (_event, counters) => { counters.add('bugs', {}) }
const verdict = (verdict: 'accepted' | 'none'): Rule => ({ source }, counters) => { counters.add('certificateVerdicts', { source, verdict }) }
const refusal = (endpoint: string): Rule => ({ status }, counters) => { counters.add('httpRefusals', { endpoint, status }) }

/** What the events of `auth.throttled` call these limits. */
const attemptLimits: ReadonlyMap<unknown, LimitName> = new Map([
  ['account-from-address', 'auth.attempts.max_failures'], ['account', 'auth.attempts.max_failures_per_account'],
  ['address', 'auth.attempts.max_failures_per_address'],
])

const rules: { readonly [Name in EventName]?: Rule } = {
  'auth.success': ({ mechanism, transport }, counters) => { counters.add('logins', { mechanism, transport, outcome: 'success' }) },
  'auth.failure': ({ mechanism, transport, condition }, counters) => {
    counters.add('logins', { mechanism: mechanism ?? 'none', transport, outcome: condition })
  },
  'auth.backend_answered': ({ backend, milliseconds }, counters) => {
    if (typeof milliseconds === 'number') counters.observe('backendSeconds', { backend }, milliseconds / 1_000)
  },
  'auth.backend_unreachable': ({ backend }, counters) => { counters.add('backendFailures', { backend }) },
  'certificate.accepted': verdict('accepted'),
  'certificate.none': verdict('none'),
  'certificate.missing': verdict('none'),
  'certificate.refused': ({ source, reason }, counters) => { counters.add('certificateVerdicts', { source, verdict: reason }) },
  'session.bound': ({ transport, mechanism }, counters) => { counters.add('sessionsBegun', { transport, mechanism }) },
  'session.refused': ({ transport, condition }, counters) => { counters.add('sessionRefusals', { transport, condition }) },
  'session.ended': ({ transport, reason }, counters) => { counters.add('sessionsEnded', { transport, reason }) },
  'session.resumed': ({ transport }, counters) => { counters.add('resumptions', { transport, outcome: 'success' }) },
  'session.not_resumed': ({ transport, condition }, counters) => { counters.add('resumptions', { transport, outcome: condition }) },
  'stream.error': ({ transport, condition }, counters) => { counters.add('streamErrors', { transport, condition }) },
  'stream.lost': ({ transport }, counters) => { counters.add('streamsLost', { transport }) },
  'stream.bug': (event, counters) => {
    bug(event, counters)
    counters.add('streamErrors', { transport: event.transport, condition: 'internal-server-error' })
  },
  'forwarded.refused': ({ reason }, counters) => { counters.add('forwardedRefusals', { reason }) },
  'tls.reloaded': (_event, counters) => { counters.add('reloads', { outcome: 'success' }) },
  'tls.reload_refused': (_event, counters) => { counters.add('reloads', { outcome: 'refused' }) },
  'tls.reload_bug': (event, counters) => {
    bug(event, counters)
    counters.add('reloads', { outcome: 'refused' })
  },
  'session.bug': bug,
  'http.bug': bug,
  'process.bug': bug,
  'websocket.refused': refusal('websocket'),
  'bosh.refused': refusal('bosh'),
  'http.refused': refusal('http'),
  'tls.failed': (_event, counters) => { counters.add('tlsFailures', {}) },
}

const ruleOf: ReadonlyMap<string, Rule> = new Map(Object.entries(rules))

/** Counts one event. Whatever its name, one that names a limit tells that a client ran into it. */
export function countEvent(event: LogEvent, counters: Counters): void {
  ruleOf.get(event.event)?.(event, counters)
  if (event.limit !== undefined) counters.add('limits', { limit: attemptLimits.get(event.limit) ?? event.limit })
}
