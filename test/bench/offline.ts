// How many messages for people who are away are kept in a second: each is durable before its sender hears of it. On SQLite, and on Debian's PostgreSQL.
import { join } from 'node:path'
import { Postgres, requirePostgres } from '../support/postgres.ts'
import type { Figure } from './figure.ts'
import type { WritersTarget, WritingReading, WritingRequest } from './offline-load.ts'
import { Child } from './remote.ts'
import { storeAccounts } from './rosters-stored.ts'
import { Ground } from './servers.ts'
import { median } from './statistics.ts'

/** A second; to have something to hold the figures against. */
const orientation = 1_000
const writers = 50
const bodyBytes = 100
const messages = 40
const recipients = Array.from({ length: 1_000 }, (_, number) => `away${number}@localhost`)

export async function benchOffline(): Promise<readonly Figure[]> {
  const figures = [await measured('offline-sqlite', 'SQLite', await Ground.make(writers), null)]
  if (requirePostgres() !== false) return figures
  const postgres = await Postgres.start()
  try {
    await postgres.sql('GRANT CREATE ON SCHEMA public TO meerkat')
    const ground = await Ground.make(writers, `[store]\nurl = "${postgres.url}"\n`)
    // It shares the machine, and does not wait for the disk.
    figures.push(await measured('offline-postgres', 'PostgreSQL on this machine, fsync off', ground, postgres))
  } finally {
    await postgres.stop()
  }
  return figures
}

async function measured(name: string, what: string, ground: Ground, postgres: Postgres | null, rounds = 9): Promise<Figure> {
  if (postgres === null) await storeAccounts(join(ground.folder, 'data'), recipients)
  const server = await ground.start('meerkat')
  const load = new Child({ core: 1, node: [join(import.meta.dirname, 'offline-load.ts')] })
  const readings: (WritingReading & { readonly serverCpu: number })[] = []
  try {
    await load.call('connect', { port: server.port, ca: ground.ca, identities: ground.identities } satisfies WritersTarget)
    await postgres?.sql('INSERT INTO meerkat_accounts SELECT unnest($1::text[]), 1, 0', [recipients])
    // The first rounds warm the compilers up.
    for (let round = -3; round < rounds; round++) {
      const before = await server.child.call<number>('cpu')
      const reading = await load.call<WritingReading>('write', { messages, bodyBytes, recipients } satisfies WritingRequest)
      const serverCpu = await server.child.call<number>('cpu') - before
      if (round >= 0) readings.push({ ...reading, serverCpu })
    }
  } finally {
    await Promise.all([server.child.stop(), load.stop()])
  }
  const perSecond = median(readings.map(({ kept, seconds }) => kept / seconds))
  const milliseconds = median(readings.map(({ kept, serverCpu }) => serverCpu / kept))
  const ratio = perSecond / orientation
  return {
    name, what: `${what}: messages of ${bodyBytes} B kept for ${recipients.length} people who are away, ${writers} writers, a second`,
    meerkat: `${perSecond.toFixed(0)}/s (${milliseconds.toFixed(3)} ms of the gateway's CPU each)`, reference: `${orientation}/s`, referenceName: 'orientation',
    ratio, target: 1, isMet: ratio >= 1, bound: 'at least', details: { perSecond, gatewayMillisecondsEach: milliseconds, readings },
  }
}
