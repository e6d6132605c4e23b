// Every clause of the table, on a real gateway over TLS.
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { clauses } from './clauses.ts'
import { World } from './world.ts'

let world: World
before(async () => { world = await World.start() })
after(async () => { await world.stop() })
afterEach(() => {
  world.leave()
  // Longer than any session is kept.
  world.clock.advance(200_000)
  world.clock.advance(200_000)
  assert.deepEqual(world.gateway.events.filter(({ level }) => level === 'error'), [])
})

describe('clauses', () => {
  for (const row of clauses) {
    const name = `${row.section} ${row.level}: ${row.clause}`
    if ('test' in row) test(name, () => row.test(world))
  }
})
