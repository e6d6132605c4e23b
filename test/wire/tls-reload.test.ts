// Certificates, keys, CAs and revocation lists are replaced while the gateway runs: however the files change, all of a new set or nothing of it, and nobody
// who is connected notices.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { connect } from 'node:tls'
import { makeAuthority, makeKey, makeServer } from '../support/certificates.ts'
import type { TestCertificate } from '../support/certificates.ts'
import { ClientAuthority } from '../support/client-authority.ts'
import { Gateway } from '../support/gateway.ts'
import { listPem, writeList } from '../support/revocation-lists.ts'
import { settled, TurnedClock } from '../support/turned-clock.ts'
import { WireClient } from '../support/wire-client.ts'
import { until } from './scene.ts'

/** Kubernetes mounts files like this: certs/tls.crt → ..data/tls.crt, ..data → a folder of one version. */
const toml = `
[general]
hosts = ["localhost"]
[[listen.http]]
port = 0
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.cacertfile = "certs/clients.crt"
tls.crl_files = ["certs/lists.crl"]
websocket.ping_rate = 0
[[listen.http]]
ip = "127.0.0.2"
port = 0
tls.certfile = "mounted/server.crt"
tls.keyfile = "mounted/server.key"
tls.verify_mode = "none"
`

const servers = makeAuthority({ commonName: 'Servers' })
const authority = new ClientAuthority()
const clock = new TurnedClock()
let gateway: Gateway
let alice: WireClient
let bob: WireClient
const path = (...names: readonly string[]) => join(gateway.folder, ...names)

const write = async (folder: string, { certificatePem, privateKeyPem }: TestCertificate) => {
  await writeFile(join(folder, 'server.crt'), certificatePem)
  await writeFile(join(folder, 'server.key'), privateKeyPem, { mode: 0o600 })
}
/** A version, and the link that makes it the one. */
const mount = async (folder: string, version: string, certificate: TestCertificate) => {
  await mkdir(join(folder, version))
  await write(join(folder, version), certificate)
  await symlink(version, join(folder, '..data_new'))
  await rename(join(folder, '..data_new'), join(folder, '..data'))
}

before(async () => {
  gateway = await Gateway.start({
    toml, clock, prepare: async folder => {
      await authority.trustIn(folder)
      await authority.publish(join(folder, 'certs', 'lists.crl'), [])
      const mounted = join(folder, 'mounted')
      await mkdir(mounted)
      await mount(mounted, 'first', makeServer(servers))
      for (const name of ['server.crt', 'server.key']) await symlink(join('..data', name), join(mounted, name))
    },
  })
  ;[alice, bob] = [await login('alice'), await login('bob')]
  await cp(path('certs'), path('good'), { recursive: true })
})
after(async () => {
  const stopped = gateway.stop()
  clock.advance(2_000)
  await stopped
})
afterEach(async () => {
  alice.send(`<message xmlns='jabber:client' to='${bob.jid}'><body>still there</body></message>`)
  assert.equal((await bob.next()).children[0]?.text, 'still there')
  await cp(path('good'), path('certs'), { recursive: true, force: true })
  assert.equal(await gateway.app.reload(), true)
})

async function login(user: string): Promise<WireClient> {
  const client = await WireClient.open(gateway, { identity: authority.identityOf(authority.issue(user)) })
  await client.authenticate()
  await client.bind()
  return client
}

/** Of the certificate that the listener shows now. */
async function fingerprint(listener = 0): Promise<string> {
  const { ip, port } = gateway.listening[listener]!
  const socket = connect({ host: ip, port, rejectUnauthorized: false, servername: 'localhost' })
  await once(socket, 'secureConnect')
  const shown = socket.getPeerX509Certificate()?.fingerprint256 ?? ''
  socket.destroy()
  return shown.replaceAll(':', '').toLowerCase()
}
const fingerprintOf = async ({ der }: TestCertificate) => Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(der))).toString('hex')

/** Lets time pass until the gateway has noticed by itself, and says what came of it. */
async function noticed(): Promise<string> {
  const names = ['tls.reloaded', 'tls.reload_refused']
  const count = () => names.reduce((sum, name) => sum + gateway.eventsNamed(name).length, 0)
  const before = count()
  await until(() => {
    clock.advance(250)
    return count() > before
  }, 'a reload')
  return gateway.events.findLast(({ event }) => names.includes(event))?.event ?? ''
}
const mistakes = () => (gateway.eventsNamed('tls.reload_refused').at(-1)?.['mistakes'] as readonly string[]).join('\n')

