// What Prometheus reads on the listener for metrics, and that it moves as what happens says.
import assert from 'node:assert/strict'
import { appendFile, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { metricCatalogue, type MetricDefinition } from '../../src/telemetry/metric-catalogue.ts'
import { pem } from '../../src/x509/der-writer.ts'
import { BoshClient, HttpConnections } from '../support/bosh-client.ts'
import { makeList, makeRoot } from '../support/chain-maker.ts'
import { valueOf } from '../support/exposition.ts'
import { defaultToml, Gateway } from '../support/gateway.ts'
import { growth, metricsToml, scrape } from '../support/scrape.ts'
import { NS_SASL, WireClient } from '../support/wire-client.ts'
import { until } from './scene.ts'

const chat = (to: string | null, text: string): string => `<message xmlns='jabber:client' to='${to}' type='chat'><body>${text}</body></message>`

describe('[listen.metrics]', () => {
  let gateway: Gateway
  before(async () => { gateway = await Gateway.start({ toml: defaultToml + metricsToml }) })
  after(async () => { await gateway.stop() })

  /** A request as somebody writes it. */
  const ask = (path: string, { method = 'GET', headers = {} }: { readonly method?: string, readonly headers?: Record<string, string> } = {}) =>
    new Promise<{ readonly status: number, readonly text: string }>((resolve, reject) => {
      const url = new URL(path, gateway.app.metricsUrl ?? assert.fail('no metrics'))
      request(url, { method, headers, agent: false }, response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => { chunks.push(chunk) })
        response.on('end', () => { resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }) })
      }).on('error', reject).end()
    })

  test('has /metrics, in the format that Prometheus reads, with every metric of the catalogue', async () => {
    const families = await scrape(gateway)
    for (const { name, type, help } of Object.values<MetricDefinition>(metricCatalogue)) {
      assert.deepEqual([families.get(name)?.type, families.get(name)?.help], [type, help], name)
    }
    assert.ok(families.has('process_resident_memory_bytes'), 'and those of the process')
    assert.ok(![...families.keys()].some(name => name.startsWith('nodejs_eventloop_lag')), 'but not a second opinion on the event loop')
    assert.equal(valueOf(families, 'meerkat_build_info', { version: '0.0.0-test', node: process.version }), 1)
  })

  test('has nothing else', async () => {
    for (const path of ['/', '/healthz', '/.well-known/host-meta', '/http-bind', '/xmpp-websocket', '/metrics/', '/metricsx', '/metrics/x']) {
      assert.equal((await ask(path)).status, 404, path)
    }
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) assert.equal((await ask('/metrics', { method })).status, 404, method)
    assert.deepEqual((await ask('/metrics', { method: 'HEAD' })).status, 200)
  })

  test('does not answer a web page that gave its host name this address (DNS rebinding)', async () => {
    for (const host of ['evil.example', 'evil.example:9285', 'localhost.evil.example', '127.0.0.1.evil.example', '[::1].evil.example', 'localhost@evil.example']) {
      const { status, text } = await ask('/metrics', { headers: { host } })
      assert.equal(status, 403, host)
      assert.ok(!text.includes('meerkat_'), host)
    }
    for (const host of ['localhost', 'LOCALHOST:9285', '127.0.0.1', '127.0.0.1:9285', '[::1]:9285']) assert.equal((await ask('/metrics', { headers: { host } })).status, 200, host)
  })

  test('takes no certificate headers, as no listener without the setting does: 400, told and counted, on every path', async () => {
    const counted = await growth(gateway, async () => {
      for (const path of ['/metrics', '/', '/%zz']) {
        for (const [name, value] of [['Client-Cert', ':MAA=:'], ['ssl_client_verify', 'SUCCESS'], ['X-Forwarded-Client-Cert', 'Hash=0']] as const) {
          const { status, text } = await ask(path, { headers: { [name]: value, host: 'evil.example' } })
          assert.deepEqual([status, text], [400, 'Headers about client certificates are not taken here.\n'], `${path} ${name}`)
        }
      }
      assert.equal((await ask('/metrics', { headers: { 'Client-Cert': ':MAA=:', Expect: 'a-miracle' } })).status, 400)
    })
    const events = gateway.eventsNamed('forwarded.refused')
    assert.deepEqual(new Set(events.map(({ reason, status, address }) => `${String(reason)} ${String(status)} ${String(address)}`)), new Set(['not-expected 400 127.0.0.1']))
    assert.deepEqual([events.length, counted('meerkat_forwarded_refused_total', { reason: 'not-expected' })], [10, 10])
    assert.deepEqual([(await ask('/%zz')).status, (await ask('/metrics', { headers: { Expect: 'a-miracle' } })).status], [400, 200])
  })

  test('is not there without its section, and /metrics is on no other listener', async () => {
    const other = await Gateway.start()
    try {
      assert.equal(other.app.metricsUrl, null)
      for (const one of [other, gateway]) {
        const connections = new HttpConnections(one)
        assert.equal((await connections.request({ method: 'GET', path: '/metrics' }).answer).status, 404)
        connections.close()
      }
    } finally {
      await other.stop()
    }
  })

  test('ends with the gateway, whoever is connected to it', async () => {
    const other = await Gateway.start({ toml: defaultToml + metricsToml })
    const url = other.app.metricsUrl ?? assert.fail('no metrics')
    await scrape(other)
    await other.stop()
    await assert.rejects(fetch(url))
  })
})

