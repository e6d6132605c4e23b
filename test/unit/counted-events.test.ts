// Log events become metrics: which count for what, and that nothing from outside becomes a label.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { forwardingFaults } from '../../plugins/forwarded/forwarding-error.ts'
import { backendNames } from '../../src/auth/options.ts'
import { mechanisms } from '../../src/sasl/catalogue.ts'
import { saslConditions } from '../../src/sasl/mechanism.ts'
import type { Departure } from '../../src/session/domain.ts'
import { type Counters, countEvent } from '../../src/telemetry/counted-events.ts'
import { countingLog } from '../../src/telemetry/counting-log.ts'
import { LimitReached, limitNames, limitOf } from '../../src/telemetry/limit.ts'
import type { LogEvent } from '../../src/telemetry/log.ts'
import { labelValue, metricCatalogue, type MetricDefinition } from '../../src/telemetry/metric-catalogue.ts'
import type { RefusalReason } from '../../src/x509/refusal.ts'
import { streamConditions } from '../../src/xmpp/stream-error.ts'
import { recordingLog } from '../support/turned-clock.ts'

/** What an event counts for, as text. */
function countedFor(event: LogEvent): string[] {
  const counted: string[] = []
  const note = (metric: string, labels: object, value = '') => { counted.push([metric, ...Object.values(labels), value].filter(part => part !== '').join(' ')) }
  const counters: Counters = {
    add: (metric, labels) => { note(metric, labels) },
    observe: (metric, labels, value) => { note(metric, labels, String(value)) },
  }
  countEvent(event, counters)
  return counted
}

const websocket = { transport: 'websocket' }

describe('an event counts for', () => {
  const rows: readonly (readonly [LogEvent, readonly string[]])[] = [
    [{ event: 'auth.success', mechanism: 'EXTERNAL', ...websocket }, ['logins EXTERNAL websocket success']],
    [{ event: 'auth.failure', mechanism: 'PLAIN', transport: 'bosh', condition: 'not-authorized' }, ['logins PLAIN bosh not-authorized']],
    [{ event: 'auth.failure', mechanism: null, ...websocket, condition: 'invalid-mechanism' }, ['logins none websocket invalid-mechanism']],
    [{ event: 'auth.throttled', limit: 'account-from-address' }, ['limits auth.attempts.max_failures']],
    [{ event: 'auth.throttled', limit: 'account' }, ['limits auth.attempts.max_failures_per_account']],
    [{ event: 'auth.throttled', limit: 'address' }, ['limits auth.attempts.max_failures_per_address']],
    [{ event: 'auth.backend_answered', backend: 'ldap', milliseconds: 250 }, ['backendSeconds ldap 0.25']],
    [{ event: 'auth.backend_unreachable', backend: 'http' }, ['backendFailures http']],
    [{ event: 'certificate.accepted', source: 'direct' }, ['certificateVerdicts direct accepted']],
    [{ event: 'certificate.none', source: 'forwarded' }, ['certificateVerdicts forwarded none']],
    [{ event: 'certificate.missing', source: 'direct' }, ['certificateVerdicts direct none']],
    [{ event: 'certificate.refused', source: 'forwarded', reason: 'revoked' }, ['certificateVerdicts forwarded revoked']],
    [{ event: 'session.bound', ...websocket, mechanism: 'EXTERNAL' }, ['sessionsBegun websocket EXTERNAL']],
    [{ event: 'session.ended', ...websocket, reason: 'expired' }, ['sessionsEnded websocket expired']],
    [{ event: 'session.refused', ...websocket, condition: 'resource-constraint', limit: 'limits.max_sessions_per_account' },
      ['sessionRefusals websocket resource-constraint', 'limits limits.max_sessions_per_account']],
    [{ event: 'stream.error', ...websocket, condition: 'not-well-formed', limit: undefined }, ['streamErrors websocket not-well-formed']],
    [{ event: 'stream.lost', transport: 'bosh', limit: 'bosh.polling' }, ['streamsLost bosh', 'limits bosh.polling']],
    [{ event: 'stream.bug', ...websocket }, ['bugs', 'streamErrors websocket internal-server-error']],
    [{ event: 'http.bug' }, ['bugs']],
    [{ event: 'session.bug' }, ['bugs']],
    [{ event: 'process.bug' }, ['bugs']],
    [{ event: 'forwarded.refused', reason: 'repeated' }, ['forwardedRefusals repeated']],
    [{ event: 'tls.reloaded' }, ['reloads success']],
    [{ event: 'tls.reload_refused' }, ['reloads refused']],
    [{ event: 'tls.reload_bug' }, ['bugs', 'reloads refused']],
    [{ event: 'bosh.refused', status: 413, limit: 'bosh.max_stanza_size' }, ['httpRefusals bosh 413', 'limits bosh.max_stanza_size']],
    [{ event: 'websocket.refused', status: 403 }, ['httpRefusals websocket 403']],
    [{ event: 'http.refused', status: 431 }, ['httpRefusals http 431']],
    [{ event: 'connection.refused', limit: 'limits.max_connections' }, ['limits limits.max_connections']],
    [{ event: 'session.slowed', limit: 'limits.max_stanzas_per_second' }, ['limits limits.max_stanzas_per_second']],
    [{ event: 'tls.failed' }, ['tlsFailures']],
    [{ event: 'listener.open' }, []],
    [{ event: 'constructor' }, []],
    [{ event: '__proto__' }, []],
  ]
  for (const [event, expected] of rows) {
    test(`${event.event}: ${expected.join(' and ') || 'nothing'}`, () => { assert.deepEqual(countedFor(event), expected) })
  }
})

