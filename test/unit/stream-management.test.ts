/** The counters and the queue of XEP-0198 §4, without a stream. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { StreamManagement } from '../../src/session/stream-management.ts'

const limits = { maxStanzas: 1_000, maxBytes: 100_000 }
const managed = (over: Partial<typeof limits> = {}) => new StreamManagement({ key: 'k', seconds: 300 }, { ...limits, ...over })
const wire = (text: string): Uint8Array => Buffer.from(text)
const waiting = (management: StreamManagement): readonly string[] => management.unacknowledged.map(({ wire }) => Buffer.from(wire).toString())

const moment = { at: 0, elapsed: 0 }
const send = (management: StreamManagement, count: number): void => { for (let left = count; left > 0; left -= 1) management.add(wire('x'), moment) }

describe('room for what can wait (XEP-0198 §4)', () => {
  test('is half of the limits, in stanzas and in bytes', () => {
    const management = managed({ maxStanzas: 4, maxBytes: 100 })
    assert.deepEqual([management.hasRoomFor(50), management.hasRoomFor(1_000)], [true, true], 'one of any size, where nothing waits')
    management.add(wire('x'.repeat(20)), moment)
    assert.deepEqual([management.hasRoomFor(30), management.hasRoomFor(31)], [true, false])
    management.add(wire('x'), moment)
    assert.equal(management.hasRoomFor(1), false)
    assert.ok(management.acknowledge(1))
    assert.equal(management.hasRoomFor(1), true)
  })

  test('a stanza that is longer than all that may wait may wait alone, and leaves as much to what comes behind it', () => {
    const management = managed({ maxBytes: 100 })
    management.add(wire('x'.repeat(1_000)), moment)
    management.add(wire('x'.repeat(100)), moment)
    assert.equal(management.exceeded, null)
    management.add(wire('x'), moment)
    assert.equal(management.exceeded, 'session.max_unacked_bytes')
  })
})

describe('what was sent', () => {
  test('waits, in order, until it is acknowledged', () => {
    const management = managed()
    for (const text of ['a', 'b', 'c']) management.add(wire(text), moment)
    assert.ok(management.acknowledge(0))
    assert.deepEqual(waiting(management), ['a', 'b', 'c'])
    assert.ok(management.acknowledge(2))
    assert.deepEqual(waiting(management), ['c'])
    assert.equal(management.sent, 3)
    assert.ok(management.acknowledge(2), 'the same again says nothing new')
    assert.ok(management.acknowledge(3))
    assert.deepEqual(waiting(management), [])
  })

  test('is not acknowledged by more than was sent, nor by less than was acknowledged before: then nothing changes (§6)', () => {
    const management = managed()
    for (const text of ['a', 'b']) management.add(wire(text), moment)
    assert.ok(management.acknowledge(1))
    for (const h of [3, 0, 2 ** 31, 2 ** 32 - 1]) assert.equal(management.acknowledge(h), false, String(h))
    assert.deepEqual(waiting(management), ['b'])
    assert.equal(management.sent, 2)
  })

  test('is counted modulo 2^32, as what the client sent is (§4)', () => {
    const management = new StreamManagement(null, limits, { handled: 2 ** 32 - 1, acknowledged: 2 ** 32 - 2 })
    for (const text of ['a', 'b', 'c', 'd']) management.add(wire(text), moment)
    assert.equal(management.sent, 2)
    assert.ok(management.acknowledge(2 ** 32 - 1))
    assert.deepEqual(waiting(management), ['b', 'c', 'd'])
    assert.ok(management.acknowledge(1))
    assert.deepEqual(waiting(management), ['d'])
    assert.equal(management.acknowledge(3), false)
    assert.equal(management.handled, 2 ** 32 - 1)
    management.handle()
    assert.equal(management.handled, 0)
  })

  test('is beyond the limits by one stanza or one byte', () => {
    const management = managed({ maxStanzas: 2, maxBytes: 5 })
    management.add(wire('aa'), moment)
    management.add(wire('bbb'), moment)
    assert.equal(management.exceeded, null)
    management.add(wire(''), moment)
    assert.equal(management.exceeded, 'session.max_unacked_stanzas')
    assert.ok(management.acknowledge(1))
    assert.equal(management.exceeded, null)
    management.acknowledge(2)
    management.add(wire('cccccc'), moment)
    assert.equal(management.exceeded, 'session.max_unacked_bytes')
  })

  test('is within the limits again as soon as it is acknowledged', () => {
    const management = managed({ maxBytes: 10 })
    for (let round = 0; round < 100; round += 1) {
      management.add(wire('cccc'), moment)
      assert.equal(management.exceeded, null)
      assert.ok(management.acknowledge(management.sent))
    }
  })

  test('is kept in memory of its own once it may wait long', () => {
    const management = managed()
    const slab = Buffer.alloc(8_192, 'x')
    for (let index = 0; index < 20; index += 1) management.add(slab.subarray(index * 10, index * 10 + 10), moment)
    const owned = () => management.unacknowledged.filter(({ wire }) => wire.buffer.byteLength === wire.byteLength).length
    assert.equal(owned(), 4, 'those that are many')
    management.suspend()
    assert.equal(owned(), 20)
    management.add(slab.subarray(0, 10), moment)
    assert.equal(owned(), 21)
    const empty = managed()
    empty.suspend()
    empty.add(slab.subarray(0, 10), moment)
    assert.equal(empty.unacknowledged[0]?.wire.buffer.byteLength, 10, 'the first that comes while nobody is there')
    empty.resume()
    empty.add(slab.subarray(0, 10), moment)
    assert.equal(empty.unacknowledged[1]?.wire.buffer.byteLength, 8_192, 'no copy while somebody is')
    assert.ok(waiting(management).every(text => text === 'x'.repeat(10)))
  })

  test('is given away once', () => {
    const management = managed()
    management.add(wire('a'), { at: 7, elapsed: 5 })
    assert.deepEqual(management.takeAll().map(({ at, elapsed }) => [at, elapsed]), [[7, 5]])
    assert.deepEqual(management.takeAll(), [])
  })
})

describe('an acknowledgement is asked for', () => {
  test('when eight are waiting, once, and again after the answer if eight are left', () => {
    const management = managed()
    send(management, 7)
    assert.equal(management.isRequestDue, false)
    management.add(wire('a'), moment)
    assert.equal(management.isRequestDue, true)
    management.asked()
    send(management, 8)
    assert.equal(management.isRequestDue, false)
    management.acknowledge(8)
    assert.equal(management.isRequestDue, true)
    management.acknowledge(9)
    assert.equal(management.isRequestDue, false)
  })

  test('when anything has been waiting from one sweep to the next and nobody has asked', () => {
    const management = managed()
    assert.deepEqual([management.sweep(), management.sweep()], [false, false])
    management.add(wire('a'), moment)
    assert.deepEqual([management.sweep(), management.sweep(), management.sweep()], [false, true, true])
    management.asked()
    assert.equal(management.sweep(), false)
    management.suspend()
    management.resume()
    assert.equal(management.sweep(), true, 'the question went with the stream')
    management.acknowledge(1)
    assert.equal(management.sweep(), false)
  })
})

test('what the client sent is counted', () => {
  const management = managed()
  for (let count = 0; count < 3; count += 1) management.handle()
  assert.equal(management.handled, 3)
})
