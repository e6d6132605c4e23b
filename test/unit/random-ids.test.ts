// Ids of streams, resources and BOSH sessions.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomIds } from '../../src/session/random-ids.ts'

test('an id has 192 bits in 32 URL-safe characters, and ten thousand of them are ten thousand', () => {
  const newId = randomIds()
  const ids = Array.from({ length: 10_000 }, () => newId())
  assert.equal(new Set(ids).size, ids.length)
  for (const id of ids) assert.match(id, /^[A-Za-z0-9_-]{32}$/)
  // No place in an id is always the same, nor is there a character that never comes.
  for (let place = 0; place < 32; place++) assert.equal(new Set(ids.map(id => id[place])).size, 64, String(place))
})

test('two sources give nothing away of each other', () => {
  const [one, other] = [randomIds(), randomIds()]
  const ids = Array.from({ length: 300 }, () => [one(), other()]).flat()
  assert.equal(new Set(ids).size, ids.length)
})
