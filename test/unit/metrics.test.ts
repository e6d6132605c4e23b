// The registry of one gateway: what is looked up at each scrape, and what tens of thousands of sessions cost it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EventLoopDelay } from '../../src/telemetry/event-loop-delay.ts'
import { Metrics, type MetricSources } from '../../src/telemetry/metrics.ts'
import { SnapshotHistogram } from '../../src/telemetry/snapshot-histogram.ts'
import { noTraffic } from '../../src/telemetry/traffic.ts'
import { parseExposition, valueOf } from '../support/exposition.ts'

const now = Date.UTC(2030, 0, 1)
const nothing: MetricSources = {
  traffic: noTraffic(), connections: () => 0, streams: () => 0, boshSessions: () => 0, boshRequests: () => 0, eachSession: () => undefined, nextCrlUpdates: () => [],
}
const seconds = (count: number): number => now + count * 1_000
const metrics = () => new Metrics('1.2.3', () => now)

describe('a scrape', () => {
  test('has limits and other small families from the beginning: what jumps from absent to 1 has no rate', async () => {
    const one = metrics()
    const families = parseExposition(await one.scrape(nothing))
    one.close()
    assert.equal(valueOf(families, 'meerkat_limit_hits_total', { limit: 'bosh.max_deferred_bytes' }), 0)
    assert.equal(valueOf(families, 'meerkat_tls_failures_total'), 0)
    assert.equal(valueOf(families, 'meerkat_logins_total', { outcome: 'success' }), undefined, 'hundreds of series that never were are too many')
  })

  test('looks anew at traffic, sessions and certificates', async () => {
    const one = metrics()
    const traffic = noTraffic()
    traffic.bosh.stanzasIn = 5
    traffic.bosh.bytesOut = 7_000_000_000
    await one.scrape({ ...nothing, traffic, eachSession: visit => { visit('bosh', 'PLAIN', null) } })
    traffic.bosh.stanzasIn = 6
    const families = parseExposition(await one.scrape({
      ...nothing, traffic, connections: () => 3,
      eachSession: visit => {
        visit('websocket', 'EXTERNAL', seconds(3_600))
        visit('websocket', 'EXTERNAL', seconds(3_601))
        visit('websocket', 'X-ONE', seconds(-5))
        visit('websocket', 'X-TWO', null)
      },
      nextCrlUpdates: () => [seconds(-1), seconds(86_400), null],
    }))
    one.close()
    const value = (name: string, labels?: Readonly<Record<string, string>>) => valueOf(families, name, labels)
    assert.deepEqual([value('meerkat_stanzas_total', { transport: 'bosh', direction: 'in' }), value('meerkat_stanza_bytes_total', { transport: 'bosh', direction: 'out' })],
      [6, 7_000_000_000])
    assert.deepEqual([value('meerkat_sessions'), value('meerkat_sessions', { mechanism: 'EXTERNAL' }), value('meerkat_sessions', { mechanism: 'other' }),
      value('meerkat_sessions', { mechanism: 'PLAIN' })], [4, 2, 2, 0])
    assert.equal(value('meerkat_connections'), 3)
    const within = (name: string, le: string) => value(`${name}_bucket`, { le })
    assert.deepEqual(['0', '3600', '21600', '+Inf'].map(le => within('meerkat_certificate_expiry_seconds', le)), [1, 2, 3, 3])
    assert.deepEqual(['0', '21600', '86400', '+Inf'].map(le => within('meerkat_crl_expiry_seconds', le)), [1, 1, 2, 2])
  })

  test('of 20,000 sessions holds nobody up', async () => {
    const one = metrics()
    const eachSession: MetricSources['eachSession'] = visit => {
      for (let n = 0; n < 20_000; n++) visit(n % 2 === 0 ? 'websocket' : 'bosh', 'EXTERNAL', seconds(n * 1_000))
    }
    let longest = 0
    for (let round = 0; round < 5; round++) {
      const began = performance.now()
      const scraped = one.scrape({ ...nothing, eachSession })
      // Up to its first promise: the walk over the sessions is over by then.
      longest = Math.max(longest, performance.now() - began)
      assert.equal(valueOf(parseExposition(await scraped), 'meerkat_sessions'), 20_000)
    }
    one.close()
    assert.ok(longest < 100, `${longest} ms`)
  })

  test('is shared by those who ask while it is under way, and made anew for the next', async () => {
    const one = metrics()
    let looks = 0
    const sources = { ...nothing, streams: () => { looks += 1; return looks } }
    const [first, second] = await Promise.all([one.scrape(sources), one.scrape(sources)])
    assert.equal(first, second)
    assert.equal(valueOf(parseExposition(await one.scrape(sources)), 'meerkat_streams'), 2)
    one.close()
  })

  test('that fails does not make the next one fail', async () => {
    const one = metrics()
    await assert.rejects(one.scrape({ ...nothing, streams: () => { throw new Error('a bug') } }))
    assert.equal(valueOf(parseExposition(await one.scrape(nothing)), 'meerkat_streams'), 0)
    one.close()
  })

  test('of one gateway knows nothing of another in the same process', async () => {
    const [one, other] = [metrics(), metrics()]
    one.count({ event: 'tls.failed' })
    assert.equal(valueOf(parseExposition(await one.scrape(nothing)), 'meerkat_tls_failures_total'), 1)
    assert.equal(valueOf(parseExposition(await other.scrape(nothing)), 'meerkat_tls_failures_total'), 0)
    one.close()
    other.close()
  })
})

test('a snapshot puts a value that is a bound into the bucket of that bound, and forgets when it is told', () => {
  const histogram = new SnapshotHistogram('h', 'Help.', [0, 10])
  const counts = () => histogram.get().values.map(({ value }) => value)
  for (const value of [-1, 0, 0.5, 10, 11]) histogram.observe(value)
  // Two up to 0, four up to 10, five in all; their sum, and how many.
  assert.deepEqual(counts(), [2, 4, 5, 20.5, 5])
  histogram.reset()
  assert.deepEqual(counts(), [0, 0, 0, 0, 0])
})

test('an event loop that stands still is seen, also when it does so just after somebody asked, and is over at some time', async () => {
  const delay = new EventLoopDelay()
  const turns = async (count: number) => { for (let n = 0; n < count; n++) await new Promise(resolve => { setTimeout(resolve, 1) }) }
  await turns(30)
  delay.take()
  for (const end = performance.now() + 400; performance.now() < end;);
  await turns(30)
  const { p50, max } = delay.take()
  assert.ok(max > 0.3, `${max} s`)
  assert.ok(p50 < 0.3, `the median is another: ${p50} s`)
  delay.take()
  await turns(30)
  assert.ok(delay.take().max < 0.3)
  delay.stop()
})
