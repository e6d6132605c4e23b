// The gateway as a process: signals, exit codes, and what it says on its way out.
import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'
import { ensureDevelopmentCertificates } from '../../src/x509/development-folder.ts'
import { NS_FRAMING } from '../support/wire-client.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const launcher = fileURLToPath(new URL('../../src/launch.mjs', import.meta.url))

let folder: string
let ca: string
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'meerkat-process-'))
  await mkdir(join(folder, 'certs'))
  await ensureDevelopmentCertificates({ folder: join(folder, 'certs'), now: Date.now() })
  ca = await readFile(join(folder, 'certs', 'ca.crt'), 'utf8')
})
after(async () => { await rm(folder, { recursive: true, force: true }) })

const tomlWith = (port: number, { listener = '', rest = '' } = {}) => `
[[listen.http]]
port = ${port}
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.cacertfile = "certs/ca.crt"
${listener}
[limits]
shutdown_timeout = 500
${rest}`

interface Running {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  readonly out: () => string
  readonly err: () => string
  readonly exit: Promise<{ readonly code: number | null, readonly signal: string | null }>
}

async function run(command: string, toml: string, name = 'meerkat.toml'): Promise<Running> {
  const file = join(folder, name)
  await writeFile(file, toml)
  const child = spawn(process.execPath, [main, ...command === 'check' ? ['check', file] : [command, '--config', file]], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString() })
  // 'close': also the last words have been read.
  const exit = once(child, 'close').then(([code, signal]) => ({ code: code as number | null, signal: signal as string | null }))
  return { child, out: () => out, err: () => err, exit }
}

/** The port, as soon as the log tells it. */
async function portOf({ child, out, err, exit }: Running): Promise<number> {
  let isOver = false
  void exit.then(() => { isOver = true })
  for (;;) {
    const line = out().split('\n').find(line => line.includes('"listener.open"'))
    if (line !== undefined) return (JSON.parse(line) as { port: number }).port
    if (isOver) throw new Error(`it did not start: ${err()}`)
    await Promise.race([once(child.stdout, 'data'), exit])
  }
}

interface Client { readonly socket: WebSocket, readonly heard: string[], readonly closed: Promise<number> }

/** A client whose stream is open. */
async function client(port: number): Promise<Client> {
  const socket = new WebSocket(`wss://localhost:${port}/xmpp-websocket`, 'xmpp', { ca })
  const heard: string[] = []
  socket.on('message', (data: Buffer) => { heard.push(data.toString()) })
  const closed = new Promise<number>(resolve => { socket.on('close', resolve) })
  await once(socket, 'open')
  socket.send(`<open xmlns='${NS_FRAMING}' to='localhost' version='1.0'/>`)
  while (heard.length < 2) await once(socket, 'message')
  return { socket, heard, closed }
}

const withoutStack = (text: string) => { assert.doesNotMatch(text, /^\s+at .*[:)]/m) }

describe('signals', () => {
  test('SIGTERM: clients hear <system-shutdown/> and <close/>, the exit code is 0, and nothing is left on stderr but the greeting', async () => {
    const running = await run('start', tomlWith(0))
    const { socket, heard, closed } = await client(await portOf(running))
    socket.on('message', (data: Buffer) => { if (data.includes('<close')) socket.send(`<close xmlns='${NS_FRAMING}'/>`) })
    running.child.kill('SIGTERM')
    assert.equal(await closed, 1000)
    assert.match(heard.join(''), /system-shutdown.*<close /)
    assert.deepEqual(await running.exit, { code: 0, signal: null })
    assert.match(running.out(), /"process.stopped"/)
    withoutStack(running.err() + running.out())
  })

  test('SIGINT with a client that does not answer: it ends at shutdown_timeout all the same, with 0', async () => {
    const running = await run('start', tomlWith(0))
    const { closed } = await client(await portOf(running))
    running.child.kill('SIGINT')
    assert.deepEqual(await running.exit, { code: 0, signal: null })
    assert.equal(await closed, 1006)
  })

  test('killed with -9 and started again on the same port, it serves again', async () => {
    const first = await run('start', tomlWith(0))
    const port = await portOf(first)
    const { closed } = await client(port)
    first.child.kill('SIGKILL')
    assert.equal((await first.exit).signal, 'SIGKILL')
    assert.equal(await closed, 1006)
    const second = await run('start', tomlWith(port))
    assert.equal(await portOf(second), port)
    const again = await client(port)
    again.socket.terminate()
    second.child.kill('SIGTERM')
    assert.equal((await second.exit).code, 0)
  })
})

