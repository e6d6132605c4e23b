// `auth.rdbms.url`, and what the configuration says about it.
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'

import { parseDatabaseUrl, withAbsolutePath } from '../../src/auth/accounts/database-url.ts'
import type { PostgresAddress } from '../../src/auth/accounts/database-url.ts'
import { checkFiles } from '../../src/config/check-files.ts'
import { loadConfig } from '../../src/config/load.ts'
import { errorOf, goodListener, loadText, mistakeOf } from '../support/config-text.ts'

function postgres(url: string): PostgresAddress {
  const parsed = parseDatabaseUrl(url)
  assert.ok(parsed.ok && parsed.address.kind === 'postgres', url)
  return parsed.address
}

describe('PostgreSQL\'s form', () => {
  test('names user, host, port and database; the port is 5432 and the database called as the user, where they are not named', () => {
    assert.deepEqual(postgres('postgres://meerkat:secret@db.example.org:6432/mongooseim'),
      { kind: 'postgres', host: 'db.example.org', port: 6432, user: 'meerkat', password: 'secret', database: 'mongooseim', tls: true })
    assert.deepEqual(postgres('postgresql://meerkat@127.0.0.1'),
      { kind: 'postgres', host: '127.0.0.1', port: 5432, user: 'meerkat', password: null, database: 'meerkat', tls: false })
  })
  test('has percent signs for what means something else', () => {
    const { user, password, database } = postgres('postgres://me%40rkat:p%40ss%3A%2F%25@localhost/a%2Fb')
    assert.deepEqual([user, password, database], ['me@rkat', 'p@ss:/%', 'a/b'])
  })
  test('has IPv6 addresses in brackets, and unix sockets in either spelling', () => {
    assert.equal(postgres('postgres://m@[2001:db8::1]:5433/d').host, '2001:db8::1')
    for (const url of ['postgres://m@%2Frun%2Fpostgresql/d', 'postgres:///d?host=/run/postgresql&user=m']) {
      const { host, user, database, tls } = postgres(url)
      assert.deepEqual([host, user, database, tls], ['/run/postgresql', 'm', 'd', false])
    }
  })
  test('without sslmode TLS is for every other machine, and never a matter of negotiation', () => {
    const tls = (url: string) => postgres(url).tls
    assert.deepEqual(['localhost', '127.0.0.1', '127.8.0.1', '[::1]', '%2Frun', 'db.example.org', '192.0.2.1', '127.0.0.1.example.org', '[2001:db8::1]'].map(host => tls(`postgres://m@${host}/d`)),
      [false, false, false, false, false, true, true, true, true])
    assert.deepEqual(['disable', 'require', 'verify-ca', 'verify-full'].map(mode => tls(`postgres://m@db/d?sslmode=${mode}`)), [false, true, true, true])
  })
})

test('SQLite\'s is a path as it stands', () => {
  for (const [url, file] of [['sqlite:accounts.db', 'accounts.db'], ['sqlite:/var/a b?c%20.db', '/var/a b?c%20.db'], ['sqlite:///var/a.db', '/var/a.db'], ['sqlite:../a.db', '../a.db']] as const) {
    assert.deepEqual(parseDatabaseUrl(url), { ok: true, address: { kind: 'sqlite', file } })
  }
  assert.equal(withAbsolutePath('sqlite:a.db', path => `/etc/${path}`), 'sqlite:/etc/a.db')
  for (const url of ['postgres://m@h/d', 'sqlite:', 'sqlite://host/a.db', 'a.db']) assert.equal(withAbsolutePath(url, () => assert.fail()), url)
})

const rdbms = (lines: string) => `${goodListener}\n[auth]\nmethods = ["pki", "rdbms"]\n[auth.rdbms]\n${lines}`

