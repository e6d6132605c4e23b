import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { createSecureContext } from 'node:tls'

import { checkFiles } from '../../src/config/check-files.ts'
import type { FileCheck } from '../../src/config/check-files.ts'
import { formatMistake } from '../../src/config/config-error.ts'
import type { Mistake } from '../../src/config/config-error.ts'
import { loadConfig } from '../../src/config/load.ts'

// The certificates are made once, by openssl itself, and copied into a folder for every test.
const store = mkdtempSync(join(tmpdir(), 'meerkat-files-'))
after(() => { rmSync(store, { recursive: true }) })
const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: store, stdio: ['ignore', 'pipe', 'ignore'] })
const password = 'correct-horse'

function authority(name: string, days = 30): void {
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.crt`,
    '-subj', `/CN=${name}`, '-days', String(days), '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign')
}

function leaf(name: string, issuer: string, extensions: string, key: readonly string[] = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']): void {
  writeFileSync(join(store, `${name}.ext`), extensions)
  openssl('req', ...key, '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
  openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${issuer}.crt`, '-CAkey', `${issuer}.key`, '-out', `${name}.crt`, '-days', '60', '-extfile', `${name}.ext`)
}

authority('ca', 3650)
authority('brief')
leaf('server', 'ca', 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n')
leaf('other', 'ca', 'subjectAltName=DNS:other.example\nextendedKeyUsage=clientAuth\n')
leaf('localhost', 'ca', 'extendedKeyUsage=serverAuth\n')
leaf('weak', 'ca', 'subjectAltName=DNS:localhost\n', ['-newkey', 'rsa:1024'])
openssl('pkey', '-in', 'server.key', '-aes256', '-passout', `pass:${password}`, '-out', 'locked.key')
openssl('ec', '-in', 'server.key', '-aes256', '-passout', `pass:${password}`, '-out', 'old.key')
openssl('x509', '-in', 'ca.crt', '-outform', 'der', '-out', 'ca.der')
openssl('ecparam', '-name', 'prime256v1', '-out', 'parameters.pem')

const day = 86_400_000
/** A minute after everything above was made. */
const now = Date.now() + 60_000
const content = (name: string) => readFileSync(join(store, name), 'utf8')

interface Setup {
  readonly files?: Readonly<Record<string, string>>
  readonly tls?: string
  readonly more?: string
  readonly at?: number
  readonly prepare?: (folder: string) => void
}

/** Checks a configuration with good files, but for what the test puts in their place. */
async function check({ files = {}, tls = '', more = '', at = now, prepare = () => {} }: Setup): Promise<FileCheck> {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-check-'))
  try {
    for (const name of ['server.crt', 'server.key', 'ca.crt']) copyFileSync(join(store, name), join(folder, name))
    for (const name of ['server.key']) chmodSync(join(folder, name), 0o600)
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 })
    const keys = { certfile: '"server.crt"', keyfile: '"server.key"', cacertfile: '"ca.crt"' }
    const listener = Object.entries(keys).filter(([key]) => !tls.includes(`tls.${key} `)).map(([key, value]) => `tls.${key} = ${value}\n`).join('')
    const file = join(folder, 'meerkat.toml')
    writeFileSync(file, `[[listen.http]]\n${listener}${tls}\n${more}`)
    prepare(folder)
    return await checkFiles(await loadConfig(file, { certsFolder: folder }), at)
  } finally {
    if (process.getuid?.() === 0) process.seteuid?.(0)
    rmSync(folder, { recursive: true })
  }
}

async function mistakeOf(setup: Setup): Promise<Mistake> {
  const { mistakes, tls } = await check(setup)
  assert.equal(mistakes.length, 1, mistakes.map(formatMistake).join('\n') || 'no mistake')
  assert.deepEqual(tls, [null], 'no material leaves a check that failed')
  assert.match(mistakes[0]!.file ?? '', /meerkat\.toml$/)
  return mistakes[0]!
}

async function warningOf(setup: Setup): Promise<{ path: string, text: string }> {
  const { mistakes, warnings } = await check(setup)
  assert.deepEqual(mistakes, [])
  assert.equal(warnings.length, 1, JSON.stringify(warnings))
  return warnings[0]!
}

