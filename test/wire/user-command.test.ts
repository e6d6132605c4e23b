// `meerkat user …`: what it makes, says and refuses, where the password comes from.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, statSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { DatabaseSync } from 'node:sqlite'
import { after, before, beforeEach, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Value } from 'typebox/value'
import { parseScramPassword, secretWith } from '../../src/auth/accounts/stored-password.ts'
import { isPasswordOf, scramHashes } from '../../src/auth/scram-secret.ts'
import { UsageError } from '../../src/commands/command.ts'
import { userCommand } from '../../src/commands/user.ts'
import { ConfigError } from '../../src/config/config-error.ts'
import { openStore } from '../../src/store/open-store.ts'
import { storeOptions } from '../../src/store/options.ts'
import { systemClock } from '../../src/telemetry/clock.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import type { BareJid } from '../../src/xmpp/jid.ts'
import { bare } from '../support/external-certificate.ts'
import { Postgres, requirePostgres, usersTable } from '../support/postgres.ts'
import { pathOf, requireProgram } from '../support/services.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const fewIterations = 'password.scram_iterations = 4_096\n'

interface Ended { readonly code: number | null, readonly out: string, readonly err: string }

let folder: string
const config = () => join(folder, 'meerkat.toml')
before(() => { folder = mkdtempSync(join(tmpdir(), 'meerkat-user-')) })
beforeEach(async () => {
  for (const name of ['data', 'accounts.db']) await rm(join(folder, name), { recursive: true, force: true })
  await writeFile(config(), `[general]\nhosts = ["localhost", "example.net"]\n[[listen.http]]\nip = "127.0.0.1"\n[auth]\nmethods = ["pki", "internal"]\n${fewIterations}`)
})
after(async () => { await rm(folder, { recursive: true, force: true }) })

/** In this process; the exit codes are those of main.ts, which is tested below. */
async function user(argv: readonly string[], input: string | Buffer = '', { isOpen = false } = {}): Promise<Ended> {
  let [out, err] = ['', '']
  const source = new PassThrough()
  if (isOpen) source.write(input)
  else source.end(input)
  const { run } = userCommand({ input: () => source, say: () => assert.fail('nobody is asked') })
  const surroundings = { root: folder, version: '0', print: (text: string) => { out += `${text}\n` }, printError: (text: string) => { err += `${text}\n` } }
  try {
    return { code: await run([...argv, ...argv.includes('--config') ? [] : ['--config', config()]], surroundings), out, err }
  } catch (error) {
    if (error instanceof ConfigError) return { code: 78, out, err: error.message }
    const isUsage = error instanceof UsageError || (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))
    if (!isUsage) throw error
    return { code: 64, out, err: error.message }
  }
}

/** As a process. */
async function meerkat(argv: readonly string[], input: string): Promise<Ended> {
  const child = spawn(process.execPath, [main, 'user', ...argv, '--config', config()], { stdio: ['pipe', 'pipe', 'pipe'], cwd: folder })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString() })
  // What writes it does not have to end.
  child.stdin.on('error', () => undefined)
  child.stdin.write(input)
  const [code] = await once(child, 'close') as [number | null]
  assert.doesNotMatch(out + err, /^\s+at .*[:)]/m)
  return { code, out, err }
}

test('as a process: standard input may stay open, results on stdout, problems in one line on stderr, and the exit code', async () => {
  assert.deepEqual(await meerkat(['add', 'alice@localhost'], 'wonderland\n'), { code: 0, out: 'added alice@localhost (internal)\n', err: '' })
  const again = await meerkat(['add', 'alice@localhost'], '')
  assert.deepEqual([again.code, again.out], [1, ''])
  assert.match(again.err, /^meerkat: alice@localhost is there already \(internal\)\..*\n$/)
  const secret = await meerkat(['passwd', 'alice@localhost', '--password=correct-horse'], '')
  assert.deepEqual([secret.code, secret.out], [64, ''])
  assert.match(secret.err, /^meerkat: a password is no argument.*\n"meerkat --help" tells what there is\.\n$/)
})