describe('in the configuration', () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ['mysql://m@h/d', /another kind of database/], ['m@h/d', /another kind/], ['postgres:m@h/d', /another kind/], ['sqlite:', /without a file/], ['sqlite://h/a.db', /without a file/],
    ['postgres://h/d', /without a user/], ['postgres:///d', /without a user/], ['postgres://m@h:99999/d', /cannot be read/], ['postgres://m@h/%zz', /cannot be read/],
    ['postgres://m:secret@h,i/d', /several hosts|cannot be read/], ['postgres://m@h/d?sslmode=prefer', /sslmode/], ['postgres://m@h/d?sslmode=no-verify', /sslmode/],
    ['postgres://m@h/d?sslmode=__proto__', /sslmode/], ['postgres://m@h/d?sslmode=constructor', /sslmode/], ['postgres://m@h/d?options=-c%20x', /parameter that is not known/],
    ['postgres://m@h/d?sslmode=disable&sslmode=require', /twice/], ['postgres://m:a#b@h/d', /#|cannot be read/], ['postgres://m@h/d%00', /NUL/], ['postgres://m@%2Frun/d?sslmode=require', /unix socket/],
  ]
  for (const [url, found] of refused) test(`${url} is a mistake`, async () => {
    const mistake = await mistakeOf(rdbms(`url = "${url}"`))
    assert.equal(mistake.path, 'auth.rdbms.url')
    assert.match(mistake.found, found)
    assert.ok((mistake.remedy ?? '').length > 0)
  })

  test('no mistake shows the URL: there may be a password in it', async () => {
    for (const url of ['mysql://m:correct-horse@h/d', 'postgres://m:correct-horse@h/d?a=correct-horse', 'postgres://m:correct-horse@h:99999/d', 'postgres://m:correct-horse@h/%zz', 'correct-horse']) {
      const error = await errorOf(rdbms(`url = "${url}"`))
      assert.doesNotMatch(`${String(error)}${error.stack ?? ''}${JSON.stringify(error.mistakes)}`, /correct-horse/)
    }
  })

  test('the path of SQLite is relative to the file; a password stands in one place', async () => {
    const config = await loadText(rdbms('url = "sqlite:accounts.db"'))
    assert.match(config.auth.rdbms?.url ?? '', /^sqlite:\/.*\/accounts\.db$/)
    assert.deepEqual([config.auth.rdbms?.pool_size, config.auth.rdbms?.request_timeout], [10, 2_000])
    assert.equal((await mistakeOf(rdbms('url = "postgres://m:x@h/d"\npassword_file = "db.pass"'))).path, 'auth.rdbms.password_file')
  })

  test('the method without its section, and the section without its URL, are mistakes', async () => {
    assert.equal((await mistakeOf(`${goodListener}\n[auth]\nmethods = ["rdbms"]`)).path, 'auth.rdbms')
    assert.match((await mistakeOf(rdbms('pool_size = 5'))).path, /^auth\.rdbms/)
  })

  test('what travels in the clear, certificates that nobody checks, and a password that SQLite does not know are warnings', async () => {
    const warnings = async (lines: string) => (await loadText(rdbms(lines))).warnings.map(({ path, text }) => `${path}: ${text}`)
    assert.deepEqual(await warnings('url = "postgres://m@db.example.org/d"'), [])
    assert.deepEqual(await warnings('url = "postgres://m@localhost/d"'), [])
    assert.match((await warnings('url = "postgres://m@db.example.org/d?sslmode=disable"')).join('\n'), /^auth\.rdbms\.url: .*in the clear/)
    assert.match((await warnings('url = "postgres://m@db.example.org/d"\ntls.verify_mode = "none"')).join('\n'), /^auth\.rdbms\.tls\.verify_mode: /)
    assert.match((await warnings('url = "sqlite:a.db"\npassword_file = "x"')).join('\n'), /^auth\.rdbms\.password_file: .*no effect/)
  })

  test('a password in a URL that everybody may read is a warning', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'meerkat-config-'))
    try {
      const file = join(folder, 'meerkat.toml')
      writeFileSync(file, rdbms('url = "postgres://m:correct-horse@localhost/d"'))
      const warned = async (mode: number) => {
        chmodSync(file, mode)
        const { warnings } = await checkFiles(await loadConfig(file, { certsFolder: folder }), Date.now())
        return warnings.filter(({ path }) => path === 'auth.rdbms.url').map(({ text }) => text).join('')
      }
      assert.match(await warned(0o644), /everybody on this machine may read .* use password_file/)
      assert.doesNotMatch(await warned(0o644), /correct-horse/)
      assert.equal(await warned(0o640), '')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
