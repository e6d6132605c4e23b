/** SASL EXTERNAL: when it is offered, the exchange, and what the client hears (RFC 4422 appendix A, XEP-0178 §2). */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { AuthBackend } from '../../src/auth/backend.ts'
import { pki } from '../../src/auth/backends/pki.ts'
import type { ExternalMode } from '../../src/auth/certificate-mapping.ts'
import { BackendDispatch } from '../../src/auth/dispatch.ts'
import { mechanismNamed, mechanisms, offered } from '../../src/sasl/catalogue.ts'
import { noChannelBindings } from '../../src/sasl/channel-binding.ts'
import { external } from '../../src/sasl/external.ts'
import type { SaslContext, SaslFailure, SaslStep } from '../../src/sasl/mechanism.ts'
import { dateFaultOf } from '../../src/x509/refusal.ts'
import type { Certificate } from '../../src/x509/certificate.ts'
import type { CertificateVerdict, RefusalReason } from '../../src/x509/verdict.ts'
import { parseDomainpart } from '../../src/xmpp/jid.ts'
import { recordingLog, TurnedClock } from '../support/turned-clock.ts'
import { passwordLogin } from '../support/password-login.ts'
import { certificateWith } from '../support/external-certificate.ts'

const host = parseDomainpart('example.net')!
const alice = certificateWith({ xmppAddrs: ['alice@example.net'] })
const accepted: CertificateVerdict = { kind: 'accepted', certificate: alice }
const none: CertificateVerdict = { kind: 'none' }
const refused = (reason: RefusalReason, certificate: Certificate | null = alice): CertificateVerdict =>
  ({ kind: 'refused', reason, text: `It is ${reason}. Do something.`, certificate })

