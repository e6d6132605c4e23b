// What one presence to a thousand contacts costs the server in CPU, against `ws.send` of the same bytes to as many.
import { join } from 'node:path'
import type { FanOutReading, FanOutRequest, FanOutTarget } from './fan-out-load.ts'
import type { Figure } from './figure.ts'
import { Child } from './remote.ts'
import { storeAccounts } from './rosters-stored.ts'
import { type Contestant, contestants, Ground, type Server } from './servers.ts'
import { median } from './statistics.ts'

const target = 2
const contacts = 1_000
const request: FanOutRequest = { broadcasts: 20 }

type Reading = FanOutReading & { readonly serverCpu: number, readonly bytes: number }
interface Side { readonly server: Server, readonly load: Child, readonly readings: Reading[] }

export async function benchFanOut(rounds = 9): Promise<Figure> {
  const ground = await Ground.make(contacts + 1, `[limits]\nmax_unread_bytes = 10000000\n`)
  const users = Array.from({ length: contacts + 1 }, (_, number) => `user${number}@localhost`)
  const [broadcaster = '', ...others] = users
  await storeAccounts(join(ground.folder, 'data'), users, account => account === broadcaster
    ? others.map(jid => ({ jid, subscription: 'both' })) : [{ jid: broadcaster, subscription: 'both' }])
  const sides: Partial<Record<Contestant, Side>> = {}
  try {
    for (const contestant of contestants) {
      const server = await ground.start(contestant, [], 'bare-fan-out')
      const load = new Child({ core: 1, node: [join(import.meta.dirname, 'fan-out-load.ts')] })
      sides[contestant] = { server, load, readings: [] }
      await load.call('connect', { contestant, port: server.port, ca: ground.ca, identities: ground.identities } satisfies FanOutTarget)
    }
    // The first rounds warm the compilers up.
    for (let round = -3; round < rounds; round++) {
      for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) {
        const { server, load, readings } = sides[contestant] as Side
        const before = await server.child.call<number>('cpu')
        const reading = await load.call<Omit<Reading, 'serverCpu'>>('broadcast', request)
        const serverCpu = await server.child.call<number>('cpu') - before
        if (round >= 0) readings.push({ ...reading, serverCpu })
      }
    }
    return figureOf((sides.bare as Side).readings, (sides.meerkat as Side).readings)
  } finally {
    for (const { server, load } of Object.values(sides)) await Promise.all([server.child.stop(), load.stop()])
  }
}

function figureOf(bare: readonly Reading[], meerkat: readonly Reading[]): Figure {
  const cost = ({ serverCpu, heard }: Reading) => serverCpu / heard * 1_000
  const ratios = meerkat.map((reading, round) => cost(reading) / cost(bare[round] as Reading))
  const ratio = median(ratios)
  const summary = (readings: readonly Reading[]) => ({
    microsecondsPerRecipient: median(readings.map(cost)), bytes: median(readings.map(({ bytes }) => bytes)),
    recipientsPerSecond: median(readings.map(({ heard, seconds }) => heard / seconds)),
  })
  const measured = { bare: summary(bare), meerkat: summary(meerkat) }
  const told = ({ microsecondsPerRecipient, bytes }: typeof measured.bare) => `${microsecondsPerRecipient.toFixed(1)} µs (${bytes} B)`
  return {
    name: 'fan-out', what: `one presence to ${contacts} contacts: server CPU per recipient`, meerkat: told(measured.meerkat), reference: told(measured.bare),
    referenceName: 'ws.send', ratio, target, isMet: ratio <= target, bound: 'at most', details: { ...measured, ratios },
  }
}
