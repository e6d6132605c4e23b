import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'

import { ConfigError } from '../../src/config/config-error.ts'
import { loadConfig } from '../../src/config/load.ts'
import { errorOf, goodListener, mistakeOf } from '../support/config-text.ts'

/** Every rule: the text, then key path, what was found, what is allowed, the remedy. */
type Rule = readonly [name: string, toml: string, path: string, found: RegExp, allowed: RegExp, remedy?: RegExp]

const listener = (lines: string) => `${goodListener}${lines}`
const plain = (lines: string) => `[[listen.http]]\n${lines}`
const auth = (lines: string) => `${goodListener}\n[auth]\n${lines}`
const general = (lines: string) => `${goodListener}\n[general]\n${lines}`

const rules: readonly Rule[] = [
  // Kinds and ranges
  ['an enumeration names its values', listener('tls.verify_mode = "pear"'), 'listen.http[0].tls.verify_mode',
    /^"pear"$/, /^"none", "peer" or "selfsigned_peer"$/, /Did you mean "peer"\?/],
  ['an enumeration refuses another kind', general('log_level = 3'), 'general.log_level', /^3$/, /"fatal", .* or "trace"/],
  ['an integer has a range and a unit', listener('websocket.max_stanza_size = 10'), 'listen.http[0].websocket.max_stanza_size',
    /^10$/, /^an integer from 10000 to 16777216 \(bytes\)$/],
  ['an integer is not quoted', listener('port = "443"'), 'listen.http[0].port', /^"443"$/, /from 0 to 65535/, /without quotes/],
  ['a port is at most 65535', listener('port = 65536'), 'listen.http[0].port', /^65536$/, /from 0 to 65535/],
  ['a port is not negative', listener('port = -1'), 'listen.http[0].port', /^-1$/, /from 0 to 65535/],
  ['an integer has no fraction', `${goodListener}\n[limits]\nmax_connections = 1.5`, 'limits.max_connections', /^1.5$/, /an integer/],
  ['infinity is no integer', listener('websocket.state_timeout = inf'), 'listen.http[0].websocket.state_timeout', /Infinity/, /\(ms\)/],
  ['a boolean is true or false', listener('tls.require_certificate = "yes"'), 'listen.http[0].tls.require_certificate', /^"yes"$/, /^true or false$/],
  ['a string is not empty where that means nothing', listener('tls.ciphers = ""'), 'listen.http[0].tls.ciphers', /^""$/, /OpenSSL cipher list/],
  ['a list is written in brackets', general('hosts = "example.org"'), 'general.hosts', /^"example.org"$/, /a non-empty list/, /square brackets/],
  ['[listen.http] wants double brackets', '[listen.http]\nport = 1', 'listen.http', /a table/, /a list of tables/, /\[\[listen\.http\]\]/],
  ['[[auth]] wants single brackets', `${goodListener}\n[[auth]]\nmethods = ["pki"]`, 'auth', /a list/, /a table/, /\[auth\] once/],
  ['websocket is a table or false', listener('websocket = true'), 'listen.http[0].websocket', /^true$/, /^a table or false$/],
  ['a date is no string', listener('ip = 2020-01-01'), 'listen.http[0].ip', /a date/, /an IP address/],
  ['a list names each entry once', listener('tls.versions = ["tlsv1.3", "tlsv1.3"]'), 'listen.http[0].tls.versions', /"tlsv1.3" twice/, /once/],
  ['a list that needs entries has some', listener('tls.versions = []'), 'listen.http[0].tls.versions', /an empty list/, /a non-empty list/],
  ['only TLS 1.2 and 1.3 are spoken', listener('tls.versions = ["tlsv1.1"]'), 'listen.http[0].tls.versions[0]', /"tlsv1.1"/, /"tlsv1.2" or "tlsv1.3"/],

  ['a password of the wrong kind is not shown', listener('tls.password = 4711'), 'listen.http[0].tls.password', /^a number \(not shown\)$/, /a non-empty string/],

  ['what waits for an acknowledgement is sent again at once, so it fits into what may be unread', `${goodListener}\n[limits]\nmax_unread_bytes = 20_000\n[session]\nmax_unacked_bytes = 20_001`,
    'session.max_unacked_bytes', /^20001$/, /^at most limits\.max_unread_bytes \(20000\)$/, /Raise limits\.max_unread_bytes/],

  // Keys
  ['an unknown key suggests the nearest', listener('tls.verfy_mode = "peer"'), 'listen.http[0].tls.verfy_mode',
    /not known/, /verify_mode/, /Did you mean `verify_mode`\?/],
  ['swapped letters are one slip', general('hsots = ["a"]'), 'general.hsots', /not known/, /hosts/, /Did you mean `hosts`\?/],
  ['MongooseIM\'s ip_address is ip here', listener('ip_address = "::1"'), 'listen.http[0].ip_address', /not known/, /ip/, /Did you mean `ip`\?/],
  ['a key in the wrong section is sent to its own', listener('verify_mode = "peer"'), 'listen.http[0].verify_mode',
    /not known/, /websocket/, /belongs in listen\.http\[\]\.tls/],
  ['an unknown section', `${goodListener}\n[weather]\nport = 1`, 'weather', /not known/, /general, listen/, /Remove it/],
  ['pki has no keys', `${goodListener}\n[auth.pki]\nstrict = true`, 'auth.pki.strict', /not known/, /no keys/, /Remove it/],
  ['a key of every object\'s prototype is no known key', general('constructor = 1'), 'general.constructor', /not known/, /hosts/],
  ['__proto__ is a key as any other', general('__proto__ = { hosts = ["evil.example"] }'), 'general.__proto__', /not known/, /hosts/],
  ['control characters in a key are escaped', general('"\\u001b[2J" = 1'), 'general."\\u001b[2J"', /not known/, /hosts/],

  // Hosts
  ['hosts are not empty', general('hosts = []'), 'general.hosts', /an empty list/, /a non-empty list/],
  ['a host is an XMPP domain', general('hosts = ["user@example.org"]'), 'general.hosts[0]', /"user@example.org"/, /XMPP domain/, /no "user@"/],
  ['a host is no URL', general('hosts = ["https://example.org"]'), 'general.hosts[0]', /"https:/, /XMPP domain/, /no scheme/],
  ['a host is listed once, whatever its case', general('hosts = ["example.org", "Example.ORG"]'), 'general.hosts[1]', /already/, /once/],

  // Listeners
  ['there is a listener', '[general]\nhosts = ["a.example"]', 'listen.http', /no listener/, /at least one \[\[listen\.http\]\]/],
  ['ip is an address, not a name', listener('ip = "localhost"'), 'listen.http[0].ip', /"localhost"/, /IP address/, /"127\.0\.0\.1"/],
  ['ip is a whole address', plain('ip = "127.1"'), 'listen.http[0].ip', /"127.1"/, /IP address/],
  ['two listeners do not share address and port', `${goodListener}${goodListener}`, 'listen.http[1].port', /5285 on 127.0.0.1.*listen\.http\[0\]/, /one listener/],
  ['0.0.0.0 takes the port on every IPv4 address', `${goodListener}${listener('ip = "0.0.0.0"')}`, 'listen.http[1].port', /5285 on 0.0.0.0/, /one listener/],
  [':: takes the port on every address', `${listener('ip = "::"')}${goodListener}`, 'listen.http[1].port', /127.0.0.1/, /one listener/],
  ['one address in two spellings is one', `${listener('ip = "::1"')}${listener('ip = "0:0::1"')}`, 'listen.http[1].port', /already/, /one listener/],
  ['plain HTTP is for loopback addresses', plain('ip = "0.0.0.0"'), 'listen.http[0].tls', /no TLS on 0\.0\.0\.0/, /loopback/, /tls\.certfile/],
  ['plain HTTP is not for private networks', plain('ip = "10.0.0.1"'), 'listen.http[0].tls', /no TLS/, /loopback/],
  ['an address that begins like loopback is none', plain('ip = "12.7.0.1"'), 'listen.http[0].tls', /no TLS/, /loopback/],
  ['tls keys without a certificate', plain('tls.verify_mode = "none"'), 'listen.http[0].tls.certfile', /without a certificate/, /both/, /Set tls\.certfile and tls\.keyfile/],
  ['certfile goes with keyfile', plain('tls.certfile = "a"\ntls.verify_mode = "none"'), 'listen.http[0].tls.keyfile', /beside a certfile/, /both/, /Set tls\.keyfile/],
  ['keyfile goes with certfile', plain('tls.keyfile = "a"\ntls.verify_mode = "none"'), 'listen.http[0].tls.certfile', /beside a keyfile/, /both/, /Set tls\.certfile/],
  ['cacertfile is required for verify_mode peer, the default (external.md §1)', plain('tls.certfile = "a"\ntls.keyfile = "b"'), 'listen.http[0].tls.cacertfile',
    /verify_mode "peer"/, /CAs/, /Set tls\.cacertfile/],
  ['cacertfile is required for selfsigned_peer', plain('tls = { certfile = "a", keyfile = "b", verify_mode = "selfsigned_peer" }'),
    'listen.http[0].tls.cacertfile', /verify_mode "selfsigned_peer"/, /CAs/],
  ['require_certificate contradicts verify_mode none', listener('tls.verify_mode = "none"\ntls.require_certificate = true'),
    'listen.http[0].tls.require_certificate', /asks for no certificate/, /"peer" or "selfsigned_peer"/, /verify_mode = "peer"/],
  ['one source of the password', listener('tls.password = "hunter2"\ntls.password_file = "p"'), 'listen.http[0].tls.password',
    /both/, /one of them/, /password_file/],

  // Origins (RFC 6454 §6.2)
  ...([
    ['*', /List each origin/], ['null', /sandboxed/], ['https://a.example/', /"https:\/\/a\.example"/], ['https://a.example/chat?x#y', /"https:\/\/a\.example"/],
    ['https://a.example:443', /"https:\/\/a\.example"/], ['https://A.example', /"https:\/\/a\.example"/], ['a.example', /Write it as/],
    ['wss://a.example', /"https"/], ['ws://a.example', /"http"/], ['https://*.example', /Write it as/], ['https://user@a.example', /"https:\/\/a\.example"/],
    ['file://', /Write it as/], ['file://x', /Serve the page/], ['https://a b.example', /Write it as/], ['https://bücher.example', /xn--bcher-kva/],
    ['https://', /Write it as/], ['', /Write it as/], ['Capacitor://localhost', /"capacitor:\/\/localhost"/],
  ] as const).map(([origin, remedy]): Rule =>
    [`"${origin}" is no serialised origin`, listener(`origins = [${JSON.stringify(origin)}]`), 'listen.http[0].origins[0]', /^"/, /scheme:\/\/host/, remedy]),

  // Paths
  ...['/', '/healthz', '/readyz', '/.well-known/host-meta', '/.well-known/host-meta.json', '/meerkat.js'].map((path): Rule =>
    [`${path} is the gateway's own`, listener(`websocket.path = "${path}"`), 'listen.http[0].websocket.path', /^"\//, /any path but/, /gateway itself/]),
  ...['ws', '', '/ws/', '//ws', '/a/../b', '/ws?x', '/ws#x', '/:user', '/*', '/a b', '/ü', '/%2e', '/a\\nb'].map((path): Rule =>
    [`"${path}" is no plain path`, listener(`websocket.path = "${path}"`), 'listen.http[0].websocket.path', /^"/, /begins with "\/"/]),

  // Authentication
  ['methods are not empty', auth('methods = []'), 'auth.methods', /an empty list/, /"pki"/],
  ['sasl_mechanisms are not empty', auth('sasl_mechanisms = []'), 'auth.sasl_mechanisms', /an empty list/, /"external"/],
  ['sasl_external is not empty', auth('sasl_external = []'), 'auth.sasl_external', /an empty list/, /"standard"/],
  ['a mechanism that nobody knows', auth('sasl_mechanisms = ["extrenal"]'), 'auth.sasl_mechanisms[0]', /"extrenal"/, /"external"/, /"external"\?/],
  ['a mode that nobody knows', auth('sasl_external = ["comon_name"]'), 'auth.sasl_external[0]', /"comon_name"/, /use_common_name/, /"common_name"\?/],
  ['both generations of one name are the same mode', auth('sasl_external = ["common_name", "use_common_name"]'), 'auth.sasl_external', /"common_name" twice/, /once/],
  ['a module is named by its path', auth('sasl_external = [{ module = 3 }]'), 'auth.sasl_external[0].module', /^3$/, /path of a file/],
  ['a module needs its path', auth('sasl_external = [{}]'), 'auth.sasl_external[0].module', /^nothing$/, /path of a file/],
  ['a mode is a name or a table', auth('sasl_external = [1]'), 'auth.sasl_external[0]', /^1$/, /a table with module/],
  ['a prefix can stand in a user name', auth('sasl_external_common_name.prefix = "a@b/"'), 'auth.sasl_external_common_name.prefix', /"a@b\/"/, /RFC 7622/],
  ['a suffix can stand in a user name', auth('sasl_external_common_name.suffix = "@example.org"'), 'auth.sasl_external_common_name.suffix',
    /"@example\.org"/, /RFC 7622/, /the domain is added by itself/],
  ['a conflict policy is one of RFC 6120 §7.7.2.2', `${goodListener}\n[session]\nresource_conflict = "kill"`, 'session.resource_conflict', /"kill"/, /"close_old"/],

  ['a password is hashed with something', auth('password.hash = []'), 'auth.password.hash', /an empty list/, /"sha1", "sha256" or "sha512"/],
  ['MD5 is no hash for passwords', auth('password.hash = ["md5"]'), 'auth.password.hash[0]', /"md5"/, /"sha256"/],
  ['a password is hashed often enough (RFC 5802 §5.1)', auth('password.scram_iterations = 1_000'), 'auth.password.scram_iterations', /1000/, /from 4096/],
  ['a wait is not negative', auth('attempts.backoff = -1'), 'auth.attempts.backoff', /-1/, /from 1 /],
]

describe('a mistake names the key, what was found, what is allowed and the remedy', () => {
  for (const [name, toml, path, found, allowed, remedy] of rules) {
    test(name, async () => {
      const mistake = await mistakeOf(toml)
      assert.equal(mistake.path, path)
      assert.match(mistake.found, found)
      assert.match(mistake.allowed ?? '', allowed)
      if (remedy !== undefined) assert.match(mistake.remedy ?? '', remedy)
      assert.match(mistake.file ?? '', /\/meerkat\.toml$/)
    })
  }
})

test('all mistakes are told at once, one line each, without a stack', async () => {
  const error = await errorOf(`
    [general]
    hosts = ["a/b"]
    log_level = "loud"
    [[listen.http]]
    port = 70000
    origins = ["*"]
    tls.certfile = "a"
    tls.verify_mode = "maybe"
    [limits]
    max_conections = 1
  `)
  assert.deepEqual(error.mistakes.map(({ path }) => path).toSorted(), [
    'general.hosts[0]', 'general.log_level', 'limits.max_conections', 'listen.http[0].origins[0]', 'listen.http[0].port',
    'listen.http[0].tls.keyfile', 'listen.http[0].tls.verify_mode',
  ])
  const lines = String(error).split('\n')
  assert.equal(lines.length, error.mistakes.length)
  const text = lines.find(line => line.includes('verify_mode')) ?? ''
  assert.match(text, /^\/.*\/meerkat\.toml: listen\.http\[0\]\.tls\.verify_mode: found: "maybe"; allowed: "none", "peer" or "selfsigned_peer"$/)
  assert.doesNotMatch(String(error), /^\s+at /m)
})

test('one slip does not bring complaints about keys that depend on it', async () => {
  // With a verify_mode that is not known, nobody can say whether a cacertfile is needed.
  const mistake = await mistakeOf('[[listen.http]]\ntls = { certfile = "a", keyfile = "b", verify_mode = "x" }')
  assert.equal(mistake.path, 'listen.http[0].tls.verify_mode')
})

test('an unknown key does not hide a rule of the key that its name begins with', async () => {
  const { mistakes } = await errorOf(plain('ip = "0.0.0.0"\ntls_profile = "modern"'))
  assert.deepEqual(mistakes.map(({ path }) => path), ['listen.http[0].tls_profile', 'listen.http[0].tls'])
})

test('a secret is never part of a message, not even when it is of the wrong kind', async () => {
  const secret = 'correct-horse'
  const errors = [
    await errorOf(listener(`tls.password = ["${secret}"]`)), await errorOf(listener(`tls.pasword = "${secret}"`)),
    await errorOf(listener(`tls = "${secret}"`).replace(/^tls\.\w+ = .*$/gm, '')), await errorOf(`${goodListener}\n[auth.rdbms]\nurl = ["postgres://x:${secret}@h/d"]`),
    await errorOf(listener(`tls.password = "${secret}`)), await errorOf(listener(`tls.password = "${secret}" x`)),
  ]
  for (const error of errors) assert.doesNotMatch(`${String(error)}${error.stack ?? ''}${JSON.stringify(error.mistakes)}`, /correct-horse/)
})

test('a long value is cut, and bidirectional controls are escaped', async () => {
  const { found } = await mistakeOf(general(`log_level = "${'x'.repeat(5000)}"`))
  assert.ok(found.length < 100)
  const hidden = await mistakeOf(general('log_level = "\\u202Einfo"'))
  assert.equal(hidden.found, '"\\u202einfo"')
})

describe('the file as a whole', () => {
  test('a syntax error names file, line and column', async () => {
    const mistake = await mistakeOf('[general]\nhosts = [ "a"\nlog_level = 1\n')
    assert.deepEqual(mistake.position?.line, 3)
    assert.match(mistake.found, /^not TOML: /)
    assert.match(String(new ConfigError([mistake])), /^\/.*\/meerkat\.toml:3:\d+: found: not TOML/)
  })

  test('a key given twice is a syntax error', async () => {
    assert.match((await mistakeOf('[general]\nhosts = ["a"]\nhosts = ["b"]')).found, /not TOML/)
  })

  test('deep nesting is refused, not followed', async () => {
    assert.match((await mistakeOf(`a = ${'['.repeat(5000)}${']'.repeat(5000)}`)).found, /not TOML/)
  })

  const failing = async (prepare: (folder: string) => string) => {
    const folder = mkdtempSync(join(tmpdir(), 'meerkat-config-'))
    try {
      const error: unknown = await loadConfig(prepare(folder), { certsFolder: folder }).then(() => null, (reason: unknown) => reason)
      assert.ok(error instanceof ConfigError)
      return String(error)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  test('a file that is not there says so in one line', async () => {
    assert.match(await failing(folder => join(folder, 'no.toml')), /no\.toml: found: there is no such file; allowed: /)
  })

  test('a folder is no file', async () => {
    assert.match(await failing(folder => folder), /it is a folder, not a file/)
  })

  test('bytes that are not UTF-8 are refused', async () => {
    assert.match(await failing(folder => {
      writeFileSync(join(folder, 'a.toml'), Buffer.from([0x61, 0x3d, 0x22, 0xff, 0x22]))
      return join(folder, 'a.toml')
    }), /not UTF-8/)
  })
})