describe('what keeps it from starting', () => {
  test('a port, or a store, in use: one line that says so, no stack, exit code 1; and who has it serves on', async () => {
    const first = await run('start', tomlWith(0))
    const port = await portOf(first)
    const second = await run('start', `general.data_dir = "other"\n${tomlWith(port)}`, 'second.toml')
    assert.deepEqual(await second.exit, { code: 1, signal: null })
    assert.match(second.err(), new RegExp(`^meerkat: 127\\.0\\.0\\.1:${port} is in use: .*choose another port\\.\\n$`))
    const third = await run('start', tomlWith(port), 'third.toml')
    assert.deepEqual(await third.exit, { code: 1, signal: null })
    assert.match(third.err(), /^meerkat: .*domain\.sqlite is in use: another Meerkat .*\n$/)
    const { socket } = await client(port)
    socket.terminate()
    first.child.kill('SIGTERM')
    assert.equal((await first.exit).code, 0)
  })

  const mistakes: readonly (readonly [string, string, readonly RegExp[]])[] = [
    ['a key that is not there', tomlWith(0).replace('server.key', 'missing.key'), [/listen\.http\[0\]\.tls\.keyfile/, /missing\.key/]],
    ['a key that is a folder', tomlWith(0).replace('certs/server.key', 'certs'), [/listen\.http\[0\]\.tls\.keyfile/, /certs/]],
    ['a key of another certificate', tomlWith(0).replace('server.key', 'alice.key'), [/tls\.keyfile/]],
    ['an authority that is a private key', tomlWith(0).replace('certs/ca.crt', 'certs/server.key'), [/tls\.cacertfile/]],
    ['an unknown key', tomlWith(0, { listener: 'websocket.pingrate = 5' }), [/listen\.http\[0\]\.websocket\.pingrate/, /ping_rate/]],
    ['a value of the wrong kind', tomlWith(0, { rest: 'max_connections = "many"' }), [/limits\.max_connections/, /"many"/, /1000000|1_000_000|1,000,000/]],
    ['a data_dir that cannot be made', `general.data_dir = "certs/ca.crt/data"\n${tomlWith(0)}`, [/general\.data_dir/, /ca\.crt is there, and it is no folder/]],
    ['a store beneath a file', `store.url = "sqlite:certs/ca.crt/domain.db"\n${tomlWith(0)}`, [/store\.url/, /it is no folder/]],
    ['a store that is no database', `store.url = "sqlite:certs/ca.crt"\n${tomlWith(0)}`, [/store\.url/, /ca\.crt.*file is not a database/]],
    ['no TOML', 'hosts = [', [/:1:\d+/]],
  ]
  for (const [name, toml, patterns] of mistakes) {
    test(`${name}: exit code 78 from start and from check, the file, the key, what was found; no stack`, async () => {
      for (const running of [await run('start', toml, 'mistaken.toml'), await run('check', toml, 'mistaken.toml')]) {
        assert.deepEqual(await running.exit, { code: 78, signal: null })
        for (const pattern of [/mistaken\.toml/, /found: /, ...patterns]) assert.match(running.err(), pattern)
        withoutStack(running.err() + running.out())
        assert.doesNotMatch(running.err(), /PRIVATE KEY-----/)
      }
    })
  }
})

