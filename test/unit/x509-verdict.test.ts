// The verdict of external.md §1, on evidence made by hand; x509-handshake.test.ts has OpenSSL's own findings.
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import { oid } from '../../src/x509/object-identifiers.ts'
import type { Evidence } from '../../src/x509/evidence.ts'
import type { CertificateVerdict, VerifyMode } from '../../src/x509/verdict.ts'
import { otherName } from '../../src/x509/certificate-writer.ts'
import { utf8String } from '../../src/x509/der-writer.ts'
import { makeAuthority, makeLeaf, makeSelfIssued, makeSelfSigned, rsaKeyOf, trustIn, unknownExtension, verifiedEvidence } from '../support/certificates.ts'
import type { TestLeafOptions } from '../support/certificates.ts'

const ca = makeAuthority()
const now = Date.now()
const hour = 3_600_000
const reasonOf = (verdict: CertificateVerdict) => verdict.kind === 'refused' ? verdict.reason : verdict.kind
type Shown = Partial<Omit<Evidence, 'chain'>> & { readonly leaf?: Uint8Array, readonly sent?: readonly Uint8Array[] }
const judge = ({ leaf, sent = [], ...evidence }: Shown, mode: VerifyMode = 'peer', at = now) =>
  reasonOf(trustIn([ca], mode).judgeConnection({ chain: leaf === undefined ? [] : [leaf, ...sent], authorized: false, authorizationError: null, ...evidence }, at))
const leaf = (options: TestLeafOptions = {}) => makeLeaf(ca, { xmppAddrs: ['alice@localhost'], ...options }).der
const good = leaf()

describe('verify_mode peer', () => {
  test('a verified leaf is accepted', () => assert.equal(judge({ leaf: good, authorized: true }), 'accepted'))
  test('authorized alone is never the verdict: without a leaf there is no certificate', () => {
    assert.equal(judge({ authorized: true }), 'none')
    assert.equal(judge({ leaf: new Uint8Array(0), authorized: true }), 'malformed')
  })
  test('a leaf that was not verified is refused, whatever the code says', () => {
    for (const [code, reason] of [[null, 'not-verified'], ['', 'not-verified'], ['X_NEW_CODE', 'not-verified'], ['UNSPECIFIED', 'not-verified'],
      ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'untrusted'], ['SELF_SIGNED_CERT_IN_CHAIN', 'untrusted'], ['INVALID_CA', 'untrusted'],
      ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed'], ['CERT_REVOKED', 'revoked'], ['CRL_HAS_EXPIRED', 'not-verified'],
      ['TLS_SESSION_RESUMED', 'not-verified'], ['INVALID_PURPOSE', 'wrong-purpose']] as const) {
      assert.equal(judge({ leaf: good, authorizationError: code }), reason, String(code))
    }
  })
  test('authorized together with an error is refused', () => {
    assert.equal(judge({ leaf: good, authorized: true, authorizationError: 'CERT_REVOKED' }), 'revoked')
  })
  test('an authority out of its dates is not the leaf\'s fault of date', () => {
    assert.equal(judge({ leaf: good, authorizationError: 'CERT_HAS_EXPIRED' }), 'untrusted')
    assert.equal(judge({ leaf: good, authorizationError: 'CERT_NOT_YET_VALID' }), 'untrusted')
  })
  for (const [what, options, reason] of [
    ['an unknown critical extension', { moreExtensions: [unknownExtension(true)] }, 'unknown-critical-extension'],
    ['serverAuth only', { purposes: [oid.serverAuth] }, 'wrong-purpose'],
    ['an empty extended key usage', { purposes: [] }, 'wrong-purpose'],
    ['key usage without digitalSignature', { keyUsage: ['keyEncipherment'] }, 'wrong-purpose'],
    ['RSA-1024', { key: 'rsa1024' }, 'weak-key'],
    ['EC P-224', { key: 'p224' }, 'weak-key'],
    ['a malformed xmppAddr', { altNames: [otherName(oid.xmppAddr, utf8String('alice@localhost/phone'))] }, 'malformed-xmppaddr'],
    ['a common name with NUL', { commonName: 'a\0b' }, 'malformed'],
    ['dates that are over', { notBefore: now - 2 * hour, notAfter: now - hour }, 'expired'],
    ['dates to come', { notBefore: now + hour, notAfter: now + 2 * hour }, 'not-yet-valid'],
  ] as const satisfies readonly (readonly [string, TestLeafOptions, string])[]) {
    test(`a leaf with ${what} is refused even where TLS calls it authorized`, () => {
      assert.equal(judge({ leaf: leaf(options), authorized: true }), reason)
    })
  }
  for (const key of ['p256', 'p384', 'p521', 'ed25519', 'rsa2048', 'rsa-pss'] as const) {
    test(`a leaf with a key of ${key} is good input`, () => assert.equal(judge({ leaf: leaf({ key }), authorized: true }), 'accepted'))
  }
  test('key usage and extended key usage may be absent', () => {
    assert.equal(judge({ leaf: leaf({ keyUsage: null, purposes: null }), authorized: true }), 'accepted')
  })
  test('expired is said only where the date is the only fault (external.md §2: credentials-expired)', () => {
    const dates = { notBefore: now - 2 * hour, notAfter: now - hour }
    assert.equal(judge({ leaf: leaf(dates), authorizationError: 'CERT_HAS_EXPIRED' }), 'expired')
    assert.equal(judge({ leaf: makeLeaf(makeAuthority({ commonName: 'Stranger' }), dates).der, authorizationError: 'CERT_HAS_EXPIRED' }), 'untrusted')
    assert.equal(judge({ leaf: leaf(dates), authorizationError: 'CERT_REVOKED' }), 'revoked')
    assert.equal(judge({ leaf: leaf({ ...dates, purposes: [oid.serverAuth] }), authorizationError: 'CERT_HAS_EXPIRED' }), 'wrong-purpose')
  })
  test('every refusal has words that say what to do', () => {
    const verdict = trustIn([ca]).judgeConnection({ chain: [leaf({ purposes: [oid.serverAuth] })], authorized: true, authorizationError: null }, now)
    assert.ok(verdict.kind === 'refused')
    assert.match(verdict.text, /not meant for clients.*Ask for one with extended key usage clientAuth/)
    assert.deepEqual(verdict.certificate?.xmppAddrs, ['alice@localhost'])
  })
})

