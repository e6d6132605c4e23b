import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'

import { parse } from 'smol-toml'

import { loadConfig } from '../../src/config/load.ts'
import { goodListener, loadText } from '../support/config-text.ts'

const examples = join(import.meta.dirname, '../support/examples')
const example = (name: string) => loadConfig(join(examples, name), { certsFolder: 'certs' })

describe('the decided examples', () => {
  test('certificate-only.toml loads unchanged, its paths relative to the file', async () => {
    const config = await example('certificate-only.toml')
    assert.equal(config.file, join(examples, 'certificate-only.toml'))
    assert.deepEqual(config.general.hosts, ['localhost'])
    assert.deepEqual(config.listen.http.length, 1)
    const { ip, port, tls } = config.listen.http[0]!
    assert.deepEqual([ip, port], ['127.0.0.1', 5285])
    assert.deepEqual(tls, {
      certfile: join(examples, 'certs/server.crt'), keyfile: join(examples, 'certs/server.key'), cacertfile: join(examples, 'certs/ca.crt'),
      verify_mode: 'peer', disconnect_on_failure: true, require_certificate: true, crl_files: [], crl_expired: 'refuse', versions: ['tlsv1.2', 'tlsv1.3'],
    })
    assert.deepEqual(config.auth.sasl_external, ['standard'])
    assert.deepEqual(config.warnings, [])
  })

  test('self-signed-common-name.toml loads unchanged, the older name use_common_name read as common_name', async () => {
    const config = await example('self-signed-common-name.toml')
    assert.equal(config.listen.http[0]?.tls?.verify_mode, 'selfsigned_peer')
    assert.deepEqual(config.auth.sasl_external, ['standard', 'common_name'])
    assert.deepEqual(config.warnings.map(({ path }) => path), ['listen.http[0].tls.verify_mode'])
    assert.match(config.warnings[0]!.text, /meant for development/)
  })

  test('behind-nginx.toml loads unchanged: plain HTTP on loopback, and the CAs of forwarded certificates', async () => {
    const config = await example('behind-nginx.toml')
    const { ip, port, trusted_proxies, forwarded_certificate, tls } = config.listen.http[0]!
    assert.deepEqual([ip, port, trusted_proxies, forwarded_certificate], ['127.0.0.1', 5280, ['127.0.0.1'], 'nginx'])
    assert.deepEqual([tls?.certfile, tls?.cacertfile, tls?.verify_mode], [undefined, join(examples, 'certs/ca.crt'), 'peer'])
    assert.deepEqual(config.warnings, [])
  })

  test('certificate-or-password.toml loads unchanged: the database first, then the CA', async () => {
    const config = await example('certificate-or-password.toml')
    assert.deepEqual([config.auth.methods, config.auth.sasl_mechanisms], [['rdbms', 'pki'], ['scram_sha1', 'external']])
    assert.equal(config.auth.rdbms?.url, 'postgres://meerkat@127.0.0.1/meerkat')
    assert.deepEqual(config.listen.c2s.map(({ port, tls }) => [port, tls?.mode]), [[5222, 'starttls_required']])
    assert.deepEqual(config.warnings, [])
  })

  test('full.toml loads unchanged', async () => {
    const config = await example('full.toml')
    assert.deepEqual(config.auth.methods, ['pki', 'internal'])
    assert.deepEqual(config.warnings, [])
  })
})

describe('defaults', () => {
  test('are those of full.toml, for every key that is there today', async () => {
    const full = JSON.parse(JSON.stringify(parse(readFileSync(join(examples, 'full.toml'), 'utf8'))))
    delete full.listen.c2s

    const config = await loadText(goodListener)
    const { general, auth: { attempts: _attempts, ...auth }, listen } = JSON.parse(JSON.stringify(config))
    delete auth.password.decoy_iterations
    general.data_dir = 'data'
    const { certfile: _c, keyfile: _k, cacertfile: _a, crl_expired: _e, ...tls } = listen.http[0].tls
    const { trusted_proxies: _p, trusted_proxy_certificates: _t, ...http } = listen.http[0]
    const { certfile, keyfile, cacertfile, ...fullTls } = full.listen.http[0].tls
    // What the decided file does not mention has defaults of its own.
    const bosh = Object.fromEntries(Object.keys(full.listen.http[0].bosh).map(key => [key, listen.http[0].bosh[key]]))
    assert.deepEqual({ general, auth, http: { ...http, tls, bosh } },
      { general: full.general, auth: full.auth, http: { ...full.listen.http[0], tls: fullTls } })

    const builtIn = await loadConfig(null, { certsFolder: '/folder/certs' })
    assert.deepEqual([certfile, keyfile, cacertfile].map(name => join('/folder', name)),
      [builtIn.listen.http[0]?.tls?.certfile, builtIn.listen.http[0]?.tls?.keyfile, builtIn.listen.http[0]?.tls?.cacertfile])
  })

  test('of limits and sessions are filled in when their sections are absent', async () => {
    const { limits, session } = await loadText(goodListener)
    assert.deepEqual(limits, {
      max_connections: 20_000, max_connections_per_address: 5_000, max_sessions_per_account: 50, max_unread_bytes: 1_048_576,
      max_stanzas_per_second: 0, max_stanza_burst: 100, shutdown_timeout: 5_000,
    })
    assert.deepEqual(session, { resource_conflict: 'close_old', resume_timeout: 300, max_unacked_stanzas: 1_000, hold_presence: true })
  })

  test('without a file serve localhost over TLS on both loopback addresses, certificates asked for', async () => {
    const config = await loadConfig(null, { certsFolder: '/somewhere/certs' })
    assert.equal(config.file, null)
    assert.deepEqual(config.general, { hosts: ['localhost'], log_level: 'info', data_dir: '/somewhere/data' })
    assert.deepEqual(config.listen.http.map(({ ip, port, tls }) => [ip, port, tls?.verify_mode]), [['127.0.0.1', 5285, 'peer'], ['::1', 5285, 'peer']])
    assert.deepEqual(config.auth.methods, ['pki', 'internal'])
    assert.deepEqual(config.warnings, [])
  })
})