describe('good files', () => {
  test('give the material for TLS, from the very bytes that were checked, and no warning', async () => {
    const { mistakes, warnings, tls: [material] } = await check({})
    assert.deepEqual([mistakes, warnings], [[], []])
    const server = material?.server
    assert.deepEqual({ ...server, certChainPem: '', keyPem: '', caPem: '' },
      { certChainPem: '', keyPem: '', caPem: '', passphrase: null, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', ciphers: null })
    assert.equal(server?.certChainPem.trim(), content('server.crt').trim())
    assert.equal(server?.caPem?.trim(), content('ca.crt').trim())
    createSecureContext({ cert: server.certChainPem, key: server.keyPem, ca: server.caPem })
    assert.deepEqual([material?.trust?.anchors.map(({ certificate }) => certificate.subject), material?.trust?.revocation], [['CN=ca'], null])
  })

  test('may hold a chain, text between the blocks, and curve parameters before the key', async () => {
    const { mistakes, warnings, tls: [material] } = await check({ files: {
      'server.crt': `subject=/CN=server\n-----\n${content('server.crt')}\r\n\r\n${content('ca.crt').replaceAll('\n', '\r\n')}`,
      'server.key': `${content('parameters.pem')}${content('server.key')}`,
    } })
    assert.deepEqual([mistakes, warnings], [[], []])
    assert.equal(material?.server?.certChainPem.match(/BEGIN CERTIFICATE/g)?.length, 2)
  })

  test('may hold several CAs', async () => {
    const { tls: [material] } = await check({ files: { 'ca.crt': `${content('ca.crt')}${content('brief.crt')}` } })
    assert.equal(material?.server?.caPem?.match(/BEGIN CERTIFICATE/g)?.length, 2)
  })

  test('of two listeners with the same TLS are checked once, and serve both', async () => {
    const { mistakes, tls } = await check({ more: '[[listen.http]]\nip = "::1"\ntls = { certfile = "server.crt", keyfile = "server.key", cacertfile = "ca.crt" }\n[[listen.http]]\nport = 80' })
    assert.deepEqual(mistakes, [])
    assert.equal(tls.length, 3)
    assert.equal(tls[0], tls[1])
    assert.equal(tls[2], null)
    const broken = await check({ files: { 'server.key': '' }, more: '[[listen.http]]\nip = "::1"\ntls = { certfile = "server.crt", keyfile = "server.key", cacertfile = "ca.crt" }' })
    assert.equal(broken.mistakes.length, 1)
    assert.deepEqual(broken.tls, [null, null])
  })

  test('versions and ciphers become those of node:tls', async () => {
    const { tls: [material] } = await check({ tls: 'tls.versions = ["tlsv1.3"]\ntls.ciphers = "ECDHE+AESGCM"' })
    assert.deepEqual([material?.server?.minVersion, material?.server?.maxVersion, material?.server?.ciphers], ['TLSv1.3', 'TLSv1.3', 'ECDHE+AESGCM'])
    const { tls: [older] } = await check({ tls: 'tls.versions = ["tlsv1.2"]' })
    assert.deepEqual([older?.server?.minVersion, older?.server?.maxVersion], ['TLSv1.2', 'TLSv1.2'])
  })

  test('with verify_mode none there are no CAs, even where a file is named', async () => {
    const { tls: [material] } = await check({ tls: 'tls.verify_mode = "none"' })
    assert.deepEqual([material?.server?.caPem, material?.trust], [null, null])
  })
})

describe('files that cannot be read', () => {
  test('a missing file is named, in words', async () => {
    for (const key of ['certfile', 'keyfile', 'cacertfile', 'password_file']) {
      const { path, found } = await mistakeOf({ tls: `tls.${key} = "gone.pem"` })
      assert.equal(path, `listen.http[0].tls.${key}`)
      assert.match(found, /^"\/.*\/gone\.pem": there is no such file$/)
    }
  })

  test('a folder, a pipe and an endless device are no files', async () => {
    assert.match((await mistakeOf({ tls: 'tls.cacertfile = "."' })).found, /it is a folder/)
    assert.match((await mistakeOf({ tls: 'tls.cacertfile = "pipe"', prepare: folder => execFileSync('mkfifo', [join(folder, 'pipe')]) })).found, /not a regular file/)
    assert.match((await mistakeOf({ tls: 'tls.cacertfile = "/dev/zero"' })).found, /not a regular file/)
    assert.match((await mistakeOf({ files: { 'ca.crt': 'x'.repeat(5_000_000) } })).found, /larger than/)
  })

  test('a file that this user may not read says so, and not that it is missing', async () => {
    // Root may read everything: become somebody else for a moment.
    const mistake = await mistakeOf({ prepare: folder => {
      chmodSync(join(folder, 'server.key'), 0o000)
      for (const name of ['server.crt', 'ca.crt', 'meerkat.toml']) chmodSync(join(folder, name), 0o644)
      chmodSync(folder, 0o755)
      if (process.getuid?.() === 0) process.seteuid?.(65534)
    } })
    assert.match(mistake.found, /server\.key": this user may not read the file/)
  })

  test('a mapping module that is not there', async () => {
    const { mistakes } = await check({ more: '[auth]\nsasl_external = ["standard", { module = "mapping.ts" }]' })
    assert.deepEqual(mistakes.map(({ path }) => path), ['auth.sasl_external[1].module'])
    assert.match(mistakes[0]!.found, /mapping\.ts": there is no such file/)
    assert.deepEqual((await check({ files: { 'mapping.ts': '' }, more: '[auth]\nsasl_external = [{ module = "mapping.ts" }]' })).mistakes, [])
  })
})

describe('the CA file (external.md §1)', () => {
  const ca = async (text: string) => {
    const mistake = await mistakeOf({ files: { 'ca.crt': text } })
    assert.equal(mistake.path, 'listen.http[0].tls.cacertfile')
    return mistake
  }

  test('that holds no certificate stops start-up', async () => {
    assert.match((await ca('')).found, /no certificate/)
    assert.match((await ca('hello\n')).found, /no certificate/)
    assert.match((await ca(content('parameters.pem'))).found, /no certificate, but a block EC PARAMETERS/)
  })

  test('with a broken block stops start-up, even behind a good one', async () => {
    const good = content('ca.crt')
    const lines = good.trim().split('\n')
    const broken = [
      lines.slice(0, -1).join('\n'), lines.slice(1).join('\n'), `${good}-----BEGIN CERTIFICATE-----\n${lines[1]}\n`, `${good}-----END CERTIFICATE-----\n`,
      `${good}${good.replace('-----BEGIN', '----BEGIN')}`, `${good}${good.replace('-----END CERT', '-----END CERTS')}`, `${good}${lines[0]}\n!!!\n${lines.at(-1)}\n`,
      `${good}${lines[0]}\n${lines.at(-1)}\n`, `${good}${lines[0]}\n${good}`, `\u00ef\u00bb\u00bf${good}`,
    ]
    for (const text of broken) assert.match((await ca(text)).found, /a broken PEM block \(line \d+: /, text.slice(0, 60))
  })

  test('with a block that is base64 but no certificate stops start-up', async () => {
    assert.match((await ca(`${content('ca.crt')}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`)).found, /certificate 2 of 2 cannot be parsed/)
  })

  test('with a private key in it stops start-up', async () => {
    const { found, remedy } = await ca(`${content('ca.crt')}${content('ca.key')}`)
    assert.match(found, /holds a private key/)
    assert.match(remedy ?? '', /whoever reads it can make certificates for anybody/)
  })

  test('in DER is recognised, and the remedy converts it', async () => {
    const { found, remedy } = await mistakeOf({ prepare: folder => { copyFileSync(join(store, 'ca.der'), join(folder, 'ca.crt')) } })
    assert.match(found, /looks like DER/)
    assert.match(remedy ?? '', /openssl x509 -inform der/)
  })

  test('whose only CA has expired stops start-up; one of several is a warning', async () => {
    const at = now + 31 * day
    const { found } = await mistakeOf({ files: { 'ca.crt': content('brief.crt') }, at })
    assert.match(found, /the CA "CN=brief" expired on 20/)
    const { path, text } = await warningOf({ files: { 'ca.crt': `${content('ca.crt')}${content('brief.crt')}` }, at })
    assert.equal(path, 'listen.http[0].tls.cacertfile')
    assert.match(text, /the CA "CN=brief" expired on .*: the certificates it issued are refused/)
  })

  test('with a certificate that is no CA is a warning: it vouches for itself only', async () => {
    assert.match((await warningOf({ files: { 'ca.crt': `${content('ca.crt')}${content('other.crt')}` } })).text, /"CN=other" is not marked as a CA/)
  })
})

describe('the server certificate', () => {
  test('and a key that does not match it', async () => {
    const { path, found } = await mistakeOf({ files: { 'server.key': content('other.key') } })
    assert.equal(path, 'listen.http[0].tls.keyfile')
    assert.match(found, /does not belong to the certificate "CN=server"/)
  })

  test('comes first in its file', async () => {
    const { path, found } = await mistakeOf({ files: { 'server.crt': `${content('ca.crt')}${content('server.crt')}` } })
    assert.equal(path, 'listen.http[0].tls.certfile')
    assert.match(found, /the server certificate is number 2 in the file/)
  })

  test('that has expired, or is not valid yet, stops start-up', async () => {
    assert.match((await mistakeOf({ at: now + 61 * day })).found, /the server certificate expired on 20\d\d-\d\d-\d\dT/)
    assert.match((await check({ at: now - 2 * day })).mistakes.map(({ found }) => found).join('\n'), /the server certificate is not yet valid before 20/)
  })

  test('that expires within two weeks is a warning', async () => {
    assert.match((await warningOf({ at: now + 50 * day })).text, /expires soon, on 20/)
  })

  test('for none of the hosts is a warning, for one of them is not', async () => {
    const { path, text } = await warningOf({ more: '[general]\nhosts = ["a.example", "b.example"]' })
    assert.equal(path, 'listen.http[0].tls.certfile')
    assert.match(text, /not for "a\.example" or "b\.example"/)
    assert.deepEqual((await check({ more: '[general]\nhosts = ["a.example", "localhost"]' })).warnings, [])
  })

  test('that names the host only as its common name is a warning: browsers do not look there', async () => {
    const files = { 'server.crt': content('localhost.crt'), 'server.key': content('localhost.key') }
    assert.match((await warningOf({ files })).text, /not for "localhost"/)
  })

  test('that is not for servers is a warning', async () => {
    const { warnings } = await check({ files: { 'server.crt': content('other.crt'), 'server.key': content('other.key') } })
    assert.match(warnings.map(({ text }) => text).join('\n'), /no serverAuth/)
  })

  test('with a chain that does not continue it is a warning', async () => {
    assert.match((await warningOf({ files: { 'server.crt': `${content('server.crt')}${content('brief.crt')}` } })).text, /out of order: "CN=brief" did not issue/)
  })

  test('with a key that OpenSSL finds too weak stops start-up, without a stack', async () => {
    const { found } = await mistakeOf({ files: { 'server.crt': content('weak.crt'), 'server.key': content('weak.key') } })
    assert.match(found, /OpenSSL does not take \(ERR_SSL_EE_KEY_TOO_SMALL\)/)
  })

  test('and a cipher list that means nothing', async () => {
    assert.equal((await mistakeOf({ tls: 'tls.ciphers = "NO-SUCH-CIPHER"' })).path, 'listen.http[0].tls.ciphers')
  })
})

describe('the private key', () => {
  test('swapped with the certificate is noticed on both sides', async () => {
    const { mistakes } = await check({ tls: 'tls.certfile = "server.key"\ntls.keyfile = "server.crt"' })
    assert.deepEqual(mistakes.map(({ path }) => path).toSorted(), ['listen.http[0].tls.certfile', 'listen.http[0].tls.keyfile'])
    assert.match(mistakes.map(({ found }) => found).join('\n'), /no private key, but a block CERTIFICATE[^]*no certificate, but a block PRIVATE KEY/)
  })

  test('that is broken', async () => {
    assert.match((await mistakeOf({ files: { 'server.key': content('server.key').replace(/END.*/, '') } })).found, /broken PEM block/)
    assert.match((await mistakeOf({ files: { 'server.key': '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n' } })).found, /cannot be parsed/)
    assert.match((await mistakeOf({ files: { 'server.key': `${content('server.key')}${content('other.key')}` } })).found, /more than one private key/)
    assert.match((await mistakeOf({ files: { 'server.key': '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n' } })).found, /kind OPENSSH/)
  })

  test('that is encrypted opens with the first line of password_file, or with password', async () => {
    for (const key of ['locked.key', 'old.key']) {
      const files = { 'server.key': content(key), 'key.pass': `${password}\nsecond line\n` }
      const { mistakes, tls } = await check({ files, tls: 'tls.password_file = "key.pass"' })
      const material = tls[0]?.server
      assert.deepEqual(mistakes, [])
      assert.equal(material?.passphrase, password)
      createSecureContext({ cert: material.certChainPem, key: material.keyPem, passphrase: material.passphrase })
      const inline = await check({ files, tls: `tls.password = "${password}"` })
      assert.equal(inline.tls[0]?.server?.passphrase, password)
    }
  })

  test('that is encrypted, without a password, or with a wrong or empty one', async () => {
    for (const key of ['locked.key', 'old.key']) {
      const files = { 'server.key': content(key), 'key.pass': 'wrong-horse\n', 'empty.pass': '\n' }
      const missing = await mistakeOf({ files })
      assert.equal(missing.path, 'listen.http[0].tls.keyfile')
      assert.match(missing.found, /encrypted, and no password is given/)
      assert.match(missing.remedy ?? '', /tls\.password_file/)
      const wrong = await mistakeOf({ files, tls: 'tls.password_file = "key.pass"' })
      assert.equal(wrong.path, 'listen.http[0].tls.password_file')
      assert.match(wrong.found, /does not open the key/)
      assert.equal((await mistakeOf({ files, tls: 'tls.password = "wrong-horse"' })).path, 'listen.http[0].tls.password')
      assert.match((await mistakeOf({ files, tls: 'tls.password_file = "empty.pass"' })).found, /its first line is empty/)
      assert.doesNotMatch(JSON.stringify([missing, wrong]), /horse/)
    }
  })

  test('that everybody may read is a warning; its group may', async () => {
    const { path, text } = await warningOf({ prepare: folder => { chmodSync(join(folder, 'server.key'), 0o644) } })
    assert.equal(path, 'listen.http[0].tls.keyfile')
    assert.match(text, /everybody on this machine may read/)
    assert.deepEqual((await check({ prepare: folder => { chmodSync(join(folder, 'server.key'), 0o640) } })).warnings, [])
  })

  test('and its password file: everybody may read neither', async () => {
    const files = { 'server.key': content('locked.key'), 'key.pass': password }
    const { path, text } = await warningOf({ files, tls: 'tls.password_file = "key.pass"', prepare: folder => { chmodSync(join(folder, 'key.pass'), 0o604) } })
    assert.equal(path, 'listen.http[0].tls.password_file')
    assert.match(text, /key\.pass": chmod/)
  })

  test('in one file with its certificate is found there, and guarded as a key', async () => {
    const both = `${content('server.crt')}${content('server.key')}`
    const { mistakes, warnings } = await check({ files: { 'both.pem': both }, tls: 'tls.certfile = "both.pem"\ntls.keyfile = "both.pem"' })
    assert.deepEqual([mistakes, warnings], [[], []])
    assert.match((await warningOf({ files: { 'server.crt': both }, prepare: folder => { chmodSync(join(folder, 'server.crt'), 0o644) } })).text, /server\.crt": chmod/)
  })

  test('with an inline password in a file that everybody may read is a warning', async () => {
    const files = { 'server.key': content('locked.key') }
    const open = (mode: number) => (folder: string) => { chmodSync(join(folder, 'meerkat.toml'), mode) }
    assert.match((await warningOf({ files, tls: `tls.password = "${password}"`, prepare: open(0o644) })).text, /use tls\.password_file/)
    assert.deepEqual((await check({ files, tls: `tls.password = "${password}"`, prepare: open(0o600) })).warnings, [])
  })
})

test('the built-in defaults are checked like a file, and messages say where they come from', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-check-'))
  try {
    mkdirSync(join(folder, 'certs'))
    const { mistakes } = await checkFiles(await loadConfig(null, { certsFolder: join(folder, 'certs') }), now)
    assert.deepEqual(mistakes.map(({ path }) => path), ['listen.http[0].tls.keyfile', 'listen.http[0].tls.certfile', 'listen.http[0].tls.cacertfile'])
    assert.match(formatMistake(mistakes[0]!), /^built-in defaults: listen\.http\[0\]\.tls\.keyfile: found: ".*server\.key": there is no such file/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
