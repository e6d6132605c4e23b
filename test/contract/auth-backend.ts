/** What every AuthBackend promises, whatever it asks: run it on each implementation. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { AuthBackend } from '../../src/auth/backend.ts'
import { refusals } from '../../src/auth/backend.ts'
import type { Credentials } from '../../src/auth/credentials.ts'
import { BackendDispatch } from '../../src/auth/dispatch.ts'
import { isPasswordOf, keyLength, preparePassword, scramHashes } from '../../src/auth/scram-secret.ts'
import type { BareJid, Domainpart } from '../../src/xmpp/jid.ts'
import { recordingLog, settled, TurnedClock } from '../support/turned-clock.ts'

export interface BackendUnderTest {
  readonly backend: AuthBackend
  readonly domain: Domainpart
  /** Credentials that the backend accepts, refuses, or never answers for; none of the first where it accepts nobody. */
  readonly accepted: readonly Credentials[]
  readonly refused: readonly Credentials[]
  readonly unanswered: readonly Credentials[]
  /** One of every kind, those included that the backend does not judge. */
  readonly everyKind: readonly Credentials[]
  /** Of whom a backend that accepts `scram` knows nothing. */
  readonly strangers?: readonly BareJid[]
}

export function authBackendContract(title: string, make: () => BackendUnderTest): void {
  describe(`AuthBackend contract: ${title}`, () => {
    test('it has a name and declares at least one kind of credentials', () => {
      const { backend } = make()
      assert.match(backend.name, /^[a-z][a-z0-9_]*$/)
      assert.ok(backend.accepts.size > 0)
    })

    test('good credentials are accepted, every time', async () => {
      const { backend, domain, accepted } = make()
      for (const credentials of [...accepted, ...accepted]) assert.deepEqual(await backend.verify(credentials, domain), { ok: true })
    })

    test('bad credentials are a judgement, not an error: a condition that a backend may state, and a reason', async () => {
      const { backend, domain, refused } = make()
      for (const credentials of refused) {
        const judgement = await backend.verify(credentials, domain)
        if (judgement.ok) assert.fail('accepted')
        assert.ok(refusals.includes(judgement.condition))
        assert.ok(judgement.reason.length > 0)
        if (credentials.kind === 'password') assert.ok(!judgement.reason.includes(credentials.password))
      }
    })

    test('a kind that it did not declare never becomes a yes', async () => {
      const { backend, domain, everyKind } = make()
      for (const credentials of everyKind) {
        if (backend.accepts.has(credentials.kind)) continue
        const judgement = await Promise.resolve(backend.verify(credentials, domain)).catch(() => ({ ok: false }))
        assert.equal(judgement.ok, false)
      }
    })

    test('who accepts scram tells what is kept of a password: of that one and no other, the same salt every time', async () => {
      const { backend, domain, accepted } = make()
      assert.equal(backend.accepts.has('scram'), backend.scramSecret !== undefined)
      if (backend.scramSecret === undefined) return
      for (const credentials of accepted) {
        if (credentials.kind !== 'password') continue
        const { user, password } = credentials
        let found = 0
        for (const hash of scramHashes) {
          const secret = await backend.scramSecret(user, hash, domain)
          assert.ok(secret !== null, 'where there is an account it is told at least how often its other hashes are iterated')
          if (secret.storedKey === undefined) continue
          found += 1
          assert.deepEqual(await backend.scramSecret(user, hash, domain), secret)
          assert.deepEqual([secret.storedKey.length, secret.serverKey.length], [keyLength[hash], keyLength[hash]])
          assert.equal(await isPasswordOf(hash, secret, preparePassword(password)!), true)
          assert.equal(await isPasswordOf(hash, secret, preparePassword(`${password}x`)!), false)
        }
        assert.ok(found > 0)
      }
    })

    test('who accepts scram knows nothing of strangers, and nothing of its own users in another domain', async () => {
      const { backend, domain, accepted, unanswered, strangers = [] } = make()
      if (backend.scramSecret === undefined || unanswered.length > 0) return
      assert.ok(strangers.length > 0)
      const elsewhere = 'example.invalid' as Domainpart
      for (const hash of scramHashes) {
        for (const user of strangers) assert.equal(await backend.scramSecret(user, hash, domain), null)
        for (const { user } of accepted) assert.equal(await backend.scramSecret(user, hash, elsewhere), null)
      }
    })

    test('asked through dispatch, every question has an answer within the timeout', async () => {
      const { backend, domain, accepted, refused, unanswered } = make()
      const clock = new TurnedClock()
      const dispatch = new BackendDispatch({ backends: [backend], timeoutMilliseconds: 1_000, clock, log: recordingLog().log })
      for (const credentials of accepted) assert.deepEqual(await dispatch.verify(credentials, domain), { ok: true, backend: backend.name })
      for (const credentials of refused) assert.equal((await dispatch.verify(credentials, domain)).ok, false)
      for (const credentials of unanswered) {
        const asked = dispatch.verify(credentials, domain)
        await settled()
        clock.advance(1_000)
        const outcome = await asked
        assert.equal(outcome.ok ? 'accepted' : outcome.condition, 'temporary-auth-failure')
        if (!backend.accepts.has('scram')) continue
        const lookup = dispatch.secretFor(credentials.user, 'sha256', domain)
        await settled()
        clock.advance(1_000)
        assert.equal((await lookup).ok, false)
      }
      await settled()
      assert.equal(clock.pending, 0)
    })
  })
}
