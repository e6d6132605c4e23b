// What an idle session costs in memory, against a bare `ws` connection with the same TLS options.
import { join } from 'node:path'
import type { Figure } from './figure.ts'
import type { ConnectRequest } from './load.ts'
import type { MemoryReading } from './probe.ts'
import { Child } from './remote.ts'
import { type Contestant, contestants, Ground } from './servers.ts'
import { median } from './statistics.ts'

const target = 1.25
const sessions = 1_000
/** Connected before the first reading, so that what is loaded or reserved once is not counted. */
const earlier = 100

export async function benchMemory(rounds = 3): Promise<Figure> {
  const ground = await Ground.make(earlier + sessions)
  const readings: Record<Contestant, MemoryReading[]> = { bare: [], meerkat: [] }
  for (let round = 0; round < rounds; round++) {
    for (const contestant of contestants) readings[contestant].push(await costOf(contestant, ground))
  }
  const ratios = readings.meerkat.map(({ rss }, round) => rss / (readings.bare[round] as MemoryReading).rss)
  const ratio = median(ratios)
  const summary = (all: readonly MemoryReading[]) => ({
    rss: median(all.map(({ rss }) => rss)), heapUsed: median(all.map(({ heapUsed }) => heapUsed)), external: median(all.map(({ external }) => external)),
  })
  const measured = { bare: summary(readings.bare), meerkat: summary(readings.meerkat) }
  const told = ({ rss, heapUsed }: MemoryReading) => `${(rss / 1_024).toFixed(1)} KiB (JavaScript ${(heapUsed / 1_024).toFixed(1)})`
  return {
    name: 'memory', what: `${sessions} idle certificate sessions: resident memory of each`,
    meerkat: told(measured.meerkat), reference: told(measured.bare), referenceName: 'bare ws connection',
    ratio, target, isMet: ratio <= target, bound: 'at most', details: { bytesPerSession: measured, ratios },
  }
}

/** Bytes for each session, of a server started for this. */
async function costOf(contestant: Contestant, ground: Ground): Promise<MemoryReading> {
  const server = await ground.start(contestant, ['--expose-gc'])
  const load = new Child({ core: 1, node: [join(import.meta.dirname, 'load.ts')] })
  try {
    const connect = (from: number, to: number) => load.call('connect', {
      contestant, port: server.port, ca: ground.ca, identities: ground.identities.slice(from, to),
    } satisfies ConnectRequest)
    await connect(0, earlier)
    const before = await server.child.call<MemoryReading>('memory')
    await connect(earlier, earlier + sessions)
    const after = await server.child.call<MemoryReading>('memory')
    const each = (key: keyof MemoryReading) => (after[key] - before[key]) / sessions
    return { rss: each('rss'), heapUsed: each('heapUsed'), external: each('external') }
  } finally {
    await Promise.all([server.child.stop(), load.stop()])
  }
}
