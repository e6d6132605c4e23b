// Reads what Prometheus would read (its text format, version 0.0.4), and objects to whatever Prometheus or promtool would object to.
import assert from 'node:assert/strict'

export interface Sample { readonly name: string, readonly labels: ReadonlyMap<string, string>, readonly value: number }
export interface Family { readonly name: string, readonly type: string, readonly help: string, readonly samples: readonly Sample[] }

interface WritableFamily { readonly name: string, type: string, readonly help: string, readonly samples: Sample[] }

const metricName = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const sampleLine = new RegExp(`^(${metricName})(?:\\{(.*)\\})? (NaN|[+-]Inf|[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)$`)
const labelPair = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,(?=.)|$)/

/** Throws on the first thing that is not as it should be. */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  assert.ok(text.endsWith('\n'), 'the last line ends with a line feed')
  const families = new Map<string, WritableFamily>()
  let current: WritableFamily | null = null
  for (const line of text.split('\n').slice(0, -1)) {
    if (line === '') continue
    const help = /^# HELP (\S+) (.+)$/.exec(line)
    const type = /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/.exec(line)
    if (help !== null) {
      const [, name = '', words = ''] = help
      assert.match(name, new RegExp(`^${metricName}$`))
      assert.ok(!families.has(name), `${name} comes twice`)
      current = { name, type: '', help: words, samples: [] }
      families.set(name, current)
    } else if (type !== null) {
      assert.ok(current !== null && current.name === type[1] && current.type === '' && current.samples.length === 0, `TYPE in the wrong place: ${line}`)
      current.type = type[2] ?? ''
    } else {
      const sample = sampleOf(line)
      assert.ok(current !== null && current.type !== '', `a sample without HELP and TYPE: ${line}`)
      const suffixes: readonly string[] = current.type === 'histogram' ? ['_bucket', '_sum', '_count'] : current.type === 'summary' ? ['', '_sum', '_count'] : ['']
      assert.ok(suffixes.some(suffix => sample.name === `${current?.name}${suffix}`), `${sample.name} stands in the family ${current.name}`)
      const twin: Sample | undefined = current.samples.find(other => other.name === sample.name && identity(other) === identity(sample))
      assert.equal(twin, undefined, `twice: ${line}`)
      current.samples.push(sample)
    }
  }
  for (const family of families.values()) checkFamily(family)
  return families
}

/** The value of a sample; undefined where there is none. Labels that are not named do not have to match. */
export function valueOf(families: ReadonlyMap<string, Family>, name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''))
  const found = family?.samples.filter(sample => sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels.get(label) === value)) ?? []
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0)
}

function sampleOf(line: string): Sample {
  const [, name = '', labelText = '', number = ''] = sampleLine.exec(line) ?? assert.fail(`no sample: ${line}`)
  const labels = new Map<string, string>()
  for (let rest = labelText; rest !== '';) {
    const [pair = '', label = '', value = ''] = labelPair.exec(rest) ?? assert.fail(`no label: ${rest}`)
    assert.ok(!labels.has(label), `the label ${label} comes twice: ${line}`)
    labels.set(label, value.replace(/\\(["\\n])/g, (_, escaped: string) => escaped === 'n' ? '\n' : escaped))
    rest = rest.slice(pair.length)
  }
  return { name, labels, value: number.endsWith('Inf') ? (number.startsWith('-') ? -Infinity : Infinity) : Number(number) }
}

const identity = ({ labels }: Sample, without = ''): string => JSON.stringify([...labels].filter(([name]) => name !== without).sort())

function checkFamily({ name, type, samples }: Family): void {
  assert.notEqual(type, '', `${name} has no type`)
  if (type === 'counter') {
    assert.match(name, /_total$/, 'a counter ends with _total')
    assert.ok(samples.every(({ value }) => value >= 0), `${name} counts backwards`)
  }
  if (type !== 'histogram') return
  const series = Map.groupBy(samples.filter(sample => sample.name === `${name}_bucket`), sample => identity(sample, 'le'))
  for (const [key, buckets] of series) {
    const bounds = buckets.map(({ labels }) => labels.get('le') === '+Inf' ? Infinity : Number(labels.get('le')))
    assert.deepEqual(bounds, [...bounds].sort((a, b) => a - b), `${name}: buckets in order`)
    assert.equal(bounds.at(-1), Infinity, `${name}: the last bucket is +Inf`)
    const counts = buckets.map(({ value }) => value)
    assert.deepEqual(counts, [...counts].sort((a, b) => a - b), `${name}: buckets are cumulative`)
    const count = samples.find(sample => sample.name === `${name}_count` && identity(sample) === key)
    assert.equal(count?.value, counts.at(-1), `${name}: _count is what the last bucket says`)
    assert.ok(samples.some(sample => sample.name === `${name}_sum` && identity(sample) === key), `${name}: has a _sum`)
  }
}
