/** How often passwords may be guessed, and that nobody can lock somebody else out. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { addressGroup } from '../../src/auth/address-group.ts'
import type { AttemptOptions } from '../../src/auth/attempt-options.ts'
import { Attempts } from '../../src/auth/attempts.ts'
import { parseBareJid } from '../../src/xmpp/jid.ts'
import { accounts, attempt, begin, conditionOf, contextOf, password } from '../support/scram-attempt.ts'
import { ScramClient } from '../support/scram-client.ts'
import { recordingLog, TurnedClock } from '../support/turned-clock.ts'

const jid = (name: string) => parseBareJid(`${name}@example.net`)!
const [alice, bob, nobody] = [jid('alice'), jid('bob'), jid('nobody')]
const home = '192.0.2.1'

function watch(options: Partial<AttemptOptions> = {}, capacity?: number) {
  const clock = new TurnedClock()
  const { log, events } = recordingLog()
  const limits = { max_failures: 3, max_failures_per_account: 6, max_failures_per_address: 8, backoff: 1_000, max_backoff: 60_000, ...options }
  const attempts = new Attempts(limits, { clock, log, ...capacity === undefined ? {} : { capacity } })
  const fail = (user = alice, address = home, times = 1): boolean[] => Array.from({ length: times }, () => {
    const attempt = attempts.begin(user, address)
    attempt?.failed(user === nobody ? null : user)
    return attempt !== null
  })
  const isOpen = (user = alice, address = home): boolean => {
    const attempt = attempts.begin(user, address)
    attempt?.abandoned()
    return attempt !== null
  }
  const succeed = (user = alice, address = home): void => { attempts.begin(user, address)!.succeeded() }
  return { attempts, clock, events, fail, isOpen, succeed }
}

describe('one account from one address', () => {
  test('after max_failures the next attempt has to wait, twice as long after every further failure, and max_backoff at most', () => {
    const { clock, fail, isOpen } = watch()
    assert.deepEqual(fail(alice, home, 4), [true, true, true, false])
    for (const wait of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      clock.advance(wait - 1)
      assert.equal(isOpen(), false, `after ${wait - 1}`)
      clock.advance(1)
      assert.deepEqual(fail(), [true], `after ${wait}`)
    }
  })

  test('concerns nobody else: neither another account from there, nor this account from elsewhere', () => {
    const { fail, isOpen } = watch()
    fail(alice, home, 3)
    assert.deepEqual([isOpen(), isOpen(bob), isOpen(alice, '192.0.2.2')], [false, true, true])
  })

  test('a success clears the count', () => {
    const { fail, succeed, isOpen } = watch()
    fail(alice, home, 2)
    succeed()
    assert.deepEqual(fail(alice, home, 2), [true, true])
    assert.equal(isOpen(), true)
  })

  test('one that was not decided does not count', () => {
    const { attempts, isOpen } = watch()
    for (let n = 0; n < 20; n++) attempts.begin(alice, home)!.abandoned()
    assert.equal(isOpen(), true)
    assert.equal(attempts.size, 0)
  })

  test('asking many times at once does not help: what is under way counts as failed until it is decided', () => {
    const { attempts, clock, isOpen } = watch()
    const underWay = Array.from({ length: 10 }, () => attempts.begin(alice, home))
    assert.equal(underWay.filter(one => one !== null).length, 3)
    for (const one of underWay) one?.failed(alice)
    assert.equal(isOpen(), false)
    clock.advance(1_000)
    const [first, second] = [attempts.begin(alice, home), attempts.begin(alice, home)]
    assert.deepEqual([first === null, second === null], [false, true], 'one at a time after the wait')
  })

  test('an hour after the longest wait all is forgotten', () => {
    const { attempts, clock, fail } = watch()
    fail(alice, home, 5)
    clock.advance(3_660_001)
    assert.deepEqual(fail(alice, home, 4), [true, true, true, false])
    assert.ok(attempts.size > 0)
  })

  for (const jump of [-365 * 86_400_000, -500, 500, 365 * 86_400_000]) {
    test(`a clock that is set by ${jump / 1_000} s during a wait neither ends it nor makes it longer, and nothing is forgotten`, () => {
      const { clock, fail, isOpen } = watch()
      fail(alice, home, 3)
      clock.jump(jump)
      assert.equal(isOpen(), false)
      clock.advance(999)
      assert.equal(isOpen(), false)
      clock.advance(1)
      assert.deepEqual(fail(alice, home, 2), [true, false])
      clock.advance(1_999)
      assert.equal(isOpen(), false, 'the next wait is twice as long')
      clock.advance(1)
      assert.equal(isOpen(), true)
    })
  }
})

describe('one account from everywhere', () => {
  const places = Array.from({ length: 40 }, (_, index) => `198.51.100.${index}`)

  test('has a higher limit, and waits for 30 s at most', () => {
    const { clock, fail, isOpen } = watch({ max_backoff: 3_600_000 })
    assert.equal(places.flatMap(place => fail(alice, place)).filter(Boolean).length, 6)
    assert.equal(isOpen(alice, '203.0.113.1'), false)
    for (let n = 0; n < 20; n++) {
      clock.advance(30_000)
      assert.deepEqual(fail(alice, places[n]), [true])
    }
    clock.advance(29_999)
    assert.equal(isOpen(alice, '203.0.113.1'), false)
    clock.advance(1)
    assert.equal(isOpen(alice, '203.0.113.1'), true)
  })

  test('does not lock out its owner, where it has logged in before: for a month', () => {
    const { clock, fail, isOpen, succeed } = watch()
    succeed(alice, home)
    for (const place of places) fail(alice, place)
    assert.deepEqual([isOpen(alice, home), isOpen(alice, '203.0.113.1')], [true, false])
    clock.advance(31 * 86_400_000)
    for (const place of places) fail(alice, place)
    assert.equal(isOpen(alice, home), false)
  })

  test('does not lock out its owner where the clock is set meanwhile, nor is anybody let in for longer', () => {
    for (const jump of [-60 * 86_400_000, 60 * 86_400_000]) {
      const { clock, fail, isOpen, succeed } = watch()
      succeed(alice, home)
      clock.jump(jump)
      for (const place of places) fail(alice, place)
      assert.deepEqual([isOpen(alice, home), isOpen(alice, '203.0.113.1')], [true, false])
      clock.advance(31 * 86_400_000)
      for (const place of places) fail(alice, place)
      assert.equal(isOpen(alice, home), false)
    }
  })

  test('an account that nobody has waits like any other', () => {
    const [one, other] = [watch(), watch()]
    for (const [tally, user] of [[one, alice], [other, nobody]] as const) for (const place of places) tally.fail(user, place)
    assert.deepEqual([one.isOpen(alice, '203.0.113.1'), other.isOpen(nobody, '203.0.113.1')], [false, false])
    assert.equal(one.events.length, other.events.length)
  })
})

describe('one address', () => {
  const names = Array.from({ length: 40 }, (_, index) => jid(`user${index}`))

  test('may fail for so many accounts, and then waits; other addresses do not', () => {
    const { fail, isOpen } = watch()
    assert.equal(names.flatMap(name => fail(name)).filter(Boolean).length, 8)
    assert.deepEqual([isOpen(bob), isOpen(bob, '192.0.2.2')], [false, true])
  })

  test('a success there does not clear its count: an attacker has an account too', () => {
    const { fail, isOpen, succeed } = watch()
    for (const name of names.slice(0, 7)) fail(name)
    succeed(bob)
    fail(names[7])
    assert.equal(isOpen(names[9]), false)
  })

  test('does not lock out those who have logged in from there before', () => {
    const { fail, isOpen, succeed } = watch()
    succeed(bob)
    for (const name of names) fail(name)
    assert.deepEqual([isOpen(bob), isOpen(alice)], [true, false])
  })

  test('thousands may log in from one address at once, as long as they do not fail', () => {
    const { attempts } = watch()
    assert.ok(Array.from({ length: 2_000 }, (_, index) => attempts.begin(jid(`u${index}`), home)).every(one => one !== null))
  })

  test('all of an IPv6 /64 is one address, and IPv4 within IPv6 is IPv4', () => {
    const same = [['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'], ['2001:DB8:1:2::1', '2001:db8:0001:0002:3::'], ['::ffff:192.0.2.1', '192.0.2.1'],
      ['::ffff:c000:201', '192.0.2.1'], ['fe80::1%eth0', 'fe80::2%eth1'], ['::1', '::2']] as const
    for (const [one, other] of same) assert.equal(addressGroup(one), addressGroup(other), one)
    const different = [['2001:db8:1:2::1', '2001:db8:1:3::1'], ['192.0.2.1', '192.0.2.2'], ['::1:0:0:0:1', '::2:0:0:0:1'], ['unix:', '127.0.0.1']] as const
    for (const [one, other] of different) assert.notEqual(addressGroup(one), addressGroup(other), one)
    const { fail, isOpen } = watch()
    fail(alice, '2001:db8::1', 3)
    assert.deepEqual([isOpen(alice, '2001:db8::ffff:2'), isOpen(alice, '2001:db8:0:1::1')], [false, true])
  })
})

test('memory is bounded, whatever comes', () => {
  const { attempts, fail } = watch({ max_failures_per_address: 1_000_000 }, 100)
  for (let n = 0; n < 2_000; n++) {
    fail(jid(`user${n}`), `10.0.${n >> 8}.${n & 255}`)
    attempts.begin(jid(`good${n}`), `10.1.${n >> 8}.${n & 255}`)!.succeeded()
  }
  assert.ok(attempts.size > 300 && attempts.size <= 400, String(attempts.size))
})

test('every wait is told to the log; the account only where it exists', () => {
  const { events, fail } = watch({ max_failures_per_account: 1_000 })
  fail(alice, home, 3)
  assert.deepEqual(events, [{ event: 'auth.throttled', limit: 'account-from-address', address: home, milliseconds: 1_000, account: alice }])
  fail(nobody, home, 3)
  assert.deepEqual(events.slice(1), [{ event: 'auth.throttled', limit: 'account-from-address', address: home, milliseconds: 1_000 }])
  assert.doesNotMatch(JSON.stringify(events), /nobody/)
})

describe('the mechanisms keep to it', () => {
  const logIn = (attempts: Attempts, backend = accounts(), given = password, username = 'alice') =>
    attempt(begin('scram_sha256', contextOf({ attempts, backend })), new ScramClient({ hash: 'sha256', username, password: given }))

  test('SCRAM: after so many failures temporary-auth-failure, for the right password too, and no backend is asked', async () => {
    const { attempts, clock } = watch()
    for (let n = 0; n < 3; n++) assert.equal(conditionOf(await logIn(attempts, accounts(), 'wrong')), 'not-authorized')
    const backend = accounts()
    assert.equal(conditionOf(await logIn(attempts, backend)), 'temporary-auth-failure')
    assert.deepEqual(backend.asked, [])
    clock.advance(1_000)
    assert.equal(conditionOf(await logIn(attempts)), 'success')
  })

  test('SCRAM: a name that nobody has is answered in the same way', async () => {
    const { attempts } = watch()
    for (let n = 0; n < 3; n++) assert.equal(conditionOf(await logIn(attempts, accounts(), 'wrong', 'nobody')), 'not-authorized')
    assert.equal(conditionOf(await logIn(attempts, accounts(), 'wrong', 'nobody')), 'temporary-auth-failure')
  })

  test('the log names an account that waits only where it exists', async () => {
    for (const [username, account] of [['alice', alice], ['hunter2', undefined]] as const) {
      const { attempts, events } = watch()
      for (let n = 0; n < 3; n++) await logIn(attempts, accounts(), 'wrong', username)
      assert.deepEqual(events.map(({ event, account }) => [event, account]), [['auth.throttled', account]])
      const plain = watch()
      for (let n = 0; n < 3; n++) await begin('plain', contextOf({ attempts: plain.attempts })).step(Buffer.from(`\0${username}\0wrong`))
      assert.deepEqual(plain.events.map(({ event, account }) => [event, account]), [['auth.throttled', account]])
    }
  })

  test('SCRAM: many first messages are no guesses; the proofs are counted, also of exchanges that began before', async () => {
    const { attempts } = watch()
    const guesses = await Promise.all(Array.from({ length: 8 }, async () => {
      const exchange = begin('scram_sha256', contextOf({ attempts }))
      const guess = new ScramClient({ hash: 'sha256', username: 'alice', password: 'wrong' })
      const challenge = await exchange.step(Buffer.from(guess.first()))
      assert.equal(challenge.kind, 'challenge')
      return { exchange, final: guess.final(Buffer.from(challenge.kind === 'challenge' ? challenge.data : []).toString()) }
    }))
    const conditions: string[] = []
    for (const { exchange, final } of guesses) conditions.push(conditionOf(await exchange.step(Buffer.from(final))))
    assert.deepEqual(conditions, [...Array<string>(3).fill('not-authorized'), ...Array<string>(5).fill('temporary-auth-failure')])
  })

  test('PLAIN: the same, and a backend that cannot be reached is no failure of the client', async () => {
    const { attempts } = watch()
    const say = async (message: string, backend: Parameters<typeof contextOf>[0] = {}) => conditionOf(await begin('plain', contextOf({ attempts, ...backend })).step(Buffer.from(message)))
    const away = { name: 'away', accepts: new Set(['password'] as const), verify: () => Promise.reject(new Error('no route')) }
    for (let n = 0; n < 5; n++) assert.equal(await say('\0alice\0wrong', { backend: away }), 'temporary-auth-failure')
    for (let n = 0; n < 3; n++) assert.equal(await say('\0alice\0wrong'), 'not-authorized')
    const backend = accounts()
    assert.equal(await say(`\0alice\0${password}`, { backend }), 'temporary-auth-failure')
    assert.deepEqual(backend.asked, [])
  })
})
