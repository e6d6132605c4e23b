#!/usr/bin/env node
// The way in, in plain JavaScript so that any Node since 20 can read it: installs what the command needs, finds a
// Node that is new enough, and hands over to `src/main.ts`, to the test runner or to the benchmarks.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')
const ownNode = join(modules, '.bin', 'node')

/** Earlier lines report client certificates wrongly: a resumed TLS 1.3 session without any was `authorized`. */
const required = [26, 9]
/** A Node that has just been started would die of SIGHUP, which means "read the files anew": it is passed on when this time has passed. */
const hangUpMilliseconds = 1_000
let hangUps = 0
let hangUp = () => { hangUps += 1 }
process.on('SIGHUP', () => hangUp())

const say = line => process.stderr.write(`meerkat: ${line}\n`)

const fits = version => {
  const [major, minor] = version.replace(/^v/, '').split('.').map(Number)
  return major > required[0] || (major === required[0] && minor >= required[1])
}

const readJson = file => {
  try { return JSON.parse(readFileSync(file, 'utf8')) } catch { return null }
}

/** What the lockfile wants and node_modules does not hold in that version; null where nothing is installed at all. */
function missing(withDevelopment) {
  const installed = readJson(join(modules, '.package-lock.json'))
  if (installed === null) return null
  const wanted = readJson(join(root, 'package-lock.json'))
  return Object.entries(wanted?.packages ?? {}).filter(([path, { version, dev, devOptional, optional, peer }]) =>
    path !== '' && !optional && !devOptional && !peer && (withDevelopment || !dev) && installed.packages?.[path]?.version !== version)
}

function install(withDevelopment, why) {
  const here = realpathSync(process.execPath).startsWith(modules + sep)
  // A system Node that is new enough makes the packaged one, 50 MB, superfluous.
  const flags = [...withDevelopment ? [] : ['--omit=dev'], ...!here && fits(process.version) ? ['--omit=optional'] : []]
  say(`${why}: installing with "npm ci${flags.map(flag => ` ${flag}`).join('')}" …`)
  const environment = { ...process.env }
  delete environment.NODE_OPTIONS
  // npm must not run on the Node that it is about to delete.
  environment.PATH = (process.env.PATH ?? '').split(delimiter).filter(folder => folder !== join(modules, '.bin')).join(delimiter)
  const { status, error } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error', ...flags],
    { cwd: root, env: environment, stdio: ['ignore', 2, 2] })
  if (status !== 0) {
    say(`"npm ci" failed${error ? ` (${error.message})` : ''}. Mend what it says above, then start again.`)
    process.exit(1)
  }
}

function prepare(withDevelopment) {
  const absent = missing(withDevelopment)
  if (absent === null) install(withDevelopment, 'nothing is installed yet')
  else if (absent.length > 0) install(withDevelopment, `node_modules is older than the lockfile or incomplete (${absent.length} packages)`)
  else if (!fits(process.version) && !existsSync(ownNode)) install(withDevelopment, `Node ${process.version} is too old and the packaged one is absent`)
}

/** The Node to run: this one, or the one that came through npm. */
function node() {
  if (fits(process.version)) return process.execPath
  const { stdout } = existsSync(ownNode) ? spawnSync(ownNode, ['--version'], { encoding: 'utf8' }) : { stdout: '' }
  if (fits(stdout.trim())) return ownNode
  say(`Node ${required.join('.')} or later is needed; this is ${process.version}, and npm brings none for ${process.platform} ${process.arch}. `
    + 'Install Node 26 LTS (https://nodejs.org) and put it first on the path.')
  process.exit(78)
}

function hand(over, environment = {}) {
  const program = node()
  const env = { ...process.env, ...environment, PATH: [join(modules, '.bin'), process.env.PATH].join(delimiter) }
  const child = spawn(program, over, { stdio: 'inherit', env })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  const start = performance.now()
  hangUp = () => setTimeout(() => child.kill('SIGHUP'), Math.max(0, start + hangUpMilliseconds - performance.now()))
  if (hangUps > 0) hangUp()
  child.on('error', error => { say(`${program} does not start: ${error.message}`); process.exit(1) })
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 128 + constants.signals[signal]))
}

const [command, ...rest] = process.argv.slice(2)
if (command === 'test') {
  prepare(true)
  const chosen = rest.filter(argument => !argument.startsWith('-'))
  // The runner of Node 26 reads the pattern by itself.
  const files = chosen.length > 0 ? chosen : [join(root, 'test', '**', '*.test.ts')]
  hand(['--test', '--test-concurrency=2', '--test-timeout=300000', ...rest.filter(argument => argument.startsWith('-')), ...files])
} else if (command === 'bench') {
  prepare(true)
  hand([join(root, 'test', 'bench', 'main.ts'), ...rest])
} else {
  prepare(false)
  hand([join(root, 'src', 'main.ts'), ...process.argv.slice(2)])
}