test('verify_mode none accepts nothing', () => assert.equal(judge({ leaf: good, authorized: true }, 'none'), 'none'))

describe('verify_mode selfsigned_peer', () => {
  const code = 'DEPTH_ZERO_SELF_SIGNED_CERT'
  const selfSigned = (options: TestLeafOptions = {}) => makeSelfSigned({ commonName: 'alice', ...options }).der
  const judgeSelf = (der: Uint8Array, evidence: Shown = {}) =>
    judge({ leaf: der, authorizationError: code, ...evidence }, 'selfsigned_peer')
  test('as peer', () => {
    assert.equal(judge({ leaf: good, authorized: true }, 'selfsigned_peer'), 'accepted')
    assert.equal(judge({ leaf: good, authorizationError: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, 'selfsigned_peer'), 'untrusted')
  })
  test('and a single certificate that signed itself, which peer refuses', () => {
    assert.equal(judgeSelf(selfSigned()), 'accepted')
    assert.equal(judge({ leaf: selfSigned(), authorizationError: code }), 'self-signed')
  })
  test('not one whose signature does not verify with its own key', () => {
    const impostor = makeLeaf({ ...ca, name: makeSelfSigned({ commonName: 'alice' }).name }, { commonName: 'alice' }).der
    assert.equal(judgeSelf(impostor), 'self-signed')
    const changed = Buffer.from(selfSigned())
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
    assert.equal(judgeSelf(changed), 'self-signed')
  })
  test('not one whose key takes long to use: it is not used at all, and the refusal says so', t => {
    const verify = t.mock.method(X509Certificate.prototype, 'verify')
    for (const [modulusBits, exponentBits] of [[3_072, 3_064], [3_072, 65], [16_384, 17], [8_200, 17]] as const) {
      const verdict = trustIn([ca], 'selfsigned_peer')
        .judgeConnection({ chain: [makeSelfIssued(rsaKeyOf(modulusBits, exponentBits))], authorized: false, authorizationError: code }, now)
      assert.ok(verdict.kind === 'refused')
      assert.equal(verdict.reason, 'not-verified')
      assert.match(verdict.text, /RSA key that would take long to use.*8192 bits at most.*65537/)
    }
    assert.equal(verify.mock.callCount(), 0)
    for (const [modulusBits, exponentBits] of [[8_192, 64], [3_072, 17]] as const) {
      assert.equal(judgeSelf(makeSelfIssued(rsaKeyOf(modulusBits, exponentBits))), 'self-signed')
    }
    assert.equal(verify.mock.callCount(), 2)
  })
  test('the key of one that has another fault, or did not come alone, is not used; nor any where peer is configured', t => {
    const slow = makeSelfIssued(rsaKeyOf(3_072, 17))
    const faulty = [selfSigned({ purposes: [oid.serverAuth] }), selfSigned({ key: 'rsa1024' })]
    const verify = t.mock.method(X509Certificate.prototype, 'verify')
    assert.deepEqual(faulty.map(der => judgeSelf(der)), ['wrong-purpose', 'weak-key'])
    assert.equal(judgeSelf(slow, { sent: new Array<Uint8Array>(9).fill(slow) }), 'self-signed')
    assert.equal(judge({ leaf: slow, authorizationError: code }), 'self-signed')
    assert.equal(verify.mock.callCount(), 0)
  })
  test('not with a chain, not with another finding of OpenSSL', () => {
    assert.equal(judgeSelf(selfSigned(), { sent: [ca.der] }), 'self-signed')
    assert.equal(judgeSelf(selfSigned(), { authorizationError: 'SELF_SIGNED_CERT_IN_CHAIN' }), 'untrusted')
    assert.equal(judgeSelf(selfSigned(), { authorizationError: 'UNSPECIFIED' }), 'not-verified')
    assert.equal(judgeSelf(selfSigned(), { authorizationError: null }), 'not-verified')
  })
  test('within its dates, with the same rules for extended key usage, critical extensions and keys', () => {
    assert.equal(judgeSelf(selfSigned({ notBefore: now - 2 * hour, notAfter: now - hour }), { authorizationError: 'CERT_HAS_EXPIRED' }),
      'expired')
    assert.equal(judgeSelf(selfSigned({ notBefore: now + hour, notAfter: now + 2 * hour }),
      { authorizationError: 'CERT_NOT_YET_VALID' }), 'not-yet-valid')
    assert.equal(judgeSelf(selfSigned({ notBefore: now - 2 * hour, notAfter: now - hour })), 'expired')
    assert.equal(judgeSelf(selfSigned({ purposes: [oid.serverAuth] })), 'wrong-purpose')
    assert.equal(judgeSelf(selfSigned({ moreExtensions: [unknownExtension(true)] })), 'unknown-critical-extension')
    assert.equal(judgeSelf(selfSigned({ key: 'rsa1024' })), 'weak-key')
  })
})

describe('made again at every SASL EXTERNAL attempt', () => {
  const trust = trustIn([ca])
  test('an accepted certificate expires while connected', () => {
    const verdict = trust.judgeConnection(verifiedEvidence(makeLeaf(ca, { notBefore: now - hour, notAfter: now + hour })), now)
    assert.equal(reasonOf(trust.reassess(verdict, now)), 'accepted')
    assert.ok(verdict.kind === 'accepted')
    assert.equal(reasonOf(trust.reassess(verdict, verdict.certificate.notAfter)), 'accepted')
    assert.equal(reasonOf(trust.reassess(verdict, verdict.certificate.notAfter + 1)), 'expired')
  })
  test('a clock that was set back does not undo what has been valid', () => {
    const verdict = trust.judgeConnection(verifiedEvidence(makeLeaf(ca, { notBefore: now - hour, notAfter: now + hour })), now)
    for (const at of [now - 2 * hour, 0, -1, Number.MIN_SAFE_INTEGER]) assert.equal(reasonOf(trust.reassess(verdict, at)), 'accepted')
  })
  test('what was refused, or absent, stays so', () => {
    const verdict = trust.judgeConnection(verifiedEvidence(makeLeaf(ca, { notBefore: now + hour, notAfter: now + 2 * hour })), now)
    assert.equal(reasonOf(trust.reassess(verdict, now + hour + 1_000)), 'not-yet-valid')
    assert.deepEqual(trust.reassess({ kind: 'none' }, now), { kind: 'none' })
  })
  test('a verdict that was not made here counts for nothing', () => {
    const verdict = trust.judgeConnection(verifiedEvidence(makeLeaf(ca)), now)
    assert.ok(verdict.kind === 'accepted')
    assert.equal(reasonOf(trust.reassess({ kind: 'accepted', certificate: verdict.certificate }, now)), 'not-verified')
  })
})
