// A gateway in a process of its own, to be killed.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { ensureDevelopmentCertificates } from '../../src/x509/development-folder.ts'
import type { ClientIdentity } from '../support/gateway.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

const configuration = `
[general]
hosts = ["localhost"]
data_dir = "data"
[auth]
methods = ["pki"]
[limits]
max_unread_bytes = 100000000
shutdown_timeout = 500
[session]
max_unacked_stanzas = 100000
[features]
max_offline_messages = 100000
[[listen.http]]
port = 0
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.cacertfile = "certs/ca.crt"
`

/** A folder for gateways that follow one another, with certificates for their users. */
export class Burrow {
  readonly folder: string
  readonly ca: string
  readonly #identities: ReadonlyMap<string, ClientIdentity>

  private constructor(folder: string, ca: string, identities: ReadonlyMap<string, ClientIdentity>) {
    this.folder = folder
    this.ca = ca
    this.#identities = identities
  }

  /** `more` is appended to the configuration. */
  static async make(users: readonly string[], more = ''): Promise<Burrow> {
    const folder = mkdtempSync(join(tmpdir(), 'meerkat-kills-'))
    const certs = join(folder, 'certs')
    await mkdir(certs)
    await ensureDevelopmentCertificates({ folder: certs, now: Date.now(), users: users.map(user => `${user}@localhost`) })
    await writeFile(join(folder, 'meerkat.toml'), configuration + more)
    const file = (name: string) => readFile(join(certs, name), 'utf8')
    const identities = new Map<string, ClientIdentity>()
    for (const user of users) identities.set(user, { cert: await file(`${user}.crt`), key: await file(`${user}.key`) })
    return new Burrow(folder, await file('ca.crt'), identities)
  }

  identity(user: string): ClientIdentity { return this.#identities.get(user)! }

  remove(): Promise<void> { return rm(this.folder, { recursive: true, force: true }) }
}

export class MortalGateway {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  readonly #exit: Promise<unknown>
  readonly #isOpen: Promise<number>
  #said = ''
  #isEnding = false

  private constructor({ folder }: Burrow, cache: string) {
    // What Node.js has compiled once it need not compile fifty times.
    this.#child = spawn(process.execPath, [main, 'start', '--config', join(folder, 'meerkat.toml')], {
      stdio: ['ignore', 'pipe', 'pipe'], cwd: folder, env: { ...process.env, NODE_COMPILE_CACHE: cache },
    })
    this.#exit = once(this.#child, 'close')
    this.#isOpen = new Promise((resolve, reject) => {
      this.#child.stdout.on('data', (chunk: Buffer) => {
        this.#said += chunk.toString()
        const line = this.#said.split('\n').slice(0, -1).find(said => said.includes('"listener.open"'))
        if (line !== undefined) resolve((JSON.parse(line) as { port: number }).port)
      })
      this.#child.stderr.on('data', (chunk: Buffer) => { this.#said += chunk.toString() })
      this.#child.once('close', () => { reject(new Error(`the gateway ended: ${this.#said}`)) })
    })
    this.#isOpen.catch(() => undefined)
  }

  /** Begins to start. */
  static launch(burrow: Burrow, cache: string): MortalGateway { return new MortalGateway(burrow, cache) }

  /** Resolves with the port. */
  open(): Promise<number> { return this.#isOpen }

  /** It was told to end. */
  get isEnding(): boolean { return this.#isEnding }

  /** What it logged as its own fault. */
  get faults(): readonly string[] { return this.#said.split('\n').filter(line => line.includes('"level":"error"')) }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.#isEnding = true
    this.#child.kill(signal)
    await this.#exit
  }
}
