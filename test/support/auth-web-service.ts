// A web service that speaks MongooseIM's protocol for accounts, on a free port of the loopback; a test may make it answer anything.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface WebAccount { readonly password?: string, readonly stored?: string, readonly certificates?: string }
export interface AskedOf { readonly method: string, readonly user: string, readonly server: string, readonly pass: string | null, readonly authorization: string | null }
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse) => void

export class AuthWebService {
  readonly accounts: Map<string, WebAccount>
  /** What was asked, in order. */
  readonly asked: AskedOf[] = []
  /** Answers in its place while it is set. */
  misbehaviour: Misbehaviour | null = null
  connections = 0
  readonly #server: ReturnType<typeof createServer>
  readonly #scheme: string

  private constructor(accounts: Readonly<Record<string, WebAccount>>, tls: { readonly cert: string, readonly key: string } | null) {
    this.accounts = new Map(Object.entries(accounts))
    const answer: RequestListener = (request, response) => { this.#answer(request, response) }
    this.#server = tls === null ? createServer(answer) : createSecureServer(tls, answer)
    this.#scheme = tls === null ? 'http' : 'https'
    this.#server.on(tls === null ? 'connection' : 'secureConnection', () => { this.connections += 1 })
  }

  /** Accounts by bare JID. */
  static async start(accounts: Readonly<Record<string, WebAccount>>, tls: { readonly cert: string, readonly key: string } | null = null): Promise<AuthWebService> {
    const service = new AuthWebService(accounts, tls)
    service.#server.listen(0, '127.0.0.1')
    await once(service.#server, 'listening')
    return service
  }

  get port(): number { return (this.#server.address() as AddressInfo).port }
  get url(): string { return `${this.#scheme}://localhost:${this.port}/auth/` }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** As a service that was restarted does. */
  dropConnections(): void { this.#server.closeAllConnections() }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '', 'http://service')
    const of = (name: string) => url.searchParams.get(name)
    const method = url.pathname.replace(/^\/auth\//, '')
    this.asked.push({ method, user: of('user') ?? '', server: of('server') ?? '', pass: of('pass'), authorization: request.headers.authorization ?? null })
    if (this.misbehaviour !== null) { this.misbehaviour(request, response); return }
    const account = this.accounts.get(`${of('user')}@${of('server')}`)
    const say = (text: string | undefined): void => {
      if (text === undefined) response.writeHead(404).end()
      else response.writeHead(200, { 'content-type': 'text/html', 'content-length': Buffer.byteLength(text) }).end(text)
    }
    switch (method) {
      case 'check_password': say(String(account?.password !== undefined && account.password === of('pass'))); break
      case 'get_password': say(account?.stored ?? account?.password); break
      case 'get_certs': say(account?.certificates); break
      case 'user_exists': say(String(account !== undefined)); break
      default: response.writeHead(400).end()
    }
  }
}
