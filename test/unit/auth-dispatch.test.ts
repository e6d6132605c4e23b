/** Which backend is asked, in which order, and what the client hears when they disagree or do not answer. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { Value } from 'typebox/value'

import type { AuthBackend, Judgement, Refusal } from '../../src/auth/backend.ts'
import { pki } from '../../src/auth/backends/pki.ts'
import { createBackends } from '../../src/auth/catalogue.ts'
import { authOptions } from '../../src/auth/options.ts'
import type { Credentials } from '../../src/auth/credentials.ts'
import { BackendDispatch } from '../../src/auth/dispatch.ts'
import { parseDomainpart } from '../../src/xmpp/jid.ts'
import { decoys } from '../support/password-login.ts'
import { recordingLog, settled, TurnedClock } from '../support/turned-clock.ts'
import { bare, certificateWith } from '../support/external-certificate.ts'

const host = parseDomainpart('example.net')!
const certificate: Credentials = { kind: 'certificate', user: bare('alice@example.net'), certificate: certificateWith({}) }
const password: Credentials = { kind: 'password', user: bare('alice@example.net'), password: 'correct horse' }

type Kind = Credentials['kind']

/** Notes whom it was asked about. */
interface SpiedBackend extends AuthBackend { readonly asked: Kind[] }

function backend(name: string, answer: () => Judgement | Promise<Judgement>, kinds: readonly Kind[] = ['certificate']): SpiedBackend {
  const asked: Kind[] = []
  return { name, asked, accepts: new Set(kinds), verify: ({ kind }) => { asked.push(kind); return answer() } }
}

const yes = (): Judgement => ({ ok: true })
const no = (condition: Refusal = 'not-authorized') => (): Judgement => ({ ok: false, condition, reason: `it says ${condition}` })
const later = (answer: () => Judgement) => (): Promise<Judgement> => Promise.resolve(answer())
const never = (): Promise<Judgement> => new Promise(() => {})
const broken = (): Judgement => { throw new Error('connect ECONNREFUSED') }

function dispatchTo(...backends: readonly AuthBackend[]) {
  const clock = new TurnedClock()
  const { log, events } = recordingLog()
  return { dispatch: new BackendDispatch({ backends, timeoutMilliseconds: 5_000, clock, log }), clock, events }
}

describe('the first acceptance wins, in configured order', () => {
  test('the first backend accepts: no other is asked', async () => {
    const second = backend('second', yes)
    assert.deepEqual(await dispatchTo(backend('first', yes), second).dispatch.verify(certificate, host), { ok: true, backend: 'first' })
    assert.deepEqual(second.asked, [])
  })
  for (const [how, wrap] of [['at once', (answer: () => Judgement) => answer], ['later', later]] as const) {
    test(`the first refuses ${how}: the second is asked`, async () => {
      const { dispatch } = dispatchTo(backend('first', wrap(no())), backend('second', wrap(yes)))
      assert.deepEqual(await dispatch.verify(certificate, host), { ok: true, backend: 'second' })
    })
    test(`all refuse ${how}: each was asked once`, async () => {
      const all = ['first', 'second', 'third'].map(name => backend(name, wrap(no())))
      const outcome = await dispatchTo(...all).dispatch.verify(certificate, host)
      assert.deepEqual(outcome, { ok: false, condition: 'not-authorized', reason: 'it says not-authorized' })
      assert.deepEqual(all.map(({ asked }) => asked.length), [1, 1, 1])
    })
    test(`one that knows more than a plain no is heard, answering ${how}`, async () => {
      const disabled = wrap(no('account-disabled'))
      for (const order of [[no(), disabled, no()], [disabled, no()], [no(), disabled]]) {
        const { dispatch } = dispatchTo(...order.map(answer => backend('one', answer)))
        assert.equal((await dispatch.verify(certificate, host) as { condition: string }).condition, 'account-disabled')
      }
    })
  }
  test('backends that answer at once cost no promise', () => {
    const { dispatch } = dispatchTo(backend('first', no()), pki)
    assert.deepEqual(dispatch.verify(certificate, host), { ok: true, backend: 'pki' })
  })
})

describe('a backend sees only the kinds of credentials that it declared', () => {
  test('pki is never asked about a password (in MongooseIM it says yes)', async () => {
    const spied = backend('pki', yes, [...pki.accepts])
    const { dispatch } = dispatchTo(spied)
    const outcome = await dispatch.verify(password, host)
    assert.deepEqual(outcome, { ok: false, condition: 'not-authorized', reason: 'no backend judges a password' })
    assert.deepEqual(spied.asked, [])
  })
  test('each is asked about its own kind', async () => {
    const first = backend('first', yes, ['password'])
    const second = backend('second', yes, ['certificate'])
    assert.deepEqual(await dispatchTo(first, second).dispatch.verify(certificate, host), { ok: true, backend: 'second' })
    assert.deepEqual([first.asked, second.asked], [[], ['certificate']])
  })
  test('a kind is accepted where any backend declares it', () => {
    assert.equal(dispatchTo(pki).dispatch.accepts('certificate'), true)
    assert.equal(dispatchTo(pki).dispatch.accepts('password'), false)
    assert.equal(dispatchTo().dispatch.accepts('certificate'), false)
  })
  test('no backend at all: not-authorized', async () => {
    assert.equal((await dispatchTo().dispatch.verify(certificate, host)).ok, false)
  })
})

