/** Every metric of our own: what it counts, and which values its labels may have. The README's table is written from this. */
import { limitNames } from './limit.ts'
import { carriers } from './traffic.ts'

export interface MetricDefinition {
  /** As Prometheus names it. */
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /**
   * The labels, each with the values that it may have; whatever else comes is `other`. Bounded by the code, never by clients: no account, no
   * address, no fingerprint is a label. Null for a value that is fixed when the gateway starts.
   */
  readonly labels: Readonly<Record<string, readonly string[] | null>>
  /** Of a histogram: the upper bounds. */
  readonly buckets?: readonly number[]
}

export const otherValue = 'other'

const mechanism = ['EXTERNAL', 'SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-512', 'SCRAM-SHA-512-PLUS', 'PLAIN'] as const
/** RFC 6120 §6.5. */
const saslCondition = ['aborted', 'account-disabled', 'credentials-expired', 'encryption-required', 'incorrect-encoding', 'invalid-authzid',
  'invalid-mechanism', 'malformed-request', 'mechanism-too-weak', 'not-authorized', 'temporary-auth-failure'] as const
/** RFC 6120 §4.9.3. */
const streamCondition = ['bad-format', 'bad-namespace-prefix', 'conflict', 'connection-timeout', 'host-gone', 'host-unknown', 'improper-addressing',
  'internal-server-error', 'invalid-from', 'invalid-namespace', 'invalid-xml', 'not-authorized', 'not-well-formed', 'policy-violation',
  'remote-connection-failed', 'reset', 'resource-constraint', 'restricted-xml', 'see-other-host', 'system-shutdown', 'undefined-condition',
  'unsupported-encoding', 'unsupported-feature', 'unsupported-stanza-type', 'unsupported-version'] as const
const refusalReason = ['expired', 'not-yet-valid', 'untrusted', 'self-signed', 'revoked', 'wrong-purpose', 'unknown-critical-extension', 'malformed',
  'malformed-xmppaddr', 'weak-key', 'not-verified'] as const
const forwardingFault = ['not-expected', 'not-a-proxy', 'not-through-a-proxy', 'look-alike', 'other-dialect', 'repeated', 'too-long', 'malformed',
  'contradictory', 'address', 'certificate-required', 'certificate-refused'] as const
const backend = ['pki', 'internal', 'http', 'ldap', 'rdbms'] as const
const direction = ['in', 'out'] as const

const [hour, day] = [3_600, 86_400]
/** Seconds that are left, from hours, when somebody has to be woken, to years. */
const timeLeft = [0, hour, 6 * hour, day, 3 * day, 7 * day, 14 * day, 30 * day, 90 * day, 180 * day, 365 * day] as const