test('a log that counts tells everything on, at its level, whether or not it is then written', () => {
  const { log, events } = recordingLog()
  const counted: LogEvent[] = []
  const counting = countingLog(log, event => { counted.push(event) })
  for (const level of ['debug', 'info', 'warn', 'error'] as const) counting[level]({ event: level })
  assert.deepEqual(events.map(({ event }) => event), ['debug', 'info', 'warn', 'error'])
  assert.deepEqual(counted, events)
})

describe('the values of labels are bounded', () => {
  test('what a definition does not know is "other"', () => {
    assert.equal(labelValue(['a', 'b'], 'a'), 'a')
    for (const value of ['alice@localhost', '', undefined, null, {}, 7, Symbol('a')]) assert.equal(labelValue(['a', 'b'], value), 'other')
    assert.equal(labelValue(['403'], 403), '403')
  })

  test('and what the code knows, the definitions know', () => {
    const { logins, certificateVerdicts, streamErrors, sessionsEnded, backendSeconds, forwardedRefusals, limits } = metricCatalogue
    const allowed = (values: readonly string[], known: readonly string[]) => { assert.deepEqual(known.filter(value => !values.includes(value)), []) }
    allowed(logins.labels.outcome, ['success', ...saslConditions])
    allowed(logins.labels.mechanism, mechanisms.map(({ name }) => name))
    allowed(streamErrors.labels.condition, streamConditions)
    allowed(backendSeconds.labels.backend, backendNames)
    allowed(limits.labels.limit, limitNames)
    allowed(forwardedRefusals.labels.reason, forwardingFaults)
    // Types without lists: the compiler compares them.
    const reasons: readonly RefusalReason[] = certificateVerdicts.labels.verdict.filter(value => value !== 'accepted' && value !== 'none')
    const departures: readonly string[] = sessionsEnded.labels.reason
    const missingReason: Exclude<RefusalReason, typeof certificateVerdicts.labels.verdict[number]>[] = []
    const missingDeparture: Exclude<Departure, typeof sessionsEnded.labels.reason[number]>[] = []
    assert.ok(reasons.length > 0 && departures.length > 0)
    assert.deepEqual([missingReason satisfies never[], missingDeparture satisfies never[]], [[], []])
  })

  test('there are no more than a few hundred series of each metric, whatever happens', () => {
    for (const { name, labels } of Object.values<MetricDefinition>(metricCatalogue)) {
      const series = Object.values(labels).reduce((product, values) => product * ((values?.length ?? 0) + 1), 1)
      assert.ok(series <= 1_000, `${name} may have ${series}`)
    }
  })
})

test('the limit behind an error is found, however deep it is', () => {
  const reached = new LimitReached('xml', 'too deep')
  assert.equal(limitOf(reached), 'xml')
  assert.equal(limitOf(new Error('a', { cause: new Error('b', { cause: reached }) })), 'xml')
  for (const other of [null, undefined, 'xml', new Error('a'), new Error('a', { cause: 'xml' })]) assert.equal(limitOf(other), undefined)
})
