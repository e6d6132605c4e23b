// What of the kept messages may be given to whom, and dropped when.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Handover } from '../../src/embedded/handover.ts'

function given(...ids: readonly number[]): Handover {
  const handover = new Handover()
  for (const id of ids) handover.give(id)
  return handover
}

test('what was given is not to be given again, and what is newer is', () => {
  const handover = given(3, 4)
  assert.equal(handover.after, 4)
  assert.deepEqual([3, 4, 5].map(id => handover.isToBeGiven(id)), [false, false, true])
})

test('what comes back is to be given again, and nothing that another client was given after it', () => {
  const handover = given(1, 2, 3, 4)
  for (const id of [2, 3]) handover.takeBack(id)
  assert.equal(handover.after, 1)
  assert.deepEqual([1, 2, 3, 4, 5].map(id => handover.isToBeGiven(id)), [false, true, true, false, true])
  handover.give(2)
  assert.deepEqual([handover.after, handover.isToBeGiven(2)], [2, false])
})

test('only what a client has, and all before it, may be dropped: not what came back, nor what is outstanding', () => {
  const handover = given(1, 2, 3, 4)
  handover.acknowledge(4)
  assert.equal(handover.mayBeDropped, 0)
  handover.acknowledge(1)
  handover.takeBack(2)
  handover.acknowledge(3)
  assert.equal(handover.mayBeDropped, 1)
  handover.give(2)
  handover.acknowledge(2)
  assert.equal(handover.mayBeDropped, 4)
})

test('what a client has already does not come back', () => {
  const handover = given(1)
  handover.acknowledge(1)
  handover.takeBack(1)
  assert.equal(handover.isToBeGiven(1), false)
})

test('what came back and is in the store no more is forgotten', () => {
  const handover = given(1, 2, 3)
  for (const id of [1, 2, 3]) handover.takeBack(id)
  handover.found([2], 0, 2)
  assert.deepEqual([1, 2, 3].map(id => handover.isToBeGiven(id)), [false, true, true])
  handover.found([], 0, Infinity)
  assert.equal(handover.after, 3)
})

test('what came back while others were looked for is not among them, and is to be given again all the same', () => {
  const handover = given(1, 2, 3)
  const { after } = handover
  for (const id of [1, 2]) handover.takeBack(id)
  handover.found([4, 5], after, Infinity)
  assert.deepEqual([1, 2, 3, 4].map(id => handover.isToBeGiven(id)), [true, true, false, true])
  assert.ok(handover.after < after)
  assert.equal(handover.mayBeDropped, 0)
})
