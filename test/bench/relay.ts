// What relaying costs the server in CPU, against a bare `ws` relay, round by round in turns.
import { join } from 'node:path'
import type { Figure } from './figure.ts'
import type { ConnectRequest, RelayReading, RelayRequest } from './load.ts'
import { Child } from './remote.ts'
import { c2sSection, type Contestant, Ground, httpListener, type Server, tcpListener } from './servers.ts'
import { median } from './statistics.ts'

export interface RelayScene extends RelayRequest {
  readonly pairs: number
  /** The greatest ratio of CPU that is allowed. */
  readonly target: number
  /** TCP is compared with WebSocket, and WebSocket with a bare relay. */
  readonly transport: 'websocket' | 'tcp'
}

export const relayScenes = {
  'relay-100': { pairs: 50, inFlight: 4, bodyBytes: 100, stanzas: 500, target: 1.6, transport: 'websocket' },
  'relay-1k': { pairs: 50, inFlight: 4, bodyBytes: 1_024, stanzas: 400, target: 1.5, transport: 'websocket' },
  'relay-500': { pairs: 500, inFlight: 1, bodyBytes: 100, stanzas: 40, target: 1.4, transport: 'websocket' },
  'tcp-relay': { pairs: 50, inFlight: 4, bodyBytes: 100, stanzas: 500, target: 1, transport: 'tcp' },
} as const satisfies Readonly<Record<string, RelayScene>>

interface Side { readonly server: Server, readonly load: Child, readonly readings: (RelayReading & { readonly serverCpu: number })[] }

export async function benchRelay(name: keyof typeof relayScenes, rounds = 9): Promise<Figure> {
  const scene: RelayScene = relayScenes[name]
  const ground = await Ground.make(2 * scene.pairs, c2sSection('tls'))
  const sides: Side[] = []
  const side = async (contestant: Contestant, transport: RelayScene['transport']): Promise<Side> => {
    const server = await ground.start(contestant, [], 'bare-relay', transport === 'tcp' ? tcpListener : httpListener)
    const load = new Child({ core: 1, node: [join(import.meta.dirname, 'load.ts')] })
    const made: Side = { server, load, readings: [] }
    sides.push(made)
    await load.call('connect', { contestant, transport, port: server.port, ca: ground.ca, identities: ground.identities } satisfies ConnectRequest)
    return made
  }
  try {
    const reference = await side(scene.transport === 'tcp' ? 'meerkat' : 'bare', 'websocket')
    const meerkat = await side('meerkat', scene.transport)
    // The first two rounds warm the compilers up.
    for (let round = -2; round < rounds; round++) {
      for (const one of round % 2 === 0 ? [reference, meerkat] : [meerkat, reference]) {
        const reading = await measure(one, scene)
        if (round >= 0) one.readings.push(reading)
      }
    }
    return figureOf(name, scene, reference, meerkat)
  } finally {
    for (const { server, load } of sides) await Promise.all([server.child.stop(), load.stop()])
  }
}

async function measure({ server, load }: Side, { bodyBytes, inFlight, stanzas }: RelayScene) {
  const before = await server.child.call<number>('cpu')
  const reading = await load.call<RelayReading>('relay', { bodyBytes, inFlight, stanzas } satisfies RelayRequest)
  return { ...reading, serverCpu: await server.child.call<number>('cpu') - before }
}

function figureOf(name: string, { pairs, inFlight, bodyBytes, target, transport }: RelayScene, reference: Side, meerkat: Side): Figure {
  const cost = ({ serverCpu, relayed }: Side['readings'][number]) => serverCpu / relayed * 1_000
  const ratios = meerkat.readings.map((reading, round) => cost(reading) / cost(reference.readings[round] as Side['readings'][number]))
  const ratio = median(ratios)
  const summary = ({ readings }: Side) => ({
    serverMillisecondsPer1000: median(readings.map(cost)),
    clientMillisecondsPer1000: median(readings.map(({ clientCpu, relayed }) => clientCpu / relayed * 1_000)),
    p50Milliseconds: median(readings.map(({ p50 }) => p50)),
    p99Milliseconds: median(readings.map(({ p99 }) => p99)),
    stanzasPerSecond: median(readings.map(({ relayed, seconds }) => relayed / seconds)),
  })
  const [of, mine] = [summary(reference), summary(meerkat)]
  const measured = { [transport === 'tcp' ? 'websocket' : 'bare']: of, meerkat: mine }
  const told = ({ serverMillisecondsPer1000, p50Milliseconds, p99Milliseconds }: typeof mine) =>
    `${serverMillisecondsPer1000.toFixed(1)} ms (p50 ${p50Milliseconds.toFixed(2)}, p99 ${p99Milliseconds.toFixed(2)} ms)`
  return {
    name, what: `${transport === 'tcp' ? 'TCP, ' : ''}${pairs} pairs, ${inFlight} in flight, ${bodyBytes} B bodies: server CPU per 1,000 stanzas, latency`,
    meerkat: told(mine), reference: told(of), referenceName: transport === 'tcp' ? 'itself over WebSocket' : 'bare ws relay',
    ratio, target, isMet: ratio <= target, bound: 'at most', details: { ...measured, ratios },
  }
}