describe('a new server certificate', () => {
  const fresh = () => makeServer(servers)

  test('that is renamed into place is shown to who comes next; who is there does not notice', async () => {
    const certificate = fresh()
    await mkdir(path('new'), { recursive: true })
    await write(path('new'), certificate)
    for (const name of ['server.key', 'server.crt']) await rename(path('new', name), path('certs', name))
    assert.equal(await noticed(), 'tls.reloaded')
    assert.equal(await fingerprint(), await fingerprintOf(certificate))
    const event = gateway.eventsNamed('tls.reloaded').at(-1)
    const [{ certificate: told } = { certificate: null }] = event?.['listeners'] as readonly { certificate: { fingerprint: string, notAfter: string } | null }[]
    assert.equal(told?.fingerprint, await fingerprintOf(certificate))
    assert.match(told?.notAfter ?? '', /^\d{4}-/)
  })

  test('that is written over the old one is taken when both files are whole; until then the old one is shown', async () => {
    const [before, certificate] = [await fingerprint(), fresh()]
    await writeFile(path('certs', 'server.crt'), certificate.certificatePem.slice(0, 200))
    assert.equal(await noticed(), 'tls.reload_refused')
    assert.match(mistakes(), /listen\.http\[0\]\.tls\.certfile.*broken PEM block/)
    await writeFile(path('certs', 'server.crt'), certificate.certificatePem)
    assert.equal(await noticed(), 'tls.reload_refused')
    assert.match(mistakes(), /a key that does not belong to the certificate/)
    assert.equal(await fingerprint(), before)
    await writeFile(path('certs', 'server.key'), certificate.privateKeyPem)
    assert.equal(await noticed(), 'tls.reloaded')
    assert.equal(await fingerprint(), await fingerprintOf(certificate))
  })

  test('that comes by changing a link above the file, as Kubernetes does it', async () => {
    const certificate = fresh()
    await mount(path('mounted'), 'second', certificate)
    assert.equal(await noticed(), 'tls.reloaded')
    assert.equal(await fingerprint(1), await fingerprintOf(certificate))
  })

  test('whose file is removed first and then put back', async () => {
    const [before, certificate] = [await fingerprint(), fresh()]
    for (const name of ['server.crt', 'server.key']) await rm(path('certs', name))
    assert.equal(await noticed(), 'tls.reload_refused')
    assert.match(mistakes(), /there is no such file/)
    assert.equal(await fingerprint(), before)
    await write(path('certs'), certificate)
    assert.equal(await noticed(), 'tls.reloaded')
    assert.equal(await fingerprint(), await fingerprintOf(certificate))
  })
})

describe('a set of which anything is broken is refused as a whole', () => {
  const broken: readonly (readonly [string, () => Promise<void>, RegExp])[] = [
    ['a key that is none', () => writeFile(path('certs', 'server.key'), 'no key'), /tls\.keyfile.*holds no private key/],
    ['a key that does not match', () => writeFile(path('certs', 'server.key'), makeServer(servers).privateKeyPem), /does not belong/],
    ['an expired certificate', () => write(path('certs'), makeServer(servers, { notBefore: Date.now() - 7_200_000, notAfter: Date.now() - 3_600_000 })), /expired/],
    ['no CA', () => writeFile(path('certs', 'clients.crt'), ''), /tls\.cacertfile.*holds no certificate/],
    ['a CA file with a key', async () => writeFile(path('certs', 'clients.crt'), authority.root.certificatePem + authority.root.privateKeyPem), /private key/],
    ['an empty revocation list', () => writeFile(path('certs', 'lists.crl'), ''), /crl_files\[0\].*no revocation list/],
    ['half a revocation list', async () => writeFile(path('certs', 'lists.crl'), (await readFile(path('certs', 'lists.crl'), 'utf8')).slice(0, 150)), /has no end/],
    ['a list that somebody else signed', () => writeFile(path('certs', 'lists.crl'), listPem(writeList(authority.root, { key: makeKey('p256') }))), /not signed by that CA/],
  ]
  for (const [what, change, message] of broken) {
    test(`${what}, beside a good new certificate of another listener`, async () => {
      const before = [await fingerprint(0), await fingerprint(1)]
      await write(path('mounted', '..data'), makeServer(servers))
      await change()
      assert.equal(await gateway.app.reload(), false)
      assert.match(mistakes(), message)
      assert.deepEqual([await fingerprint(0), await fingerprint(1)], before)
      await (await login('carol')).quit()
    })
  }
})

