// The clients of one server, in a process of their own: pairs of users who send each other stanzas in a closed loop, or sit idle.
import { FrameClient } from './frame-client.ts'
import { logIn } from './login.ts'
import { answerCalls } from './remote.ts'
import type { Contestant, Identity } from './servers.ts'
import { stanzaTo } from './stanza.ts'
import { StreamClient } from './stream-client.ts'
import { quantile } from './statistics.ts'

export interface ConnectRequest {
  readonly contestant: Contestant
  /** WebSocket where nothing is said. */
  readonly transport?: 'websocket' | 'tcp'
  readonly port: number
  readonly ca: string
  /** One for each client; clients 0 and 1 are a pair, 2 and 3 are one, and so on. */
  readonly identities: readonly Identity[]
}

export interface RelayRequest {
  readonly bodyBytes: number
  /** Stanzas on their way at a time, for each pair. */
  readonly inFlight: number
  /** For each pair, both directions together. */
  readonly stanzas: number
}

export interface RelayReading {
  readonly relayed: number
  readonly seconds: number
  /** Milliseconds from one client's write to the other's read. */
  readonly p50: number
  readonly p99: number
  /** Milliseconds of CPU that the clients took. */
  readonly clientCpu: number
}

interface Client { readonly connection: FrameClient | StreamClient, readonly address: string }

const clients: Client[] = []
/** Handshakes under way at a time. */
const concurrency = 20

async function connect({ contestant, transport = 'websocket', port, ca, identities }: ConnectRequest): Promise<number> {
  const offset = clients.length
  let next = 0
  const worker = async () => {
    while (next < identities.length) {
      const index = next++
      const identity = identities[index] as Identity
      const number = offset + index
      const path = contestant === 'meerkat' ? '/xmpp-websocket' : `/pair-${number >> 1}`
      const connection = transport === 'tcp' ? await StreamClient.open({ port, ca, identity }) : await FrameClient.open({ port, path, ca, identity })
      clients[number] = { connection, address: contestant === 'meerkat' ? await login(connection) : `user${number}@localhost/sJkNbGvQhxTq3rWp` }
      connection.settle()
      connection.onText = () => {}
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return clients.length
}

/** All clients ask for a session that can be resumed (XEP-0198), and their connections break. */
async function desert(): Promise<void> {
  for (const { connection } of clients.splice(0)) {
    const [answer = ''] = await connection.ask('<enable xmlns="urn:xmpp:sm:3" resume="true"/>', 1)
    if (!answer.includes('resume=')) throw new Error(`no resumption: ${answer}`)
    await connection.end()
  }
}

/** Returns the full JID. */
async function login(connection: FrameClient | StreamClient): Promise<string> {
  const jid = await logIn(connection)
  // A user's resources see their own presence; when it comes back, it has been dealt with.
  await connection.ask('<presence xmlns="jabber:client"/>', 1)
  return jid
}

/** Each stanza that arrives is answered with another one, until all have been sent and have arrived. */
function relay({ bodyBytes, inFlight, stanzas }: RelayRequest): Promise<RelayReading> {
  const pairs = clients.length / 2
  const total = pairs * stanzas
  const latencies = new Float64Array(total)
  let relayed = 0
  return new Promise((resolve, reject) => {
    const cpu = process.cpuUsage()
    const begin = performance.now()
    const finish = () => {
      const seconds = (performance.now() - begin) / 1_000
      const { user, system } = process.cpuUsage(cpu)
      latencies.sort()
      resolve({
        relayed, seconds, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), clientCpu: (user + system) / 1_000,
      })
    }
    const ends = clients.map(({ connection }, index) => {
      const partner = clients[index ^ 1] as Client
      const stanza = stanzaTo(partner.address, bodyBytes)
      // When this end's stanzas left, as a ring: they arrive in the order in which they were sent.
      return { connection, frame: connection.frameOf(Buffer.from(stanza)), stanza, sentAt: new Float64Array(inFlight), sent: 0, arrived: 0, length: 0 }
    })
    const left = new Int32Array(pairs).fill(stanzas)
    const send = (end: (typeof ends)[number]) => {
      end.sentAt[end.sent++ % inFlight] = performance.now()
      end.connection.write(end.frame)
    }
    for (const [index, end] of ends.entries()) {
      const partner = ends[index ^ 1] as (typeof ends)[number]
      end.connection.onEnd = reject
      end.connection.onText = (bytes, start, stop) => {
        if (end.length === 0) {
          checkArrival(bytes.toString('utf8', start, stop), partner.stanza)
          end.length = stop - start
        } else if (end.length !== stop - start) reject(new Error(`something else arrived: ${bytes.toString('utf8', start, stop)}`))
        latencies[relayed++] = performance.now() - (partner.sentAt[partner.arrived++ % inFlight] as number)
        if (relayed === total) finish()
        const pair = index >> 1
        if ((left[pair] as number) === 0) return
        left[pair] = (left[pair] as number) - 1
        send(end)
      }
    }
    for (let pair = 0; pair < pairs; pair++) {
      for (let count = 0; count < inFlight; count++) {
        left[pair] = (left[pair] as number) - 1
        send(ends[2 * pair + count % 2] as (typeof ends)[number])
      }
    }
  })
}

/** The very first stanza on each connection is looked at; the others must be as long as it. */
function checkArrival(arrived: string, sent: string): void {
  const plain = arrived.replace(/ from='[^']*'/, '')
  if (plain !== sent) throw new Error(`not what was sent: ${arrived}`)
}

answerCalls({ connect, relay, desert })