describe('accounts', () => {
  test('are added, listed, given another password and deleted; each says what was done', async () => {
    assert.deepEqual(await user(['add', 'Alice@LocalHost'], 'wonderland\n'), { code: 0, out: 'added alice@localhost (internal)\n', err: '' })
    assert.equal((await user(['add', 'bob@example.net'], 'builder')).code, 0)
    assert.deepEqual(await user(['list']), { code: 0, out: 'alice@localhost\nbob@example.net\n', err: '' })
    assert.equal((await user(['list', 'EXAMPLE.net'])).out, 'bob@example.net\n')
    const kept = () => new DatabaseSync(join(folder, 'data', 'meerkat.sqlite'), { readOnly: true }).prepare("SELECT * FROM users WHERE username = 'alice'").get()
    const first = kept()
    assert.deepEqual(await user(['passwd', 'alice@localhost'], 'another\n'), { code: 0, out: 'alice@localhost has a new password (internal)\n', err: '' })
    assert.notEqual(kept()?.['pass_details'], first?.['pass_details'])
    assert.match(String(first?.['pass_details']), /^==MULTI_SCRAM==,4096,===SHA1===[^,]+,==SHA256==[^,]+,==SHA512==[^,]+$/)
    assert.equal(first?.['password'], '')
    assert.match((await user(['delete', 'alice@localhost'])).out, /^deleted alice@localhost \(internal\)/)
    assert.equal((await user(['list', 'localhost'])).out, '')
    assert.equal(statSync(join(folder, 'data', 'meerkat.sqlite')).mode & 0o777, 0o600)
  })

  test('that are there already, or not there, are an error with exit code 1, and before a password is asked for', async () => {
    await user(['add', 'alice@localhost'], 'wonderland\n')
    for (const argv of [['add', 'alice@localhost'], ['passwd', 'bob@localhost']]) {
      // Standard input stays open, and nothing is written to it.
      const { code, out, err } = await user(argv, '', { isOpen: true })
      assert.deepEqual([code, out], [1, ''])
      assert.match(err, /^meerkat: .*(?:is there already|there is no).*meerkat user (?:passwd|add) .*\n$/)
    }
    const { code, err } = await user(['delete', 'bob@localhost'])
    assert.deepEqual([code, err], [1, 'meerkat: there is no bob@localhost (internal), nothing was deleted\n'])
  })

  test('of a domain that is not served are refused, and the domains that are served are named', async () => {
    for (const argv of [['add', 'alice@example.com'], ['delete', 'alice@example.com'], ['list', 'example.com']]) {
      const { code, err } = await user(argv, 'x\n')
      assert.deepEqual([code, err], [1, 'meerkat: example.com is not served here. Served: localhost, example.net (general.hosts).\n'])
    }
    assert.equal(existsSync(join(folder, 'data')), false)
  })
})

