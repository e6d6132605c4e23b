import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ArrivingBodies } from '../../plugins/arriving-bodies.ts'
import { TurnedClock } from '../support/turned-clock.ts'

function rig() {
  const clock = new TurnedClock()
  const overdue: string[] = []
  return { clock, overdue, bodies: new ArrivingBodies<string>(1_000, clock, request => { overdue.push(request) }) }
}

test('each body has its full time, and not a millisecond more', () => {
  const { clock, overdue, bodies } = rig()
  bodies.begin('one')
  clock.advance(400)
  bodies.begin('two')
  clock.advance(599)
  assert.deepEqual(overdue, [])
  clock.advance(1)
  assert.deepEqual(overdue, ['one'])
  clock.advance(399)
  assert.deepEqual(overdue, ['one'])
  clock.advance(1)
  assert.deepEqual(overdue, ['one', 'two'])
})

test('each body has its full time, and no more, where the clock is set meanwhile', () => {
  for (const jump of [-3_600_000, 3_600_000]) {
    const { clock, overdue, bodies } = rig()
    bodies.begin('one')
    clock.advance(400)
    bodies.begin('two')
    clock.jump(jump)
    clock.advance(599)
    assert.deepEqual(overdue, [])
    clock.advance(1)
    assert.deepEqual(overdue, ['one'])
    clock.advance(399)
    assert.deepEqual(overdue, ['one'])
    clock.advance(1)
    assert.deepEqual(overdue, ['one', 'two'])
  }
})

test('a body that has arrived is never overdue, whatever came before and after it', () => {
  const { clock, overdue, bodies } = rig()
  for (const request of ['one', 'two', 'three']) bodies.begin(request)
  bodies.end('two')
  bodies.end('two')
  clock.advance(5_000)
  assert.deepEqual(overdue, ['one', 'three'])
})

test('however many are on their way, there is one timer, and none when nothing has been on its way for that long', () => {
  const { clock, bodies } = rig()
  for (let number = 0; number < 100; number++) bodies.begin(String(number))
  assert.equal(clock.pending, 1)
  for (let number = 0; number < 100; number++) bodies.end(String(number))
  clock.advance(1_000)
  assert.equal(clock.pending, 0)
  bodies.begin('another')
  assert.equal(clock.pending, 1)
})
