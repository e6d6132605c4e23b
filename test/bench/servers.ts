// The two servers of a comparison, each in a process of its own: Meerkat as its users run it, and a bare server.
import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority, issueClient, issueServer } from '../../src/x509/development-ca.ts'
import { Child } from './remote.ts'

export const contestants = ['bare', 'meerkat'] as const
export type Contestant = (typeof contestants)[number]

/** What Meerkat is compared with. */
export type BareServer = 'bare-relay' | 'bare-long-poll' | 'bare-login' | 'bare-fan-out'

/** PEM. */
export interface Identity { readonly cert: string, readonly key: string }

export interface Server { readonly child: Child, readonly port: number }

const root = join(import.meta.dirname, '..', '..')
const configuration = `
[general]
hosts = ["localhost"]
log_level = "warn"
data_dir = "data"
[[listen.http]]
port = 0
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.cacertfile = "certs/ca.crt"
`

/** The first listener for HTTP, and the one for TCP, where there is one. */
export const httpListener = /(?:wss|https):\/\/localhost:(\d+)/
export const tcpListener = /TCP +localhost:(\d+)/

/** To be appended to the configuration. */
export const c2sSection = (mode: string): string => `
[[listen.c2s]]
port = 0
tls.mode = "${mode}"
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.cacertfile = "certs/ca.crt"
`

/** A temporary folder, gone when this process ends, with a certificate authority, a server certificate, and a certificate for each of the clients. */
export class Ground {
  readonly folder: string
  readonly ca: string
  readonly identities: readonly Identity[]

  private constructor(folder: string, ca: string, identities: readonly Identity[]) {
    this.folder = folder
    this.ca = ca
    this.identities = identities
  }

  /** `more` is appended to the configuration of Meerkat. */
  static async make(clients: number, more = ''): Promise<Ground> {
    const folder = await mkdtemp(join(tmpdir(), 'meerkat-bench-'))
    // Also when the run is stopped half-way.
    process.once('exit', () => { rmSync(folder, { recursive: true, force: true }) })
    const certs = join(folder, 'certs')
    await mkdir(certs)
    const now = Date.now()
    const ca = await createAuthority({ commonName: 'Benchmark CA', days: 2, now })
    const server = await issueServer({ ca, dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], days: 1, now })
    await writeFile(join(certs, 'ca.crt'), ca.certificatePem)
    await writeFile(join(certs, 'server.crt'), server.certificatePem)
    await writeFile(join(certs, 'server.key'), server.privateKeyPem, { mode: 0o600 })
    await writeFile(join(folder, 'meerkat.toml'), configuration + more)
    const identities: Identity[] = []
    for (let number = 0; number < clients; number++) {
      const { certificatePem, privateKeyPem } = await issueClient({ ca, xmppAddrs: [`user${number}@localhost`], commonName: `user${number}`, days: 1, now })
      identities.push({ cert: certificatePem, key: privateKeyPem })
    }
    return new Ground(folder, ca.certificatePem, identities)
  }

  /** `port`: where the line stands in which Meerkat tells of the listener. */
  async start(contestant: Contestant, nodeOptions: readonly string[] = [], bare: BareServer = 'bare-relay', port = httpListener): Promise<Server> {
    const program = contestant === 'meerkat' ? [join(root, 'src', 'main.ts'), 'start', '--config', join(this.folder, 'meerkat.toml')]
      : [join(import.meta.dirname, `${bare}.ts`), this.folder]
    const child = new Child({ core: 0, cwd: this.folder, node: [...nodeOptions, '--import', join(import.meta.dirname, 'probe.ts'), ...program] })
    try {
      const [, number] = await child.said(port)
      return { child, port: Number(number) }
    } catch (error) {
      await child.stop()
      throw error
    }
  }
}
