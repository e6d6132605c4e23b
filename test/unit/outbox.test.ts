// The outbox: output gathered until the event loop has read every socket of the turn.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Outbox } from '../../src/transport/outbox.ts'

test('what is written within one turn of the event loop leaves together at its end, whoever wrote it', async () => {
  const outbox = new Outbox()
  const released: string[] = []
  const held = (name: string) => ({ release: () => { released.push(name) } })
  outbox.add(held('alice'))
  // As when another socket of the same turn is read: its callbacks run behind this one's ticks and promises.
  await Promise.resolve()
  await new Promise<void>(resolve => { process.nextTick(resolve) })
  outbox.add(held('bob'))
  assert.deepEqual(released, [], 'released before the turn was over')
  await nextTurn()
  assert.deepEqual(released, ['alice', 'bob'])
})

test('a connection that is released can be held again in the next turn', async () => {
  const outbox = new Outbox()
  let releases = 0
  const connection = { release: () => { releases += 1 } }
  outbox.add(connection)
  await nextTurn()
  outbox.add(connection)
  await nextTurn()
  assert.equal(releases, 2)
})
