// Debian's nginx and HAProxy in front of a gateway, with the configurations that the README shows: only ports and paths are put in.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface ProxyOptions {
  /** `127.0.0.1:5280`, or the path of a Unix socket. */
  readonly gateway: string
  /** PEM of the proxy's own server certificate and of the authorities whose names browsers are told. */
  readonly cert: string
  readonly key: string
  readonly authorities: string
}

export const proxyNames = ['nginx', 'haproxy'] as const
export type ProxyName = (typeof proxyNames)[number]

const files = { nginx: 'nginx.conf', haproxy: 'haproxy.cfg' } as const

export const configurationOf = (name: ProxyName): string => readFileSync(new URL(`../interop/proxies/${files[name]}`, import.meta.url), 'utf8')

/** Long enough for a slow machine. */
const patience = 15_000

export class ReverseProxy {
  readonly port: number
  readonly #process: ChildProcess
  readonly #folder: string

  private constructor(port: number, child: ChildProcess, folder: string) {
    this.port = port
    this.#process = child
    this.#folder = folder
  }

  static async start(name: ProxyName, options: ProxyOptions): Promise<ReverseProxy> {
    const folder = mkdtempSync(join(tmpdir(), `meerkat-${name}-`))
    for (let attempt = 1; ; attempt++) {
      const port = await freePort()
      const child = spawn(name, argumentsOf(name, folder, port, options), { stdio: ['ignore', 'ignore', 'pipe'] })
      let said = ''
      child.stderr.on('data', (chunk: Buffer) => { said += chunk.toString() })
      if (await answers(port, child)) return new ReverseProxy(port, child, folder)
      await end(child)
      // Somebody else may have taken the port meanwhile.
      if (attempt === 5) {
        rmSync(folder, { recursive: true, force: true })
        throw new Error(`${name} did not start: ${said}`)
      }
    }
  }

  async stop(): Promise<void> {
    await end(this.#process)
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function argumentsOf(name: ProxyName, folder: string, port: number, { gateway, cert, key, authorities }: ProxyOptions): readonly string[] {
  const put = (file: string, content: string) => {
    writeFileSync(join(folder, file), content, { mode: 0o600 })
    return join(folder, file)
  }
  const own = configurationOf(name)
  const unix = gateway.startsWith('/')
  if (name === 'haproxy') {
    return ['-db', '-f', put('haproxy.cfg', substituted(own, {
      'bind :443': `bind 127.0.0.1:${port}`, '/etc/haproxy/example.org.pem': put('server.pem', `${cert}${key}`), '/etc/haproxy/users-ca.crt': put('users-ca.crt', authorities),
      'gateway 127.0.0.1:5280': `gateway ${unix ? `unix@${gateway}` : gateway}`,
    }))]
  }
  const server = put('server.conf', substituted(own, {
    'listen 443': `listen 127.0.0.1:${port}`, '/etc/ssl/example.org.crt': put('server.crt', cert), '/etc/ssl/private/example.org.key': put('server.key', key),
    '/etc/ssl/users-ca.crt': put('users-ca.crt', authorities), 'server 127.0.0.1:5280': `server ${unix ? `unix:${gateway}` : gateway}`,
  }))
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${folder}/${kind};`).join(' ')
  const main = put('nginx.conf', `daemon off; master_process off; ${process.getuid?.() === 0 ? 'user root;' : ''} pid ${folder}/pid; error_log stderr warn;\n`
    + `events {}\nhttp { access_log off; ${temporary} include ${server}; }\n`)
  return ['-p', folder, '-c', main, '-e', 'stderr']
}

/** Each of these stands in the text, once. */
function substituted(text: string, values: Readonly<Record<string, string>>): string {
  return Object.entries(values).reduce((result, [from, to]) => {
    if (result.split(from).length !== 2) throw new Error(`${from} does not stand once in the configuration`)
    return result.replace(from, () => to)
  }, text)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** False when the program ends before anybody listens. */
async function answers(port: number, child: ChildProcess): Promise<boolean> {
  const deadline = Date.now() + patience
  while (child.exitCode === null && Date.now() < deadline) {
    const isOpen = await new Promise<boolean>(resolve => {
      const probe = connect(port, '127.0.0.1')
      probe.once('connect', () => { probe.destroy(); resolve(true) })
      // A short breath, so that starting gets its share of the machine.
      probe.once('error', () => { setTimeout(() => { resolve(false) }, 20) })
    })
    if (isOpen) return child.exitCode === null
  }
  return false
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const hard = setTimeout(() => { child.kill('SIGKILL') }, 3_000)
  await gone
  clearTimeout(hard)
}
