/** The page at `/`, which a person opens when "it does not work", and `/meerkat.js`, which readies web pages for a log-in by certificate. */
import { readFile } from 'node:fs/promises'
import { TLSSocket } from 'node:tls'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Clock } from '../src/telemetry/clock.ts'
import type { VerifyMode } from '../src/x509/verdict.ts'
import type { Peers } from './peer.ts'
import { welcomeMarkup } from './welcome/page/page.ts'
import { plainText } from './welcome/plain-text.ts'
import type { ProspectHost } from './welcome/prospect.ts'
import { preferredRepresentation } from './welcome/representation.ts'
import { requestedHost } from './welcome/requested-host.ts'
import { visitorReport } from './welcome/visitor-report.ts'

export interface WelcomePageOptions {
  readonly hosts: readonly ProspectHost[]
  readonly verifyMode: VerifyMode
  /** Null where this listener has no WebSocket. */
  readonly websocketPath: string | null
  readonly boshPath: string | null
  readonly peers: Peers
  /** Visitors come through a proxy, which alone sees their TLS. */
  readonly isProxied?: boolean
  readonly software: { readonly name: string, readonly version: string }
  readonly clock: Pick<Clock, 'now'>
}

/** What is sent as it lies in the folder. `isPublic`: for pages of any origin; it holds nothing of the visitor. */
const files = [
  { path: '/meerkat.js', file: 'meerkat.mjs', type: 'text/javascript', isPublic: true },
  { path: '/welcome.js', file: 'welcome.mjs', type: 'text/javascript', isPublic: false },
  { path: '/welcome.css', file: 'welcome.css', type: 'text/css', isPublic: false },
] as const

export async function welcomePage(fastify: FastifyInstance, options: WelcomePageOptions): Promise<void> {
  const { hosts, verifyMode, websocketPath, boshPath, peers, isProxied = false, software, clock } = options

  fastify.get('/', async (request, reply) => {
    const wire = request.raw.socket
    const host = requestedHost(request.headers.host)
    const { remoteAddress: address, secure, certificate } = peers.of(request)
    const report = await visitorReport({
      software, now: clock.now(), address,
      tlsVersion: !secure ? null : !isProxied && wire instanceof TLSSocket ? wire.getProtocol() ?? 'TLS' : 'TLS, to a proxy',
      requestedHost: host, verifyMode, websocketPath, boshPath, certificate, hosts,
    })
    protect(reply, host, report.connection.tlsVersion !== null)
    switch (preferredRepresentation(request.headers.accept)) {
      case 'html': return reply.type('text/html; charset=utf-8').send(welcomeMarkup(report))
      case 'json': return reply.type('application/json; charset=utf-8').send(`${JSON.stringify(report, null, 2)}\n`)
      case 'text': return reply.type('text/plain; charset=utf-8').send(plainText(report))
    }
  })

  for (const { path, file, type, isPublic } of files) {
    const content = await readFile(new URL(`welcome/browser/${file}`, import.meta.url))
    fastify.get(path, (_request, reply) => {
      reply.headers({ 'cache-control': 'public, max-age=300', 'x-content-type-options': 'nosniff' })
      reply.header('cross-origin-resource-policy', isPublic ? 'cross-origin' : 'same-origin')
      return reply.type(`${type}; charset=utf-8`).send(content)
    })
  }
}

/** The page shows who its visitor is: it is for nobody else's eyes, frames or caches. And a certificate's names are a stranger's input. */
function protect(reply: FastifyReply, host: string | null, isTls: boolean): void {
  // Not every browser counts a WebSocket to the same host as 'self'. (CSP 3 §2.3.1 has no syntax for IPv6 addresses.)
  const websockets = host === null || host.startsWith('[') ? '' : isTls ? ` wss://${host}` : ` ws://${host} wss://${host}`
  reply.headers({
    'content-security-policy': `default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'${websockets}; img-src 'self' data:; `
      + 'base-uri \'none\'; form-action \'none\'; frame-ancestors \'none\'',
    'cache-control': 'no-store',
    'vary': 'accept',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
  })
}