describe('the metrics move', () => {
  let gateway: Gateway
  before(async () => { gateway = await Gateway.start({ toml: defaultToml + metricsToml }) })
  after(async () => { await gateway.stop() })

  test('with a login over WebSocket, its stanzas, and its end', async () => {
    let text = ''
    const login = await growth(gateway, async () => {
      const alice = await WireClient.login(gateway, 'alice')
      const during = await scrape(gateway)
      assert.deepEqual([valueOf(during, 'meerkat_sessions', { transport: 'websocket', mechanism: 'EXTERNAL' }), valueOf(during, 'meerkat_streams'),
        valueOf(during, 'meerkat_connections'), valueOf(during, 'meerkat_certificate_expiry_seconds_count')], [1, 1, 1, 1])
      // A development certificate is good for some months.
      assert.equal(valueOf(during, 'meerkat_certificate_expiry_seconds_bucket', { le: '86400' }), 0)
      text = chat(alice.jid, 'to myself')
      alice.send(text)
      await alice.next()
      await alice.quit()
      await until(() => gateway.app.sessionCount === 0, 'the end of the session')
    })
    const labels = { transport: 'websocket' }
    assert.equal(login('meerkat_logins_total', { ...labels, mechanism: 'EXTERNAL', outcome: 'success' }), 1)
    assert.equal(login('meerkat_logins_total'), 1)
    assert.equal(login('meerkat_certificate_verdicts_total', { source: 'direct', verdict: 'accepted' }), 1)
    assert.equal(login('meerkat_sessions_begun_total', labels), 1)
    assert.equal(login('meerkat_sessions_ended_total', { ...labels, reason: 'closed' }), 1)
    assert.deepEqual([login('meerkat_stanzas_total', { ...labels, direction: 'in' }), login('meerkat_stanzas_total', { ...labels, direction: 'out' })], [1, 1])
    assert.equal(login('meerkat_stanza_bytes_total', { ...labels, direction: 'in' }), text.length)
    assert.ok(login('meerkat_stanza_bytes_total', { ...labels, direction: 'out' }) > text.length, 'with "from"')
    assert.deepEqual([login('meerkat_sessions'), login('meerkat_streams'), login('meerkat_certificate_expiry_seconds_count')], [0, 0, 0])
  })

  test('with a login over BOSH, its stanzas, and its end', async () => {
    const login = await growth(gateway, async () => {
      const alice = await BoshClient.login(gateway, 'alice')
      const during = await scrape(gateway)
      assert.deepEqual([valueOf(during, 'meerkat_sessions', { transport: 'bosh', mechanism: 'EXTERNAL' }), valueOf(during, 'meerkat_bosh_sessions')], [1, 1])
      await alice.send(chat(alice.jid, 'to myself'))
      await alice.send('', { type: 'terminate' })
      alice.close()
      await until(() => gateway.app.sessionCount === 0, 'the end of the session')
    })
    const labels = { transport: 'bosh' }
    assert.equal(login('meerkat_logins_total', { ...labels, mechanism: 'EXTERNAL', outcome: 'success' }), 1)
    assert.equal(login('meerkat_sessions_ended_total', { ...labels, reason: 'closed' }), 1)
    assert.deepEqual([login('meerkat_stanzas_total', { ...labels, direction: 'in' }), login('meerkat_stanzas_total', { ...labels, direction: 'out' })], [1, 1])
    assert.equal(login('meerkat_stanzas_total', { transport: 'websocket' }), 0)
  })

  test('with a login that is refused: by mechanism, transport and condition; and with the limit on how often', async () => {
    const refusal = await growth(gateway, async () => {
      const nobody = await WireClient.open(gateway)
      await nobody.header()
      nobody.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>=</auth>`)
      await nobody.next()
      for (const name of ['X-NONSENSE', 'alice@localhost']) {
        nobody.send(`<auth xmlns='${NS_SASL}' mechanism='${name}'>=</auth>`)
        await nobody.next()
      }
      await nobody.quit()
    })
    const labels = { transport: 'websocket' }
    assert.equal(refusal('meerkat_logins_total', { ...labels, mechanism: 'EXTERNAL', outcome: 'not-authorized' }), 1)
    assert.equal(refusal('meerkat_logins_total', { ...labels, mechanism: 'none', outcome: 'invalid-mechanism' }), 2)
    assert.equal(refusal('meerkat_certificate_verdicts_total', { source: 'direct', verdict: 'none' }), 1)
    assert.equal(refusal('meerkat_stream_errors_total', { ...labels, condition: 'policy-violation' }), 1)
    assert.equal(refusal('meerkat_limit_hits_total', { limit: 'authentication_failures' }), 1)
  })

  test('with revocation lists, and with reloads that are good and bad', async () => {
    const authority = makeRoot('metrics')
    const list = (seconds: number) => makeList(authority, { nextUpdate: Date.now() + seconds * 1_000 }).der
    let file = ''
    const other = await Gateway.start({
      toml: `${defaultToml}tls.crl_files = ["certs/crl.der"]\ntls.crl_expired = "accept"\n${metricsToml}`,
      prepare: async folder => {
        file = join(folder, 'certs', 'crl.der')
        await appendFile(join(folder, 'certs', 'ca.crt'), pem('CERTIFICATE', authority.der))
        await writeFile(file, list(1_800))
      },
    })
    try {
      const upTo = async (le: string) => valueOf(await scrape(other), 'meerkat_crl_expiry_seconds_bucket', { le })
      assert.deepEqual([await upTo('0'), await upTo('3600'), await upTo('+Inf')], [0, 1, 1])
      await writeFile(file, list(10 * 86_400))
      const good = await growth(other, async () => { assert.equal(await other.app.reload(), true) })
      assert.deepEqual([good('meerkat_reloads_total', { outcome: 'success' }), good('meerkat_reloads_total', { outcome: 'refused' })], [1, 0])
      assert.deepEqual([await upTo('3600'), await upTo('1209600'), await upTo('+Inf')], [0, 1, 1])
      await writeFile(file, 'no list')
      const bad = await growth(other, async () => { assert.equal(await other.app.reload(), false) })
      assert.deepEqual([bad('meerkat_reloads_total', { outcome: 'success' }), bad('meerkat_reloads_total', { outcome: 'refused' })], [0, 1])
      assert.equal(await upTo('+Inf'), 1, 'the old one stays')
    } finally {
      await other.stop()
    }
  })

  test('and nothing that a client says of itself becomes a label', async () => {
    const text = await (await fetch(gateway.app.metricsUrl ?? '')).text()
    assert.doesNotMatch(text, /alice|localhost|127\.0\.0\.1|NONSENSE/)
  })

  test('while many are under way: those who ask at the same time get one answer, and others are served meanwhile', async () => {
    const alice = await WireClient.login(gateway, 'alice')
    const scrapes = Array.from({ length: 20 }, () => scrape(gateway))
    for (let n = 0; n < 20; n++) {
      alice.send(chat(alice.jid, `${n}`))
      assert.equal((await alice.next()).children[0]?.text, `${n}`)
    }
    const counted = await Promise.all(scrapes)
    assert.ok(counted.every(families => valueOf(families, 'meerkat_sessions') === 1))
    await alice.quit()
  })
})