describe('what a file may say', () => {
  test('values of the file go before defaults, section by section', async () => {
    const config = await loadText(`
      general = { hosts = ["example.org", "im.example.org"], log_level = "debug" }
      [[listen.http]]
      ip = "0.0.0.0"
      port = 443
      origins = ["https://chat.example.org", "http://localhost:3000", "capacitor://localhost"]
      tls = { certfile = "/etc/tls/a.crt", keyfile = "../a.key", verify_mode = "none", versions = ["tlsv1.3"], ciphers = "HIGH" }
      websocket.path = "/ws/v1"
      websocket.ping_rate = 0
      [[listen.http]]
      websocket = false
      [limits]
      max_connections = 10
      [session]
      resource_conflict = "rename"
    `)
    assert.deepEqual(config.general.hosts, ['example.org', 'im.example.org'])
    const [first, second] = config.listen.http
    assert.equal(first?.tls?.certfile, '/etc/tls/a.crt')
    assert.match(first?.tls?.keyfile ?? '', /^\/.*\/a\.key$/)
    assert.deepEqual(first?.tls?.versions, ['tlsv1.3'])
    assert.deepEqual(first?.websocket, { path: '/ws/v1', max_stanza_size: 262_144, ping_rate: 0, state_timeout: 10_000, compress: false })
    assert.equal(second?.tls, undefined)
    assert.equal(second?.websocket, false)
    assert.equal(config.limits.max_connections, 10)
    assert.equal(config.session.resource_conflict, 'rename')
  })

  test('sasl_external reads both generations of names and a module relative to the file', async () => {
    const { auth } = await loadText(`${goodListener}
      [auth]
      sasl_external = ["standard", "use_common_name", "allow_just_user_identity", { module = "./mapping.ts" }]
      sasl_external_common_name.prefix = "cn-"
    `)
    assert.deepEqual(auth.sasl_external.slice(0, 3), ['standard', 'common_name', 'auth_id'])
    assert.match((auth.sasl_external[3] as { module: string }).module, /^\/.*\/mapping\.ts$/)
    assert.deepEqual(auth.sasl_external_common_name, { prefix: 'cn-', suffix: '' })
    const { auth: first } = await loadText(`${goodListener}\n[auth]\nsasl_external = ["common_name", "auth_id"]`)
    assert.deepEqual(first.sasl_external, ['common_name', 'auth_id'])
  })

  test('what asks for nothing of a later version is accepted: crl_files = [], trusted_proxies = []', async () => {
    const config = await loadText(`${goodListener}tls.crl_files = []\ntrusted_proxies = []`)
    assert.deepEqual(config.listen.http[0]?.trusted_proxies, [])
  })

  test('hosts are kept in their canonical form (RFC 7622 §3.2)', async () => {
    const { general } = await loadText(`${goodListener}\n[general]\nhosts = ["EXAMPLE.org"]`)
    assert.deepEqual(general.hosts, ['example.org'])
  })

  test('two listeners share a port on different addresses, and any number may take port 0', async () => {
    const config = await loadText(`[[listen.http]]\nip = "127.0.0.1"\n[[listen.http]]\nip = "::1"\n[[listen.http]]\nport = 0\n[[listen.http]]\nport = 0`)
    assert.equal(config.listen.http.length, 4)
  })
})

describe('warnings', () => {
  const warned = async (toml: string, path: string) => {
    const { warnings } = await loadText(toml)
    const found = warnings.filter(warning => warning.path === path)
    assert.equal(found.length, 1, JSON.stringify(warnings))
    return found[0]!.text
  }

  test('auth_id with pki: any holder of a certificate without xmppAddr may be any user (external.md §4)', async () => {
    assert.match(await warned(`${goodListener}\n[auth]\nsasl_external = ["auth_id"]`, 'auth.sasl_external'),
      /any holder of a certificate without xmppAddr may be any user/)
  })

  test('external as the only mechanism where no listener asks for certificates', async () => {
    const certificatesOnly = '[auth]\nmethods = ["pki"]'
    assert.match(await warned(`[[listen.http]]\ntls = { certfile = "a", keyfile = "b", verify_mode = "none" }\n${certificatesOnly}`, 'auth.sasl_mechanisms'), /nobody can log in/)
    assert.match(await warned(`[[listen.http]]\nip = "127.0.0.1"\n${certificatesOnly}`, 'auth.sasl_mechanisms'), /nobody can log in/)
    const { warnings } = await loadText(`${goodListener}[[listen.http]]\nip = "127.0.0.2"\n${certificatesOnly}`)
    assert.deepEqual(warnings, [])
  })

  test('a listener whose endpoints are all off', async () => {
    assert.match(await warned(`${goodListener}websocket = false\nbosh = false`, 'listen.http[0]'), /offers no XMPP/)
  })

  test('max_unread_bytes below max_stanza_size', async () => {
    assert.match(await warned(`${goodListener}\n[limits]\nmax_unread_bytes = 20_000`, 'limits.max_unread_bytes'), /262144 bytes/)
  })
})
