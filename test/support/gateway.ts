// A whole gateway in this process: the real App on free ports of the loopback, with a development CA of its own.
import { mkdtempSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HttpPatience } from '../../plugins/http-patience.ts'
import { App, type Listening } from '../../src/app.ts'
import { checkFiles } from '../../src/config/check-files.ts'
import { ConfigError } from '../../src/config/config-error.ts'
import { loadConfig } from '../../src/config/load.ts'
import { type Clock, systemClock } from '../../src/telemetry/clock.ts'
import type { Log, LogEvent } from '../../src/telemetry/log.ts'
import { ensureDevelopmentCertificates } from '../../src/x509/development-folder.ts'
import { writeFile } from 'node:fs/promises'

export interface GatewayOptions {
  /** The text of meerkat.toml. Paths are relative to the folder, where `certs/` has ca.crt, server.crt, server.key and the users'. */
  readonly toml?: string
  /** Bare JIDs that get a certificate; `certs/NAME.crt` and `.key`. */
  readonly users?: readonly string[]
  readonly clock?: Clock
  readonly patience?: HttpPatience
  /** Called with the folder before the gateway starts: to put files there. */
  readonly prepare?: (folder: string) => Promise<void>
}

/** A listener on a free port that asks for certificates. */
export const defaultToml = `
[general]
hosts = ["localhost"]
[[listen.http]]
port = 0
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.cacertfile = "certs/ca.crt"
`

/** Where a text does not say who judges credentials, it is about certificates: no database is made for it. */
function withCertificatesOnly(toml: string): string {
  if (/^\s*(?:auth\.)?methods\s*=/m.test(toml)) return toml
  const methods = 'methods = ["pki"]'
  return /^\[auth\]/m.test(toml) ? toml.replace(/^\[auth\]/m, `[auth]\n${methods}`) : `${toml}\n[auth]\n${methods}\n`
}

/** PEM of a client. */
export interface ClientIdentity { readonly cert: string, readonly key: string }

export class Gateway {
  readonly app: App
  readonly folder: string
  readonly listening: readonly Listening[]
  readonly ca: string
  readonly events: readonly (LogEvent & { readonly level: string })[]

  private constructor(app: App, folder: string, listening: readonly Listening[], ca: string, events: Gateway['events']) {
    this.app = app
    this.folder = folder
    this.listening = listening
    this.ca = ca
    this.events = events
  }

  static async start({ toml = defaultToml, users = ['alice@localhost', 'bob@localhost'], clock = systemClock, patience, prepare }: GatewayOptions = {}): Promise<Gateway> {
    const folder = mkdtempSync(join(tmpdir(), 'meerkat-test-'))
    const certs = join(folder, 'certs')
    await mkdir(certs)
    await ensureDevelopmentCertificates({ folder: certs, now: Date.now(), users })
    await prepare?.(folder)
    const file = join(folder, 'meerkat.toml')
    await writeFile(file, withCertificatesOnly(toml))
    const events: (LogEvent & { level: string })[] = []
    const record = (level: string) => (event: LogEvent) => { events.push({ ...event, level }) }
    const log: Log = { debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error') }
    const config = await loadConfig(file, { certsFolder: certs })
    const { mistakes, tls, tlsState, authFiles } = await checkFiles(config, Date.now())
    if (mistakes.length > 0) throw new ConfigError(mistakes)
    const app = await App.create({ config, tls, tlsState, authFiles, software: { name: 'Meerkat', version: '0.0.0-test' }, clock, log, ...patience === undefined ? {} : { patience } })
    const listening = await app.listen()
    return new Gateway(app, folder, listening, await readFile(join(certs, 'ca.crt'), 'utf8'), events)
  }

  /** Of the listener with this index. */
  port(index = 0): number { return this.listening[index]!.port }
  url(index = 0): string { return `wss://localhost:${this.port(index)}${this.listening[index]!.websocketPath ?? ''}` }
  boshUrl(index = 0): string { return `${this.origin(index)}${this.listening[index]!.boshPath ?? ''}` }
  origin(index = 0): string { return `https://localhost:${this.port(index)}` }

  async identity(name: string): Promise<ClientIdentity> {
    const file = (ending: string) => readFile(join(this.folder, 'certs', `${name}.${ending}`), 'utf8')
    return { cert: await file('crt'), key: await file('key') }
  }

  /** Every event of that name so far. */
  eventsNamed(name: string): Gateway['events'] { return this.events.filter(({ event }) => event === name) }

  async stop(): Promise<void> {
    await this.app.close(1_000)
    await rm(this.folder, { recursive: true, force: true })
  }
}