describe('what clients are checked against', () => {
  test('a new CA is believed at once, one that is gone is not', async () => {
    const other = new ClientAuthority()
    const visit = (from: ClientAuthority) => WireClient.open(gateway, { identity: from.identityOf(from.issue('dave')) }).then(client => client.authenticate().finally(() => client.quit()))
    await assert.rejects(visit(other), /authentication/)
    await writeFile(path('certs', 'clients.crt'), authority.root.certificatePem + other.root.certificatePem)
    const lists = await readFile(path('certs', 'lists.crl'), 'utf8')
    await other.publish(path('certs', 'lists.crl'), [])
    await writeFile(path('certs', 'lists.crl'), lists + await readFile(path('certs', 'lists.crl'), 'utf8'))
    assert.equal(await noticed(), 'tls.reloaded')
    await Promise.all([visit(other), visit(authority)])
    await cp(path('good'), path('certs'), { recursive: true, force: true })
    assert.equal(await noticed(), 'tls.reloaded')
    await assert.rejects(visit(other), /authentication/)
    await visit(authority)
  })

  test('a new revocation list counts as soon as it is noticed', async () => {
    const mallory = authority.issue('mallory')
    const client = await WireClient.open(gateway, { identity: authority.identityOf(mallory) })
    await client.authenticate()
    await client.bind()
    await authority.publish(path('certs', 'next.crl'), [mallory])
    await rename(path('certs', 'next.crl'), path('certs', 'lists.crl'))
    assert.equal(await noticed(), 'tls.reloaded')
    assert.match(await client.nextText(), /<reset .*revoked/)
    await client.quit()
  })

  for (const [whose, folder] of [['this listener', 'certs'], ['another listener', 'mounted/..data']] as const) {
    test(`a new revocation list counts also when the server certificate of ${whose} has expired meanwhile, which is a warning`, async () => {
      const mallory = authority.issue('mallory')
      const client = await WireClient.open(gateway, { identity: authority.identityOf(mallory) })
      await client.authenticate()
      await client.bind()
      await write(path(folder), makeServer(servers, { notAfter: clock.now() + 60_000 }))
      assert.equal(await gateway.app.reload(), true)
      for (let second = 0; second < 70; second++) {
        clock.advance(1_000)
        await settled()
      }
      // What is new and has expired is refused as ever.
      const kept = await readFile(path(folder, 'server.crt')), key = await readFile(path(folder, 'server.key'))
      await write(path(folder), makeServer(servers, { notAfter: clock.now() - 1_000 }))
      assert.equal(await gateway.app.reload(), false)
      assert.match(mistakes(), /the server certificate expired/)
      await writeFile(path(folder, 'server.crt'), kept)
      await writeFile(path(folder, 'server.key'), key)

      await authority.publish(path('certs', 'lists.crl'), [mallory])
      assert.equal(await noticed(), 'tls.reloaded')
      assert.match(await client.nextText(), /<reset .*revoked/)
      await client.quit()
      assert.ok(gateway.eventsNamed('configuration.warning').some(({ text }) => /the server certificate expired on .*stays in use/.test(String(text))))
      await write(path(folder), makeServer(servers))
    })
  }
})

test('files that did not change are not read again, and many requests at once are one after the other', async () => {
  const count = gateway.eventsNamed('tls.reloaded').length
  for (let second = 0; second < 10; second++) {
    clock.advance(1_000)
    await settled()
  }
  assert.equal(gateway.eventsNamed('tls.reloaded').length, count)
  assert.deepEqual(await Promise.all(Array.from({ length: 20 }, () => gateway.app.reload())), Array.from({ length: 20 }, () => true))
  assert.ok(gateway.eventsNamed('tls.reloaded').length <= count + 2)
})
