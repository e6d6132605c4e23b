// Sessions and their certificates (RFC 6120 §13.7.2.3): which of them end, how soon, and that very many of them hold nobody up.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Principal } from '../../src/auth/credentials.ts'
import { CertificateSweep } from '../../src/session/certificate-sweep.ts'
import type { Departure } from '../../src/session/domain.ts'
import type { Session } from '../../src/session/session.ts'
import type { Certificate } from '../../src/x509/certificate.ts'
import type { CertificateVerdict, RefusalReason } from '../../src/x509/verdict.ts'
import type { StreamError } from '../../src/xmpp/stream-error.ts'
import { recordingLog, TurnedClock } from '../support/turned-clock.ts'

const certificate = { fingerprint256: 'aa', notAfter: Number.MAX_SAFE_INTEGER } as Certificate
const accepted: CertificateVerdict = { kind: 'accepted', certificate }
const refused = (reason: RefusalReason): CertificateVerdict => ({ kind: 'refused', reason, text: 'Words.', certificate })

interface Seen { asked: number, isDetached: boolean, ended: { readonly reason: Departure, readonly error: StreamError | null } | null, verdict: CertificateVerdict }

function sessionOf(proof: Principal['certificate'] = certificate, verdict = accepted): { readonly session: Session, readonly seen: Seen } {
  const seen: Seen = { asked: 0, isDetached: false, ended: null, verdict }
  const session = {
    jid: 'alice@localhost/x', principal: { certificate: proof },
    facts: { certificate: () => { seen.asked += 1; return seen.verdict } },
    get isDetached() { return seen.isDetached },
    suspend: (reason: Departure, error: StreamError) => { seen.ended = { reason, error } },
  }
  return { session: session as unknown as Session, seen }
}

function sweepOver(...sessions: readonly { readonly session: Session }[]) {
  const clock = new TurnedClock()
  const { log, events } = recordingLog()
  return { clock, events, sweep: new CertificateSweep(() => sessions.map(({ session }) => session), { clock, log }) }
}

describe('a session whose certificate', () => {
  const table: readonly (readonly [RefusalReason, Departure, RegExp])[] = [
    ['expired', 'expired', /has expired/], ['revoked', 'revoked', /has been revoked/], ['untrusted', 'distrusted', /authority .* no longer trusted/],
    ['self-signed', 'distrusted', /authority .* no longer trusted/], ['not-verified', 'distrusted', /no longer accepted: Words\./],
    ['weak-key', 'distrusted', /no longer accepted: Words\./],
  ]
  for (const [reason, departure, text] of table) {
    test(`is now ${reason} ends within 30 s with <reset/>, and the log says why`, () => {
      const { session, seen } = sessionOf()
      const { clock, events } = sweepOver({ session })
      clock.advance(60_000)
      assert.equal(seen.ended, null)
      seen.verdict = refused(reason)
      clock.advance(29_999)
      assert.equal(seen.ended!.reason, departure)
      assert.equal(seen.ended!.error?.condition, 'reset')
      assert.match(seen.ended!.error.message, text)
      const lost = events.find(({ event }) => event === 'session.certificate_lost')
      assert.deepEqual([lost?.['fingerprint'], lost?.['reason']], ['aa', reason])
    })
  }
  test('is not shown any more, or is another one, ends too', () => {
    for (const verdict of [{ kind: 'none' }, { kind: 'accepted', certificate: { ...certificate, fingerprint256: 'bb' } }] as const) {
      const one = sessionOf(certificate, verdict)
      sweepOver(one).sweep.begin()
      assert.equal(one.seen.ended!.reason, 'distrusted')
    }
  })
  test('is none, because it logged in otherwise, is left alone', () => {
    const one = sessionOf(null, refused('revoked'))
    sweepOver(one).clock.advance(60_000)
    assert.deepEqual([one.seen.ended, one.seen.asked], [null, 0])
  })
  test('is of no connection, because the session waits for its client, is left alone: it is taken up with a good one only', () => {
    const one = sessionOf(certificate, refused('revoked'))
    one.seen.isDetached = true
    const { clock } = sweepOver(one)
    clock.advance(60_000)
    assert.deepEqual([one.seen.ended, one.seen.asked], [null, 0])
    one.seen.isDetached = false
    clock.advance(30_000)
    assert.equal(one.seen.ended!.reason, 'revoked')
  })
  test('cannot be judged for a fault of ours: told, and the others are judged all the same', () => {
    const [bad, good] = [sessionOf(), sessionOf(certificate, refused('revoked'))]
    Object.defineProperty(bad.session, 'facts', { get: () => { throw new Error('a bug') } })
    const { events, sweep } = sweepOver(bad, good)
    sweep.begin()
    assert.ok(events.some(({ event }) => event === 'session.bug'))
    assert.equal(good.seen.ended!.reason, 'revoked')
  })
})

describe('time', () => {
  test('a clock that jumps, far forwards or back, delays nothing: 30 s of time that passes are enough', () => {
    for (const jump of [2 ** 31, -(2 ** 31), 2 ** 45, -(2 ** 45), 86_400_000 * 25]) {
      const one = sessionOf()
      const { clock } = sweepOver(one)
      clock.advance(12_345)
      clock.jump(jump)
      one.seen.verdict = refused('revoked')
      clock.advance(30_000)
      assert.equal(one.seen.ended?.reason, 'revoked', String(jump))
    }
  })
  test('the end of the certificate itself is seen though its connection says nothing of it', () => {
    const clock = new TurnedClock()
    const brief = sessionOf({ ...certificate, notAfter: clock.now() + 5_000 })
    const { clock: turned } = sweepOver(brief)
    turned.advance(30_000)
    assert.equal(brief.seen.ended?.reason, 'expired')
  })
})

test('10,000 sessions are judged a few at a time, with room for others in between, and a new round begins anew', () => {
  const sessions = Array.from({ length: 10_000 }, () => sessionOf())
  const asked = () => sessions.reduce((sum, { seen }) => sum + seen.asked, 0)
  const { clock, sweep } = sweepOver(...sessions)
  sweep.begin()
  const first = asked()
  assert.ok(first > 0 && first <= 32, `${first} at once`)
  sweep.begin()
  assert.equal(asked(), 2 * first)
  assert.equal(clock.pending, 2, 'one round is under way')
  clock.advance(1)
  assert.equal(asked(), 10_000 + first)
  sweep.stop()
  clock.advance(60_000)
  assert.equal(asked(), 10_000 + first)
  assert.equal(clock.pending, 0)
})