describe('a password', () => {
  test('is the first line of standard input, also without a line end, with that of Windows, and where more follows', async () => {
    for (const [name, input] of [['a', 'secret'], ['b', 'secret\n'], ['c', 'secret\r\n'], ['d', 'secret\nsomething else\n']] as const) {
      assert.equal((await user(['add', `${name}@localhost`], input)).code, 0, name)
    }
  })

  const bad: readonly (readonly [string, string | Buffer, RegExp])[] = [
    ['nothing', '', /empty password/], ['an empty line', '\nsecret\n', /empty password/], ['bytes that are not UTF-8', Buffer.from([0x61, 0xFF, 0x0A]), /not UTF-8/],
    ['a control character', 'a\u0007b\n', /RFC 8265/], ['a line without an end', 'x'.repeat(10_000), /longer than 4096 bytes/],
  ]
  for (const [what, input, problem] of bad) test(`that is ${what} is refused, and nothing is made`, async () => {
    const { code, err } = await user(['add', 'alice@localhost'], input)
    assert.equal(code, 1)
    assert.match(err, problem)
    assert.equal((await user(['list'])).out, '')
  })

  test('is no argument, however it is spelt: that is explained, and it is not repeated', async () => {
    for (const argv of [['add', 'alice@localhost', 'correct-horse'], ['add', 'alice@localhost', '--password', 'correct-horse'], ['add', 'alice@localhost', '--password=correct-horse'],
      ['passwd', 'alice@localhost', '-p', 'correct-horse'], ['passwd', 'alice@localhost', '-pcorrect-horse']]) {
      const { code, out, err } = await user(argv, 'x\n')
      assert.equal(code, 64)
      assert.match(err, /a password is no argument, everybody on this machine could read it: give it on standard input/)
      assert.doesNotMatch(out + err, /correct-horse/)
    }
  })

  describe('on a terminal', { skip: requireProgram('script') }, () => {
    /** Types an answer at every prompt. */
    async function typed(...answers: readonly string[]): Promise<{ readonly code: number | null, readonly shown: string }> {
      const command = [process.execPath, main, 'user', 'add', 'alice@localhost', '--config', config()].map(word => `'${word}'`).join(' ')
      const child = spawn(pathOf('script') ?? 'script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'], cwd: folder })
      let shown = ''
      let answered = 0
      child.stdout.on('data', (chunk: Buffer) => {
        shown += chunk.toString()
        if ((shown.match(/: /g)?.length ?? 0) > answered && answered < answers.length) child.stdin.write(answers[answered++]!)
      })
      const [code] = await once(child, 'close') as [number | null]
      child.stdin.destroy()
      return { code, shown }
    }
    const accounts = async () => (await user(['list'])).out

    test('is asked for twice, and not shown', async () => {
      const { code, shown } = await typed('wonderland\r', 'wonderland\r')
      assert.equal(code, 0)
      assert.match(shown, /^Password: \r\nOnce more: \r\nadded alice@localhost/)
      assert.doesNotMatch(shown, /wonder/)
      assert.equal(await accounts(), 'alice@localhost\n')
    })
    test('that is another the second time, or given up with Ctrl-C, changes nothing', async () => {
      for (const [second, problem] of [['wonderworld\r', /the two are not the same, nothing was changed/], ['\u0003', /given up, nothing was changed/]] as const) {
        const { code, shown } = await typed('wonderland\r', second)
        assert.equal(code, 1)
        assert.match(shown, problem)
      }
      assert.equal(await accounts(), '')
    })
    test('is edited before it is sent', async () => {
      assert.equal((await typed('wonderlanb\u007Fd\r', 'x\u0015wonderland\r')).code, 0)
    })
  })
})

describe('what cannot be understood', () => {
  const usage: readonly (readonly string[])[] = [[], ['make'], ['add'], ['delete'], ['add', 'localhost'], ['add', 'a@b@c'], ['add', 'alice@localhost/home'], ['add', '@localhost'],
    ['add', 'al ice@localhost'], ['list', 'a@localhost'], ['add', 'alice@localhost', '--method', 'pki'], ['add', 'alice@localhost', '--unknown']]
  for (const argv of usage) test(`meerkat user ${argv.join(' ')}: exit code 64, and why`, async () => {
    const { code, out, err } = await user(argv, 'x\n')
    assert.deepEqual([code, out], [64, ''])
    assert.ok(err.length > 10)
  })

  test('a mistaken configuration: exit code 78', async () => {
    await writeFile(config(), '[general]\nhosts = 1\n')
    assert.equal((await user(['list'])).code, 78)
    assert.equal((await user(['list', '--config', join(folder, 'nothing.toml')])).code, 78)
  })
})

describe('the method', () => {
  const database = () => join(folder, 'accounts.db')
  const both = () => `[general]\nhosts = ["localhost"]\n[[listen.http]]\nip = "127.0.0.1"\n[auth]\nmethods = ["rdbms", "internal"]\n${fewIterations}[auth.rdbms]\nurl = "sqlite:accounts.db"\n`

  test('is the first in auth.methods that has accounts here, or the one that is named', async () => {
    await writeFile(config(), both())
    const file = new DatabaseSync(database())
    file.exec(usersTable.replace('now()', 'CURRENT_TIMESTAMP'))
    assert.equal((await user(['add', 'alice@localhost'], 'x\n')).out, 'added alice@localhost (rdbms)\n')
    assert.equal((await user(['add', 'bob@localhost', '--method', 'internal'], 'x\n')).out, 'added bob@localhost (internal)\n')
    assert.deepEqual(file.prepare('SELECT username, server, password FROM users').all().map(row => ({ ...row })), [{ username: 'alice', server: 'localhost', password: '' }])
    assert.equal((await user(['list', '--method', 'internal'])).out, 'bob@localhost\n')
    // Nobody can be it, and it could write anything on the terminal.
    file.exec("INSERT INTO users (username, server, password) VALUES (char(27) || '[2J', 'localhost', 'x')")
    const { out, err } = await user(['list'])
    assert.deepEqual([out, err], ['alice@localhost\n', 'meerkat: 1 rows have names that no user can have (RFC 7622 §3.3)\n'])
    file.close()
  })

  test('whose database cannot be reached: exit code 1, and why', async () => {
    await writeFile(config(), both())
    const { code, err } = await user(['list'])
    assert.equal(code, 1)
    assert.match(err, /^meerkat: the accounts cannot be reached: there is no database .*accounts\.db\n$/)
  })

  test('has to be configured', async () => {
    const { code, err } = await user(['list', '--method', 'rdbms'])
    assert.deepEqual([code, err], [1, 'meerkat: the method rdbms is not configured: auth.methods is pki, internal.\n'])
    await writeFile(config(), '[[listen.http]]\nip = "127.0.0.1"\n[auth]\nmethods = ["pki"]\n')
    assert.match((await user(['list'])).err, /no method has accounts here: auth\.methods is pki\. Add "internal" to it\./)
  })
})

