// The development authority: what it issues, its folder, and its PKCS #12 files, judged by openssl and NSS themselves.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { IssueError } from '../../src/x509/authority.ts'
import { readCertificate } from '../../src/x509/certificate.ts'
import { trustIn } from '../support/certificates.ts'
import { requireProgram } from '../support/services.ts'
import { createAuthority, issueClient, issueServer } from '../../src/x509/development-ca.ts'
import type { IssuedCertificate } from '../../src/x509/development-ca.ts'
import { ensureDevelopmentCertificates, issueToFolder } from '../../src/x509/development-folder.ts'
import { oid } from '../../src/x509/object-identifiers.ts'
import { pkcs12 } from '../../src/x509/pkcs12.ts'

const run = promisify(execFile)
const noOpenssl = requireProgram('openssl')
const noNss = requireProgram('pk12util', 'certutil')

const now = Date.now()
const day = 86_400_000
const nodeOf = ({ certificatePem }: IssuedCertificate) => new X509Certificate(certificatePem)
const read = (issued: IssuedCertificate) => readCertificate(nodeOf(issued).raw)

let folder = ''
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'meerkat-x509-')) })
const folders: string[] = []
beforeEach(() => { folders.push(folder) })
after(() => Promise.all(folders.map(path => rm(path, { recursive: true }))))

let ca: IssuedCertificate
let alice: IssuedCertificate
before(async () => {
  ca = await createAuthority({ commonName: 'Test CA', days: 30, now })
  alice = await issueClient({ ca, xmppAddrs: ['alice@localhost'], commonName: 'alice@localhost', days: 10, now })
})

describe('issued certificates', () => {
  test('an authority is for issuing leaves, and nothing else', () => {
    const { isAuthority, keyUsage, isSelfIssued, serialNumber } = read(ca)
    assert.deepEqual({ isAuthority, keyUsage, isSelfIssued }, { isAuthority: true, keyUsage: ['keyCertSign', 'cRLSign'], isSelfIssued: true })
    assert.ok(nodeOf(ca).verify(nodeOf(ca).publicKey))
    assert.ok(serialNumber.length > 24 && !serialNumber.startsWith('8'))
  })
  test('a server certificate names localhost and both loopback addresses, and its file holds the chain', async () => {
    const server = await issueServer({ ca, dnsNames: ['localhost'], ipAddresses: ['127.0.0.1', '::1'], days: 10, now })
    assert.equal(nodeOf(server).subjectAltName, 'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1')
    assert.deepEqual(read(server).extendedKeyUsages, [oid.serverAuth])
    assert.ok(server.certificatePem.endsWith(ca.certificatePem))
    assert.ok(nodeOf(server).checkPrivateKey(createPrivateKey(server.privateKeyPem)))
  })
  test('IPv6 addresses of every form are written as sixteen octets', async () => {
    const server = await issueServer({ ca, dnsNames: [], ipAddresses: ['::ffff:192.0.2.1', '2001:db8::8:800:200c:417a',
      '1:2:3:4:5:6:7:8', 'fe80::'], days: 1, now })
    assert.equal(nodeOf(server).subjectAltName,
      'IP Address:0:0:0:0:0:FFFF:C000:201, IP Address:2001:DB8:0:0:8:800:200C:417A, IP Address:1:2:3:4:5:6:7:8, IP Address:FE80:0:0:0:0:0:0:0')
  })
  test('a client certificate holds prepared xmppAddrs, each once', async () => {
    const certificate = read(await issueClient({ ca, xmppAddrs: ['Alice@LOCALHOST', 'alice@localhost', 'al@example.org'],
      commonName: null, days: 10, now }))
    assert.deepEqual(certificate.xmppAddrs, ['alice@localhost', 'al@example.org'])
    assert.deepEqual([certificate.commonNames, certificate.subject], [[], ''])
    assert.deepEqual([certificate.extendedKeyUsages, certificate.keyUsage], [[oid.clientAuth], ['digitalSignature']])
  })
  test('RSA keys have 3072 bits', async () => {
    const certificate = read(await issueClient({ ca, xmppAddrs: ['alice@localhost'], commonName: null, days: 1, key: 'rsa', now }))
    assert.deepEqual([certificate.keyKind, certificate.keyBits], ['rsa', 3072])
  })
  test('a leaf never outlives its authority', async () => {
    assert.equal(read(await issueClient({ ca, xmppAddrs: ['alice@localhost'], commonName: null, days: 300, now })).notAfter, read(ca).notAfter)
    assert.equal(read(alice).notAfter, Math.floor((now + 10 * day) / 1000) * 1000)
  })
  test('what the gateway would refuse is not issued', async () => {
    const refused = [{ xmppAddrs: ['alice@localhost/phone'] }, { xmppAddrs: ['localhost'] }, { xmppAddrs: ['a@@b'] }, { xmppAddrs: [] },
      { commonName: 'a\0b' },
      { commonName: '' }, { days: 0 }, { days: Number.NaN }, { ca: { ...ca, privateKeyPem: alice.privateKeyPem } }, { ca: alice },
        { now: now + 31 * day },
      { ca: { certificatePem: '', privateKeyPem: '' } }]
    for (const part of refused) {
      await assert.rejects(issueClient({ ca, xmppAddrs: ['alice@localhost'], commonName: null, days: 1, now, ...part }), IssueError,
        JSON.stringify(part).slice(0, 80))
    }
  })
  test('openssl verifies them to the letter (-x509_strict)', { skip: noOpenssl }, async () => {
    const server = await issueServer({ ca, dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], days: 10, now })
    const nameless = await issueClient({ ca, xmppAddrs: ['alice@localhost'], commonName: null, days: 10, key: 'rsa', now })
    await writeFile(join(folder, 'ca.crt'), ca.certificatePem)
    for (const [issued, purpose] of [[alice, 'sslclient'], [nameless, 'sslclient'], [server, 'sslserver']] as const) {
      await writeFile(join(folder, 'leaf.crt'), issued.certificatePem)
      const { stdout } = await run('openssl', ['verify', '-x509_strict', '-purpose', purpose, '-CAfile', join(folder, 'ca.crt'),
        join(folder, 'leaf.crt')])
      assert.match(stdout, /: OK\n$/)
    }
    const { stdout } = await run('openssl', ['x509', '-in', join(folder, 'ca.crt'), '-noout', '-text'])
    assert.match(stdout, /Basic Constraints: critical\s+CA:TRUE, pathlen:0/)
    assert.match(stdout, /Key Usage: critical\s+Certificate Sign, CRL Sign/)
  })
  test('an RSA authority made with openssl issues too, under the name and key identifier that it has', { skip: noOpenssl }, async () => {
    const path = (name: string) => join(folder, name)
    await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', path('ca.key'), '-out', path('ca.crt'), '-days', '5',
      '-subj', '/C=DE/O=Zoë/CN=Old CA', '-utf8', '-addext', 'keyUsage=critical,keyCertSign'])
    const old = { certificatePem: await readFile(path('ca.crt'), 'utf8'), privateKeyPem: await readFile(path('ca.key'), 'utf8') }
    await writeFile(path('leaf.crt'), (await issueClient({ ca: old, xmppAddrs: ['alice@localhost'], commonName: null, days: 1,
      now })).certificatePem)
    const { stdout } = await run('openssl', ['verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', path('ca.crt'), path('leaf.crt')])
    assert.match(stdout, /: OK\n$/)
  })
})

