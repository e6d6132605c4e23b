/** The request window under a bad network: every stanza once, and in order. MEERKAT_SEED repeats a run, MEERKAT_FUZZ sets its length. */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { BoshSession } from './bosh-window-session.ts'
import { Randomness } from './xml-documents.ts'

const seed = Number(process.env['MEERKAT_SEED'] ?? randomInt(2 ** 31))
const total = Number(process.env['MEERKAT_FUZZ'] ?? 200_000)

test(`every stanza arrives exactly once and in order, whatever breaks, in ${total} steps (MEERKAT_SEED=${seed})`, t => {
  const random = new Randomness(seed)
  const counts: Record<string, number> = { sessions: 0 }
  let steps = 0
  while (steps < total) {
    const session = new BoshSession(random)
    const length = random.pick([20, 200, 1_000])
    try {
      for (let n = 0; n < length && !session.isTold; n++) steps += session.step() ? 1 : 0
      if (random.oneIn(8)) session.misbehave()
      else if (!random.oneIn(8)) session.drain()
      session.abandon()
    } catch (error) {
      throw new Error(`MEERKAT_SEED=${seed}, after ${steps} steps, ${JSON.stringify(session.limits)}: ${(error as Error).message}`, { cause: error })
    }
    counts['sessions'] = (counts['sessions'] ?? 0) + 1
    for (const [name, count] of Object.entries({ ...session.counts, report: session.reports })) counts[name] = (counts[name] ?? 0) + count
  }
  t.diagnostic(`seed ${seed}, ${steps} steps: ${JSON.stringify(counts)}`)
  for (const name of ['request', 'arrival', 'answer', 'loss', 'repeat', 'race', 'report', 'end', 'misbehaviour']) assert.ok((counts[name] ?? 0) > 0, name)
})
