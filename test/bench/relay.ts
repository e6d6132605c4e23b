// What relaying costs the server in CPU, against a bare `ws` relay, round by round in turns.
import { join } from 'node:path'
import type { Figure } from './figure.ts'
import type { ConnectRequest, RelayReading, RelayRequest } from './load.ts'
import { Child } from './remote.ts'
import { type Contestant, contestants, Ground, type Server } from './servers.ts'
import { median } from './statistics.ts'

export interface RelayScene extends RelayRequest {
  readonly pairs: number
  /** The greatest ratio of CPU that is allowed. */
  readonly target: number
}

export const relayScenes = {
  'relay-100': { pairs: 50, inFlight: 4, bodyBytes: 100, stanzas: 500, target: 1.6 },
  'relay-1k': { pairs: 50, inFlight: 4, bodyBytes: 1_024, stanzas: 400, target: 1.5 },
  'relay-500': { pairs: 500, inFlight: 1, bodyBytes: 100, stanzas: 40, target: 1.4 },
} as const satisfies Readonly<Record<string, RelayScene>>

interface Side { readonly server: Server, readonly load: Child, readonly readings: (RelayReading & { readonly serverCpu: number })[] }

export async function benchRelay(name: keyof typeof relayScenes, rounds = 9): Promise<Figure> {
  const scene: RelayScene = relayScenes[name]
  const ground = await Ground.make(2 * scene.pairs)
  const sides: Partial<Record<Contestant, Side>> = {}
  try {
    for (const contestant of contestants) {
      const server = await ground.start(contestant)
      const load = new Child({ core: 1, node: [join(import.meta.dirname, 'load.ts')] })
      sides[contestant] = { server, load, readings: [] }
      await load.call('connect', { contestant, port: server.port, ca: ground.ca, identities: ground.identities } satisfies ConnectRequest)
    }
    const { bare, meerkat } = sides
    if (bare === undefined || meerkat === undefined) throw new Error('a contestant is missing')
    // The first two rounds warm the compilers up.
    for (let round = -2; round < rounds; round++) {
      for (const side of round % 2 === 0 ? [bare, meerkat] : [meerkat, bare]) {
        const reading = await measure(side, scene)
        if (round >= 0) side.readings.push(reading)
      }
    }
    return figureOf(name, scene, bare, meerkat)
  } finally {
    for (const side of Object.values(sides)) await Promise.all([side.server.child.stop(), side.load.stop()])
  }
}

async function measure({ server, load }: Side, { bodyBytes, inFlight, stanzas }: RelayScene) {
  const before = await server.child.call<number>('cpu')
  const reading = await load.call<RelayReading>('relay', { bodyBytes, inFlight, stanzas } satisfies RelayRequest)
  return { ...reading, serverCpu: await server.child.call<number>('cpu') - before }
}

function figureOf(name: string, { pairs, inFlight, bodyBytes, target }: RelayScene, bare: Side, meerkat: Side): Figure {
  const cost = ({ serverCpu, relayed }: Side['readings'][number]) => serverCpu / relayed * 1_000
  const ratios = meerkat.readings.map((reading, round) => cost(reading) / cost(bare.readings[round] as Side['readings'][number]))
  const ratio = median(ratios)
  const summary = ({ readings }: Side) => ({
    serverMillisecondsPer1000: median(readings.map(cost)),
    clientMillisecondsPer1000: median(readings.map(({ clientCpu, relayed }) => clientCpu / relayed * 1_000)),
    p50Milliseconds: median(readings.map(({ p50 }) => p50)),
    p99Milliseconds: median(readings.map(({ p99 }) => p99)),
    stanzasPerSecond: median(readings.map(({ relayed, seconds }) => relayed / seconds)),
  })
  const measured = { bare: summary(bare), meerkat: summary(meerkat) }
  const told = ({ serverMillisecondsPer1000, p50Milliseconds, p99Milliseconds }: typeof measured.bare) =>
    `${serverMillisecondsPer1000.toFixed(1)} ms (p50 ${p50Milliseconds.toFixed(2)}, p99 ${p99Milliseconds.toFixed(2)} ms)`
  return {
    name, what: `${pairs} pairs, ${inFlight} in flight, ${bodyBytes} B bodies: server CPU per 1,000 stanzas, latency`,
    meerkat: told(measured.meerkat), reference: told(measured.bare), referenceName: 'bare ws relay',
    ratio, target, isMet: ratio <= target, bound: 'at most', details: { ...measured, ratios },
  }
}
