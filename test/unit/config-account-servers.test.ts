// [auth.http] and [auth.ldap]: what is a mistake, and what an administrator should have meant.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'

import { readServer } from '../../src/auth/backends/ldap-server.ts'
import { readAuthFiles } from '../../src/config/auth-files.ts'
import { Report } from '../../src/config/report.ts'
import { makeAuthority } from '../support/certificates.ts'
import { goodListener, loadText, mistakeOf } from '../support/config-text.ts'

const http = (lines: string) => `${goodListener}\n[auth]\nmethods = ["http"]\n[auth.http]\n${lines}\n`
const ldap = (lines: string, extra = 'servers = ["ldaps://ldap.example.org"]\nbase = "dc=example"') => `${goodListener}\n[auth]\nmethods = ["ldap"]\n[auth.ldap]\n${extra}\n${lines}\n`

test('a section that says only what it has to', async () => {
  const { auth, warnings } = await loadText(`${goodListener}\n[auth]\nmethods = ["http", "ldap"]\n[auth.http]\nurl = "https://auth.example.org/xmpp"\n[auth.ldap]\nservers = ["ldap.example.org"]\nencrypt = "starttls"\nbase = "dc=example"\n`)
  assert.deepEqual(auth.http, { url: 'https://auth.example.org/xmpp', password_format: 'any', external: 'get_certs', request_timeout: 2_000, pool_size: 10, tls: { verify_mode: 'peer' } })
  assert.deepEqual(auth.ldap, {
    servers: ['ldap.example.org'], encrypt: 'starttls', base: 'dc=example', uids: [{ attr: 'uid', format: '%u' }], request_timeout: 2_000, pool_size: 10, tls: { verify_mode: 'peer' },
  })
  assert.deepEqual(warnings.filter(({ path }) => /^auth\.(?:http|ldap)/.test(path)), [])
})

describe('mistakes', () => {
  for (const [name, toml, path, found] of [
    ['a method without its section', `${goodListener}\n[auth]\nmethods = ["pki", "http"]\n`, 'auth.http', /beside the method "http"/],
    ['no url', http(''), 'auth.http.url', /nothing/],
    ['a url of another scheme', http('url = "ftp://auth.example.org/"'), 'auth.http.url', /ftp/],
    ['a url with a query', http('url = "https://auth.example.org/?key=1"'), 'auth.http.url', /key/],
    ['a url with a password, which is not shown', http('url = "https://me:hunter2@auth.example.org/"'), 'auth.http.url', /^(?!.*hunter2).*not shown/],
    ['basic_auth twice', http('url = "https://a.example/"\nbasic_auth = "a:b"\nbasic_auth_file = "x"'), 'auth.http.basic_auth', /both/],
    ['basic_auth without a password, which is not shown', http('url = "https://a.example/"\nbasic_auth = "hunter2"'), 'auth.http.basic_auth', /^(?!.*hunter2)/],
    ['a certificate without its key', http('url = "https://a.example/"\ntls.certfile = "x.pem"'), 'auth.http.tls.keyfile', /one of/],
    ['no servers', ldap('', 'servers = []\nbase = "dc=example"'), 'auth.ldap.servers', /empty list/],
    ['a server of another scheme', ldap('', 'servers = ["https://ldap.example.org"]\nbase = "dc=example"'), 'auth.ldap.servers[0]', /no server/],
    ['ldap:// beside encrypt = "tls"', ldap('encrypt = "tls"', 'servers = ["ldap://ldap.example.org"]\nbase = "dc=example"'), 'auth.ldap.servers[0]', /beside encrypt/],
    ['rootdn without a password', ldap('rootdn = "cn=admin"'), 'auth.ldap.rootdn', /nothing, beside rootdn/],
    ['a password without rootdn', ldap('password_file = "x"'), 'auth.ldap.rootdn', /without rootdn/],
    ['both password and password_file', ldap('rootdn = "cn=admin"\npassword = "x"\npassword_file = "x"'), 'auth.ldap.password', /both/],
    ['a filter without brackets', ldap('filter = "objectClass=person"'), 'auth.ldap.filter', /no opening bracket/],
    ['an attribute that is none', ldap('uids = [{ attr = "u*" }]'), 'auth.ldap.uids[0].attr', /u\*/],
    ['a format without %u', ldap('uids = [{ attr = "mail", format = "u@example.org" }]'), 'auth.ldap.uids[0].format', /example/],
    ['a format with two', ldap('uids = [{ attr = "mail", format = "%u%u" }]'), 'auth.ldap.uids[0].format', /%u%u/],
    ['more %s than attributes', ldap('dn_filter = { filter = "(&(a=%s)(b=%s))", attributes = ["a"] }'), 'auth.ldap.dn_filter.filter', /2 times %s, beside 1/],
    ['a local_filter without values', ldap('local_filter = { operation = "equal", attribute = "a", values = [] }'), 'auth.ldap.local_filter.values', /empty/],
    ['aliases, which are not followed', ldap('deref = "always"'), 'auth.ldap.deref', /not known/],
  ] as const) {
    test(name, async () => {
      const mistake = await mistakeOf(toml)
      assert.equal(mistake.path, path)
      assert.match(mistake.found, found)
    })
  }
})

