// `[listen.metrics]`: off unless it is there, and what may stand in it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goodListener, loadText, mistakeOf } from '../support/config-text.ts'

const metrics = (lines: string): string => `${goodListener}port = 5285\n[listen.metrics]\n${lines}`

test('without the section there are no metrics', async () => {
  assert.equal((await loadText(goodListener)).listen.metrics, undefined)
})

test('an empty section is port 9285 on the loopback, without a warning', async () => {
  const { listen, warnings } = await loadText(metrics(''))
  assert.deepEqual([listen.metrics, warnings], [{ ip: '127.0.0.1', port: 9285 }, []])
})

test('any loopback address is taken without a warning; on any other there is one, for there is neither TLS nor a password', async () => {
  for (const ip of ['127.0.0.1', '127.1.2.3', '::1']) assert.deepEqual((await loadText(metrics(`ip = "${ip}"`))).warnings, [], ip)
  for (const ip of ['0.0.0.0', '::', '192.0.2.1', '2001:db8::1']) {
    const { warnings } = await loadText(metrics(`ip = "${ip}"`))
    assert.deepEqual(warnings.map(({ path }) => path), ['listen.metrics.ip'], ip)
    assert.match(warnings[0]?.text ?? '', /without a password/)
  }
})

const mistakes: readonly (readonly [name: string, lines: string, path: string, found: RegExp])[] = [
  ['a name is no address', 'ip = "localhost"', 'listen.metrics.ip', /^"localhost"$/],
  ['a port is a port', 'port = 70_000', 'listen.metrics.port', /^70000$/],
  ['the port of another listener is taken', 'port = 5285', 'listen.metrics.port', /listen\.http\[0\] already takes/],
  ['also on all addresses', 'ip = "0.0.0.0"\nport = 5285', 'listen.metrics.port', /listen\.http\[0\] already takes/],
  ['a key that is not known', 'path = "/metrics"', 'listen.metrics.path', /not known/],
]
for (const [name, lines, path, found] of mistakes) {
  test(name, async () => {
    const mistake = await mistakeOf(metrics(lines))
    assert.equal(mistake.path, path)
    assert.match(mistake.found, found)
  })
}

test('the same port on another address is free', async () => {
  assert.equal((await loadText(metrics('ip = "127.0.0.2"\nport = 5285'))).listen.metrics?.ip, '127.0.0.2')
})

test('whoever writes it as [metrics] is told where it belongs', async () => {
  assert.match((await mistakeOf(`${goodListener}[metrics]\nport = 1`)).remedy ?? '', /`metrics` belongs in listen/)
})
