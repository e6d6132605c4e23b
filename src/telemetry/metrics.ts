/**
 * The metrics of one gateway, in a registry of its own: counted as log events come by, and looked up in the gateway when they are asked
 * for. What stanzas cost is told by `Traffic`, which they count themselves.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, type Metric, Registry } from 'prom-client'
import { type Counters, countEvent } from './counted-events.ts'
import { EventLoopDelay } from './event-loop-delay.ts'
import type { LogEvent } from './log.ts'
import { type CounterKey, type LabelsOf, labelValue, metricCatalogue, type MetricDefinition, type MetricKey } from './metric-catalogue.ts'
import { SnapshotHistogram } from './snapshot-histogram.ts'
import { carriers, type TrafficByCarrier } from './traffic.ts'

/** What can be looked up in the gateway at any time. */
export interface MetricSources {
  readonly traffic: TrafficByCarrier
  readonly connections: () => number
  readonly streams: () => number
  readonly boshSessions: () => number
  readonly boshRequests: () => number
  /** Calls `visit` for every session; `notAfter` is of the certificate that it logged in with, in milliseconds since the epoch. */
  readonly eachSession: (visit: (transport: string, mechanism: string, notAfter: number | null) => void) => void
  /** When each loaded revocation list is due to be replaced, in milliseconds since the epoch; null where it does not say. */
  readonly nextCrlUpdates: () => readonly (number | null)[]
}

/** Combinations of label values up to which all of them are shown from the beginning: what jumps from absent to 1 has no rate. */
const shownFromTheBeginning = 64

/** prom-client's own measure of the event loop: it counts the interval of its timer as a delay. */
const misleading = /^nodejs_eventloop_lag/

export class Metrics {
  readonly #now: () => number
  readonly #registry = new Registry()
  readonly #counters: ReadonlyMap<MetricKey, Counter>
  readonly #gauges: ReadonlyMap<MetricKey, Gauge>
  readonly #backendSeconds: Histogram
  readonly #certificateExpiry: SnapshotHistogram
  readonly #crlExpiry: SnapshotHistogram
  readonly #delay = new EventLoopDelay()
  #scrape: Promise<string> | null = null

  /** `now` in milliseconds since the epoch; `version` is that of the gateway. */
  constructor(version: string, now: () => number) {
    this.#now = now
    const registers = [this.#registry]
    const described = ({ name, help, labels }: MetricDefinition) => ({ name, help, labelNames: Object.keys(labels), registers })
    const ofType = (type: MetricDefinition['type']) => definitions.filter(([, definition]) => definition.type === type)
    this.#counters = new Map(ofType('counter').map(([key, definition]) => [key, new Counter(described(definition))]))
    this.#gauges = new Map(ofType('gauge').map(([key, definition]) => [key, new Gauge(described(definition))]))
    const { backendSeconds, certificateExpiry, crlExpiry } = metricCatalogue
    this.#backendSeconds = new Histogram({ ...described(backendSeconds), buckets: [...backendSeconds.buckets] })
    this.#certificateExpiry = this.#snapshot(certificateExpiry)
    this.#crlExpiry = this.#snapshot(crlExpiry)
    for (const [key, definition] of definitions) this.#showZeros(key, definition)
    this.#set('build', { version, node: process.version }, 1)
    // Its timer is of no use here, and cannot be left out.
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: 10_000 })
    for (const { name } of this.#registry.getMetricsAsArray()) if (misleading.test(name)) this.#registry.removeSingleMetric(name)
  }

