/** `[[listen.c2s]]`: what it is by default, and what is wrong with it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parse } from 'smol-toml'
import { checkFiles } from '../../src/config/check-files.ts'
import { listenersOf } from '../../src/config/listeners.ts'
import { errorOf, goodListener, loadText, mistakeOf } from '../support/config-text.ts'

const c2s = (keys = '') => `
[[listen.c2s]]
tls.certfile = "server.crt"
tls.keyfile = "server.key"
tls.cacertfile = "ca.crt"
${keys}
`

describe('[[listen.c2s]]', () => {
  test('has the defaults of full.toml; a refused certificate ends the connection, unlike on HTTP', async () => {
    const full = JSON.parse(JSON.stringify(parse(readFileSync(join(import.meta.dirname, '../support/examples/full.toml'), 'utf8')))).listen.c2s[0]
    const [{ tls, ...keys }] = JSON.parse(JSON.stringify((await loadText(c2s())).listen.c2s))
    const named = (values: Readonly<Record<string, unknown>>, like: object) => Object.fromEntries(Object.keys(like).map(key => [key, values[key]]))
    const { tls: { certfile: _c, keyfile: _k, cacertfile: _a, ...fullTls }, ...fullKeys } = full
    assert.deepEqual([named(keys, fullKeys), named(tls, fullTls)], [fullKeys, fullTls])
    assert.equal(tls.disconnect_on_failure, true)
  })

  test('may be the only listener, and knows three modes', async () => {
    for (const mode of ['starttls', 'starttls_required', 'tls']) {
      const { listen, warnings } = await loadText(c2s(`tls.mode = "${mode}"`))
      assert.deepEqual([listen.http.length, listen.c2s[0]?.tls.mode, warnings.length], [0, mode, 0])
    }
  })

  for (const [name, toml, path, found] of [
    ['a mode that nobody knows', c2s('tls.mode = "ssl"'), 'listen.c2s[0].tls.mode', /"ssl"/],
    ['no certificate', '[[listen.c2s]]\ntls.verify_mode = "none"', 'listen.c2s[0].tls.certfile', /without a certificate/],
    ['a certificate without its key', '[[listen.c2s]]\ntls.verify_mode = "none"\ntls.certfile = "a"', 'listen.c2s[0].tls.keyfile', /beside a certfile/],
    ['no CAs', '[[listen.c2s]]\ntls.certfile = "a"\ntls.keyfile = "b"', 'listen.c2s[0].tls.cacertfile', /verify_mode "peer"/],
    ['a certificate required where none is asked for', c2s('tls.verify_mode = "none"\ntls.require_certificate = true'), 'listen.c2s[0].tls.require_certificate', /true/],
    ['two passwords', c2s('tls.password = "a"\ntls.password_file = "b"'), 'listen.c2s[0].tls.password', /both/],
    ['a name for an address', c2s('ip = "localhost"'), 'listen.c2s[0].ip', /"localhost"/],
    ['the port of another', `${c2s()}${c2s()}`, 'listen.c2s[1].port', /5222 on 127\.0\.0\.1, which listen\.c2s\[0\] already takes/],
    ['the port of HTTP', `${goodListener}${c2s('port = 5285')}`, 'listen.c2s[0].port', /which listen\.http\[0\] already takes/],
    ['the port of the metrics', `${c2s('port = 9285')}[listen.metrics]`, 'listen.metrics.port', /which listen\.c2s\[0\] already takes/],
    ['a key of HTTP', c2s('origins = []'), 'listen.c2s[0].origins', /not known/],
    ['a stanza below what RFC 6120 §13.12 allows', c2s('max_stanza_size = 9_999'), 'listen.c2s[0].max_stanza_size', /9999/],
    ['single brackets', c2s().replace('[[listen.c2s]]', '[listen.c2s]'), 'listen.c2s', /a table/],
  ] as const) {
    test(`a mistake: ${name}`, async () => {
      const mistake = await mistakeOf(toml)
      assert.equal(mistake.path, path)
      assert.match(mistake.found, found)
    })
  }

  test('without any key, everything that is missing is named at once', async () => {
    assert.deepEqual((await errorOf('[[listen.c2s]]')).mistakes.map(({ path }) => path), ['listen.c2s[0].tls.certfile', 'listen.c2s[0].tls.cacertfile'])
  })

  test('no listener at all is one mistake', async () => {
    assert.match((await mistakeOf('[general]\nhosts = ["localhost"]')).allowed ?? '', /\[\[listen\.http\]\] or \[\[listen\.c2s\]\]/)
  })

  test('warns of certificates that anybody can make, and of stanzas that are longer than what a client may leave unread', async () => {
    const { warnings } = await loadText(c2s('tls.verify_mode = "selfsigned_peer"\nmax_stanza_size = 2_000_000'))
    assert.deepEqual(warnings.map(({ path }) => path), ['listen.c2s[0].tls.verify_mode', 'limits.max_unread_bytes'])
  })

  test('its files are read in the order of all listeners, and named by its path where they are missing', async () => {
    const config = await loadText(`${goodListener}${c2s('tls.certfile = "other.crt"').replace('tls.certfile = "server.crt"\n', '')}`)
    assert.deepEqual(listenersOf(config.listen).map(({ path }) => path), ['listen.http[0]', 'listen.c2s[0]'])
    const { tls, mistakes } = await checkFiles(config, Date.now())
    assert.equal(tls.length, 2)
    assert.ok(mistakes.some(({ path }) => path === 'listen.c2s[0].tls.certfile'), mistakes.map(({ path }) => path).join())
  })
})
