// Behind Debian's nginx and HAProxy, configured as the README shows it: users log in by the certificate that they show to the proxy, and by no header.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { dialectNames } from '../../src/config/forwarding-keys.ts'
import { BoshWay, Connections, type Headers } from '../support/bosh-way.ts'
import { writers } from '../support/forwarded-headers.ts'
import { type ClientIdentity, Gateway } from '../support/gateway.ts'
import { proxied } from '../support/proxied-users.ts'
import { configurationOf, proxyNames, ReverseProxy } from '../support/reverse-proxy.ts'
import { requireProgram } from '../support/services.ts'
import { WireClient } from '../support/wire-client.ts'

const { root, middle, alice, bob, carol, expired, foreign } = proxied

interface Seen { readonly connection: { readonly address: string, readonly tlsVersion: string | null }, readonly verdict: { readonly kind: string, readonly reason: string | null },
  readonly certificate: { readonly fingerprint256?: string } | null }

for (const name of proxyNames) {
  for (const kind of ['a TCP port', 'a Unix socket'] as const) {
    describe(`${name} in front of ${kind}`, { skip: requireProgram(name) }, () => {
      let gateway: Gateway
      let proxy: ReverseProxy
      const open: Connections[] = []
      before(async () => {
        const where = kind === 'a TCP port' ? 'port = 0\ntrusted_proxies = ["127.0.0.1"]' : 'socket = "s"\ntrusted_proxies = ["unix"]'
        gateway = await Gateway.start({
          toml: `[general]\nhosts = ["localhost"]\n[[listen.http]]\n${where}\nforwarded_certificate = "${name}"\ntls.cacertfile = "users.crt"\n`,
          // nginx forwards no chain: intermediates stand beside the roots.
          prepare: folder => writeFile(join(folder, 'users.crt'), name === 'nginx' ? `${root.cert}${middle.cert}` : root.cert),
        })
        const [listener] = gateway.listening
        const certs = (file: string) => readFile(join(gateway.folder, 'certs', file), 'utf8')
        proxy = await ReverseProxy.start(name, { gateway: listener!.socket ?? `127.0.0.1:${listener!.port}`, cert: await certs('server.crt'), key: await certs('server.key'), authorities: root.cert })
      })
      after(async () => {
        for (const connections of open) connections.close()
        await proxy?.stop()
        await gateway?.stop()
      })

      const connect = (identity: ClientIdentity | null) => {
        const connections = new Connections({ origin: `https://localhost:${proxy.port}`, ca: gateway.ca, identity })
        open.push(connections)
        return connections
      }
      const seen = async (identity: ClientIdentity | null, headers: Headers = {}) =>
        JSON.parse((await connect(identity).request('/', { headers: { Accept: 'application/json', ...headers } })).text) as Seen
      const socketOf = (identity: ClientIdentity | null, headers: Headers = {}) =>
        WireClient.open(gateway, { url: `wss://localhost:${proxy.port}/xmpp-websocket`, identity, socket: { headers: headers as Record<string, string> } })

      test('two users log in over WebSocket and talk to each other', async () => {
        const [romeo, juliet] = await Promise.all([socketOf(alice), socketOf(bob)])
        for (const [client, jid] of [[romeo, /^alice@localhost\//], [juliet, /^bob@localhost\//]] as const) {
          await client.authenticate()
          assert.match(await client.bind(), jid)
        }
        romeo.send(`<message xmlns='jabber:client' to='${juliet.jid!}'><body>Art thou not Romeo?</body></message>`)
        assert.equal((await juliet.next()).attributes.get('from'), romeo.jid)
        for (const client of [romeo, juliet]) await client.quit()
      })

      test('two users log in over BOSH, over the same few connections of the proxy, each as himself', async () => {
        const sessions = [new BoshWay(connect(alice)), new BoshWay(connect(bob))]
        for (const session of sessions) await session.open()
        const strangers = new BoshWay(connect(null))
        await strangers.open()
        for (const session of sessions) assert.equal(await session.authenticate(), 'success')
        assert.deepEqual([strangers.offered, await strangers.authenticate()], [[], 'not-authorized'])
        const [first, second] = gateway.eventsNamed('auth.success').slice(-2)
        assert.deepEqual([first?.account, first?.fingerprint, second?.account, second?.fingerprint], ['alice@localhost', alice.fingerprint, 'bob@localhost', bob.fingerprint])
        // Each request is its own user's: with bob's certificate alice's session does not exist.
        const thief = new BoshWay(connect(bob))
        thief.sid = sessions[0]!.sid
        assert.equal((await thief.send()).attributes.get('condition'), 'item-not-found')
        const again = new BoshWay(connect(alice))
        assert.match(await again.login(), /^alice@localhost\//)
        await again.leave()
      })

      test('a certificate of an intermediate authority', async () => {
        const session = new BoshWay(connect(carol))
        assert.match(await session.login(), /^carol@localhost\//)
        await session.leave()
      })

      test('whose certificate is expired, or of somebody else, or who has none, is told so and does not get in', async () => {
        for (const [identity, verdict, reason, condition] of [[expired, 'refused', 'expired', 'credentials-expired'], [foreign, 'refused', 'untrusted', 'not-authorized'], [null, 'none', null, 'not-authorized']] as const) {
          assert.deepEqual((await seen(identity)).verdict.kind, verdict)
          assert.deepEqual((await seen(identity)).verdict.reason, reason)
          const session = new BoshWay(connect(identity))
          await session.open()
          assert.deepEqual([session.offered, await session.authenticate()], [[], condition])
          const client = await socketOf(identity)
          await assert.rejects(client.authenticate(), new RegExp(condition))
          client.socket.terminate()
        }
      })

      test('what a client writes into the headers is not what the gateway hears', async () => {
        for (const dialect of dialectNames) {
          const forged = Object.fromEntries(writers[dialect]([alice.der]))
          const underscored = Object.fromEntries(Object.entries(forged).map(([header, value]) => [header.replaceAll('-', '_'), value]))
          for (const headers of [forged, underscored, { ...forged, ...underscored }]) {
            assert.equal((await seen(null, headers)).verdict.kind, 'none', dialect)
            assert.deepEqual((await seen(foreign, headers)).verdict.reason, 'untrusted', dialect)
            const session = new BoshWay(connect(bob), headers)
            assert.match(await session.login(), /^bob@localhost\//)
            await session.leave()
          }
          const client = await socketOf(bob, forged)
          await client.authenticate()
          assert.match(await client.bind(), /^bob@localhost\//)
          await client.quit()
        }
        assert.deepEqual(gateway.eventsNamed('forwarded.refused'), [])
      })

      test('nor what it says of its address and of TLS', async () => {
        for (const headers of [{ 'X-Forwarded-For': '192.0.2.1', 'X-Forwarded-Proto': 'http' }, { Forwarded: 'for=192.0.2.1;proto=http' }, { 'X-Forwarded-For': 'garbage', Forwarded: 'garbage' }]) {
          assert.deepEqual((await seen(alice, headers)).connection, { address: '127.0.0.1', tlsVersion: 'TLS, to a proxy' })
        }
      })
    })
  }
}

test('the README shows these very configurations', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  for (const name of proxyNames) assert.ok(readme.includes(`\n${configurationOf(name).trimEnd()}\n\`\`\``), name)
})
