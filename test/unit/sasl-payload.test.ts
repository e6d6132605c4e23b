/** Base64 of SASL, strictly (RFC 4648 §4, RFC 6120 §6.4.2). */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { decodePayload } from '../../src/sasl/payload.ts'

describe('SASL data in base64', () => {
  test('absent text is no data at all', () => { assert.equal(decodePayload(''), null) })
  test('= is data of length zero (RFC 6120 §6.4.2)', () => { assert.equal((decodePayload('=') as Uint8Array).length, 0) })
  test('whatever was encoded comes back', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), bytes => {
      assert.deepEqual(new Uint8Array(decodePayload(Buffer.from(bytes).toString('base64')) as Uint8Array), bytes)
    }))
  })

  const wrong: Readonly<Record<string, string>> = {
    'white space around it': ' YQ==', 'white space in it': 'YW Jj', 'a line break in it': 'YWJj\nYWJj', 'a line break after it': 'YQ==\n',
    'the URL alphabet': '-_-_', 'padding missing': 'YQ', 'half of the padding missing': 'YQ=', 'padding too long': 'YQ===',
    'padding alone': '==',
    'more padding alone': '====', 'padding in the middle': 'YQ==YQ==', 'bits left over that are not zero, two padding characters': 'YR==',
    'bits left over that are not zero, one padding character': 'YWJ=', 'a single character': 'Y',
    'other characters': '!!!!', 'a NUL': 'YWJj\u0000',
    'letters that look alike': 'ＹＷＪｊ', 'a byte order mark': '\uFEFFYWJj', 'a JID that nobody encoded': 'alice@example.net',
  }
  for (const [name, text] of Object.entries(wrong)) {
    test(`${name}: incorrect-encoding`, () => { assert.equal(decodePayload(text), 'incorrect-encoding') })
  }

  test('10 kB of good base64 and of rubbish: incorrect-encoding', () => {
    assert.equal(decodePayload('YWJj'.repeat(2_560)), 'incorrect-encoding')
    assert.equal(decodePayload('!'.repeat(10_240)), 'incorrect-encoding')
  })
  test('8,192 characters are the most', () => { assert.equal((decodePayload('YWJj'.repeat(2_048)) as Uint8Array).length, 6_144) })
  test('any text either is what the encoder writes, or is refused', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('Y', 'W', 'J', 'j', '+', '/', '-', '_', '=', ' ', '\n', 'Q', 'g', 'R', 'é'), minLength: 1, maxLength: 12 }), text => {
      const bytes = decodePayload(text)
      if (bytes === 'incorrect-encoding') return
      assert.equal(text === '=' ? '=' : Buffer.from(bytes!).toString('base64'), text)
    }), { numRuns: 5_000 })
  })
})