export const metricCatalogue = {
  logins: {
    name: 'meerkat_logins_total', type: 'counter',
    help: 'Attempts to log in, by what came of them: success, or the SASL condition of the refusal. Mechanism "none": refused before one had begun.',
    labels: { mechanism: [...mechanism, 'none'], transport: carriers, outcome: ['success', ...saslCondition] },
  },
  certificateVerdicts: {
    name: 'meerkat_certificate_verdicts_total', type: 'counter',
    help: 'Verdicts on client certificates: accepted, none, or why it was refused. Counted for each TLS connection; of forwarded ones when they are new or have changed, "none" once for each address, and each request that is refused for it.',
    labels: { source: ['direct', 'forwarded'], verdict: ['accepted', 'none', ...refusalReason] },
  },
  forwardedRefusals: {
    name: 'meerkat_forwarded_refused_total', type: 'counter',
    help: 'Requests refused because of what they say, or do not say, on behalf of somebody else (forwarded_certificate), by why.',
    labels: { reason: forwardingFault },
  },
  sessionsBegun: {
    name: 'meerkat_sessions_begun_total', type: 'counter', help: 'Resources bound.', labels: { transport: carriers, mechanism },
  },
  sessionsEnded: {
    name: 'meerkat_sessions_ended_total', type: 'counter', help: 'Sessions ended, by why.',
    labels: { transport: carriers, reason: ['closed', 'lost', 'replaced', 'expired', 'revoked', 'distrusted', 'shutdown'] },
  },
  resumptions: {
    name: 'meerkat_resumptions_total', type: 'counter', help: 'Attempts to take up a session again, by what came of them: success, or the condition of the refusal.',
    labels: { transport: carriers, outcome: ['success', 'item-not-found', 'feature-not-implemented', 'bad-request'] },
  },
  sessionRefusals: {
    name: 'meerkat_sessions_refused_total', type: 'counter', help: 'Resources that were not bound, by the condition of the refusal.',
    labels: { transport: carriers, condition: ['bad-request', 'conflict', 'resource-constraint', 'not-allowed'] },
  },
  streamErrors: {
    name: 'meerkat_stream_errors_total', type: 'counter', help: 'Streams that ended with a stream error, by its condition.',
    labels: { transport: carriers, condition: streamCondition },
  },
  streamsLost: {
    name: 'meerkat_streams_lost_total', type: 'counter', help: 'Streams whose connection went away without a goodbye.', labels: { transport: carriers },
  },
  limits: {
    name: 'meerkat_limit_hits_total', type: 'counter', help: 'How often a client ran into a limit, by the configuration\'s key.', labels: { limit: limitNames },
  },
  httpRefusals: {
    name: 'meerkat_http_refusals_total', type: 'counter',
    help: 'HTTP requests that were refused, by endpoint and status. BOSH answers 200 where it refuses in its own words.',
    labels: { endpoint: ['websocket', 'bosh', 'http'], status: ['200', '400', '403', '404', '405', '408', '413', '415', '426', '429', '431'] },
  },
  tlsFailures: { name: 'meerkat_tls_failures_total', type: 'counter', help: 'TLS handshakes that failed.', labels: {} },
  backendFailures: {
    name: 'meerkat_auth_backend_failures_total', type: 'counter', help: 'Questions to which an authentication backend gave no answer in time, or none at all.',
    labels: { backend },
  },
  backendSeconds: {
    name: 'meerkat_auth_backend_seconds', type: 'histogram', help: 'How long authentication backends took to answer that had to be waited for.',
    labels: { backend }, buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  },
  reloads: {
    name: 'meerkat_reloads_total', type: 'counter', help: 'Reloads of certificates, CAs and revocation lists. A refused set leaves the old one in place.',
    labels: { outcome: ['success', 'refused'] },
  },
  bugs: { name: 'meerkat_bugs_total', type: 'counter', help: 'Errors that are bugs of the gateway itself; the log has them whole.', labels: {} },
  stanzas: {
    name: 'meerkat_stanzas_total', type: 'counter', help: 'Stanzas from (in) and to (out) the clients of sessions.', labels: { transport: carriers, direction },
  },
  stanzaBytes: {
    name: 'meerkat_stanza_bytes_total', type: 'counter', help: 'Bytes of those stanzas, without framing and TLS.', labels: { transport: carriers, direction },
  },
  sessions: { name: 'meerkat_sessions', type: 'gauge', help: 'Bound resources now.', labels: { transport: carriers, mechanism } },
  streams: { name: 'meerkat_streams', type: 'gauge', help: 'XML streams now, those that are still negotiating included.', labels: {} },
  connections: { name: 'meerkat_connections', type: 'gauge', help: 'Connections now, of all listeners but that for metrics.', labels: {} },
  boshSessions: { name: 'meerkat_bosh_sessions', type: 'gauge', help: 'BOSH sessions kept, those included that are over and wait for a repeat.', labels: {} },
  boshRequests: { name: 'meerkat_bosh_requests', type: 'gauge', help: 'BOSH requests that are held or being answered.', labels: {} },
  certificateExpiry: {
    name: 'meerkat_certificate_expiry_seconds', type: 'histogram',
    help: 'Seconds until the certificates of the sessions there are now expire. Counted anew for each scrape.', labels: {}, buckets: timeLeft,
  },
  crlExpiry: {
    name: 'meerkat_crl_expiry_seconds', type: 'histogram',
    help: 'Seconds until the loaded revocation lists are due to be replaced; those that are overdue are below 0. Counted anew for each scrape.',
    labels: {}, buckets: timeLeft,
  },
  eventLoopDelay: {
    name: 'meerkat_event_loop_delay_seconds', type: 'gauge', help: 'By how much the event loop was late since the scrape before the last.',
    labels: { statistic: ['p50', 'p99', 'max'] },
  },
  build: { name: 'meerkat_build_info', type: 'gauge', help: 'Always 1; the labels say what runs.', labels: { version: null, node: null } },
} as const satisfies Readonly<Record<string, MetricDefinition>>

export type MetricCatalogue = typeof metricCatalogue
export type MetricKey = keyof MetricCatalogue
/** Those that log events count. */
export type CounterKey = { [Key in MetricKey]: MetricCatalogue[Key]['type'] extends 'counter' ? Key : never }[MetricKey]
/** What each label of a metric is to be; what its definition does not know becomes `other`. */
export type LabelsOf<Key extends MetricKey> = Readonly<Record<keyof MetricCatalogue[Key]['labels'], unknown>>

/** The value that a label gets. */
export function labelValue(allowed: readonly string[] | null, value: unknown): string {
  const text = typeof value === 'string' ? value : typeof value === 'number' ? String(value) : otherValue
  return allowed === null || allowed.includes(text) ? text : otherValue
}
