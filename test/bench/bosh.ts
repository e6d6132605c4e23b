// What BOSH costs the server, in CPU for each request and in memory for each idle session, against long polling over a bare Fastify.
import { join } from 'node:path'
import type { PollConnectRequest, PollReading, PollRelayRequest } from './bosh-load.ts'
import type { Figure } from './figure.ts'
import type { MemoryReading } from './probe.ts'
import { Child } from './remote.ts'
import { type Contestant, contestants, Ground, type Server } from './servers.ts'
import { median } from './statistics.ts'

const relayTarget = 1.5
const pairs = 50
const scene: PollRelayRequest = { bodyBytes: 100, stanzas: 50 }

const idleTarget = 1.4
const sessions = 1_000
/** Connected before the first reading, so that what is loaded or reserved once is not counted. */
const earlier = 100
/** How long sessions at rest are watched, in milliseconds; `wait` is a minute. */
const restMilliseconds = 5_000

const referenceName = 'bare Fastify long poll'

type Reading = PollReading & { readonly serverCpu: number }
interface Side { readonly server: Server, readonly load: Child, readonly readings: Reading[] }

const startLoad = () => new Child({ core: 1, node: [join(import.meta.dirname, 'bosh-load.ts')] })

export async function benchBoshRelay(rounds = 21): Promise<Figure> {
  const ground = await Ground.make(2 * pairs)
  const sides: Partial<Record<Contestant, Side>> = {}
  try {
    for (const contestant of contestants) {
      const server = await ground.start(contestant, [], 'bare-long-poll')
      const load = startLoad()
      sides[contestant] = { server, load, readings: [] }
      await load.call('connect', { contestant, port: server.port, ca: ground.ca, identities: ground.identities, connections: 2 } satisfies PollConnectRequest)
    }
    const { bare, meerkat } = sides
    if (bare === undefined || meerkat === undefined) throw new Error('a contestant is missing')
    // Short rounds, so that both find the machine alike; the first eight warm the compilers up.
    for (let round = -8; round < rounds; round++) {
      for (const side of round % 2 === 0 ? [bare, meerkat] : [meerkat, bare]) {
        const before = await side.server.child.call<number>('cpu')
        const reading = await side.load.call<PollReading>('relay', scene)
        const serverCpu = await side.server.child.call<number>('cpu') - before
        if (round >= 0) side.readings.push({ ...reading, serverCpu })
      }
    }
    return relayFigure(bare.readings, meerkat.readings)
  } finally {
    for (const side of Object.values(sides)) await Promise.all([side.server.child.stop(), side.load.stop()])
  }
}

function relayFigure(bare: readonly Reading[], meerkat: readonly Reading[]): Figure {
  const cost = ({ serverCpu, requests }: Reading) => serverCpu / requests
  const ratios = meerkat.map((reading, round) => cost(reading) / cost(bare[round] as Reading))
  const ratio = median(ratios)
  const summary = (readings: readonly Reading[]) => ({
    serverMicrosecondsPerRequest: median(readings.map(reading => cost(reading) * 1_000)),
    serverMillisecondsPer1000Stanzas: median(readings.map(({ serverCpu, relayed }) => serverCpu / relayed * 1_000)),
    requestsPerSecond: median(readings.map(({ requests, seconds }) => requests / seconds)),
    stanzasPerSecond: median(readings.map(({ relayed, seconds }) => relayed / seconds)),
    clientMillisecondsPer1000Stanzas: median(readings.map(({ clientCpu, relayed }) => clientCpu / relayed * 1_000)),
    p50Milliseconds: median(readings.map(({ p50 }) => p50)),
    p99Milliseconds: median(readings.map(({ p99 }) => p99)),
  })
  const measured = { bare: summary(bare), meerkat: summary(meerkat) }
  const told = (side: typeof measured.bare) =>
    `${side.serverMicrosecondsPerRequest.toFixed(1)} µs, ${side.serverMillisecondsPer1000Stanzas.toFixed(1)} ms per 1,000 stanzas `
    + `(${side.requestsPerSecond.toFixed(0)} requests/s, ${side.stanzasPerSecond.toFixed(0)} stanzas/s)`
  return {
    name: 'bosh-relay', what: `BOSH, ${pairs} pairs, 1 in flight, ${scene.bodyBytes} B bodies: server CPU per request`,
    meerkat: told(measured.meerkat), reference: told(measured.bare), referenceName,
    ratio, target: relayTarget, isMet: ratio <= relayTarget, bound: 'at most', details: { ...measured, ratios },
  }
}

/** `restCpu` in milliseconds of CPU for each second, of all sessions together. */
type IdleReading = MemoryReading & { readonly restCpu: number }

export async function benchBoshIdle(rounds = 3): Promise<Figure> {
  const ground = await Ground.make(earlier + sessions)
  const readings: Record<Contestant, IdleReading[]> = { bare: [], meerkat: [] }
  for (let round = 0; round < rounds; round++) {
    for (const contestant of contestants) readings[contestant].push(await costOfIdle(contestant, ground))
  }
  const ratios = readings.meerkat.map(({ rss }, round) => rss / (readings.bare[round] as IdleReading).rss)
  const ratio = median(ratios)
  const summary = (all: readonly IdleReading[]) => ({
    rss: median(all.map(({ rss }) => rss)), heapUsed: median(all.map(({ heapUsed }) => heapUsed)),
    external: median(all.map(({ external }) => external)), restCpu: median(all.map(({ restCpu }) => restCpu)),
  })
  const measured = { bare: summary(readings.bare), meerkat: summary(readings.meerkat) }
  const told = ({ rss, heapUsed, restCpu }: IdleReading) =>
    `${(rss / 1_024).toFixed(1)} KiB (JavaScript ${(heapUsed / 1_024).toFixed(1)}), at rest ${restCpu.toFixed(1)} ms of CPU a second`
  return {
    name: 'bosh-idle', what: `${sessions} idle certificate sessions with a request held: resident memory of each`,
    meerkat: told(measured.meerkat), reference: told(measured.bare), referenceName,
    ratio, target: idleTarget, isMet: ratio <= idleTarget, bound: 'at most', details: { perSession: measured, ratios },
  }
}

/** Bytes for each session, of a server started for this. */
async function costOfIdle(contestant: Contestant, ground: Ground): Promise<IdleReading> {
  const server = await ground.start(contestant, ['--expose-gc'], 'bare-long-poll')
  const load = startLoad()
  try {
    const connect = (from: number, to: number) => load.call('connect', {
      contestant, port: server.port, ca: ground.ca, identities: ground.identities.slice(from, to), connections: 1,
    } satisfies PollConnectRequest)
    await connect(0, earlier)
    const before = await server.child.call<MemoryReading>('memory')
    await connect(earlier, earlier + sessions)
    const after = await server.child.call<MemoryReading>('memory')
    const each = (key: keyof MemoryReading) => (after[key] - before[key]) / sessions
    return { rss: each('rss'), heapUsed: each('heapUsed'), external: each('external'), restCpu: await restCpu(server.child) }
  } finally {
    await Promise.all([server.child.stop(), load.stop()])
  }
}

async function restCpu(server: Child): Promise<number> {
  const before = await server.call<number>('cpu')
  const begin = performance.now()
  await new Promise(resolve => { setTimeout(resolve, restMilliseconds) })
  const used = await server.call<number>('cpu') - before
  return used / (performance.now() - begin) * 1_000
}
