// What BOSH is compared with: the least that long polling costs with Fastify over HTTPS. The same TLS and server options, bodies as
// buffers; a POST is held until the other client of the pair sends something, a newer POST of its own client takes its place, or the
// wait runs out. What was sent is the response, as it is. It parses nothing, checks nothing, knows nobody.
import { constants } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { emptyBody } from './long-poll.ts'

const folder = process.argv[2] ?? ''
const file = (name: string) => readFileSync(join(folder, 'certs', name))
const wait = 60_000

const server = Fastify({
  https: {
    cert: file('server.crt'), key: file('server.key'), ca: file('ca.crt'),
    requestCert: true, rejectUnauthorized: false, secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', honorCipherOrder: true, ALPNProtocols: ['http/1.1'],
    headersTimeout: 30_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000,
  },
  logger: false, forceCloseConnections: true, bodyLimit: 65_536, requestTimeout: 30_000, trustProxy: false,
})
server.removeAllContentTypeParsers()
server.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: 262_144 }, (_request, body, done) => { done(null, body) })

interface Client { readonly held: Held[], readonly queue: Buffer[] }
interface Held { readonly reply: FastifyReply, readonly timer: NodeJS.Timeout }

const clients: Client[] = []
const clientAt = (number: number): Client => clients[number] ??= { held: [], queue: [] }
const empty = Buffer.from(emptyBody)

function release({ held }: Client, body: Buffer): void {
  const oldest = held.shift()
  if (oldest === undefined) return
  clearTimeout(oldest.timer)
  void oldest.reply.header('content-type', 'text/xml; charset=utf-8').send(body)
}

const hold = (client: Client, reply: FastifyReply): void => {
  const timer = setTimeout(() => { release(client, empty) }, wait).unref()
  client.held.push({ reply, timer })
  const waiting = client.queue.shift()
  if (waiting !== undefined) release(client, waiting)
  else if (client.held.length > 1) release(client, empty)
}

type PollRequest = FastifyRequest<{ Params: { client: string }, Body: Buffer }>

server.post('/poll/:client', ({ params }: PollRequest, reply) => { hold(clientAt(Number(params.client)), reply) })
server.post('/send/:client', ({ params, body }: PollRequest, reply) => {
  const number = Number(params.client)
  const partner = clientAt(number ^ 1)
  if (partner.held.length > 0) release(partner, body)
  else partner.queue.push(body)
  hold(clientAt(number), reply)
})

await server.listen({ host: '127.0.0.1', port: 0 })
process.stderr.write(`listening on https://localhost:${(server.server.address() as AddressInfo).port}/\n`)