describe('warnings', () => {
  for (const [name, toml, path] of [
    ['passwords in the clear to a web service', http('url = "http://auth.example.org/"'), 'auth.http.url'],
    ['passwords in the clear to a directory', ldap('', 'servers = ["ldap.example.org"]\nbase = "dc=example"'), 'auth.ldap.servers[0]'],
    ['a server whose certificate nobody looks at', ldap('tls.verify_mode = "none"'), 'auth.ldap.tls.verify_mode'],
    ['auth_id with a directory', `${goodListener}\n[auth]\nmethods = ["ldap"]\nsasl_external = ["auth_id"]\n[auth.ldap]\nservers = ["ldaps://a.example"]\nbase = "dc=example"\n`, 'auth.sasl_external'],
  ] as const) {
    test(name, async () => { assert.ok((await loadText(toml)).warnings.some(warning => warning.path === path)) })
  }
  test('none for the loopback, and none for auth_id where get_certs ties the certificate to the account', async () => {
    const { warnings } = await loadText(http('url = "http://[::1]:8080/"').replace('methods', 'sasl_external = ["auth_id"]\nmethods'))
    assert.deepEqual(warnings, [])
  })
})

describe('the files that a section names', () => {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-auth-files-'))
  after(() => { rmSync(folder, { recursive: true }) })
  const written = (name: string, content: string): string => {
    const path = join(folder, name)
    writeFileSync(path, content, { mode: 0o600 })
    return path
  }
  const reported = async (toml: string) => {
    const { auth } = await loadText(toml)
    const report = new Report(null, folder)
    return { files: await readAuthFiles(auth, report), mistakes: report.mistakes.map(({ path, found }) => `${path}: ${found.replace(/^".*": /, '')}`) }
  }
  const directory = (file: string) => ldap(`rootdn = "cn=admin"\npassword_file = "${file}"`)
  const service = (lines: string) => http(`url = "https://a.example/"\n${lines}`)

  test('what they hold is handed over', async () => {
    const [secret, ca] = [written('secret', 'one\ntwo\n'), written('ca.pem', makeAuthority().certificatePem)]
    const { files, mistakes } = await reported(`${directory(secret)}tls.cacertfile = "${ca}"`)
    assert.deepEqual(mistakes, [])
    assert.equal(files.get(secret), 'one\ntwo\n')
    assert.match(files.get(ca) ?? '', /BEGIN CERTIFICATE/)
  })
  for (const [name, toml, mistake] of [
    ['one that is not there', () => directory(join(folder, 'absent')), /^auth\.ldap\.password_file: there is no such file/],
    ['an empty password: the directory would let the gateway in as nobody', () => directory(written('empty', '\nsecret\n')), /^auth\.ldap\.password_file: its first line is empty/],
    ['a basic_auth_file without a colon', () => service(`basic_auth_file = "${written('basic', 'secret\n')}"`), /^auth\.http\.basic_auth_file: its first line has no colon/],
    ['a cacertfile without a certificate: the public CAs would count', () => service(`tls.cacertfile = "${written('none.pem', '\n')}"`), /^auth\.http\.tls\.cacertfile: it holds no certificate/],
  ] as const) {
    test(name, async () => {
      const { mistakes } = await reported(toml())
      assert.equal(mistakes.length, 1)
      assert.match(mistakes[0]!, mistake)
    })
  }
})

describe('a server of the directory', () => {
  for (const [text, port, encrypt, expected] of [
    ['ldaps://ldap.example.org', undefined, 'none', { host: 'ldap.example.org', port: 636, encryption: 'tls' }],
    ['ldap://ldap.example.org/', undefined, 'none', { host: 'ldap.example.org', port: 389, encryption: 'none' }],
    ['ldap://10.0.0.1:3389', 1, 'starttls', { host: '10.0.0.1', port: 3389, encryption: 'starttls' }],
    ['ldap.example.org', undefined, 'tls', { host: 'ldap.example.org', port: 636, encryption: 'tls' }],
    ['ldap.example.org', 1389, 'none', { host: 'ldap.example.org', port: 1389, encryption: 'none' }],
    ['::1', undefined, 'none', { host: '::1', port: 389, encryption: 'none' }],
    ['ldaps://[::1]:636', undefined, 'none', { host: '::1', port: 636, encryption: 'tls' }],
  ] as const) test(text, () => { assert.deepEqual(readServer(text, { encrypt, ...port === undefined ? {} : { port } }), expected) })
  for (const text of ['', ' ', 'a b', 'ldap://', 'ldap://u:p@host', 'ldap://host/dc=x', 'ldap://host?x', 'ldap://host:99999', 'http://host', 'ldap://%41', 'host/../x']) {
    test(`${JSON.stringify(text)} is none`, () => { assert.equal(typeof readServer(text, { encrypt: 'none' }), 'string') })
  }
})
