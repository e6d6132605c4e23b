// Bad input, "Certificates", over real TLS: what the handshake, the features and SASL say to each certificate under each verify mode
// (behaviour page "SASL EXTERNAL" §1, §2).
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import type { LookupFunction } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ClientOptions } from 'ws'
import { oid } from '../../src/x509/object-identifiers.ts'
import { makeAuthority, makeLeaf, makeSelfSigned, subjectOf, type TestCertificate, unknownExtension } from '../support/certificates.ts'
import { RawWebSocket, upgradeRequest } from '../support/raw-websocket.ts'
import { NS_SASL, WireClient } from '../support/wire-client.ts'
import { Scene } from './scene.ts'

/** One address each: they share a port. */
const listeners = {
  peer: 'verify_mode = "peer"',
  selfsigned_peer: 'verify_mode = "selfsigned_peer"',
  none: 'verify_mode = "none"',
  disconnecting: 'disconnect_on_failure = true',
  requiring: 'require_certificate = true',
  strict: 'disconnect_on_failure = true\ntls.require_certificate = true',
} as const
type ListenerName = keyof typeof listeners
const names = Object.keys(listeners) as ListenerName[]
const addressOf = (name: ListenerName) => `127.0.0.${names.indexOf(name) + 1}`

const toml = `
[general]
hosts = ["localhost"]
${names.map(name => `
[[listen.http]]
ip = "${addressOf(name)}"
port = 0
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.${listeners[name]}
${name === 'none' ? '' : 'tls.cacertfile = "certs/clients.crt"'}
`).join('')}`

const hour = 3_600_000
const authority = makeAuthority()
const alice = { commonName: 'alice', xmppAddrs: ['alice@localhost'] } as const
const past = { notBefore: Date.now() - 3 * hour, notAfter: Date.now() - hour }
const future = { notBefore: Date.now() + hour, notAfter: Date.now() + 3 * hour }
const good = makeLeaf(authority, alice)
const staleAuthority = makeAuthority({ commonName: 'Stale CA', ...past })

let scene: Scene
before(async () => {
  scene = await Scene.start({
    toml,
    prepare: async folder => {
      const own = await readFile(join(folder, 'certs', 'ca.crt'), 'utf8')
      await writeFile(join(folder, 'certs', 'clients.crt'), own + authority.certificatePem)
    },
    onlookers: { socket: at('peer') },
  })
})
after(async () => { await scene.end() })

/** The name is that of the certificate, the address the listener's. `ws` hands every option on to TLS. */
function at(name: ListenerName): ClientOptions {
  const address = addressOf(name)
  const lookup: LookupFunction = (_host, options, done) => { if (options.all === true) done(null, [{ address, family: 4 }]); else done(null, address, 4) }
  return { lookup } as ClientOptions
}

/** PEM of the leaf, what it sends along, and its key; OpenSSL's client itself would not load a weak key at its usual level. */
const tlsOf = (certificate: TestCertificate | null, chain: readonly TestCertificate[] = []) => certificate === null ? {} : {
  cert: [certificate, ...chain].map(({ certificatePem }) => certificatePem).join(''), key: certificate.privateKeyPem, ciphers: 'DEFAULT@SECLEVEL=0',
}

interface Outcome { readonly isOffered: boolean, readonly condition: string, readonly text: string }

