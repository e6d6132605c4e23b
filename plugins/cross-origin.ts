/** What pages of other origins may read of a listener (Fetch standard, "CORS protocol"): one rule for every answer, errors included. */
import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'
import type { OriginPolicy } from './origin-policy.ts'
import type { Peers } from './peer.ts'

export interface CrossOriginOptions {
  readonly origins: OriginPolicy
  readonly peers: Pick<Peers, 'of'>
}

/** The same for everybody, so everybody may read it: XEP-0156 §3, and the module that pages load. */
const publicPaths: ReadonlySet<string> = new Set(['/.well-known/host-meta', '/.well-known/host-meta.json', '/meerkat.js'])

/** Preflights are asked again after so many seconds; browsers cap it at two hours or less. */
const preflightSeconds = 7_200

const shared = { methods: ['GET', 'HEAD', 'POST'], allowedHeaders: ['Content-Type'], maxAge: preflightSeconds, preflightContinue: false, strictPreflight: false }
// With its certificate, because these pages are trusted with logins: an exact origin, never a wildcard.
const trusted = { ...shared, origin: true, credentials: true }
const everybody = { ...shared, origin: '*' }
const nobody = { ...shared, origin: false }

export async function registerCrossOrigin(fastify: FastifyInstance, { origins, peers }: CrossOriginOptions): Promise<void> {
  await fastify.register(cors, {
    delegator: (request, decide) => {
      const { headers, url } = request
      const verdict = origins.judge(headers.origin, headers.host, peers.of(request).secure)
      if (verdict === 'listed' || verdict === 'same-origin') decide(null, trusted)
      else decide(null, publicPaths.has(pathOf(url)) ? everybody : nobody)
    },
  })
}

const pathOf = (url: string | undefined): string => (url ?? '').split('?', 1)[0] ?? ''