describe('accounts in a database of somebody else\'s, which has others beside them', () => {
  type Row = Readonly<Record<string, unknown>>
  interface Elsewhere {
    readonly name: string
    readonly skip: string | false
    /** Answers with where it is. */
    readonly make: () => Promise<string>
    readonly sql: (text: string) => Promise<readonly Row[]>
    readonly unmake: () => Promise<void>
  }
  let [postgres, sqlite]: [Postgres | null, DatabaseSync | null] = [null, null]
  const databases: readonly Elsewhere[] = [
    {
      name: 'SQLite', skip: false,
      make: () => {
        sqlite = new DatabaseSync(join(folder, 'elsewhere.db'))
        sqlite.exec(usersTable.replace('now()', 'CURRENT_TIMESTAMP'))
        return Promise.resolve('sqlite:elsewhere.db')
      },
      sql: text => Promise.resolve(sqlite?.prepare(text).all().map(row => ({ ...row })) ?? []),
      unmake: () => Promise.resolve(sqlite?.close()),
    },
    {
      name: 'PostgreSQL', skip: requirePostgres(),
      make: async () => {
        postgres = await Postgres.start()
        return postgres.url
      },
      sql: text => postgres?.sql(text) ?? Promise.resolve([]),
      unmake: async () => { await postgres?.stop() },
    },
  ]

  for (const { name, skip, make, sql, unmake } of databases) describe(name, { skip }, () => {
    let url: string
    const names = async () => (await sql('SELECT username, server FROM users ORDER BY server, username')).map(row => `${String(row['username'])}@${String(row['server'])}`)
    const kept = async () => (await sql("SELECT password, pass_details FROM users WHERE username = 'alice' AND server = 'localhost'"))[0]
    before(async () => { url = await make() })
    after(unmake)
    beforeEach(async () => {
      await writeFile(config(), `[general]\nhosts = ["localhost", "example.net"]\n[[listen.http]]\nip = "127.0.0.1"\n[auth]\nmethods = ["rdbms"]\n${fewIterations}[auth.rdbms]\nurl = "${url}"\n`)
      await sql('DELETE FROM users')
      await sql("INSERT INTO users (username, server, password) VALUES ('alice', 'example.net', 'x'), ('bob', 'localhost', 'y'), ('carol', 'elsewhere.example', 'z')")
    })

    test('are added and listed', async () => {
      assert.deepEqual(await user(['add', 'Alice@LocalHost'], 'wonderland\n'), { code: 0, out: 'added alice@localhost (rdbms)\n', err: '' })
      assert.deepEqual(await user(['list']), { code: 0, out: 'alice@localhost\nbob@localhost\nalice@example.net\n', err: '' })
      assert.deepEqual(await names(), ['carol@elsewhere.example', 'alice@example.net', 'alice@localhost', 'bob@localhost'])
      const { code, err } = await user(['add', 'alice@localhost'], '', { isOpen: true })
      assert.deepEqual([code, /is there already/.test(err)], [1, true])
    })
    test('are given another password, and nobody else is; the right one alone is right afterwards', async () => {
      await user(['add', 'alice@localhost'], 'wonderland\n')
      const first = await kept()
      assert.deepEqual(await user(['passwd', 'alice@localhost'], 'looking glass\n'), { code: 0, out: 'alice@localhost has a new password (rdbms)\n', err: '' })
      const second = await kept()
      assert.notEqual(second?.['pass_details'], first?.['pass_details'])
      assert.equal(second?.['password'], '')
      const stored = parseScramPassword(String(second?.['pass_details']))
      for (const hash of scramHashes) {
        const secret = stored === null ? null : secretWith(hash, stored)
        assert.ok(secret !== null)
        assert.deepEqual([await isPasswordOf(hash, secret, 'looking glass'), await isPasswordOf(hash, secret, 'wonderland')], [true, false])
      }
      assert.deepEqual(await sql("SELECT password, pass_details FROM users WHERE password <> '' ORDER BY password"), ['x', 'y', 'z'].map(password => ({ password, pass_details: null })))
    })
    test('that had plain text have none after that', async () => {
      assert.equal((await user(['passwd', 'alice@example.net'], 'looking glass\n')).code, 0)
      assert.deepEqual((await sql("SELECT username FROM users WHERE password <> '' ORDER BY username")).map(row => row['username']), ['bob', 'carol'])
    })
    test('are deleted, and nobody else is', async () => {
      await user(['add', 'alice@localhost'], 'wonderland\n')
      const { code, out, err } = await user(['delete', 'alice@localhost'])
      assert.deepEqual([code, err], [0, ''])
      assert.match(out, /^deleted alice@localhost \(rdbms\)/)
      assert.deepEqual(await names(), ['carol@elsewhere.example', 'alice@example.net', 'bob@localhost'])
    })
    test('that are not there are an error with exit code 1, and nothing is changed', async () => {
      for (const verb of ['passwd', 'delete']) {
        const { code, out, err } = await user([verb, 'nobody@localhost'], '', { isOpen: verb === 'passwd' })
        assert.deepEqual([code, out], [1, ''])
        assert.match(err, /^meerkat: there is no nobody@localhost \(rdbms\)/)
      }
      assert.equal((await names()).length, 3)
    })
  })
})

