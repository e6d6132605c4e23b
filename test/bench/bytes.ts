// What a byte costs the server in CPU when it comes in a TCP packet of its own, against packets of 64 bytes. Before TLS: a TLS record costs OpenSSL and Node
// what it costs, however little is in it.
import { join } from 'node:path'
import type { ByteRequest } from './byte-load.ts'
import type { Figure } from './figure.ts'
import { Child } from './remote.ts'
import { c2sSection, Ground, tcpListener } from './servers.ts'
import { median } from './statistics.ts'

const target = 3
const bytes = 250_000
const sizes = [1, 64] as const

export async function benchBytes(rounds = 9): Promise<Figure> {
  const ground = await Ground.make(1, c2sSection('starttls'))
  const server = await ground.start('meerkat', [], 'bare-relay', tcpListener)
  const load = new Child({ core: 1, node: [join(import.meta.dirname, 'byte-load.ts')] })
  /** Microseconds of CPU for each byte. */
  const readings: Record<(typeof sizes)[number], number[]> = { 1: [], 64: [] }
  try {
    // The first rounds warm the compilers up.
    for (let round = -4; round < rounds; round++) {
      for (const packetBytes of sizes) {
        const before = await server.child.call<number>('cpu')
        await load.call('dribble', { port: server.port, packetBytes, bytes } satisfies ByteRequest)
        const cpu = await server.child.call<number>('cpu') - before
        if (round >= 0) readings[packetBytes].push(cpu / bytes * 1_000)
      }
    }
  } finally {
    await Promise.all([server.child.stop(), load.stop()])
  }
  const ratios = readings[1].map((reading, round) => reading / (readings[64][round] as number))
  const ratio = median(ratios)
  return {
    name: 'tcp-bytes', what: 'TCP, one element in packets of 1 byte and of 64, before TLS: server CPU per byte',
    meerkat: `${median(readings[1]).toFixed(3)} µs`, reference: `${median(readings[64]).toFixed(3)} µs`, referenceName: 'in packets of 64 bytes',
    ratio, target, isMet: ratio <= target, bound: 'at most', details: { microsecondsPerByte: readings, ratios },
  }
}
