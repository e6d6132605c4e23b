// Asks a gateway for its metrics, as Prometheus does.
import assert from 'node:assert/strict'
import { type Family, parseExposition, valueOf } from './exposition.ts'
import type { Gateway } from './gateway.ts'

/** To be put behind the text of a configuration. */
export const metricsToml = '\n[listen.metrics]\nport = 0\n'

/** Everything, in a format that was looked at closely. */
export async function scrape(gateway: Gateway): Promise<ReadonlyMap<string, Family>> {
  const response = await fetch(gateway.app.metricsUrl ?? assert.fail('no metrics'))
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  return parseExposition(await response.text())
}

/** By how much values grew while something was done; 0 for what is not there. */
export async function growth(gateway: Gateway, act: () => Promise<void>): Promise<(name: string, labels?: Readonly<Record<string, string>>) => number> {
  const before = await scrape(gateway)
  await act()
  const after = await scrape(gateway)
  return (name, labels) => (valueOf(after, name, labels) ?? 0) - (valueOf(before, name, labels) ?? 0)
}