describe('what the domain keeps of an account', () => {
  const juliet = bare('juliet@localhost')
  const open = () => openStore(Value.Create(storeOptions), { dataFolder: join(folder, 'data'), file: () => '', clock: systemClock, log: silentLog, isShared: true })
  const isKnown = async (jid: BareJid) => {
    const store = await open()
    const stored = await store.load(jid)
    await store.close()
    return stored.isKnown && stored.hasMessages
  }
  beforeEach(async () => {
    await user(['add', juliet], 'wherefore\n')
    const store = await open()
    for (const account of [juliet, bare('juliet@example.net')]) {
      await store.commit([{ account, changes: [{ kind: 'known' }] }])
      await store.keepMessages(account, [{ wire: Buffer.from('<message/>'), at: 1 }], 1)
    }
    await store.close()
  })

  test('is deleted with it, also while a gateway has it open, and nothing of anybody else', async () => {
    const gateway = await openStore(Value.Create(storeOptions), { dataFolder: join(folder, 'data'), file: () => '', clock: systemClock, log: silentLog })
    assert.match((await user(['delete', juliet])).out, /^deleted juliet@localhost \(internal\), with the contacts and messages that were kept for it\./)
    assert.deepEqual([(await gateway.load(juliet)).isKnown, (await gateway.messages(juliet, 0, 1)).length], [false, 0])
    await gateway.close()
    assert.deepEqual([await isKnown(juliet), await isKnown(bare('juliet@example.net'))], [false, true])
  })

  test('stays where the account is not there: a name that was mistyped deletes nothing', async () => {
    assert.equal((await user(['delete', 'juliet@example.net'])).code, 1)
    assert.equal(await isKnown(bare('juliet@example.net')), true)
  })

  test('that cannot be reached keeps the account too, and says so in a line', async () => {
    await rm(join(folder, 'data', 'domain.sqlite-wal'), { force: true })
    await writeFile(join(folder, 'data', 'domain.sqlite'), 'These are not the bytes you are looking for. '.repeat(100))
    const { code, out, err } = await user(['delete', juliet])
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, /^meerkat: .*domain\.sqlite cannot be used: file is not a database.*Nothing was deleted\.\n$/)
    assert.equal((await user(['list', 'localhost'])).out, 'juliet@localhost\n')
  })
})
