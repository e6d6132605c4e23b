// Certification paths (RFC 5280 §6.1) against a second opinion: `openssl verify -x509_strict -purpose sslclient -crl_check_all`.
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { Chain } from '../support/chain.ts'
import { expectedReason, judge, makeCorpus, reasonOf } from '../support/chain-corpus.ts'
import { OpensslVerify } from '../support/openssl-verify.ts'
import { requireProgram } from '../support/services.ts'

describe('certification paths, ours and those of openssl', { skip: requireProgram('openssl') }, () => {
  const openssl = new OpensslVerify()
  after(() => openssl.close())

  function compare(chain: Chain, isStrict: boolean): void {
    const expected = isStrict ? chain.expected : chain.expectedLenient ?? chain.expected
    const [leaf = new Uint8Array(0), ...sent] = chain.sent
    const now = chain.now ?? Date.now()
    const theirs = openssl.judge({ leaf, sent, anchors: chain.anchors, lists: chain.lists?.map(({ der }) => der) ?? null, isStrict, now })
    const ours = judge({ ...chain, now }, isStrict)
    const seen = `ours: ${reasonOf(ours)}; openssl: ${theirs.words}`
    assert.equal(reasonOf(ours), expectedReason(expected), seen)
    // Never more lenient; where stricter, the corpus says why.
    assert.equal(theirs.accepts, expected === 'accepted' || typeof expected !== 'string', seen)
  }

  const corpus = makeCorpus()
  test('the corpus is large enough to mean something', t => {
    t.diagnostic(`${corpus.length} chains`)
    assert.ok(corpus.length >= 90)
    assert.equal(new Set(corpus.map(({ what }) => what)).size, corpus.length)
  })
  for (const chain of corpus) {
    const { expected } = chain
    const outcome = expected === 'accepted' ? 'is accepted' : typeof expected === 'string' ? `is refused: ${expected}`
      : `is refused: ${expected.reason}, though openssl accepts it: ${expected.though}`
    test(`${chain.what} ${outcome}`, () => compare(chain, true))
  }
  test('each of them again without insisting on the form of RFC 5280, as in a TLS handshake', async t => {
    for (const chain of corpus) await t.test(chain.what, () => compare(chain, false))
  })
})
