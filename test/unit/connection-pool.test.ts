// Connections that are lent: one borrower at a time, in order, and nothing of a broken one is lent again.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ConnectionPool } from '../../src/auth/backends/connection-pool.ts'
import { settled, TurnedClock } from '../support/turned-clock.ts'

interface Fake { readonly number: number, isUsable: boolean, close(): void }

function poolOf(size: number) {
  const opened: Fake[] = []
  const clock = new TurnedClock()
  const pool = new ConnectionPool<Fake>(size, () => {
    const fake: Fake = { number: opened.length + 1, isUsable: true, close: () => { fake.isUsable = false } }
    opened.push(fake)
    return Promise.resolve(fake)
  }, clock)
  return { pool, opened, clock }
}

const patient = () => new AbortController().signal
const numberOf = ({ connection }: { readonly connection: Fake }) => Promise.resolve(connection.number)

/** A use that lasts until it is told to end. */
function held(pool: ConnectionPool<Fake>, signal = patient()) {
  let end: (outcome: 'well' | 'badly') => void = () => {}
  const outcome = pool.with(signal, ({ connection }) => new Promise<number>((resolve, reject) => {
    end = how => { if (how === 'well') resolve(connection.number); else reject(new Error('badly')) }
  }))
  return { outcome, end: (how: 'well' | 'badly' = 'well') => { end(how) } }
}

test('one that was given back is lent again, the last one first; so many at most', async () => {
  const { pool, opened } = poolOf(2)
  const [first, second] = [held(pool), held(pool)]
  await settled()
  const third = pool.with(patient(), numberOf)
  await settled()
  assert.equal(opened.length, 2)
  second.end()
  assert.equal(await third, 2)
  first.end()
  await first.outcome
  assert.equal(await pool.with(patient(), numberOf), 1)
  assert.equal(opened.length, 2)
})

test('who waits is served in order, and gives up when his time is over', async () => {
  const { pool } = poolOf(1)
  const first = held(pool)
  await settled()
  const order: string[] = []
  const controller = new AbortController()
  const waiting = [pool.with(patient(), () => { order.push('a'); return Promise.resolve() }), pool.with(controller.signal, () => { order.push('b'); return Promise.resolve() }),
    pool.with(patient(), () => { order.push('c'); return Promise.resolve() })]
  controller.abort()
  await assert.rejects(waiting[1]!, /no connection was free in time/)
  first.end()
  await Promise.all([waiting[0], waiting[2]])
  assert.deepEqual(order, ['a', 'c'])
})

test('a use that fails gives its turn to the next one all the same', async () => {
  const { pool } = poolOf(1)
  const first = held(pool)
  await settled()
  const next = pool.with(patient(), numberOf)
  first.end('badly')
  await assert.rejects(first.outcome, /badly/)
  assert.equal(await next, 1)
})

test('one that cannot be opened gives its turn to the next one', async () => {
  let fails = true
  const pool = new ConnectionPool<Fake>(1, () => fails ? Promise.reject(new Error('refused')) : Promise.resolve({ number: 1, isUsable: true, close() {} }), new TurnedClock())
  for (let round = 0; round < 3; round += 1) await assert.rejects(pool.with(patient(), numberOf), /refused/)
  fails = false
  assert.equal(await pool.with(patient(), numberOf), 1)
})

test('one whose use was given up, that was closed, or that lay idle for long is not lent again', async () => {
  const { pool, opened, clock } = poolOf(1)
  const controller = new AbortController()
  const first = held(pool, controller.signal)
  await settled()
  controller.abort()
  assert.equal(opened[0]!.isUsable, false, 'it is closed at once, so that what is asked of it ends')
  first.end()
  await first.outcome
  assert.equal(await pool.with(patient(), numberOf), 2)
  opened[1]!.close()
  assert.equal(await pool.with(patient(), numberOf), 3)
  clock.advance(29_999)
  assert.equal(await pool.with(patient(), numberOf), 3)
  clock.advance(30_000)
  assert.equal(await pool.with(patient(), numberOf), 4)
  assert.equal(opened[2]!.isUsable, false)
})

test('how long one lay idle is not a matter of dates: a clock that is set makes none older or younger', async () => {
  for (const jump of [-3_600_000, 3_600_000]) {
    const { pool, clock } = poolOf(1)
    assert.equal(await pool.with(patient(), numberOf), 1)
    clock.jump(jump)
    clock.advance(29_999)
    assert.equal(await pool.with(patient(), numberOf), 1)
    clock.jump(jump)
    clock.advance(30_000)
    assert.equal(await pool.with(patient(), numberOf), 2)
  }
})

test('closed: what is lent is closed too, and nothing is lent any more', async () => {
  const { pool, opened } = poolOf(2)
  const first = held(pool)
  await settled()
  pool.close()
  assert.equal(opened[0]!.isUsable, false)
  first.end()
  await first.outcome
  await assert.rejects(pool.with(patient(), numberOf), /closed/)
})

test('a queue is bounded', async () => {
  const { pool } = poolOf(1)
  const first = held(pool)
  await settled()
  const waiting = Array.from({ length: 50 }, () => pool.with(patient(), numberOf))
  await assert.rejects(pool.with(patient(), numberOf), /too many/)
  first.end()
  assert.deepEqual(await Promise.all(waiting), waiting.map(() => 1))
})