test('a data_dir in which this user may not write: told by check and at the start, not at the first login', async () => {
  const other = mkdtempSync(join(tmpdir(), 'meerkat-rights-'))
  try {
    await mkdir(join(other, 'data'))
    await chmod(other, 0o755)
    await chmod(join(other, 'data'), 0o555)
    await writeFile(join(other, 'meerkat.toml'), '[[listen.http]]\nport = 0\nip = "127.0.0.1"\n')
    // Nobody, where we are somebody who may everything.
    const identity = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
    for (const command of [['check'], ['start', '--config']]) {
      const child = spawn(process.execPath, [main, ...command, join(other, 'meerkat.toml')], { cwd: other, stdio: ['ignore', 'pipe', 'pipe'], ...identity })
      let err = ''
      child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString() })
      const [code] = await once(child, 'close')
      assert.equal(code, 78, err)
      assert.match(err, /^\S*meerkat\.toml: general\.data_dir: found: "[^"]*data": this user may not write there; allowed: a folder in which this user may write.*\n$/)
    }
    await chmod(join(other, 'data'), 0o777)
    const child = spawn(process.execPath, [main, 'check', join(other, 'meerkat.toml')], { cwd: other, stdio: 'ignore', ...identity })
    assert.deepEqual(await once(child, 'close'), [0, null])
    // Only looked at.
    assert.deepEqual(await readdir(join(other, 'data')), [])
  } finally {
    await rm(other, { recursive: true })
  }
})

describe('SIGHUP', () => {
  test('makes it read the files of TLS anew: who comes next sees the new certificate, who is there stays, and it lives', async () => {
    const running = await run('start', tomlWith(0), 'hang-up.toml')
    const port = await portOf(running)
    const { socket, closed } = await client(port)
    const said = async (event: string) => {
      while (!running.out().includes(`"${event}"`)) await Promise.race([once(running.child.stdout, 'data'), running.exit])
    }
    running.child.kill('SIGHUP')
    await said('tls.reloaded')
    assert.match(running.out(), /"process.reload".*the configuration is not/)
    const crt = join(folder, 'certs', 'server.crt')
    const good = await readFile(crt)
    await writeFile(crt, 'half a cert')
    running.child.kill('SIGHUP')
    await said('tls.reload_refused')
    await writeFile(crt, good)
    const again = await client(port)
    again.socket.terminate()
    // Also while it stops.
    running.child.kill('SIGTERM')
    running.child.kill('SIGHUP')
    socket.on('message', () => { running.child.kill('SIGHUP') })
    assert.deepEqual(await running.exit, { code: 0, signal: null })
    assert.ok([1000, 1005, 1006].includes(await closed))
  })

  for (const [what, program] of [['the program', main], ['its launcher', launcher]] as const) {
    test(`does not end it while it starts, once ${what} is under way`, async () => {
      const file = join(folder, 'early.toml')
      await writeFile(file, tomlWith(0))
      const child = spawn(process.execPath, [program, 'start', '--config', file], { stdio: ['ignore', 'ignore', 'pipe'] })
      const exit = once(child, 'exit')
      let greeting = ''
      child.stderr.on('data', (chunk: Buffer) => { greeting += chunk.toString() })
      // The very first moments belong to Node.js itself.
      while (child.exitCode === null && !await catchesHangUp(child.pid!)) await new Promise(resolve => { setImmediate(resolve) })
      const timer = setInterval(() => { child.kill('SIGHUP') }, 20)
      while (child.exitCode === null && !greeting.includes('WebSocket')) await Promise.race([once(child.stderr, 'data'), exit])
      clearInterval(timer)
      child.kill('SIGTERM')
      assert.deepEqual(await exit, [0, null])
    })
  }
})

/** Signals that the process has a handler for: proc(5), SigCgt. */
async function catchesHangUp(pid: number): Promise<boolean> {
  const [, mask = '0'] = /^SigCgt:\t([0-9a-f]+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')) ?? []
  return (BigInt(`0x${mask}`) & 1n) !== 0n
}
