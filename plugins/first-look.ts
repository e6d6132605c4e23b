/**
 * The first look at every request of a listener, whatever becomes of it: paths without a route and upgrades pass a listener's first hook, but what Node or
 * Fastify would answer by themselves passes none.
 */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** False: the request has been answered. */
export type Look = (request: FastifyRequest, reply: FastifyReply) => boolean

/** Has to come before every other hook of the listener; with `lookAtUnroutable`. */
export function lookAtAll(fastify: FastifyInstance, look: Look): void {
  fastify.addHook('onRequest', (request, reply, done) => { if (look(request, reply)) done() })
  // RFC 9110 §10.1.1: a client that expects something else than 100-continue may be refused, and need not be. Node would, before any hook.
  fastify.server.on('checkExpectation', (request, response) => { fastify.server.emit('request', request, response) })
}

/** For `frameworkErrors`: a path that is not UTF-8 gets there instead of to a route. */
export const lookAtUnroutable = (look: Look) => (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
  if (look(request, reply)) void reply.code(error.statusCode ?? 400).type('text/plain; charset=utf-8').send(`${error.message}\n`)
}
