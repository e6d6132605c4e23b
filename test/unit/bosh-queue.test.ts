import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BoshQueue } from '../../src/transport/bosh-queue.ts'

const payload = (length: number) => new Uint8Array(length)
const lengths = (payloads: readonly Uint8Array[]) => payloads.map(({ length }) => length)

test('what was taken is a response, kept for a repeat: it does not change when more comes (XEP-0124 §14.3)', () => {
  const queue = new BoshQueue()
  const nothing = queue.take(100)
  queue.add(payload(1))
  const one = queue.take(100)
  queue.add(payload(2))
  assert.deepEqual([lengths(nothing), lengths(one), queue.bytes], [[], [1], 2])
})

test('a response carries what its limit allows, in order, and at least one payload', () => {
  const queue = new BoshQueue()
  for (const length of [60, 40, 1, 200, 5]) queue.add(payload(length))
  assert.deepEqual([lengths(queue.take(100)), queue.bytes], [[60, 40], 206])
  assert.deepEqual([lengths(queue.take(100)), queue.bytes], [[1], 205])
  assert.deepEqual([lengths(queue.take(100)), queue.bytes], [[200], 5])
  assert.deepEqual([lengths(queue.take(100)), queue.bytes, queue.isEmpty], [[5], 0, true])
})
