// What a session costs in memory while it waits for its client (XEP-0198 §5): after its connection has gone, beside a server that nobody has visited.
import { join } from 'node:path'
import type { Figure } from './figure.ts'
import type { ConnectRequest } from './load.ts'
import type { MemoryReading } from './probe.ts'
import { Child } from './remote.ts'
import { Ground } from './servers.ts'
import { median } from './statistics.ts'

/** Bytes. */
const target = 8_192
const sessions = 400
/** Connected and gone before the first reading, so that what is loaded or reserved once is not counted. */
const earlier = 800

export async function benchDetached(rounds = 1): Promise<Figure> {
  const ground = await Ground.make(earlier + sessions, '[session]\nresume_timeout = 3_600\n')
  const readings: MemoryReading[] = []
  for (let round = 0; round < rounds; round++) readings.push(await costOf(ground))
  const heap = median(readings.map(({ heapUsed, external }) => heapUsed + external))
  const resident = median(readings.map(({ rss }) => rss))
  return {
    name: 'detached', what: `${sessions} sessions that wait for their clients, with empty queues: JavaScript memory of each`,
    meerkat: `${(heap / 1_024).toFixed(1)} KiB (resident ${(resident / 1_024).toFixed(1)})`, reference: `${(target / 1_024).toFixed(1)} KiB`, referenceName: 'the bound',
    ratio: heap / target, target: 1, isMet: heap <= target, bound: 'at most', details: { readings },
  }
}

/** Bytes for each session, of a server started for this. */
async function costOf(ground: Ground): Promise<MemoryReading> {
  const server = await ground.start('meerkat', ['--expose-gc'])
  const load = new Child({ core: 1, node: [join(import.meta.dirname, 'load.ts')] })
  try {
    const visit = async (from: number, to: number) => {
      await load.call('connect', { contestant: 'meerkat', port: server.port, ca: ground.ca, identities: ground.identities.slice(from, to) } satisfies ConnectRequest)
      await load.call('desert')
    }
    await visit(0, earlier)
    const before = await server.child.call<MemoryReading>('memory')
    await visit(earlier, earlier + sessions)
    const after = await server.child.call<MemoryReading>('memory')
    const each = (key: keyof MemoryReading) => (after[key] - before[key]) / sessions
    return { rss: each('rss'), heapUsed: each('heapUsed'), external: each('external') }
  } finally {
    await Promise.all([server.child.stop(), load.stop()])
  }
}
