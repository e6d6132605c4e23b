// Password mechanisms against what nobody should send, and against a client of its own making: no input throws, none but the right one succeeds.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { preparePassword } from '../../src/auth/scram-secret.ts'
import { mechanisms } from '../../src/sasl/catalogue.ts'
import type { SaslStep } from '../../src/sasl/mechanism.ts'
import { prepareLocalpart } from '../../src/xmpp/jid.ts'
import { RememberedAccounts } from '../support/password-login.ts'
import { attempt, begin, conditionOf, contextOf, password, textOf } from '../support/scram-attempt.ts'
import { ScramClient } from '../support/scram-client.ts'

const bindings = { tlsExporter: Buffer.alloc(32, 1), tlsServerEndPoint: Buffer.alloc(32, 2) }
const context = contextOf({ channelBindings: () => bindings })
const advertised = { mechanisms: mechanisms.map(({ name }) => name), channelBindings: ['tls-exporter', 'tls-server-end-point'] } as const
const keys = fc.constantFrom(...mechanisms.map(({ key }) => key))

/** What has the look of a message, more or less. */
const pieces = fc.constantFrom('n', 'y', 'p=', 'tls-exporter', 'tls-server-end-point', ',', ',,', 'a=', 'n=', 'r=', 'c=', 'p=', 'm=', 'x=', '=2C', '=3D', '=', 'alice', 'alice@example.net',
  'biws', 'YQ==', 'nonceOfTheServer', '\0', 'ä', password)
const message = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.array(pieces, { maxLength: 12 }).map(some => new Uint8Array(Buffer.from(some.join('')))))

const neverSuccess = (step: SaslStep): void => { assert.notEqual(step.kind, 'success') }

describe('hostile input', () => {
  test('random bytes and scraps of messages, in every step of every mechanism, never throw and never succeed', async () => {
    await fc.assert(fc.asyncProperty(keys, fc.array(fc.option(message), { minLength: 1, maxLength: 4 }), async (key, messages) => {
      fc.pre(!messages.some(bytes => bytes !== null && Buffer.from(bytes).equals(Buffer.from(`\0alice\0${password}`))))
      const exchange = begin(key, context, advertised)
      for (const bytes of messages) neverSuccess(await exchange.step(bytes))
    }), { numRuns: 3_000 })
  })

  const changes = fc.array(fc.tuple(fc.constantFrom('flip', 'insert', 'delete', 'cut', 'double'), fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 })
  function changed(bytes: Uint8Array, edits: readonly (readonly [string, number, number])[]): Uint8Array {
    let all = [...bytes]
    for (const [how, where, value] of edits) {
      const at = all.length === 0 ? 0 : where % all.length
      if (how === 'flip') all[at] = (all[at] ?? 0) ^ value
      else if (how === 'insert') all.splice(at, 0, value)
      else if (how === 'delete') all.splice(at, 1)
      else if (how === 'cut') all = all.slice(0, at)
      else all.splice(at, 0, ...all.slice(at, at + value % 20))
    }
    return Uint8Array.from(all)
  }

  test('a good exchange with anything changed in either message does not succeed', async () => {
    await fc.assert(fc.asyncProperty(fc.boolean(), fc.boolean(), changes, async (isPlus, inFirst, edits) => {
      const client = new ScramClient({ hash: 'sha256', username: 'alice', password, binding: isPlus ? { type: 'tls-exporter', data: bindings.tlsExporter } : 'n' })
      const exchange = begin(isPlus ? 'scram_sha256_plus' : 'scram_sha256', context, advertised)
      const first = Buffer.from(client.first())
      const sent = inFirst ? changed(first, edits) : first
      const challenge = await exchange.step(sent)
      if (challenge.kind !== 'challenge') return
      const serverFirst = textOf(challenge)
      // A client would not go on with another nonce than its own; this one does.
      const final = Buffer.from(serverFirst.startsWith(`r=${client.nonce}`) ? client.final(serverFirst) : 'c=biws,r=x,p=YWJj')
      const answer = inFirst ? final : changed(final, edits)
      fc.pre(!(first.equals(sent) && final.equals(answer)))
      neverSuccess(await exchange.step(answer))
    }), { numRuns: 1_000 })
  })

  test('long messages are read in time that grows with their length', async () => {
    for (const filler of [',', 'a', '=2C', ',x=1', '=', '\0', 'ä']) {
      for (const start of ['n,,n=', 'n,,n=alice,r=', 'n,a=', '']) {
        const begun = performance.now()
        neverSuccess(await begin('scram_sha256', context, advertised).step(Buffer.from(start + filler.repeat(100_000))))
        neverSuccess(await begin('plain', context, advertised).step(Buffer.from(start + filler.repeat(100_000))))
        assert.ok(performance.now() - begun < 1_000, `${start} and ${filler}`)
      }
    }
  })
})

describe('an independent client', () => {
  // What a person may have: the preparation is tested elsewhere.
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }).filter(text => prepareLocalpart(text) === text)
  // SASLprep's NFKC and OpaqueString's NFC are the same here.
  const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter(text => preparePassword(text) === text && text.normalize('NFKC') === text)
  const hash = fc.constantFrom('sha1', 'sha256', 'sha512')
  const nonce = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7E }).filter(code => code !== 0x2C).map(code => String.fromCharCode(code)), minLength: 1, maxLength: 60 })

  test('logs in with any name, password and nonce, and with no other password', async () => {
    await fc.assert(fc.asyncProperty(name, word, word, nonce, hash, async (username, right, wrong, nonce, hash) => {
      fc.pre(right !== wrong)
      const backend = new RememberedAccounts({ [`${username}@example.net`]: right })
      const alone = contextOf({ backend })
      const client = new ScramClient({ hash, username, password: right, nonce, advertised })
      const step = await attempt(begin(`scram_${hash}`, alone, advertised), client)
      assert.ok(client.isServer(textOf(step)))
      assert.equal(conditionOf(await attempt(begin(`scram_${hash}`, alone, advertised), new ScramClient({ hash, username, password: wrong, nonce }))), 'not-authorized')
    }), { numRuns: 60 })
  })
})