test('a version 1 certificate with nothing but a common name, as `openssl x509 -req` makes it, is good input', { skip: noOpenssl },
  async () => {
  const path = (name: string) => join(folder, name)
  await writeFile(path('ca.crt'), ca.certificatePem)
  await writeFile(path('ca.key'), ca.privateKeyPem)
  await run('openssl', ['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', path('alice.key'), '-out', path('alice.csr'),
    '-subj', '/O=Example/CN=alice'])
  await run('openssl', ['x509', '-req', '-in', path('alice.csr'), '-CA', path('ca.crt'), '-CAkey', path('ca.key'), '-CAcreateserial',
    '-out', path('alice.crt'), '-days', '5'])
  const { stdout } = await run('openssl', ['x509', '-in', path('alice.crt'), '-noout', '-text'])
  const leaf = new X509Certificate(await readFile(path('alice.crt'))).raw
  assert.match(stdout, /Version: [13] /) // which one depends on the release of openssl
  const verdict = trustIn([{ der: new X509Certificate(ca.certificatePem).raw }])
    .judgeConnection({ chain: [leaf], authorized: true, authorizationError: null }, now + 60_000)
  assert.ok(verdict.kind === 'accepted')
  assert.deepEqual([verdict.certificate.commonNames, verdict.certificate.xmppAddrs], [['alice'], []])
})

