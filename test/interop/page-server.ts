// A web server of somebody else: the login page on an origin that is not the gateway's, for browsers with their own TLS.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const fileOf = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const assets: Readonly<Record<string, readonly [type: string, file: string]>> = {
  '/login.html': ['text/html; charset=utf-8', fileOf('page/login.html')],
  '/login-page.mjs': ['text/javascript', fileOf('page/login-page.mjs')],
  '/login.mjs': ['text/javascript', fileOf('page/login.mjs')],
  '/converse.html': ['text/html; charset=utf-8', fileOf('page/converse.html')],
  '/converse-page.mjs': ['text/javascript', fileOf('page/converse-page.mjs')],
  '/strophe.js': ['text/javascript', fileOf('../../node_modules/strophe.js/dist/strophe.esm.js')],
}

/** All that the package brings. */
const converse = fileOf('../../node_modules/converse.js/dist')
const types: Readonly<Record<string, string>> = {
  '.css': 'text/css', '.js': 'text/javascript', '.json': 'application/json', '.svg': 'image/svg+xml', '.wasm': 'application/wasm', '.woff2': 'font/woff2',
}

export interface Asset { readonly contentType: string, readonly body: Buffer }

export const isAsset = (pathname: string): boolean => pathname in assets

/** A file of the page by its path; null where there is none. */
export async function asset(pathname: string): Promise<Asset | null> {
  const known = assets[pathname] ?? ofConverse(pathname)
  return known === undefined ? null : { contentType: known[0], body: await readFile(known[1]) }
}

function ofConverse(pathname: string): readonly [type: string, file: string] | undefined {
  const file = normalize(join(converse, pathname.replace(/^\/converse\//, sep)))
  return pathname.startsWith('/converse/') && file.startsWith(converse + sep) ? [types[extname(file)] ?? 'application/octet-stream', file] : undefined
}

export class PageServer {
  readonly #server: Server

  private constructor(server: Server) { this.#server = server }

  /** Its port is known at once; it answers when it has its certificate. */
  static async listen(): Promise<PageServer> {
    const server = createServer((request, response) => {
      asset(new URL(request.url ?? '/', 'https://localhost').pathname).then(found => {
        if (found === null) response.writeHead(404).end()
        else response.writeHead(200, { 'content-type': found.contentType }).end(found.body)
      }, () => { response.destroy() })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new PageServer(server)
  }

  /** Takes server.crt and server.key of that folder. */
  async useCertificate(folder: string): Promise<void> {
    this.#server.setSecureContext({ cert: await readFile(join(folder, 'server.crt')), key: await readFile(join(folder, 'server.key')) })
  }

  /** One server, two origins: by name and by address. */
  origin(host: 'localhost' | '127.0.0.1'): string { return `https://${host}:${(this.#server.address() as AddressInfo).port}` }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}
