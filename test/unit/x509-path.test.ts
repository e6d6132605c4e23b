// Certification paths (RFC 5280 §6.1): the corpus of good and bad chains, the bounds, and asking again later. openssl's opinion on the same
// corpus is in test/interop/openssl-verify.test.ts.
import assert from 'node:assert/strict'
import { createPublicKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { CertificateError } from '../../src/x509/certificate.ts'
import { nameOf } from '../../src/x509/certificate-writer.ts'
import { readAnchor, recheckPath, validatePath } from '../../src/x509/path.ts'
import type { PathOptions, Revocation } from '../../src/x509/path.ts'
import { makeSelfIssued, nestedSequences, rsaKeyOf } from '../support/certificates.ts'
import { expectedReason, judge, makeCorpus, reasonOf } from '../support/chain-corpus.ts'
import { hour, keyOf, makeClient, makeIntermediate, makeList, makeRoot, revocationOf } from '../support/chain-maker.ts'

const root = makeRoot('Root')
const middle = makeIntermediate('Middle', root)
const leaf = makeClient(middle)
const now = Date.now()
const anchors = [readAnchor(root.der)]
const options: PathOptions = { anchors, revocation: null, now }
const sent = (...ders: readonly Uint8Array[]) => validatePath(ders, options)

describe('the corpus', () => {
  const corpus = makeCorpus()
  test('has as many chains as the README says', async () => {
    const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
    assert.match(readme, new RegExp(`^${corpus.length} good and bad chains are judged`, 'm'))
  })
  for (const chain of corpus) {
    test(`${chain.what}: ${expectedReason(chain.expected)}`, () => {
      const outcome = judge(chain, true)
      assert.equal(reasonOf(outcome), expectedReason(chain.expected))
      if (!outcome.ok) assert.match(outcome.text, /^[A-Z].*\.$/s)
    })
  }
  test('our own reading refuses them, whatever OpenSSL says about who issued what', t => {
    t.mock.method(X509Certificate.prototype, 'checkIssued', () => true)
    const refusedByOpenssl = corpus.filter(chain => reasonOf(judge(chain, true)) !== expectedReason(chain.expected)).map(({ what }) => what)
    assert.deepEqual(refusedByOpenssl, ['a leaf with broken distribution points'])
  })
  test('each of them without insisting on the form of RFC 5280, as in a TLS handshake', () => {
    for (const chain of corpus) {
      assert.equal(reasonOf(judge(chain, false)), expectedReason(chain.expectedLenient ?? chain.expected), chain.what)
    }
  })
})

describe('what comes out', () => {
  test('of a good chain: the leaf, and each certificate with its issuer, up to the anchor, which is its own', () => {
    const outcome = sent(leaf.der, middle.der)
    assert.ok(outcome.ok)
    assert.deepEqual(outcome.leaf.xmppAddrs, ['alice@localhost'])
    const [first, second, third, ...more] = outcome.path
    assert.deepEqual(more, [])
    assert.equal(first?.serialNumber, outcome.leaf.serialNumber)
    assert.deepEqual(first.issuer.subjectDer, middle.name)
    assert.equal(second?.issuer.fingerprint256, anchors[0]?.certificate.fingerprint256)
    assert.equal(third?.issuer, second?.issuer)
    assert.ok(first.issuer.publicKey.equals(new X509Certificate(middle.der).publicKey))
    assert.equal(first.issuer.mayCrlSign, true)
    assert.equal(first.notAfter, outcome.leaf.notAfter)
  })
  test('of a bad one: the leaf that could be read, for showing; nothing where it could not', () => {
    const refused = sent(leaf.der)
    assert.ok(!refused.ok)
    assert.deepEqual(refused.certificate?.xmppAddrs, ['alice@localhost'])
    const unreadable = sent(Buffer.from('nonsense'), middle.der)
    assert.ok(!unreadable.ok)
    assert.equal(unreadable.certificate, null)
  })
  test('the fault is told of the certificate that has it, in words that cannot disturb a log', () => {
    const outcome = sent(makeClient(middle).der, makeIntermediate('Middle', root, { keyUsage: null, subject: middle.name }).der)
    assert.ok(!outcome.ok)
    assert.match(outcome.text, /chain CN=Middle is an authority without key usage \(RFC 5280 §4\.2\.1\.3\)/)
    assert.doesNotMatch(outcome.text, /\p{Cc}/u)
  })
  test('an authority that cannot be read is no anchor', () => {
    assert.throws(() => readAnchor(root.der.subarray(1)), CertificateError)
    assert.throws(() => readAnchor(Buffer.concat([root.der, Buffer.of(0)])), CertificateError)
  })
  test('a certificate is still good in its last second (RFC 5280 §4.1.2.5), and expired after it', () => {
    const end = Math.floor(now / 1_000) * 1_000
    const ending = makeClient(root, { notAfter: end })
    assert.equal(reasonOf(validatePath([ending.der], { ...options, now: end })), 'accepted')
    assert.equal(reasonOf(validatePath([ending.der], { ...options, now: end + 1 })), 'expired')
  })
})

describe('bounds', () => {
  const quickly = (run: () => void) => {
    const start = performance.now()
    run()
    assert.ok(performance.now() - start < 1_000)
  }
  test('no certificate is no chain', () => assert.equal(reasonOf(sent()), 'malformed'))
  test('20,000 certificates are not even read', t => {
    const read = t.mock.method(X509Certificate.prototype, 'verify')
    quickly(() => assert.equal(reasonOf(sent(...new Array<Uint8Array>(20_000).fill(leaf.der))), 'malformed'))
    assert.equal(read.mock.callCount(), 0)
  })
  test('ten are read, eleven not', () => {
    assert.equal(reasonOf(sent(leaf.der, ...new Array<Uint8Array>(9).fill(middle.der))), 'accepted')
    assert.equal(reasonOf(sent(leaf.der, ...new Array<Uint8Array>(10).fill(middle.der))), 'malformed')
  })
  test('more bytes than a TLS handshake takes are not read', () => {
    const large = makeClient(middle, { subject: nameOf('x'.repeat(110_000)) })
    assert.equal(reasonOf(sent(large.der, middle.der)), 'malformed')
  })
  test('DER nested 20,000 deep', () => {
    quickly(() => assert.equal(reasonOf(sent(nestedSequences(20_000))), 'malformed'))
    quickly(() => assert.equal(reasonOf(sent(leaf.der, nestedSequences(20_000))), 'malformed'))
  })
  test('nine certificates that might all have issued each other cost no more than nine signatures, and a loop has an end', t => {
    const label = (index: number) => `Ring ${index % 9}`
    const ring = Array.from({ length: 9 }, (_, index) => makeIntermediate(label(index),
      { name: nameOf(label(index + 1)), key: keyOf(label(index + 1)) }))
    const same = Array.from({ length: 9 }, (_, index) => makeIntermediate('Same', { name: nameOf('Same'), key: keyOf('Same') },
      { key: keyOf('Same'), notAfter: Date.now() + (index + 1) * hour, ownKeyIdentifier: null, issuerKeyIdentifier: null }))
    for (const loop of [ring, same]) {
      const verify = t.mock.method(X509Certificate.prototype, 'verify')
      assert.equal(reasonOf(sent(makeClient(loop[0]!).der, ...loop.map(({ der }) => der))), 'untrusted')
      assert.ok(verify.mock.callCount() <= 10, String(verify.mock.callCount()))
      verify.mock.restore()
    }
  })
  test('no key that was sent is used before an anchor vouches for it', t => {
    const forger = makeRoot('Root', { key: keyOf('forger') })
    const forged = makeIntermediate('Middle', forger, { issuerKeyIdentifier: null })
    const verify = t.mock.method(X509Certificate.prototype, 'verify')
    assert.equal(reasonOf(validatePath([leaf.der, forged.der], { ...options, isStrict: false })), 'untrusted')
    assert.equal(verify.mock.callCount(), 1)
    assert.ok(anchors[0]?.authority.publicKey.equals(verify.mock.calls[0]!.arguments[0]))
  })
  test('nor the key of one that says it signed itself: alone, beside a good chain, or beside another such one', t => {
    const slow = makeSelfIssued(rsaKeyOf(3_072, 3_064))
    const junk = new Array<Uint8Array>(9).fill(slow)
    const verify = t.mock.method(X509Certificate.prototype, 'verify')
    for (const isStrict of [true, false]) {
      assert.equal(reasonOf(validatePath([slow], { ...options, isStrict })), 'self-signed')
      assert.equal(reasonOf(validatePath([makeClient(null).der, ...junk], { ...options, isStrict })), 'self-signed')
    }
    assert.equal(verify.mock.callCount(), 0)
    assert.equal(reasonOf(sent(leaf.der, middle.der, ...junk.slice(1))), 'accepted')
    assert.ok(verify.mock.calls.every(({ arguments: [key] }) => [root, middle].some(made => createPublicKey(made.key).equals(key))))
  })
})

describe('asked again later, without signatures', () => {
  const outcome = sent(leaf.der, middle.der)
  assert.ok(outcome.ok)
  const { path } = outcome
  const recheck = (revocation: Revocation | null, at = now) => recheckPath(path, { revocation, now: at })?.reason ?? 'accepted'
  const lists = (...made: readonly ReturnType<typeof makeList>[]) => revocationOf(made)

  test('what was good is good', t => {
    const verify = t.mock.method(X509Certificate.prototype, 'verify')
    assert.equal(recheck(null), 'accepted')
    assert.equal(recheck(lists(makeList(root), makeList(middle))), 'accepted')
    assert.equal(verify.mock.callCount(), 0)
  })
  test('the leaf has been revoked, or its issuer', () => {
    assert.equal(recheck(lists(makeList(root), makeList(middle, { revoked: [leaf] }))), 'revoked')
    assert.equal(recheck(lists(makeList(root, { revoked: [middle] }), makeList(middle))), 'revoked')
  })
  test('a list has gone, or gone out of date', () => {
    assert.equal(recheck(lists(makeList(root))), 'not-verified')
    assert.equal(recheck(lists(makeList(root), makeList(middle)), now + 2 * hour), 'not-verified')
  })
  test('the leaf has expired, or only an authority has', () => {
    assert.equal(recheck(null, now + 2 * hour), 'expired')
    assert.equal(recheck(null, now - 2 * hour), 'not-yet-valid')
    assert.equal(recheck(null, now + 30 * hour), 'untrusted')
  })
  test('the date of the leaf is told last (external.md §2: credentials-expired only where it is the only fault)', () => {
    assert.equal(recheck(lists(makeList(root), makeList(middle, { nextUpdate: now + 9 * hour })), now + 2 * hour), 'not-verified')
    assert.equal(recheck(lists(makeList(root, { nextUpdate: now + 9 * hour }), makeList(middle,
      { revoked: [leaf], nextUpdate: now + 9 * hour })),
      now + 2 * hour), 'revoked')
  })
  test('every certificate of the path is asked about, of its own issuer', () => {
    const asked: (readonly [string, string])[] = []
    recheckPath(path, { now, revocation: { statusOf: (serialNumber, issuer) => {
      asked.push([serialNumber, issuer.fingerprint256])
      return 'good'
    } } })
    assert.deepEqual(asked, path.map(({ serialNumber, issuer }) => [serialNumber, issuer.fingerprint256]))
    assert.equal(asked.length, 3)
  })
  test('no path is no good path', () => assert.notEqual(recheckPath([], { revocation: null, now }), null))
})