describe('PKCS #12', () => {
  const write = async (password: string) => {
    const path = join(folder, 'alice.p12')
    await writeFile(path, pkcs12({ certificate: alice.certificatePem, privateKey: alice.privateKeyPem, chain: [ca.certificatePem],
      password, friendlyName: 'alice@localhost' }))
    return path
  }
  test('openssl 3 opens it without -legacy: key, certificate and authority, tied together', { skip: noOpenssl }, async () => {
    for (const password of ['meerkat', 'pässwörd ☃ 🐾']) {
      const { stdout } = await run('openssl', ['pkcs12', '-in', await write(password), '-passin', `pass:${password}`, '-nodes'])
      assert.equal([...stdout.matchAll(/friendlyName: alice@localhost/g)].length, 2)
      assert.equal(new Set([...stdout.matchAll(/localKeyID: (.*)/g)].map(([, id]) => id)).size, 1)
      const blocks = stdout.match(/-----BEGIN [^]*?-----END .*-----/g) ?? []
      const certificates = blocks.filter(block => block.includes('CERTIFICATE')).map(block => new X509Certificate(block).fingerprint256)
      assert.deepEqual(certificates, [nodeOf(alice).fingerprint256, nodeOf(ca).fingerprint256])
      assert.ok(nodeOf(alice).checkPrivateKey(createPrivateKey(blocks.find(block => block.includes('PRIVATE KEY')) ?? '')))
    }
  })
  test('openssl refuses it with another password', { skip: noOpenssl }, async () => {
    await assert.rejects(run('openssl', ['pkcs12', '-in', await write('meerkat'), '-passin', 'pass:other', '-nodes']), /Mac verify error/)
  })
  test('NSS (Firefox, Chromium) imports it with pk12util, and finds a user certificate', { skip: noNss }, async () => {
    const database = `sql:${folder}`
    await run('certutil', ['-N', '-d', database, '--empty-password'])
    await run('pk12util', ['-i', await write('meerkat'), '-d', database, '-W', 'meerkat', '-K', ''])
    const { stdout } = await run('certutil', ['-L', '-d', database])
    assert.match(stdout, /^alice@localhost\s+u,u,u$/m)
    const { stdout: keys } = await run('certutil', ['-K', '-d', database])
    assert.match(keys, /ec.*alice@localhost/)
  })
  test('Node opens it as a TLS key store', async () => {
    const { createSecureContext } = await import('node:tls')
    createSecureContext({ pfx: await readFile(await write('meerkat')), passphrase: 'meerkat' })
  })
  test('an empty password is refused', () => {
    assert.throws(() => pkcs12({ certificate: alice.certificatePem, privateKey: alice.privateKeyPem, chain: [], password: '',
      friendlyName: '' }), TypeError)
  })
})

describe('the development folder', () => {
  const all = ['alice.crt', 'alice.key', 'alice.p12', 'bob.crt', 'bob.key', 'bob.p12', 'ca.crt', 'ca.key', 'server.crt', 'server.key']
  const contents = async () => {
    const names = (await readdir(folder)).toSorted()
    return Promise.all(names.map(async name => [name, await readFile(join(folder, name), 'hex')]))
  }
  const pairOf = async (name: string): Promise<IssuedCertificate> =>
    ({ certificatePem: await readFile(join(folder, `${name}.crt`), 'utf8'), privateKeyPem: await readFile(join(folder, `${name}.key`),
      'utf8') })
  const assertWhole = async () => {
    const authority = await pairOf('ca')
    for (const name of ['ca', 'server', 'alice', 'bob']) {
      const pair = await pairOf(name)
      assert.ok(nodeOf(pair).checkPrivateKey(createPrivateKey(pair.privateKeyPem)), `${name}.key belongs to ${name}.crt`)
      assert.ok(nodeOf(pair).verify(nodeOf(authority).publicKey), `${name}.crt was issued by ca.crt`)
    }
  }
  test('is made whole at the first start, private keys and .p12 for the owner only, and nothing else is left in it', async () => {
    const inner = join(folder, 'a', 'certs')
    assert.deepEqual((await ensureDevelopmentCertificates({ folder: inner, now })).made.toSorted(), all)
    folder = inner
    assert.deepEqual((await readdir(folder)).toSorted(), all)
    for (const name of all) assert.equal(((await stat(join(folder, name))).mode & 0o777) & ~0o044, 0o600, name)
    for (const name of all) if (!name.endsWith('.crt')) assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name)
    await assertWhole()
    assert.deepEqual(read(await pairOf('alice')).xmppAddrs, ['alice@localhost'])
    assert.equal(read(await pairOf('ca')).notAfter - read(await pairOf('ca')).notBefore > 3649 * day, true)
    assert.equal(read(await pairOf('server')).notAfter - read(await pairOf('server')).notBefore < 398 * day, true)
  })
  test('is left as it is by the next start', async () => {
    await ensureDevelopmentCertificates({ folder, now })
    const first = await contents()
    assert.deepEqual(await ensureDevelopmentCertificates({ folder, now: now + day }), { made: [], notMade: null })
    assert.deepEqual(await contents(), first)
  })
  test('is whole after concurrent starts: no key that does not belong to its certificate', async () => {
    const results = await Promise.all(Array.from({ length: 6 }, () => ensureDevelopmentCertificates({ folder, now })))
    assert.deepEqual(results.flatMap(({ made }) => made).toSorted(), all)
    assert.deepEqual((await readdir(folder)).toSorted(), all)
    await assertWhole()
  })
  test('is mended after a start that was stopped half-way', async () => {
    await ensureDevelopmentCertificates({ folder, now })
    const kept = await readFile(join(folder, 'ca.key'), 'utf8')
    for (const name of ['ca.crt', 'server.crt', 'alice.crt', 'bob.crt', 'bob.key', 'alice.p12']) await unlink(join(folder, name))
    assert.deepEqual((await ensureDevelopmentCertificates({ folder, now })).made.toSorted(), ['alice.crt', 'alice.p12', 'bob.crt',
      'bob.key', 'ca.crt', 'server.crt'])
    assert.equal(await readFile(join(folder, 'ca.key'), 'utf8'), kept)
    await assertWhole()
  })
  test('with an authority that cannot issue is left alone, and says why', async () => {
    await writeFile(join(folder, 'ca.crt'), ca.certificatePem)
    const { made, notMade } = await ensureDevelopmentCertificates({ folder, now })
    assert.deepEqual(made, [])
    assert.match(notMade ?? '', /ca\.crt is there without ca\.key/)
    assert.deepEqual(await readdir(folder), ['ca.crt'])
  })
  test('with a certificate whose key is elsewhere is completed around it', async () => {
    await writeFile(join(folder, 'alice.crt'), alice.certificatePem)
    const { made } = await ensureDevelopmentCertificates({ folder, now })
    assert.deepEqual(made.toSorted(), all.filter(name => !name.startsWith('alice')))
    assert.equal(await readFile(join(folder, 'alice.crt'), 'utf8'), alice.certificatePem)
  })
})

