// Debian's slapd on a free port of the loopback, in a folder of its own, with the entries that a test wants.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freeze } from './frozen.ts'
import { pathOf } from './services.ts'

export const directoryBase = 'ou=Users,dc=example,dc=org'
export const searcher = { dn: 'cn=gateway,dc=example,dc=org', password: 'may search' }

export interface PersonEntry {
  readonly dn: string
  /** Attributes; each value is written in base64, so it may be anything. */
  readonly attributes: Readonly<Record<string, string | readonly string[]>>
}

export interface SlapdOptions {
  readonly people: readonly PersonEntry[]
  /** PEM files: ldaps:// and StartTLS. */
  readonly tls?: { readonly ca: string, readonly cert: string, readonly key: string }
  /** Lets anybody search. */
  readonly isOpen?: boolean
  /** Further lines for the database in slapd.conf. */
  readonly settings?: string
}

/** A person as inetOrgPerson has it, below the base. */
export function person(uid: string, attributes: PersonEntry['attributes'] = {}, below = directoryBase): PersonEntry {
  // Hexadecimal: no name can break the DN.
  const dn = `cn=${Buffer.from(uid).toString('hex')},${below}`
  return { dn, attributes: { objectClass: 'inetOrgPerson', sn: 'Person', cn: Buffer.from(uid).toString('hex'), uid, userPassword: `password of ${uid}`, ...attributes } }
}

export const programs = ['slapd', 'slapadd'] as const

export class Slapd {
  readonly port: number
  readonly tlsPort: number
  readonly #folder: string
  #process: ChildProcess | null = null

  private constructor(folder: string, port: number, tlsPort: number) {
    this.#folder = folder
    this.port = port
    this.tlsPort = tlsPort
  }

  static async start(options: SlapdOptions): Promise<Slapd> {
    const folder = mkdtempSync(join(tmpdir(), 'meerkat-slapd-'))
    prepare(folder, options)
    for (let attempt = 1; ; attempt += 1) {
      const [port, tlsPort] = await freePorts()
      const slapd = new Slapd(folder, port, options.tls === undefined ? 0 : tlsPort)
      try {
        await slapd.restart()
        return slapd
      } catch (error) {
        // Somebody else may have taken the port meanwhile.
        if (attempt === 5) throw error
      }
    }
  }

  get url(): string { return `ldap://localhost:${this.port}` }
  get tlsUrl(): string { return `ldaps://localhost:${this.tlsPort}` }

  /** Stops what runs, and starts it on the same ports. Resolves when it listens. */
  async restart(): Promise<void> {
    await this.end()
    const addresses = [`ldap://127.0.0.1:${this.port}`, ...this.tlsPort === 0 ? [] : [`ldaps://127.0.0.1:${this.tlsPort}`]]
    const child = spawn(pathOf('slapd') ?? 'slapd', ['-d', '256', '-f', join(this.#folder, 'slapd.conf'), '-h', addresses.join(' ')], { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#process = child
    let said = ''
    await new Promise<void>((resolve, reject) => {
      child.stderr?.on('data', (chunk: Buffer) => {
        said = `${said}${chunk.toString()}`.slice(-4096)
        if (said.includes('slapd starting')) resolve()
      })
      child.once('exit', () => { reject(new Error(`slapd ended: ${said}`)) })
    })
    // It says so a little before it listens.
    for (const port of [this.port, this.tlsPort]) if (port !== 0) await listening(port)
  }

  /** SIGSTOP and SIGCONT: it is there, and says nothing. */
  freeze(): void { if (this.#process?.pid !== undefined) freeze(this.#process.pid) }
  thaw(): void { this.#process?.kill('SIGCONT') }

  /** Only ends the process. */
  async end(): Promise<void> {
    const child = this.#process
    this.#process = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  async stop(): Promise<void> {
    await this.end()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function prepare(folder: string, { people, tls, isOpen = false, settings = '' }: SlapdOptions): void {
  const data = join(folder, 'data')
  mkdirSync(data)
  for (const [name, pem] of Object.entries(tls ?? {})) writeFileSync(join(folder, `${name}.pem`), pem)
  writeFileSync(join(folder, 'slapd.conf'), `
${['core', 'cosine', 'inetorgperson'].map(schema => `include /etc/ldap/schema/${schema}.schema`).join('\n')}
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${folder}/slapd.pid
# RFC 4513 §5.1.2: a name without a password is let in as nobody. Some directories do so, and a test has to notice.
allow bind_anon_dn
${tls === undefined ? '' : `TLSCACertificateFile ${folder}/ca.pem\nTLSCertificateFile ${folder}/cert.pem\nTLSCertificateKeyFile ${folder}/key.pem`}
database mdb
maxsize 10485760
suffix "dc=example,dc=org"
rootdn "cn=root,dc=example,dc=org"
directory ${data}
index uid eq
${settings}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="${searcher.dn}" read by ${isOpen ? '* read' : '* none'}
`)
  const entries: readonly PersonEntry[] = [
    { dn: 'dc=example,dc=org', attributes: { objectClass: ['dcObject', 'organization'], dc: 'example', o: 'Example' } },
    { dn: searcher.dn, attributes: { objectClass: ['organizationalRole', 'simpleSecurityObject'], cn: 'gateway', userPassword: searcher.password } },
    { dn: directoryBase, attributes: { objectClass: 'organizationalUnit', ou: 'Users' } },
    { dn: `ou=Staff,${directoryBase}`, attributes: { objectClass: 'organizationalUnit', ou: 'Staff' } },
    ...people,
  ]
  const line = (name: string, value: string): string => `${name}:: ${Buffer.from(value).toString('base64')}`
  const ldif = entries.map(({ dn, attributes }) =>
    [line('dn', dn), ...Object.entries(attributes).flatMap(([name, values]) => [values].flat().map(value => line(name, value)))].join('\n')).join('\n\n')
  writeFileSync(join(folder, 'people.ldif'), `${ldif}\n`)
  execFileSync(pathOf('slapadd') ?? 'slapadd', ['-f', join(folder, 'slapd.conf'), '-l', join(folder, 'people.ldif')], { stdio: ['ignore', 'ignore', 'pipe'] })
}

async function listening(port: number): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
    const socket = connect(port, '127.0.0.1')
    const isThere = await new Promise<boolean>(resolve => {
      socket.once('connect', () => { resolve(true) })
      socket.once('error', () => { resolve(false) })
    })
    socket.destroy()
    if (isThere) return
  }
  throw new Error(`slapd does not listen on port ${port}`)
}

async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()]
  const ports: number[] = []
  for (const server of servers) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    ports.push((server.address() as AddressInfo).port)
  }
  for (const server of servers) server.close()
  const [first = 0, second = 0] = ports
  return [first, second]
}
