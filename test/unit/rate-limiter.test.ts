/** How fast a session may send: `limits.max_stanzas_per_second` and `limits.max_stanza_burst`. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RateLimiter } from '../../src/session/rate-limiter.ts'
import { TurnedClock } from '../support/turned-clock.ts'

const limiterAt = (perSecond: number, burst: number) => {
  const clock = new TurnedClock()
  return { clock, limiter: new RateLimiter({ perSecond, burst }, clock) }
}

describe('a session may send', () => {
  test('a burst at once, and waits for what comes beyond it', () => {
    const { limiter } = limiterAt(10, 5)
    assert.deepEqual(Array.from({ length: 7 }, () => limiter.take()), [0, 0, 0, 0, 0, 100, 200])
  })

  test('at the constant rate for ever', () => {
    const { clock, limiter } = limiterAt(10, 1)
    for (let sent = 0; sent < 1_000; sent += 1) {
      assert.equal(limiter.take(), 0)
      clock.advance(100)
    }
  })

  test('after the wait that it was told, and not earlier', () => {
    const { clock, limiter } = limiterAt(4, 1)
    assert.equal(limiter.take(), 0)
    assert.equal(limiter.take(), 250)
    clock.advance(250)
    assert.equal(limiter.take(), 250, 'that stanza was sent ahead of its time, so the next has to wait again')
    clock.advance(500)
    assert.equal(limiter.take(), 0)
  })

  test('no more at once than a burst, however long it was silent', () => {
    const { clock, limiter } = limiterAt(1_000, 3)
    clock.advance(86_400_000)
    assert.deepEqual(Array.from({ length: 4 }, () => limiter.take()), [0, 0, 0, 1])
  })

  for (const jump of [-3_600_000, 3_600_000]) {
    test(`as much as before when the clock is set by ${jump / 1_000} s: nothing is given, nothing is taken`, () => {
      const { clock, limiter } = limiterAt(10, 2)
      limiter.take()
      clock.jump(jump)
      assert.deepEqual([limiter.take(), limiter.take()], [0, 100])
      clock.jump(-jump)
      clock.advance(200)
      assert.deepEqual([limiter.take(), limiter.take()], [0, 100])
    })
  }
})
