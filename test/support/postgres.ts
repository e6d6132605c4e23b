// Debian's PostgreSQL on a free port of the loopback, in a folder of its own, with MongooseIM's table of users.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { freeze } from './frozen.ts'
import { pathOf, requireProgram } from './services.ts'

/** MongooseIM's tables `users`: since 5.0, and before. */
export const usersTable = `CREATE TABLE users (
  username varchar(250), server varchar(250), "password" text NOT NULL, pass_details text,
  created_at TIMESTAMP NOT NULL DEFAULT now(), PRIMARY KEY (server, username))`
export const olderUsersTable = `CREATE TABLE users (
  username varchar(250) PRIMARY KEY, "password" text NOT NULL, pass_details text, created_at TIMESTAMP NOT NULL DEFAULT now())`

/** Debian keeps the server's programs away from the path. */
const folderOfPrograms = existsSync('/usr/lib/postgresql')
  ? readdirSync('/usr/lib/postgresql').toSorted((a, b) => Number(b) - Number(a)).map(version => join('/usr/lib/postgresql', version, 'bin')).find(folder => existsSync(join(folder, 'initdb')))
  : undefined

/** For `{ skip: … }` of a suite. */
export function requirePostgres(): string | false {
  if (folderOfPrograms === undefined) return requireProgram('initdb', 'postgres')
  return process.getuid?.() === 0 ? requireProgram('setpriv') : false
}

/** A database user that needs its password. The others are trusted. */
export const guarded = { user: 'guarded', password: 'of the database' }

export interface PostgresOptions {
  /** PEM: TLS is spoken, too. */
  readonly tls?: { readonly cert: string, readonly key: string }
}

export class Postgres {
  readonly port: number
  readonly #folder: string
  readonly #tls: boolean
  #process: ChildProcess | null = null

  private constructor(folder: string, port: number, tls: boolean) {
    this.#folder = folder
    this.port = port
    this.#tls = tls
  }

  static async start({ tls }: PostgresOptions = {}): Promise<Postgres> {
    const folder = mkdtempSync(join(tmpdir(), 'meerkat-postgres-'))
    own(folder)
    const data = join(folder, 'data')
    execFileSync(...asPostgres('initdb', ['-D', data, '-U', 'postgres', '-E', 'UTF8', '--locale=C.UTF-8', '-A', 'trust', '--no-sync']), { stdio: ['ignore', 'ignore', 'pipe'] })
    writeFileSync(join(data, 'pg_hba.conf'), `host all ${guarded.user} 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\nlocal all all trust\n`)
    for (const [name, pem] of Object.entries(tls ?? {})) {
      writeFileSync(join(data, `${name}.pem`), pem, { mode: 0o600 })
      own(join(data, `${name}.pem`))
    }
    for (let attempt = 1; ; attempt += 1) {
      const postgres = new Postgres(folder, await freePort(), tls !== undefined)
      try {
        await postgres.restart()
        await postgres.#makeDatabase()
        return postgres
      } catch (error) {
        await postgres.end()
        // Somebody else may have taken the port meanwhile.
        if (attempt === 3) throw error
      }
    }
  }

  /** With its port; the database and the user are both called meerkat. */
  get url(): string { return `postgres://meerkat@127.0.0.1:${this.port}/meerkat` }
  /** Where its unix socket is. */
  get folder(): string { return this.#folder }

  /** Stops what runs, and starts it on the same port. Resolves when it takes connections. */
  async restart(): Promise<void> {
    await this.end()
    const settings = {
      listen_addresses: '127.0.0.1', port: this.port, unix_socket_directories: this.#folder, fsync: 'off', max_connections: 50, shared_buffers: '16MB',
      logging_collector: 'off', log_destination: 'stderr',
      ...this.#tls ? { ssl: 'on', ssl_cert_file: 'cert.pem', ssl_key_file: 'key.pem' } : {},
    }
    const [program, argv] = asPostgres('postgres', ['-D', join(this.#folder, 'data'), ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])])
    const child = spawn(program, argv, { stdio: ['ignore', 'ignore', 'pipe'], cwd: this.#folder })
    this.#process = child
    let said = ''
    await new Promise<void>((resolve, reject) => {
      child.stderr?.on('data', (chunk: Buffer) => {
        said = `${said}${chunk.toString()}`.slice(-4096)
        if (said.includes('ready to accept connections')) resolve()
      })
      child.once('exit', () => { reject(new Error(`postgres ended: ${said}`)) })
    })
  }

  /** As the superuser. */
  async sql(text: string, values: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> {
    const client = new Client({ host: '127.0.0.1', port: this.port, user: 'postgres', database: 'meerkat', password: '', ssl: false })
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(text, [...values])).rows
    } finally {
      await client.end()
    }
  }

  /** Cuts every connection of the gateway. */
  async terminateConnections(): Promise<void> {
    await this.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'meerkat'")
  }

  /** SIGSTOP and SIGCONT: the server and every process of it are there, and say nothing. */
  freeze(): void { this.#signal('SIGSTOP') }
  thaw(): void { this.#signal('SIGCONT') }

  /** Only ends the server. */
  async end(): Promise<void> {
    const child = this.#process
    this.#process = null
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    // "Immediate shutdown": without waiting for anybody.
    child.kill('SIGQUIT')
    await ended
  }

  async stop(): Promise<void> {
    if (this.#process !== null) this.thaw()
    await this.end()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #makeDatabase(): Promise<void> {
    const client = new Client({ host: '127.0.0.1', port: this.port, user: 'postgres', database: 'postgres', password: '', ssl: false })
    await client.connect()
    try {
      await client.query('CREATE USER meerkat')
      await client.query(`CREATE USER ${guarded.user} PASSWORD '${guarded.password}'`)
      await client.query('CREATE DATABASE meerkat')
    } finally {
      await client.end()
    }
    await this.sql(`${usersTable}; GRANT ALL ON users TO meerkat, ${guarded.user}`)
  }

  #signal(signal: NodeJS.Signals): void {
    const server = this.#process?.pid
    if (server === undefined) return
    const children = readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(Number).filter(pid => parentOf(pid) === server)
    for (const pid of [server, ...children]) {
      try {
        if (signal === 'SIGSTOP') freeze(pid)
        else process.kill(pid, signal)
      } catch (error) {
        // It has ended meanwhile.
        if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
      }
    }
  }
}

/** The fourth field of /proc/PID/stat; the second is a name in brackets. */
function parentOf(pid: number): number | null {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ')[1])
  } catch {
    return null
  }
}

/** PostgreSQL refuses to be run by root. */
function asPostgres(program: string, argv: readonly string[]): [string, string[]] {
  const path = join(folderOfPrograms ?? '', program)
  if (process.getuid?.() !== 0) return [path, [...argv]]
  return [pathOf('setpriv') ?? 'setpriv', ['--reuid=postgres', '--regid=postgres', '--init-groups', path, ...argv]]
}

function own(path: string): void {
  if (process.getuid?.() !== 0) return
  const idOf = (option: string) => Number(execFileSync('id', [option, 'postgres'], { encoding: 'utf8' }))
  chownSync(path, idOf('-u'), idOf('-g'))
  if (!path.endsWith('.pem')) chmodSync(path, 0o700)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
