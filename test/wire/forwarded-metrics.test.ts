// What Prometheus reads of requests that come through a proxy, and of those that only say so.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { BoshWay, Connections, type Headers } from '../support/bosh-way.ts'
import { writers } from '../support/forwarded-headers.ts'
import { Gateway } from '../support/gateway.ts'
import { proxied } from '../support/proxied-users.ts'
import { growth, metricsToml } from '../support/scrape.ts'

const { root, alice, bob, expired, foreign } = proxied
const listener = (ip: string, lines: string) => `\n[[listen.http]]\nport = 0\nip = "${ip}"\n${lines}\n`
const behind = 'trusted_proxies = ["127.0.0.1"]\nforwarded_certificate = "rfc9440"\ntls.cacertfile = "ca.pem"\n'
const [lenient, strict, plain] = [0, 1, 2]
const forwarded = ({ der }: { readonly der: Uint8Array }): Headers => Object.fromEntries(writers.rfc9440([der]))
const from = (address: string): Headers => ({ 'X-Forwarded-For': address, 'X-Forwarded-Proto': 'https' })

let gateway: Gateway
before(async () => {
  gateway = await Gateway.start({
    toml: `[general]\nhosts = ["localhost"]\n${listener('127.0.0.1', behind)}${listener('127.0.0.2', `${behind}tls.require_certificate = true\ntls.disconnect_on_failure = true`)}${
      listener('127.0.0.3', '')}${metricsToml}`,
    prepare: async folder => { await writeFile(join(folder, 'ca.pem'), root.cert) },
  })
})
after(() => gateway.stop())

async function through(index: number, act: (connections: Connections) => Promise<unknown>): Promise<void> {
  const connections = new Connections({ origin: `http://${gateway.listening[index]!.ip}:${gateway.port(index)}` })
  await act(connections)
  connections.close()
}
const ask = (index: number, ...each: readonly Headers[]) => through(index, async connections => { for (const headers of each) await connections.request('/', { headers }) })

test('verdicts on forwarded certificates are counted when they are new or have changed, and none once for each address', async () => {
  const verdicts = await growth(gateway, async () => {
    await through(lenient, async connections => {
      // A login over BOSH is many requests.
      await new BoshWay(connections, { ...from('192.0.2.1'), ...forwarded(alice) }).login()
      await new BoshWay(connections, from('192.0.2.2')).open()
    })
    await ask(lenient, { ...from('192.0.2.1'), ...forwarded(bob) }, from('192.0.2.2'), from('192.0.2.3'), from('192.0.2.2'),
      { ...from('192.0.2.4'), ...forwarded(expired) }, { ...from('192.0.2.4'), ...forwarded(expired) }, { ...from('192.0.2.4'), ...forwarded(foreign) })
  })
  const of = (verdict: string) => verdicts('meerkat_certificate_verdicts_total', { source: 'forwarded', verdict })
  assert.deepEqual(['accepted', 'none', 'expired', 'untrusted'].map(of), [2, 2, 1, 1])
  assert.equal(verdicts('meerkat_certificate_verdicts_total', { source: 'direct' }), 0)
  assert.deepEqual(gateway.eventsNamed('certificate.none').map(({ source, address, level }) => [source, address, level]),
    [['forwarded', '192.0.2.2', 'debug'], ['forwarded', '192.0.2.3', 'debug']])
})

test('where a certificate is required, each request that is refused for it is counted', async () => {
  const verdicts = await growth(gateway, () => ask(strict, from('192.0.2.5'), from('192.0.2.5'), { ...from('192.0.2.5'), ...forwarded(expired) }, { ...from('192.0.2.5'), ...forwarded(expired) }))
  assert.deepEqual(['none', 'expired'].map(verdict => verdicts('meerkat_certificate_verdicts_total', { source: 'forwarded', verdict })), [2, 2])
})

test('requests that are refused for what they say of somebody else are counted by why', async () => {
  const refused = await growth(gateway, async () => {
    await ask(plain, forwarded(alice), { 'X-SSL-Client-Verify': 'SUCCESS' })
    await ask(lenient, { ...from('192.0.2.1'), 'Client-Cert': 'MAA=' }, { ...from('192.0.2.1'), Client_Cert: ':MAA=:' }, { ...from('192.0.2.1'), 'ssl-client-cert': 'x' },
      { ...from('192.0.2.1'), 'X-Forwarded-Proto': 'http', ...forwarded(alice) }, from('nonsense'))
  })
  const of = (reason: string) => refused('meerkat_forwarded_refused_total', { reason })
  assert.deepEqual(['not-expected', 'malformed', 'look-alike', 'other-dialect', 'contradictory', 'address', 'not-a-proxy'].map(of), [2, 1, 1, 1, 1, 1, 0])
})
