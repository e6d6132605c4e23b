// What a login costs the server, in CPU and memory, whose account has a hundred contacts who log in as well, against one whose roster is empty.
import { writeFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Figure } from './figure.ts'
import type { MemoryReading } from './probe.ts'
import { Child } from './remote.ts'
import type { ArrivalReading, ArrivalRequest } from './rosters-load.ts'
import { type StoredContact, storeAccounts } from './rosters-stored.ts'
import { Ground, type Server } from './servers.ts'
import { median } from './statistics.ts'

/** With a hundred contacts it reads and writes a hundred items, and on the average shows itself to fifty who are there and hears of them. */
const targets = { cpu: 4, memory: 2 } as const
const items = 100
const accounts = 10_000
const together = 500

const sideNames = ['empty', 'full'] as const
interface Side { readonly server: Server, readonly load: Child, readonly cpu: number[], readonly memory: number[] }

export async function benchRosters(): Promise<readonly Figure[]> {
  const ground = await Ground.make(accounts)
  const users = Array.from({ length: accounts }, (_, number) => `user${number}@localhost`)
  /** Half of the neighbours on either side, in a circle. */
  const contactsOf = (account: string): readonly StoredContact[] => {
    const number = users.length + Number(/\d+/.exec(account)?.[0])
    return Array.from({ length: items }, (_, index) => ({ jid: users[(number + index - items / 2 + (index < items / 2 ? 0 : 1)) % users.length] ?? '', subscription: 'both' }))
  }
  const sides: Partial<Record<(typeof sideNames)[number], Side>> = {}
  try {
    const file = join(ground.folder, 'meerkat.toml')
    const configuration = await readFile(file, 'utf8')
    for (const name of sideNames) {
      await storeAccounts(join(ground.folder, name), users, name === 'full' ? contactsOf : () => [])
      await writeFile(file, configuration.replace('data_dir = "data"', `data_dir = "${name}"\n[limits]\nmax_connections_per_address = 20000\nmax_unread_bytes = 10000000`))
      sides[name] = { server: await ground.start('meerkat', ['--expose-gc']), load: new Child({ core: 1, node: [join(import.meta.dirname, 'rosters-load.ts')] }), cpu: [], memory: [] }
    }
    // Neighbours do not come together: the contacts of whoever comes are spread over all rounds.
    const shuffled = Array.from({ length: accounts }, (_, index) => ground.identities[index * 7_919 % accounts] as Ground['identities'][number])
    for (let round = 0; round * together < accounts; round++) {
      for (const name of round % 2 === 0 ? sideNames : sideNames.toReversed()) await measure(sides[name] as Side, ground.ca, shuffled.slice(round * together, (round + 1) * together), name === 'full' ? items : 0)
    }
    const { empty, full } = sides as Record<(typeof sideNames)[number], Side>
    return [figureOf('rosters-cpu', 'CPU', 'ms', targets.cpu, empty.cpu, full.cpu), figureOf('rosters-memory', 'resident memory', 'KiB', targets.memory, empty.memory, full.memory)]
  } finally {
    for (const { server, load } of Object.values(sides)) await Promise.all([server.child.stop(), load.stop()])
  }
}

async function measure({ server, load, cpu, memory }: Side, ca: string, identities: ArrivalRequest['identities'], expected: number): Promise<void> {
  const { rss } = await server.child.call<MemoryReading>('memory')
  const before = await server.child.call<number>('cpu')
  await load.call<ArrivalReading>('arrive', { port: server.port, ca, identities, items: expected } satisfies ArrivalRequest)
  cpu.push((await server.child.call<number>('cpu') - before) / identities.length)
  memory.push(((await server.child.call<MemoryReading>('memory')).rss - rss) / identities.length / 1_024)
}

function figureOf(name: string, what: string, unit: string, target: number, empty: readonly number[], full: readonly number[]): Figure {
  // In the first rounds the compilers warm up, and the heap grows for good.
  const from = Math.floor(empty.length / 5)
  const [mine, theirs] = [full.slice(from), empty.slice(from)]
  const ratios = mine.map((value, round) => value / (theirs[round] as number))
  const ratio = median(mine) / median(theirs)
  return {
    name, what: `${accounts} accounts that log in and stay, each with ${items} contacts among them: ${what} per login`,
    meerkat: `${median(mine).toFixed(2)} ${unit}`, reference: `${median(theirs).toFixed(2)} ${unit}`, referenceName: 'with an empty roster',
    ratio, target, isMet: ratio <= target, bound: 'at most', details: { empty, full, ratios },
  }
}
