// What of the kept messages may be given to whom, and dropped when.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Accounts } from '../../src/embedded/accounts.ts'
import { Handover } from '../../src/embedded/handover.ts'
import { bare } from '../support/external-certificate.ts'
import { RememberedStore } from '../support/remembered-store.ts'
import { recordingLog, TurnedClock } from '../support/turned-clock.ts'

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

test('what clients have behind something that nobody has outlives the account in memory: it is not given once more when that is loaded again', async () => {
  const clock = new TurnedClock()
  const accounts = new Accounts(new RememberedStore(), { clock, log: recordingLog().log, isBlocking: true })
  const juliet = bare('juliet@example.net')
  const before = await accounts.use(juliet)
  for (const id of [1, 2, 3]) before.handover.give(id)
  before.handover.acknowledge(2)
  before.handover.takeBack(1)
  before.handover.takeBack(3)
  clock.advance(60_000)
  const after = await accounts.use(juliet)
  assert.notEqual(after, before)
  assert.deepEqual([1, 2, 3].map(id => after.handover.isToBeGiven(id)), [true, false, true])
  // As soon as the store says the same there is nothing to be remembered.
  after.handover.give(1)
  after.handover.acknowledge(1)
  assert.equal(after.handover.isAhead, false)
  clock.advance(60_000)
  assert.notEqual((await accounts.use(juliet)).handover, after.handover)
})
