/** PLAIN (RFC 4616): three parts, one user, and only over TLS. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AuthBackend } from '../../src/auth/backend.ts'
import { offered } from '../../src/sasl/catalogue.ts'
import type { SaslFailure } from '../../src/sasl/mechanism.ts'
import { RememberedAccounts } from '../support/password-login.ts'
import { accounts, begin, conditionOf, contextOf, host, password, type Situation } from '../support/scram-attempt.ts'

const say = async (message: string | Uint8Array, situation: Situation = {}) => begin('plain', contextOf(situation)).step(Buffer.from(message))

describe('PLAIN', () => {
  test('logs in with user and password; the name is prepared (RFC 7622 §3.3)', async () => {
    for (const message of [`\0alice\0${password}`, `alice@example.net\0alice\0${password}`, `example.net\0alice\0${password}`, `\0ALICE\0${password}`]) {
      const step = await say(message)
      assert.deepEqual(step.kind === 'success' && step, {
        kind: 'success', backend: 'remembered', data: null, principal: { account: 'alice@example.net', domain: host, mechanism: 'PLAIN', certificate: null },
      }, message)
    }
  })

  test('without an initial response there is one empty challenge first', async () => {
    const exchange = begin('plain')
    assert.deepEqual(await exchange.step(null), { kind: 'challenge', data: new Uint8Array(0) })
    assert.equal(conditionOf(await exchange.step(Buffer.from(`\0alice\0${password}`))), 'success')
    assert.equal(conditionOf(await exchange.step(Buffer.from(`\0alice\0${password}`))), 'malformed-request')
  })

  test('passwords are compared as RFC 8265 §4.2 prepares them', async () => {
    const backend = new RememberedAccounts({ 'alice@example.net': 'pa\u00DF w\u00F6rt' })
    assert.equal(conditionOf(await say('\0alice\0pa\u00DF\u00A0wo\u0308rt', { backend })), 'success')
    assert.equal(conditionOf(await say('\0alice\0PA\u00DF w\u00F6rt', { backend })), 'not-authorized')
  })

  const bad: readonly (readonly [string, string | Uint8Array, string])[] = [
    ['nothing', '', 'malformed-request'],
    ['one part', 'alice', 'malformed-request'],
    ['two parts', `alice\0${password}`, 'malformed-request'],
    ['four parts', `\0alice\0${password}\0`, 'malformed-request'],
    ['a password with NUL', `\0alice\0${password}\0x`, 'malformed-request'],
    ['no user', `\0\0${password}`, 'malformed-request'],
    ['no password', '\0alice\0', 'malformed-request'],
    ['bytes that are not UTF-8', Buffer.from([0, 0x61, 0, 0xFF]), 'malformed-request'],
    ['an authzid of another user', `bob@example.net\0alice\0${password}`, 'invalid-authzid'],
    ['an authzid of the same name elsewhere', `alice@example.org\0alice\0${password}`, 'invalid-authzid'],
    ['an authzid with a resource', `alice@example.net/home\0alice\0${password}`, 'invalid-authzid'],
    ['an authzid that is no JID', `a@@b\0alice\0${password}`, 'invalid-authzid'],
    ['a name that nobody can have', `\0alice@example.net\0${password}`, 'not-authorized'],
    ['a password that nobody can have', '\0alice\0tab\there', 'not-authorized'],
  ]
  for (const [what, message, condition] of bad) {
    test(`${what}: ${condition}, and no backend is asked`, async () => {
      const backend = accounts()
      const step = await say(message, { backend })
      assert.equal(conditionOf(step), condition)
      assert.deepEqual(backend.asked, [])
      assert.ok(!JSON.stringify(step).includes(password))
    })
  }

  test('a wrong password and an account that is not there get the same answer, after the same question; the log may know more', async () => {
    const [one, other] = [accounts(), accounts()]
    const known = await say('\0alice\0a guess', { backend: one }) as SaslFailure
    const unknown = await say('\0nobody\0a guess', { backend: other }) as SaslFailure
    assert.deepEqual([known.condition, known.text, known.account], ['not-authorized', undefined, 'alice@example.net'])
    assert.deepEqual([unknown.condition, unknown.text, unknown.account], ['not-authorized', undefined, undefined])
    assert.deepEqual([one.asked, other.asked], [['verify alice@example.net'], ['verify nobody@example.net']])
    assert.doesNotMatch(JSON.stringify([known, unknown]), /guess|nobody/)
  })

  test('is not offered without TLS, and a client that tries all the same is told encryption-required, with no backend asked', async () => {
    const backend = accounts()
    assert.deepEqual(offered(contextOf({ backend }), ['plain']).map(({ name }) => name), ['PLAIN'])
    assert.deepEqual(offered(contextOf({ backend, secure: false }), ['plain']), [])
    assert.equal(conditionOf(await say(`\0alice\0${password}`, { backend, secure: false })), 'encryption-required')
    assert.deepEqual(backend.asked, [])
  })

  test('is not offered where no backend judges passwords, and a client that tries is told invalid-mechanism', async () => {
    const backend: AuthBackend = { name: 'certificates', accepts: new Set(['certificate', 'scram'] as const), verify: () => ({ ok: true }) }
    assert.deepEqual(offered(contextOf({ backend }), ['plain']), [])
    assert.equal(conditionOf(await say(`\0alice\0${password}`, { backend })), 'invalid-mechanism')
  })

  test('what a backend says is the condition: account-disabled, temporary-auth-failure where it cannot be reached', async () => {
    const disabled: AuthBackend = { name: 'd', accepts: new Set(['password'] as const), verify: () => ({ ok: false, condition: 'account-disabled', reason: 'on holiday', isKnown: true }) }
    const step = await say('\0alice\0x', { backend: disabled }) as SaslFailure
    assert.deepEqual([step.condition, step.text, step.reason], ['account-disabled', undefined, 'on holiday'])
    const away: AuthBackend = { name: 'a', accepts: new Set(['password'] as const), verify: () => Promise.reject(new Error('no route')) }
    assert.equal(conditionOf(await say('\0alice\0x', { backend: away })), 'temporary-auth-failure')
  })
})