describe('a backend that cannot be reached is temporary-auth-failure, never success, never a hang', () => {
  test('it throws: the cause is logged', async () => {
    const { dispatch, events } = dispatchTo(backend('ldap', broken))
    assert.deepEqual(await dispatch.verify(certificate, host),
      { ok: false, condition: 'temporary-auth-failure', reason: 'the backend ldap cannot be reached' })
    assert.equal(events.length, 1)
    assert.equal(events[0]!.event, 'auth.backend_unreachable')
    assert.equal(events[0]!['backend'], 'ldap')
    assert.match(String(events[0]!['cause']), /ECONNREFUSED/)
  })
  test('it rejects: the same', async () => {
    const { dispatch, events } = dispatchTo(backend('ldap', () => Promise.reject(new Error('connect ECONNREFUSED'))))
    assert.equal((await dispatch.verify(certificate, host) as { condition: string }).condition, 'temporary-auth-failure')
    assert.match(String(events[0]!['cause']), /ECONNREFUSED/)
  })
  test('it never answers: over after the timeout, and not before', async () => {
    const { dispatch, clock, events } = dispatchTo(backend('slow', never))
    let answer: unknown = null
    const asked = Promise.resolve(dispatch.verify(certificate, host)).then(given => { answer = given })
    clock.advance(4_999)
    await settled()
    assert.equal(answer, null)
    clock.advance(1)
    await asked
    assert.equal((answer as unknown as { condition: string }).condition, 'temporary-auth-failure')
    assert.match(String(events[0]!['cause']), /no answer within 5000 ms/)
  })
  test('an answer after the timeout changes nothing, whether yes or an error', async () => {
    for (const finish of ['resolve', 'reject'] as const) {
      const { promise, resolve, reject } = Promise.withResolvers<Judgement>()
      const { dispatch, clock } = dispatchTo(backend('slow', () => promise))
      const asked = dispatch.verify(certificate, host)
      clock.advance(5_000)
      if (finish === 'resolve') resolve({ ok: true })
      else reject(new Error('too late'))
      assert.equal((await asked as { condition: string }).condition, 'temporary-auth-failure')
      await settled()
    }
  })
  test('an answer in time leaves no timer behind', async () => {
    for (const answer of [later(yes), later(no()), () => Promise.reject(new Error('gone'))]) {
      const { dispatch, clock } = dispatchTo(backend('one', answer))
      await dispatch.verify(certificate, host)
      await settled()
      assert.equal(clock.pending, 0)
    }
  })
  test('another backend may still accept', async () => {
    assert.deepEqual(await dispatchTo(backend('ldap', broken), pki).dispatch.verify(certificate, host), { ok: true, backend: 'pki' })
    const { dispatch, clock } = dispatchTo(backend('slow', never), pki)
    const asked = dispatch.verify(certificate, host)
    clock.advance(5_000)
    assert.deepEqual(await asked, { ok: true, backend: 'pki' })
  })
  test('a refusal of another is no reason to say no for good', async () => {
    for (const order of [[broken, no()], [no(), broken], [broken, no('account-disabled')]]) {
      const { dispatch } = dispatchTo(...order.map(answer => backend('one', answer)))
      assert.equal((await dispatch.verify(certificate, host) as { condition: string }).condition, 'temporary-auth-failure')
    }
  })
  test('nothing of the credentials is logged', async () => {
    const { dispatch, events } = dispatchTo(backend('ldap', broken, ['password']))
    await dispatch.verify(password, host)
    assert.doesNotMatch(JSON.stringify(events), /correct horse/)
  })
})

test('how long a backend took is told in whole milliseconds of time that passed, whatever the clock was set to meanwhile', async () => {
  for (const jump of [-3_600_000, 3_600_000]) {
    const { promise, resolve } = Promise.withResolvers<Judgement>()
    const { dispatch, clock, events } = dispatchTo(backend('slow', () => promise))
    const asked = dispatch.verify(certificate, host)
    clock.jump(jump)
    clock.advance(250)
    resolve(yes())
    await asked
    assert.deepEqual(events, [{ event: 'auth.backend_answered', backend: 'slow', milliseconds: 250 }])
  }
})

test('the backends of auth.methods are asked in the order written', async () => {
  const surroundings = { hosts: [host], dataFolder: '/nowhere', file: () => assert.fail('no file is named'), decoys, clock: new TurnedClock(), log: recordingLog().log }
  const options = Value.Create(authOptions)
  assert.deepEqual(await createBackends({ ...options, methods: ['pki'] }, surroundings), [pki])
  assert.deepEqual(await createBackends({ ...options, methods: [] }, surroundings), [])
})
