/** For load balancers and supervisors: alive (`/healthz`), and ready for new clients (`/readyz`). */
import type { FastifyInstance } from 'fastify'

export interface HealthOptions {
  /** False from the moment that the gateway begins to stop. */
  readonly isReady: () => boolean
}

export async function health(fastify: FastifyInstance, { isReady }: HealthOptions): Promise<void> {
  fastify.addHook('onSend', async (_request, reply) => { reply.header('cache-control', 'no-store') })
  fastify.get('/healthz', () => ({ status: 'ok' }))
  fastify.get('/readyz', (_request, reply) => isReady() ? { status: 'ready' } : reply.code(503).send({ status: 'stopping' }))
}
