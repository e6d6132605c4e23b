// What is remembered of those who came lately.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Recent } from '../../src/x509/recent.ts'

test('as many as the limit are remembered at least, twice as many at most, and who is asked for again and again stays', () => {
  const recent = new Recent<number>(5)
  for (let number = 0; number < 1_000; number += 1) {
    recent.set(`key ${number}`, number)
    assert.equal(recent.get('key 0'), 0)
    assert.equal(recent.get(`key ${number}`), number)
  }
  // The latest first: to ask for one makes it a recent one.
  const known = Array.from({ length: 1_000 }, (_, index) => 999 - index).filter(number => recent.get(`key ${number}`) !== undefined)
  assert.deepEqual(known.slice(0, 4), [999, 998, 997, 996])
  assert.ok(known.length <= 10, `${known.length} are known`)
  assert.ok(known.includes(0))
})

test('a value that is set again is the new one', () => {
  const recent = new Recent<string>(2)
  recent.set('a', 'one')
  for (const key of ['b', 'c', 'a']) recent.set(key, key)
  assert.equal(recent.get('a'), 'a')
})