  /** Of what `scrape` says. */
  get contentType(): string { return this.#registry.contentType }

  /** Counts one log event. */
  readonly count = (event: LogEvent): void => { countEvent(event, this.#counting) }

  /** Everything, as Prometheus reads it. Those who ask at the same time get the same answer. */
  scrape(sources: MetricSources): Promise<string> {
    this.#scrape ??= this.#look(sources).finally(() => { this.#scrape = null })
    return this.#scrape
  }

  close(): void { this.#delay.stop() }

  async #look(sources: MetricSources): Promise<string> {
    const { traffic, connections, streams, boshSessions, boshRequests } = sources
    for (const transport of carriers) {
      const { stanzasIn, stanzasOut, bytesIn, bytesOut } = traffic[transport]
      this.#put('stanzas', { transport, direction: 'in' }, stanzasIn)
      this.#put('stanzas', { transport, direction: 'out' }, stanzasOut)
      this.#put('stanzaBytes', { transport, direction: 'in' }, bytesIn)
      this.#put('stanzaBytes', { transport, direction: 'out' }, bytesOut)
    }
    this.#set('connections', {}, connections())
    this.#set('streams', {}, streams())
    this.#set('boshSessions', {}, boshSessions())
    this.#set('boshRequests', {}, boshRequests())
    const { p50, p99, max } = this.#delay.take()
    for (const [statistic, value] of Object.entries({ p50, p99, max })) this.#set('eventLoopDelay', { statistic }, value)
    const now = this.#now()
    this.#countSessions(sources, now)
    this.#crlExpiry.reset()
    for (const due of sources.nextCrlUpdates()) if (due !== null) this.#crlExpiry.observe((due - now) / 1_000)
    return this.#registry.metrics()
  }

  /** One walk over all sessions: with tens of thousands of them, its cost is a matter of milliseconds. */
  #countSessions({ eachSession }: MetricSources, now: number): void {
    const counts = new Map(carriers.map(transport => [transport as string, new Map<string, number>()]))
    this.#certificateExpiry.reset()
    eachSession((transport, mechanism, notAfter) => {
      const here = counts.get(transport)
      here?.set(mechanism, (here.get(mechanism) ?? 0) + 1)
      if (notAfter !== null) this.#certificateExpiry.observe((notAfter - now) / 1_000)
    })
    const sessions = this.#gauges.get('sessions')
    sessions?.reset()
    this.#showZeros('sessions', metricCatalogue.sessions)
    for (const [transport, byMechanism] of counts) {
      // Added up: several of them may be `other`.
      for (const [mechanism, count] of byMechanism) sessions?.inc(allowedLabels('sessions', { transport, mechanism }), count)
    }
  }

  readonly #counting: Counters = {
    add: (key, labels) => { this.#counters.get(key)?.inc(allowedLabels(key, labels)) },
    observe: (key, labels, value) => { this.#backendSeconds.observe(allowedLabels(key, labels), value) },
  }

  /** Brings a counter up to what was counted elsewhere. */
  #put<Key extends CounterKey>(key: Key, labels: LabelsOf<Key>, value: number): void {
    const counter = this.#counters.get(key)
    counter?.remove(allowedLabels(key, labels))
    counter?.inc(allowedLabels(key, labels), value)
  }

  #set<Key extends MetricKey>(key: Key, labels: LabelsOf<Key>, value: number): void {
    this.#gauges.get(key)?.set(allowedLabels(key, labels), value)
  }

  #snapshot({ name, help, buckets }: MetricDefinition): SnapshotHistogram {
    const histogram = new SnapshotHistogram(name, help, buckets ?? [])
    // All that a registry asks of a metric is its name and `get`; the types want one of the library's own classes.
    this.#registry.registerMetric(histogram as unknown as Metric)
    return histogram
  }

  #showZeros(key: MetricKey, { labels }: MetricDefinition): void {
    const metric = this.#counters.get(key) ?? this.#gauges.get(key)
    const combinations = combinationsOf(labels)
    if (combinations.length > shownFromTheBeginning) return
    for (const combination of combinations) metric?.inc(combination, 0)
  }
}

const definitions: readonly (readonly [MetricKey, MetricDefinition])[] =
  Object.entries(metricCatalogue).map(([key, definition]) => [key as MetricKey, definition])

function allowedLabels<Key extends MetricKey>(key: Key, labels: LabelsOf<Key>): Record<string, string> {
  const { labels: allowed }: MetricDefinition = metricCatalogue[key]
  return Object.fromEntries(Object.entries<unknown>(labels).map(([name, value]) => [name, labelValue(allowed[name] === undefined ? [] : allowed[name], value)]))
}

/** None where a value is only known later. */
function combinationsOf(labels: MetricDefinition['labels']): readonly Readonly<Record<string, string>>[] {
  return Object.entries(labels).reduce<readonly Readonly<Record<string, string>>[]>(
    (combinations, [name, values]) => combinations.flatMap(combination => (values ?? []).map(value => ({ ...combination, [name]: value }))), [{}])
}
