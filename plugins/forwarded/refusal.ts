/** What is said on behalf of somebody else, by whoever may not say it, is answered and counted: never ignored, never believed. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '../../src/telemetry/log.ts'
import type { Look } from '../first-look.ts'
import { addressOf } from '../remote-address.ts'
import { type CertificateLine, certificateLines } from './certificate-headers.ts'
import { ForwardingError, type ForwardingFault } from './forwarding-error.ts'

/** For listeners that take no certificate headers from anybody. Throws ForwardingError. */
export function expectNoCertificates(lines: readonly CertificateLine[]): void {
  if (lines.length > 0) throw new ForwardingError('not-expected', 'Headers about client certificates are not taken here.')
}

/** Looks so. */
export const takesNoCertificates = (log: Log): Look => (request, reply) => {
  try {
    expectNoCertificates(certificateLines(request.raw.rawHeaders))
    return true
  } catch (error) {
    return refuseForwarding(error, request, reply, log)
  }
}

/** Throws what is no ForwardingError. */
export function refuseForwarding(error: unknown, { raw }: FastifyRequest, reply: FastifyReply, log: Log): false {
  if (!(error instanceof ForwardingError)) throw error
  const status = error.fault === 'not-through-a-proxy' ? 403 : 400
  log.info({ event: 'forwarded.refused', status, reason: error.fault satisfies ForwardingFault, text: error.message, address: addressOf(raw.socket) })
  return refuse(reply, status, error.message)
}

/** What follows on this connection is not waited for. */
export function refuse(reply: FastifyReply, status: number, text: string): false {
  void reply.code(status).header('connection', 'close').type('text/plain; charset=utf-8').send(`${text}\n`)
  return false
}
