/** placeholder until the helper writes it */
import type { FastifyInstance } from 'fastify'
export async function welcomePage(_f: FastifyInstance, _o: Record<string, unknown>): Promise<void> {}
