/** Loads the configuration: TOML text → settings by the schema → the rules of several keys. Every mistake is told at once. */
import { dirname, join, resolve } from 'node:path'

import { parse, TomlError } from 'smol-toml'
import { Value } from 'typebox/value'

import { checkAuth } from './check-auth.ts'
import { checkDatabase } from './check-database.ts'
import { checkHosts } from './check-hosts.ts'
import { checkListeners } from './check-listeners.ts'
import { checkSession } from './check-session.ts'
import type { Config } from './config.ts'
import { ConfigError } from './config-error.ts'
import type { Mistake } from './config-error.ts'
import { listenersOf } from './listeners.ts'
import { checkMetrics } from './metrics.ts'
import { isTable, readValue } from './read.ts'
import type { Table } from './read.ts'
import { readNamedFile } from './read-file.ts'
import { Report } from './report.ts'
import { configSchema } from './schema.ts'
import type { Settings } from './schema.ts'

export interface LoadOptions {
  /** The folder of the development certificates, which the built-in defaults use. */
  readonly certsFolder: string
}

/** Without a file, the built-in defaults. Rejects with ConfigError. */
export async function loadConfig(file: string | null, { certsFolder }: LoadOptions): Promise<Config> {
  if (file === null) return configOf(builtIn(resolve(certsFolder)), null, dirname(resolve(certsFolder)))
  const path = resolve(file)
  return configOf(parseToml(await readToml(path), path), path, dirname(path))
}

/** `localhost` over TLS on both loopback addresses: browsers resolve the name to either. */
function builtIn(certsFolder: string): Table {
  const tls = {
    certfile: join(certsFolder, 'server.crt'), keyfile: join(certsFolder, 'server.key'), cacertfile: join(certsFolder, 'ca.crt'),
  }
  return { listen: { http: [{ ip: '127.0.0.1', tls }, { ip: '::1', tls }] } }
}

async function readToml(path: string): Promise<string> {
  const read = await readNamedFile(path)
  if (!read.ok) throw mistaken(path, { found: read.failure, allowed: 'a TOML file', remedy: 'Check the name of the configuration file.' })
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(read.bytes)
  } catch {
    throw mistaken(path, { found: 'bytes that are not UTF-8', allowed: 'a TOML file in UTF-8', remedy: 'Save it as UTF-8.' })
  }
}

function parseToml(toml: string, path: string): Table {
  try {
    const table: unknown = parse(toml, { maxDepth: 32 })
    if (isTable(table)) return table
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    // Only the first line: the rest quotes the file, which may hold a password.
    const [problem = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n')
    throw mistaken(path, { position: { line: error.line, column: error.column }, found: `not TOML: ${problem}`, remedy: 'Correct this line.' })
  }
  throw new Error('a TOML document that is no table')
}

const mistaken = (file: string, mistake: Omit<Mistake, 'file' | 'path'>) => new ConfigError([{ file, path: '', ...mistake }])

function configOf(table: Table, file: string | null, folder: string): Config {
  const report = new Report(file, folder)
  const settings = readSettings(table, report)
  const hosts = checkHosts(settings.general.hosts, report)
  const listeners = listenersOf(settings.listen)
  checkListeners(settings.listen, report)
  checkMetrics(settings.listen.metrics, listeners, report)
  checkAuth(settings.auth, listeners, report)
  checkDatabase(settings.store, 'store', 'what users keep and write travels', report)
  checkLimits(settings, report)
  checkSession(settings.session, report)
  if (report.mistakes.length > 0) throw new ConfigError(report.mistakes)
  return { ...settings, file, general: { ...settings.general, hosts }, warnings: report.warnings }
}

function readSettings(table: Table, report: Report): Settings {
  const settings = readValue(configSchema, table, '', report)
  // Mistakes have been replaced by defaults, so whatever does not fit here is a fault of the schema or of its reader.
  if (!Value.Check(configSchema, settings)) throw new Error('the configuration read does not fit its own schema')
  return settings
}

function checkLimits({ limits, listen, session }: Settings, report: Report): void {
  const endpoints = [...listen.http.flatMap(({ websocket, bosh }) => [websocket, bosh]), ...listen.c2s]
  const longest = Math.max(0, ...endpoints.map(endpoint => endpoint === false ? 0 : endpoint.max_stanza_size))
  if (limits.max_unread_bytes < longest && report.sound('limits', 'listen')) {
    report.warn('limits.max_unread_bytes', `a single stanza of max_stanza_size (${longest} bytes) disconnects the client that receives it.`)
  }
  if (session.max_unacked_bytes !== undefined && session.max_unacked_bytes > limits.max_unread_bytes && report.sound('limits', 'session')) {
    report.mistake('session.max_unacked_bytes', {
      found: String(session.max_unacked_bytes), allowed: `at most limits.max_unread_bytes (${limits.max_unread_bytes})`,
      remedy: 'Raise limits.max_unread_bytes as well: a client that resumes its session is sent all of it at once.',
    })
  }
}