describe('issuing into the folder', () => {
  test('makes NAME.crt and NAME.key, and NAME.p12 when asked for', async () => {
    assert.deepEqual(await issueToFolder({ folder, now, xmppAddrs: ['carol@localhost', 'carol@example.org'], p12Password: 'meerkat' }),
      { made: ['ca.key', 'ca.crt', 'carol.key', 'carol.crt', 'carol.p12'], fileName: 'carol' })
    const carol = readCertificate(new X509Certificate(await readFile(join(folder, 'carol.crt'))).raw)
    assert.deepEqual([carol.xmppAddrs, carol.commonNames], [['carol@localhost', 'carol@example.org'], ['carol@localhost']])
    assert.equal((await stat(join(folder, 'carol.p12'))).mode & 0o777, 0o600)
    const second = await issueToFolder({ folder, now, xmppAddrs: [], commonName: 'Dave Doe', days: 3, key: 'ec' })
    assert.deepEqual(second, { made: ['Dave_Doe.key', 'Dave_Doe.crt'], fileName: 'Dave_Doe' })
  })
  test('overwrites nothing and says so, and a name cannot lead out of the folder', async () => {
    await issueToFolder({ folder, now, xmppAddrs: ['carol@localhost'] })
    const before = await readdir(folder)
    for (const [part, message] of [[{ xmppAddrs: ['carol@example.org'] }, /carol\.key is already there/],
      [{ xmppAddrs: ['server@localhost'] }, /kept for/],
      [{ xmppAddrs: [] }, /for whom/], [{ xmppAddrs: ['eve@localhost'], fileName: '../eve' }, /cannot be the name of a file/],
      [{ xmppAddrs: ['eve@localhost'], fileName: '.eve' }, /cannot be/], [{ xmppAddrs: ['eve'] }, /not the address of a user/],
      [{ xmppAddrs: ['eve@localhost'], p12Password: '' }, /password/]] as const) {
      await assert.rejects(issueToFolder({ folder, now, ...part }),
        (error: unknown) => error instanceof IssueError && message.test(error.message))
    }
    assert.deepEqual(await readdir(folder), before)
  })
  test('two at the same time: one is made, the other refused, and the files belong together', async () => {
    await ensureDevelopmentCertificates({ folder, now })
    const results = await Promise.allSettled([1, 2, 3].map(() => issueToFolder({ folder, now, xmppAddrs: ['carol@localhost'] })))
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    assert.ok(new X509Certificate(await readFile(join(folder, 'carol.crt'))).checkPrivateKey(createPrivateKey(await readFile(join(folder, 'carol.key')))))
    assert.deepEqual((await readdir(folder)).filter(name => name.includes('tmp')), [])
  })
})
