/**
 * Gateways that are killed at random moments under load: nothing that a client was told is lost (XEP-0198 §4, XEP-0160), and of two accounts that are
 * subscribed to one another both know it. FUZZ_SEED repeats the choices; not when bytes arrive.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import { storeFileName } from '../../src/store/open-store.ts'
import { Randomness } from '../fuzz/xml-documents.ts'
import { Postgres, requirePostgres } from '../support/postgres.ts'
import { Gone } from './store-kills-client.ts'
import { Burrow, MortalGateway } from './store-kills-gateway.ts'
import { Household } from './store-kills-household.ts'

const seed = Number(process.env['FUZZ_SEED'] ?? randomInt(2 ** 31))
const kills = Number(process.env['MEERKAT_KILLS'] ?? 50)
/** Gateways that live at the same time, each with accounts of its own. */
const lanes = 2
/** Before PostgreSQL is killed itself. */
const killsBeforehand = 2
/** Milliseconds until a gateway is killed. */
const longestLife = 500
const longestStart = 800
const lifeOfDatabase = 150

let cache: string
before(async () => {
  cache = mkdtempSync(join(tmpdir(), 'meerkat-compiled-'))
  const burrow = await Burrow.make([])
  const gateway = MortalGateway.launch(burrow, cache)
  await gateway.open()
  // What it has compiled it leaves behind when it ends by itself.
  await gateway.end('SIGTERM')
  await burrow.remove()
})
after(async () => { await rm(cache, { recursive: true, force: true }) })

const later = (milliseconds: number, act: () => Promise<void>): Promise<void> => new Promise((resolve, reject) => { setTimeout(() => { act().then(resolve, reject) }, milliseconds) })

/** One gateway, from its start to its violent end. */
async function liveAndDie(burrow: Burrow, household: Household, random: Randomness): Promise<void> {
  if (random.oneIn(6)) {
    const stillborn = MortalGateway.launch(burrow, cache)
    await later(random.below(longestStart), () => stillborn.end('SIGKILL'))
  }
  const gateway = MortalGateway.launch(burrow, cache)
  let death = Promise.resolve()
  const killSoon = () => { death = later(random.below(longestLife), () => gateway.end('SIGKILL')) }
  try {
    await gateway.open()
    const isYoung = random.oneIn(5)
    if (isYoung) killSoon()
    await household.enter(gateway)
    if (!isYoung) killSoon()
    await household.live()
  } catch (error) {
    if (!(error instanceof Gone && gateway.isEnding)) throw error
  } finally {
    await death
    await gateway.end('SIGKILL')
    await household.settle()
  }
  assert.deepEqual(gateway.faults, [])
}

/** What was left behind is there, and is whole: all of them look. */
async function liveOn(burrow: Burrow, household: Household): Promise<void> {
  const gateway = MortalGateway.launch(burrow, cache)
  try {
    await household.enter(gateway, () => true)
  } finally {
    await gateway.end('SIGTERM')
    await household.settle()
  }
}

function assertMuchWasPromised({ messages, given, answeredFor }: Household['tally'], times: number): void {
  assert.ok(messages > 20 * times && given > times && answeredFor > 5 * times, `too little happened: ${messages} messages, ${given} kept ones, ${answeredFor} changes`)
}

/** Kills them all. `more` configures those of one lane, `look` sees what the last of them has left. */
async function killAll(t: TestContext, more: (lane: number) => string, look: (burrow: Burrow) => void = () => undefined): Promise<void> {
  await Promise.all(Array.from({ length: lanes }, async (_, lane) => {
    const random = new Randomness(seed + lane)
    const burrow = await Burrow.make(Household.users, more(lane))
    try {
      const household = new Household(burrow, random)
      for (let kill = lane; kill < kills; kill += lanes) await liveAndDie(burrow, household, random)
      await liveOn(burrow, household)
      t.diagnostic(JSON.stringify(household.tally))
      assertMuchWasPromised(household.tally, kills / lanes)
      look(burrow)
    } finally {
      await burrow.remove()
    }
  }))
}

const promise = 'no message of those who are away, no change of a roster, no half of a subscription'

describe('gateways that are killed at random moments', () => {
  test(`lose nothing that they answered for, in ${kills} kills: ${promise} [seed ${seed}]`, { timeout: 240_000 }, async t => {
    await killAll(t, () => '', ({ folder }) => {
      const database = new DatabaseSync(join(folder, 'data', storeFileName))
      assert.deepEqual(database.prepare('PRAGMA integrity_check').all().map(row => ({ ...row })), [{ integrity_check: 'ok' }])
      database.close()
    })
  })
})

describe('gateways whose store is PostgreSQL', { skip: requirePostgres() }, () => {
  let postgres: Postgres
  before(async () => {
    postgres = await Postgres.start()
    await postgres.sql('GRANT CREATE ON SCHEMA public TO meerkat')
  })
  after(async () => { await postgres.stop() })

  test(`lose nothing that they answered for, in ${kills} kills: ${promise} [seed ${seed}]`, { timeout: 240_000 }, async t => {
    const databases = Array.from({ length: lanes }, (_, lane) => `lane_${lane}`)
    for (const name of databases) await postgres.sql(`CREATE DATABASE ${name} OWNER meerkat`)
    await killAll(t, lane => `[store]\nurl = "${postgres.url.replace(/[^/]*$/, databases[lane]!)}"\n`)
  })

  test(`lose nothing that they answered for when PostgreSQL is killed; then whoever asked is told [seed ${seed}]`, { timeout: 120_000 }, async t => {
    const random = new Randomness(seed)
    const burrow = await Burrow.make(Household.users, `[store]\nurl = "${postgres.url}"\n`)
    try {
      const household = new Household(burrow, random)
      for (let kill = 0; kill < killsBeforehand; kill += 1) await liveAndDie(burrow, household, random)
      const gateway = MortalGateway.launch(burrow, cache)
      try {
        await household.enter(gateway)
        let isBack = false
        const restarted = later(random.below(lifeOfDatabase), () => postgres.restart()).then(() => later(lifeOfDatabase, () => { isBack = true; return Promise.resolve() }))
        await household.live(() => isBack)
        await restarted
        await household.rest()
      } finally {
        await gateway.end('SIGKILL')
        await household.settle()
      }
      assert.ok(household.tally.refused > 0, 'nobody was told')
      assert.deepEqual(gateway.faults.filter(line => !/"event":"(?:store|request)\.failed"/.test(line)), [])
      await liveAndDie(burrow, household, random)
      await liveOn(burrow, household)
      t.diagnostic(JSON.stringify(household.tally))
      assertMuchWasPromised(household.tally, killsBeforehand)
    } finally {
      await burrow.remove()
    }
  })
})