function contextWith(verdict: CertificateVerdict | (() => CertificateVerdict), backends: readonly AuthBackend[] = [pki],
  modes: readonly ExternalMode[] = ['standard']): SaslContext {
  const { log } = recordingLog()
  return {
    ...passwordLogin(),
    domain: host,
    remoteAddress: '192.0.2.1', secure: true, channelBindings: () => noChannelBindings,
    certificate: typeof verdict === 'function' ? verdict : () => verdict,
    external: { modes, commonName: { prefix: '', suffix: '' } },
    backends: new BackendDispatch({ backends, timeoutMilliseconds: 5_000, clock: new TurnedClock(), log }),
  }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const conditionOf = (step: SaslStep): string => step.kind === 'failure' ? step.condition : step.kind
const attempt = async (context: SaslContext, response: Uint8Array = new Uint8Array(0)): Promise<SaslStep> =>
  Promise.resolve(external.begin(context).step(response))

const passwordsOnly: AuthBackend = { name: 'internal', accepts: new Set(['password'] as const), verify: () => ({ ok: true }) }

describe('EXTERNAL is offered only if all of its conditions hold', () => {
  const names = (context: SaslContext, configured: readonly ['external'] | readonly [] = ['external']): readonly string[] =>
    offered(context, configured).map(({ name }) => name)

  test('all hold: it is in <mechanisms/>', () => { assert.deepEqual(names(contextWith(accepted)), ['EXTERNAL']) })
  test('it is not configured', () => { assert.deepEqual(names(contextWith(accepted), []), []) })
  test('no backend of the host accepts certificates', () => {
    assert.deepEqual(names(contextWith(accepted, [])), [])
    assert.deepEqual(names(contextWith(accepted, [passwordsOnly])), [])
  })
  test('there is no certificate', () => { assert.deepEqual(names(contextWith(none)), []) })
  test('the certificate is refused', () => {
    for (const reason of ['expired', 'not-yet-valid', 'untrusted', 'revoked'] as const) {
      assert.deepEqual(names(contextWith(refused(reason))), [])
    }
  })
  test('no mode could map it to a user of this host', () => {
    assert.deepEqual(names(contextWith({ kind: 'accepted', certificate: certificateWith({ xmppAddrs: ['alice@example.com'] }) })), [])
    assert.deepEqual(names(contextWith({ kind: 'accepted', certificate: certificateWith({ commonNames: ['alice'] }) })), [])
  })
  test('a mode that could map it is configured', () => {
    const verdict = { kind: 'accepted', certificate: certificateWith({ commonNames: ['alice'] }) } as const
    assert.deepEqual(names(contextWith(verdict, [pki], ['standard', 'common_name'])), ['EXTERNAL'])
  })
})

describe('a client that tries EXTERNAL though it was not offered', () => {
  test('is told not-authorized, with words that help, and never waits', async () => {
    const step = await attempt(contextWith(none)) as SaslFailure
    assert.equal(step.condition, 'not-authorized')
    assert.match(step.text!, /No client certificate/)
  })
  test('is told credentials-expired if the only fault is the date', async () => {
    const step = await attempt(contextWith(refused('expired'))) as SaslFailure
    assert.equal(step.condition, 'credentials-expired')
    assert.match(step.text!, /It is expired/)
  })
  test('is told not-authorized if the date is not the only fault', async () => {
    const stranger = certificateWith({ xmppAddrs: ['alice@example.com'] })
    assert.equal(conditionOf(await attempt(contextWith(refused('expired', stranger)))), 'not-authorized')
    assert.equal(conditionOf(await attempt(contextWith(refused('expired', null)))), 'not-authorized')
    assert.equal(conditionOf(await attempt(contextWith(refused('expired'), [passwordsOnly]))), 'not-authorized')
  })
  test('is told not-authorized for every other fault', async () => {
    for (const reason of ['not-yet-valid', 'untrusted', 'revoked'] as const) {
      assert.equal(conditionOf(await attempt(contextWith(refused(reason)))), 'not-authorized')
    }
  })
  test('is told not-authorized where no backend accepts certificates', async () => {
    assert.equal(conditionOf(await attempt(contextWith(accepted, [passwordsOnly]))), 'not-authorized')
  })
  test('finds the mechanism where it is configured, by its exact name only', () => {
    assert.equal(mechanismNamed('EXTERNAL', ['external']), external)
    assert.equal(mechanismNamed('EXTERNAL', []), null)
    for (const name of ['external', 'EXTERNAL ', 'PLAIN', '', '__proto__']) assert.equal(mechanismNamed(name, ['external']), null)
  })
})

describe('the exchange', () => {
  const principal = { account: 'alice@example.net', domain: 'example.net', mechanism: 'EXTERNAL',
    certificate: { fingerprint256: alice.fingerprint256, notAfter: alice.notAfter } }

  test('an empty initial response (=) is answered at once: success, and who it is', () => {
    assert.deepEqual(external.begin(contextWith(accepted)).step(new Uint8Array(0)), { kind: 'success', principal, backend: 'pki', data: null })
  })
  test('the authzid as initial response', () => {
    assert.deepEqual(external.begin(contextWith(accepted)).step(bytes('alice@example.net')), { kind: 'success', principal, backend: 'pki', data: null })
  })
  test('no initial response: one empty challenge, then the response', () => {
    for (const response of [new Uint8Array(0), null, bytes('alice@example.net')]) {
      const exchange = external.begin(contextWith(accepted))
      assert.deepEqual(exchange.step(null), { kind: 'challenge', data: new Uint8Array(0) })
      assert.deepEqual(exchange.step(response), { kind: 'success', principal, backend: 'pki', data: null })
    }
  })
  test('a response after the end is malformed-request, even after success', () => {
    const exchange = external.begin(contextWith(accepted))
    void exchange.step(new Uint8Array(0))
    assert.equal(conditionOf(exchange.step(new Uint8Array(0)) as SaslStep), 'malformed-request')
    assert.equal(conditionOf(exchange.step(null) as SaslStep), 'malformed-request')
  })
  test('exchanges share no state: the mechanism is a value', () => {
    const context = contextWith(accepted)
    const [first, second] = [external.begin(context), external.begin(context)]
    void first.step(null)
    assert.deepEqual(second.step(null), { kind: 'challenge', data: new Uint8Array(0) })
  })
})

describe('the authzid is decoded strictly', () => {
  const cases: Readonly<Record<string, [Uint8Array, string]>> = {
    'the bare served domain means none': [bytes('example.net'), 'success'],
    'the bare served domain, prepared first': [bytes('EXAMPLE.net'), 'success'],
    'equal after preparation': [bytes('ALICE@example.NET'), 'success'],
    'another user': [bytes('bob@example.net'), 'invalid-authzid'],
    'with a resource': [bytes('alice@example.net/balcony'), 'invalid-authzid'],
    'the served domain with a resource': [bytes('example.net/r'), 'invalid-authzid'],
    'another domain': [bytes('example.com'), 'invalid-authzid'],
    'no JID': [bytes('@'), 'invalid-authzid'],
    'a NUL': [bytes('alice@example.net\u0000'), 'invalid-authzid'],
    'a NUL alone': [Uint8Array.of(0), 'invalid-authzid'],
    'white space around it': [bytes(' alice@example.net'), 'invalid-authzid'],
    'a byte order mark before it': [bytes('\uFEFFalice@example.net'), 'invalid-authzid'],
    'bad UTF-8': [Uint8Array.of(0x61, 0xff), 'malformed-request'],
    'an overlong form': [Uint8Array.of(0xc1, 0xa1), 'malformed-request'],
    'a lone surrogate': [Uint8Array.of(0xed, 0xa0, 0x80), 'malformed-request'],
    'cut in the middle of a character': [Uint8Array.of(0x61, 0xc3), 'malformed-request'],
    'UTF-16': [new Uint8Array(Buffer.from('\uFEFFalice@example.net', 'utf16le')), 'malformed-request'],
    'six thousand letters': [bytes('a'.repeat(6_000)), 'invalid-authzid'],
  }
  for (const [name, [response, expected]] of Object.entries(cases)) {
    test(`${name}: ${expected}`, async () => { assert.equal(conditionOf(await attempt(contextWith(accepted), response)), expected) })
  }
  test('a failure gives a reason and never repeats the payload', async () => {
    for (const response of ['mallory@example.net', 'mallory@@', 'mallory@example.net/r']) {
      const step = await attempt(contextWith(accepted), bytes(response)) as SaslFailure
      assert.ok(step.reason.length > 0)
      assert.doesNotMatch(JSON.stringify(step), /mallory/)
    }
  })
})

describe('the verdict is made again at every attempt', () => {
  test('a certificate that expired while connected: credentials-expired', async () => {
    let now = 0
    const context = contextWith(() => (fault => fault === null ? accepted : { kind: 'refused', ...fault, certificate: alice } as const)(dateFaultOf(alice, now)))
    assert.equal(conditionOf(await attempt(context)), 'success')
    now = alice.notAfter + 1
    assert.equal(conditionOf(await attempt(context)), 'credentials-expired')
    assert.equal(external.offered(context), false)
  })
  test('one that is refused between challenge and response is refused', () => {
    let verdict: CertificateVerdict = accepted
    const exchange = external.begin(contextWith(() => verdict))
    void exchange.step(null)
    verdict = refused('revoked')
    assert.equal(conditionOf(exchange.step(null) as SaslStep), 'not-authorized')
  })
})

describe('the backend decides', () => {
  const backend = (verify: AuthBackend['verify']): AuthBackend => ({ name: 'http', accepts: new Set(['certificate'] as const), verify })

  test('it is asked about the mapped user, and about no other', async () => {
    let asked: unknown = null
    const context = contextWith(accepted, [backend(credentials => { asked = credentials; return { ok: true } })])
    await attempt(context)
    assert.deepEqual(asked, { kind: 'certificate', user: 'alice@example.net', certificate: alice })
  })
  test('it is not asked where the certificate makes no user', async () => {
    const context = contextWith(accepted, [backend(() => assert.fail('asked'))])
    assert.equal(conditionOf(await attempt(context, bytes('bob@example.net'))), 'invalid-authzid')
  })
  test('its refusal is the failure, at once or later; its words stay in the log', async () => {
    const refusal = { ok: false, condition: 'account-disabled', reason: 'the row says so' } as const
    for (const verify of [() => refusal, () => Promise.resolve(refusal)]) {
      const step = await attempt(contextWith(accepted, [backend(verify)]))
      assert.deepEqual(step, { kind: 'failure', condition: 'account-disabled', reason: 'the row says so', account: 'alice@example.net' })
    }
  })
  test('unreachable: temporary-auth-failure', async () => {
    const context = contextWith(accepted, [backend(() => Promise.reject(new Error('ECONNREFUSED')))])
    assert.equal(conditionOf(await attempt(context)), 'temporary-auth-failure')
  })
  test('a mapping module and a backend that both answer later: success', async () => {
    const module = { module: '/m.ts', map: () => Promise.resolve({ ok: true, user: alice.xmppAddrs[0]! } as const) }
    assert.equal(conditionOf(await attempt(contextWith(accepted, [backend(() => Promise.resolve({ ok: true }))], [module]))), 'success')
  })
})

test('every mechanism is listed once, and is found by its registered name', () => {
  for (const mechanism of mechanisms) assert.equal(mechanismNamed(mechanism.name, [mechanism.key]), mechanism)
  assert.equal(new Set(mechanisms.map(({ name }) => name)).size, mechanisms.length)
})
