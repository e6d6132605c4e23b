// The verdict on what OpenSSL finds in a real TLS handshake (bad-input.md "Certificates").
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { oid } from '../../src/x509/object-identifiers.ts'
import type { VerifyMode } from '../../src/x509/verdict.ts'
import { makeAuthority, makeLeaf, makeSelfSigned, makeServer, trustIn, unknownExtension } from '../support/certificates.ts'
import type { TestCertificate } from '../support/certificates.ts'
import { evidenceFromHandshake, evidenceFromResumption } from '../support/tls-evidence.ts'

const ca = makeAuthority()
const server = makeServer(ca)
const stranger = makeAuthority({ commonName: 'Stranger' })
const now = Date.now()
const hour = 3_600_000
const past = { notBefore: now - 2 * hour, notAfter: now - hour }
const future = { notBefore: now + hour, notAfter: now + 2 * hour }
const intermediate = makeLeaf(ca, { commonName: 'alice', xmppAddrs: ['alice@localhost'] })
const boldIntermediate = makeLeaf(ca, { commonName: 'alice', keyUsage: ['digitalSignature', 'keyCertSign'] })
const agedAuthority = makeAuthority({ commonName: 'Aged', ...past })

const cases: readonly (readonly [what: string, client: readonly TestCertificate[], expected: Partial<Record<VerifyMode,
  string>> & { readonly peer: string }])[] = [
  ['no certificate', [], { peer: 'none', selfsigned_peer: 'none' }],
  ['a leaf of a trusted authority', [makeLeaf(ca, { xmppAddrs: ['alice@localhost'] })], { none: 'none', peer: 'accepted',
    selfsigned_peer: 'accepted' }],
  ['an Ed25519 leaf', [makeLeaf(ca, { key: 'ed25519' })], { peer: 'accepted' }],
  ['a P-384 leaf', [makeLeaf(ca, { key: 'p384' })], { peer: 'accepted' }],
  ['a P-521 leaf', [makeLeaf(ca, { key: 'p521' })], { peer: 'accepted' }],
  ['an RSA-2048 leaf', [makeLeaf(ca, { key: 'rsa2048' })], { peer: 'accepted' }],
  ['an RSA-PSS leaf', [makeLeaf(ca, { key: 'rsa-pss' })], { peer: 'accepted' }],
  ['an RSA-1024 leaf', [makeLeaf(ca, { key: 'rsa1024' })], { peer: 'weak-key', selfsigned_peer: 'weak-key' }],
  ['an expired leaf', [makeLeaf(ca, past)], { peer: 'expired', selfsigned_peer: 'expired' }],
  ['a leaf not yet valid', [makeLeaf(ca, future)], { peer: 'not-yet-valid' }],
  ['a leaf of an expired authority', [makeLeaf(agedAuthority)], { peer: 'untrusted' }],
  ['a leaf of an unknown authority', [makeLeaf(stranger)], { peer: 'untrusted', selfsigned_peer: 'untrusted' }],
  ['a leaf of an unknown authority that is sent along', [makeLeaf(stranger), stranger], { peer: 'untrusted', selfsigned_peer: 'untrusted' }],
  ['an expired leaf of an unknown authority', [makeLeaf(stranger, past)], { peer: 'untrusted', selfsigned_peer: 'untrusted' }],
  ['a leaf for servers only', [makeLeaf(ca, { purposes: [oid.serverAuth] })], { peer: 'wrong-purpose' }],
  ['a leaf for any purpose but not by name', [makeLeaf(ca, { purposes: ['2.5.29.37.0'] })], { peer: 'wrong-purpose' }],
  ['a key that may not sign', [makeLeaf(ca, { keyUsage: ['keyEncipherment'] })], { peer: 'wrong-purpose' }],
  ['an unknown critical extension', [makeLeaf(ca, { moreExtensions: [unknownExtension(true)] })], { peer: 'unknown-critical-extension' }],
  ['an unknown uncritical extension', [makeLeaf(ca, { moreExtensions: [unknownExtension(false)] })], { peer: 'accepted' }],
  ['a leaf that signs another leaf', [makeLeaf(intermediate, { xmppAddrs: ['admin@localhost'] }), intermediate], { peer: 'untrusted',
    selfsigned_peer: 'untrusted' }],
  ['a leaf with keyCertSign that signs another leaf', [makeLeaf(boldIntermediate, { xmppAddrs: ['admin@localhost'] }), boldIntermediate],
    { peer: 'untrusted', selfsigned_peer: 'untrusted' }],
  ['a self-signed certificate', [makeSelfSigned({ commonName: 'alice' })], { peer: 'self-signed', selfsigned_peer: 'accepted' }],
  ['a self-signed certificate as `openssl req -x509` makes it', [makeSelfSigned({ commonName: 'alice', isAuthority: true,
    keyUsage: null, purposes: null })],
    { peer: 'self-signed', selfsigned_peer: 'accepted' }],
  ['an expired self-signed certificate', [makeSelfSigned({ commonName: 'alice', ...past })], { peer: 'self-signed',
    selfsigned_peer: 'expired' }],
  ['a self-signed certificate for servers only', [makeSelfSigned({ commonName: 'alice', purposes: [oid.serverAuth] })],
    { peer: 'wrong-purpose', selfsigned_peer: 'wrong-purpose' }],
  ['a self-signed certificate with RSA-1024', [makeSelfSigned({ commonName: 'alice', key: 'rsa1024' })], { peer: 'weak-key',
    selfsigned_peer: 'weak-key' }],
  ['a self-signed certificate in the name of the trusted authority', [makeSelfSigned({ commonName: 'Test CA' })], { peer: 'self-signed' }],
]

describe('on TLS 1.3', () => {
  for (const [what, client, expected] of cases) {
    test(`${what}: ${Object.entries(expected).map(([mode, result]) => `${result} (${mode})`).join(', ')}`, async () => {
      const evidence = await evidenceFromHandshake({ server, authorities: [ca, agedAuthority], client })
      for (const mode of ['none', 'peer', 'selfsigned_peer'] as const) {
        const verdict = trustIn([ca, agedAuthority], mode).judgeConnection(evidence, now)
        if (expected[mode] !== undefined) assert.equal(verdict.kind === 'refused' ? verdict.reason : verdict.kind, expected[mode], mode)
      }
    })
  }
})

describe('on TLS 1.2', () => {
  for (const [what, client, { peer }] of cases.slice(0, 3)) {
    test(`${what}: ${peer}`, async () => {
      const verdict = trustIn([ca]).judgeConnection(await evidenceFromHandshake({ server, authorities: [ca], client, maxVersion: 'TLSv1.2' }), now)
      assert.equal(verdict.kind, peer)
    })
  }
})

describe('a TLS session that is resumed all the same', () => {
  test('made with a good certificate: not verified, because it would keep the verdict that it was born with', async () => {
    const evidence = await evidenceFromResumption({ server, authorities: [ca], client: [makeLeaf(ca, { xmppAddrs: ['alice@localhost'] })] })
    assert.deepEqual([evidence.authorized, evidence.authorizationError], [false, 'TLS_SESSION_RESUMED'])
    const verdict = trustIn([ca]).judgeConnection(evidence, now)
    assert.ok(verdict.kind === 'refused')
    assert.equal(verdict.reason, 'not-verified')
  })
  test('made without any certificate: none', async () => {
    assert.deepEqual(trustIn([ca]).judgeConnection(await evidenceFromResumption({ server, authorities: [ca], client: [] }), now), { kind: 'none' })
  })
})