/** Connects, looks at the features and tries EXTERNAL whether it is offered or not. */
async function attempt(name: ListenerName, tls: object): Promise<Outcome> {
  const client = await WireClient.open(scene.gateway, { listener: names.indexOf(name), socket: { ...at(name), ...tls } })
  const { features } = await client.header()
  const mechanisms = features.children.find(({ local }) => local === 'mechanisms')?.children.map(({ text }) => text) ?? []
  client.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>=</auth>`)
  const answer = await client.next()
  await client.quit()
  return {
    isOffered: mechanisms.includes('EXTERNAL'), condition: answer.local === 'success' ? 'success' : answer.children[0]?.local ?? '',
    text: answer.children.find(({ local }) => local === 'text')?.text ?? '',
  }
}

const accepted: readonly (readonly [string, TestCertificate])[] = [
  ['EC P-256', good],
  ['EC P-384', makeLeaf(authority, { ...alice, key: 'p384' })],
  ['Ed25519', makeLeaf(authority, { ...alice, key: 'ed25519' })],
  ['RSA-2048', makeLeaf(authority, { ...alice, key: 'rsa2048' })],
  ['RSA-PSS', makeLeaf(authority, { ...alice, key: 'rsa-pss' })],
  ['one without extended key usage', makeLeaf(authority, { ...alice, purposes: null })],
  ['one with an unknown extension that is not critical', makeLeaf(authority, { ...alice, moreExtensions: [unknownExtension(false)] })],
]

/** Certificate, what it sends along, the reason in the log, the condition, what the text says. */
const refused: readonly (readonly [string, TestCertificate, readonly TestCertificate[], string, string, RegExp])[] = [
  ['expired', makeLeaf(authority, { ...alice, ...past }), [], 'expired', 'credentials-expired', /expired on .* Ask for a new one/],
  ['not yet valid', makeLeaf(authority, { ...alice, ...future }), [], 'not-yet-valid', 'not-authorized', /valid only from/],
  ['of another authority', makeLeaf(makeAuthority({ commonName: 'Other CA' }), alice), [], 'untrusted', 'not-authorized', /No authority that this server trusts/],
  ['of another authority of the same name', makeLeaf(makeAuthority(), alice), [], 'untrusted', 'not-authorized', /./],
  ['of another authority, and expired', makeLeaf(makeAuthority({ commonName: 'Other CA' }), { ...alice, ...past }), [], 'untrusted', 'not-authorized', /./],
  ['of another authority that it sends along', makeLeaf(staleAuthority, alice), [staleAuthority], 'untrusted', 'not-authorized', /./],
  ['for servers only', makeLeaf(authority, { ...alice, purposes: [oid.serverAuth] }), [], 'wrong-purpose', 'not-authorized', /not meant for clients/],
  ['for servers only, and expired', makeLeaf(authority, { ...alice, ...past, purposes: [oid.serverAuth] }), [], 'wrong-purpose', 'not-authorized', /./],
  ['of RSA-1024', makeLeaf(authority, { ...alice, key: 'rsa1024' }), [], 'weak-key', 'not-authorized', /too weak .*1024 bits/],
  ['signed by another leaf', makeLeaf(good, alice), [good], 'untrusted', 'not-authorized', /not allowed to issue/],
  ['with an unknown critical extension', makeLeaf(authority, { ...alice, moreExtensions: [unknownExtension(true)] }), [], 'unknown-critical-extension',
    'not-authorized', /critical extension/],
  ['with an xmppAddr that has a resource', makeLeaf(authority, { commonName: 'alice', xmppAddrs: ['alice@localhost/home'] }), [], 'malformed-xmppaddr',
    'not-authorized', /malformed XMPP address/],
  ['with NUL in its xmppAddr', makeLeaf(authority, { xmppAddrs: ['alice@localhost\0.example.org'] }), [], 'malformed-xmppaddr', 'not-authorized', /./],
]

/** Certificate, condition of EXTERNAL: the chain is good, the name is not one of ours. */
const unmapped: readonly (readonly [string, TestCertificate])[] = [
  ['CN mallory with an OU that spells a CN', makeLeaf(authority, { subject: subjectOf([oid.commonName, 'mallory'], ['2.5.4.11', 'CN=alice,']) })],
  ['xmppAddr of another host', makeLeaf(authority, { xmppAddrs: ['alice@example.org'] })],
  ['xmppAddr in Cyrillic look-alikes of another host', makeLeaf(authority, { xmppAddrs: ['alice@lосalhost'] })],
  ['no name at all', makeLeaf(authority)],
]

const selfSigned = makeSelfSigned(alice)

for (const mode of ['peer', 'selfsigned_peer'] as const) {
  describe(`verify_mode ${mode}`, () => {
    test('no certificate: EXTERNAL is not offered, a try gets <not-authorized/> and the reason', async () => {
      const outcome = await attempt(mode, {})
      assert.deepEqual([outcome.isOffered, outcome.condition], [false, 'not-authorized'])
      assert.match(outcome.text, /No client certificate/)
      await scene.oneEvent('auth.failure')
    })
    for (const [name, certificate] of accepted) {
      test(`${name}: EXTERNAL is offered and succeeds`, async () => {
        assert.deepEqual(await attempt(mode, tlsOf(certificate)), { isOffered: true, condition: 'success', text: '' })
        await scene.nothingHappened()
      })
    }
    for (const [name, certificate, chain, reason, condition, text] of refused) {
      test(`a certificate ${name}: EXTERNAL is not offered, a try gets <${condition}/> and a text`, async () => {
        const outcome = await attempt(mode, tlsOf(certificate, chain))
        assert.deepEqual([outcome.isOffered, outcome.condition], [false, condition])
        assert.match(outcome.text, text)
        assert.equal(scene.gateway.eventsNamed('certificate.refused').at(-1)?.reason, reason)
        await scene.events(['certificate.refused', 'auth.failure'])
      })
    }
    for (const [name, certificate] of unmapped) {
      test(`${name}: <not-authorized/>`, async () => {
        assert.equal((await attempt(mode, tlsOf(certificate))).condition, 'not-authorized')
        await scene.oneEvent('auth.failure')
      })
    }
    test('two users in one certificate: <invalid-authzid/>, unless one is asked for', async () => {
      const both = makeLeaf(authority, { xmppAddrs: ['alice@localhost', 'bob@localhost'] })
      assert.equal((await attempt(mode, tlsOf(both))).condition, 'invalid-authzid')
      await scene.oneEvent('auth.failure')
    })
  })
}

describe('self-signed certificates', () => {
  const withAuthority = makeAuthority({ commonName: 'alice' })
  test('verify_mode peer refuses one', async () => {
    const { isOffered, condition, text } = await attempt('peer', tlsOf(selfSigned))
    assert.deepEqual([isOffered, condition], [false, 'not-authorized'])
    assert.match(text, /self-signed/)
    await scene.events(['certificate.refused', 'auth.failure'])
  })
  test('verify_mode selfsigned_peer accepts one', async () => {
    assert.equal((await attempt('selfsigned_peer', tlsOf(selfSigned))).condition, 'success')
    await scene.nothingHappened()
  })
  const faulty: readonly (readonly [string, TestCertificate, readonly TestCertificate[], string])[] = [
    ['that has expired', makeSelfSigned({ ...alice, ...past }), [], 'credentials-expired'],
    ['that is not yet valid', makeSelfSigned({ ...alice, ...future }), [], 'not-authorized'],
    ['for servers only', makeSelfSigned({ ...alice, purposes: [oid.serverAuth] }), [], 'not-authorized'],
    ['with an unknown critical extension', makeSelfSigned({ ...alice, moreExtensions: [unknownExtension(true)] }), [], 'not-authorized'],
    ['whose subject equals its issuer, but which another key signed', makeLeaf(withAuthority, { subject: withAuthority.name }), [], 'not-authorized'],
    ['at the top of a chain', makeLeaf(withAuthority, alice), [withAuthority], 'not-authorized'],
  ]
  for (const [name, certificate, chain, expected] of faulty) {
    test(`verify_mode selfsigned_peer refuses one ${name}: <${expected}/>`, async () => {
      const { isOffered, condition } = await attempt('selfsigned_peer', tlsOf(certificate, chain))
      assert.deepEqual([isOffered, condition], [false, expected])
      await scene.events(['certificate.refused', 'auth.failure'])
    })
  }
})

describe('verify_mode none', () => {
  for (const [name, certificate] of [['none', null], ['a good one', good], ['a self-signed one', selfSigned]] as const) {
    test(`certificate: ${name}. EXTERNAL is never offered, and no certificate is seen`, async () => {
      const { isOffered, condition, text } = await attempt('none', tlsOf(certificate))
      assert.deepEqual([isOffered, condition], [false, 'not-authorized'])
      assert.match(text, /No client certificate/)
      await scene.oneEvent('auth.failure')
    })
  }
})

describe('disconnect_on_failure and require_certificate', () => {
  const bad = refused[0]![1]
  const table: readonly (readonly [ListenerName, string, TestCertificate | null, 'success' | 'kept' | 'certificate.refused' | 'certificate.missing'])[] = [
    ['disconnecting', 'a good one', good, 'success'], ['disconnecting', 'none, which is no failure', null, 'kept'],
    ['disconnecting', 'an expired one', bad, 'certificate.refused'], ['disconnecting', 'a self-signed one', selfSigned, 'certificate.refused'],
    ['requiring', 'a good one', good, 'success'], ['requiring', 'none', null, 'certificate.missing'], ['requiring', 'an expired one', bad, 'kept'],
    ['strict', 'a good one', good, 'success'], ['strict', 'none', null, 'certificate.missing'], ['strict', 'an expired one', bad, 'certificate.refused'],
  ]
  for (const [listener, name, certificate, expected] of table) {
    test(`${listeners[listener].replace('\ntls.', ', ')}: ${name}: ${expected}`, async () => {
      if (expected === 'success' || expected === 'kept') {
        const { condition } = await attempt(listener, tlsOf(certificate))
        assert.equal(condition === 'success', expected === 'success')
        await scene.events(expected === 'success' ? [] : certificate === null ? ['auth.failure'] : ['certificate.refused', 'auth.failure'])
        return
      }
      await assert.rejects(attempt(listener, tlsOf(certificate)))
      assert.equal((await scene.oneEvent(expected)).disconnected, true)
    })
  }
  test('a connection that ends for its certificate gets no byte of HTTP', async () => {
    const raw = await RawWebSocket.connect(scene.gateway, { tls: { host: addressOf('strict'), ...tlsOf(bad) } })
    raw.write(upgradeRequest(scene.gateway, { path: '/healthz' }))
    await raw.ended
    assert.equal(raw.unread, 0)
    await scene.oneEvent('certificate.refused')
  })
})

describe('TLS sessions (external.md §1)', () => {
  const versions = ['TLSv1.2', 'TLSv1.3'] as const

  /** One request, so that whatever the server sends after the handshake has come. Returns what a client can save. */
  async function visit(listener: ListenerName, tls: object): Promise<{ readonly saved: readonly Buffer[], readonly isReused: boolean, readonly page: string }> {
    const raw = await RawWebSocket.connect(scene.gateway, { tls: { host: addressOf(listener), ...tls } })
    const saved: Buffer[] = []
    raw.socket.on('session', session => { saved.push(session) })
    raw.write(upgradeRequest(scene.gateway, { path: '/', headers: { Accept: 'text/html' } }))
    const { body } = await raw.response()
    const isReused = raw.socket.isSessionReused()
    const session = raw.socket.getSession()
    if (saved.length === 0 && session !== undefined) saved.push(session)
    raw.destroy()
    return { saved, isReused, page: body }
  }

  for (const version of versions) {
    const only = { minVersion: version, maxVersion: version }

    test(`${version}: nothing that a listener that asks for certificates hands out resumes a session`, async () => {
      for (const listener of ['peer', 'selfsigned_peer', 'disconnecting'] as const) {
        for (const certificate of [null, good]) {
          const { saved } = await visit(listener, { ...only, ...tlsOf(certificate) })
          for (const session of saved) assert.equal((await visit(listener, { ...only, ...tlsOf(certificate), session })).isReused, false)
        }
      }
      await scene.nothingHappened()
    })

    test(`${version}: a session made without a certificate, then resumed with or without one, gives nobody's identity away`, async () => {
      const { saved } = await visit('peer', only)
      for (const session of saved) {
        assert.deepEqual(await attempt('peer', { ...only, session }), await attempt('peer', only))
        assert.equal((await attempt('peer', { ...only, session, ...tlsOf(refused[0]![1]) })).condition, 'credentials-expired')
        assert.equal((await attempt('peer', { ...only, session, ...tlsOf(good) })).condition, 'success')
      }
      scene.forget()
    })

    test(`${version}: a session made with a certificate, then resumed without it, is nobody's`, async () => {
      const { saved } = await visit('peer', { ...only, ...tlsOf(good) })
      for (const session of saved) assert.deepEqual((await attempt('peer', { ...only, session })).condition, 'not-authorized')
      scene.forget()
    })

    test(`${version}: a session of a listener that asks for no certificate is not resumed on one that does`, async () => {
      const { saved } = await visit('none', only)
      for (const session of saved) assert.equal((await visit('peer', { ...only, session })).isReused, false)
      await scene.nothingHappened()
    })
  }

  test('the control: a listener that asks for no certificate does resume sessions, so that the tests above could fail', async () => {
    const { saved } = await visit('none', { maxVersion: 'TLSv1.3' })
    assert.ok(saved.length > 0)
    assert.equal((await visit('none', { maxVersion: 'TLSv1.3', session: saved.at(-1) })).isReused, true)
    await scene.nothingHappened()
  })

  test('TLS 1.2 cannot be renegotiated into another identity: the server refuses, and the connection ends', async () => {
    const raw = await RawWebSocket.connect(scene.gateway, { tls: { maxVersion: 'TLSv1.2' } })
    const refusal = new Promise(resolve => { raw.socket.renegotiate({ rejectUnauthorized: false }, error => { resolve(error) }); raw.socket.once('close', resolve); raw.socket.once('error', resolve) })
    assert.notEqual(await refusal, null)
    await scene.undisturbed()
    raw.destroy()
    scene.forget()
  })
})
