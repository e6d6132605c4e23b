// What a reload of authorities and revocation lists means for those who come and for those who are there (external.md §1, §7).
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RevocationLists } from '../../src/x509/revocation-lists.ts'
import { Trust } from '../../src/x509/trust.ts'
import type { CertificateVerdict } from '../../src/x509/verdict.ts'
import { makeAuthority, makeIntermediate, makeLeaf, materialOf, trustIn, verifiedEvidence } from '../support/certificates.ts'
import type { TestCertificate } from '../support/certificates.ts'
import { listsOf, writeList } from '../support/revocation-lists.ts'

const now = Date.now()
const hour = 3_600_000
const root = makeAuthority({ commonName: 'Root', pathLength: null })
const other = makeAuthority({ commonName: 'Other', pathLength: null })
const middle = makeIntermediate(root)
const direct = makeLeaf(root, { xmppAddrs: ['alice@localhost'] })
const deep = makeLeaf(middle, { commonName: 'bob', xmppAddrs: ['bob@localhost'] })

const reasonOf = (verdict: CertificateVerdict) => verdict.kind === 'refused' ? verdict.reason : verdict.kind
const listening = (authorities: readonly TestCertificate[], revocation: RevocationLists | null = null) => new Trust('peer', materialOf(authorities, revocation))
const shown = { direct: verifiedEvidence(direct), deep: verifiedEvidence(deep, middle) }
const both = (trust: Trust, at = now) => [shown.direct, shown.deep].map(evidence => reasonOf(trust.judgeConnection(evidence, at)))

describe('OpenSSL and the gateway must agree', () => {
  test('a connection that began before its authority was removed is judged by the authorities of now, whatever OpenSSL said', () => {
    const trust = listening([root])
    assert.deepEqual(both(trust), ['accepted', 'accepted'])
    trust.replace(materialOf([other]))
    assert.deepEqual(both(trust), ['untrusted', 'untrusted'])
  })
  test('what only the gateway accepts is refused', () => {
    const trust = listening([root])
    assert.equal(reasonOf(trust.judgeConnection({ ...shown.direct, authorized: false, authorizationError: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, now)), 'untrusted')
    assert.equal(reasonOf(trust.judgeConnection({ ...shown.direct, authorized: false, authorizationError: 'TLS_SESSION_RESUMED' }, now)), 'not-verified')
    assert.equal(reasonOf(trust.judgeConnection({ ...shown.direct, authorizationError: 'TLS_SESSION_RESUMED' }, now)), 'not-verified')
  })
  test('also for one who was accepted a moment ago: nothing is accepted because it is known', () => {
    const trust = listening([root])
    assert.equal(reasonOf(trust.judgeConnection(shown.direct, now)), 'accepted')
    assert.equal(reasonOf(trust.judgeConnection({ ...shown.direct, authorized: false, authorizationError: 'CERT_REVOKED' }, now)), 'revoked')
    assert.equal(reasonOf(trust.judgeConnection(shown.direct, now + 3 * hour)), 'expired')
    assert.equal(reasonOf(trust.judgeConnection(shown.direct, now - 3 * hour)), 'not-yet-valid')
  })
  test('an intermediate certificate must be sent, and one that is sent must be right', () => {
    const trust = listening([root])
    assert.equal(reasonOf(trust.judgeConnection(verifiedEvidence(deep), now)), 'untrusted')
    assert.equal(reasonOf(trust.judgeConnection(verifiedEvidence(deep, other), now)), 'untrusted')
    assert.equal(reasonOf(trust.judgeConnection(verifiedEvidence(deep, middle, other, root), now)), 'accepted')
  })
})

describe('authorities are replaced while somebody is connected', () => {
  test('he whose authority stays does not notice; he whose authority goes is refused', () => {
    const trust = listening([root, other])
    const stays = trust.judgeConnection(verifiedEvidence(makeLeaf(other)), now)
    const goes = [shown.direct, shown.deep].map(evidence => trust.judgeConnection(evidence, now))
    trust.replace(materialOf([other]))
    assert.equal(trust.reassess(stays, now), stays)
    assert.deepEqual(goes.map(verdict => reasonOf(trust.reassess(verdict, now))), ['untrusted', 'untrusted'])
  })
  test('and accepted again when it comes back', () => {
    const trust = listening([root])
    const verdict = trust.judgeConnection(shown.deep, now)
    trust.replace(materialOf([other]))
    assert.equal(reasonOf(trust.reassess(verdict, now)), 'untrusted')
    trust.replace(materialOf([other, root]))
    assert.equal(reasonOf(trust.reassess(verdict, now)), 'accepted')
  })
  test('another way to a trusted authority is as good: a root that was issued anew with the same key', () => {
    const renewed = makeAuthority({ commonName: 'Root' })
    const crossed = makeIntermediate(other, { subject: root.name, privateKey: root.privateKey })
    const trust = listening([root])
    const verdict = trust.judgeConnection(verifiedEvidence(direct, crossed), now)
    assert.equal(reasonOf(verdict), 'accepted')
    trust.replace(materialOf([other]))
    assert.equal(reasonOf(trust.reassess(verdict, now)), 'accepted')
    trust.replace(materialOf([renewed]))
    assert.equal(reasonOf(trust.reassess(verdict, now)), 'untrusted')
  })
  test('a chain that a proxy forwarded is held against them too', () => {
    const trust = listening([root])
    const verdict = trust.judgeChain([deep.der, middle.der], now)
    assert.equal(reasonOf(verdict), 'accepted')
    trust.replace(materialOf([other]))
    assert.equal(reasonOf(trust.reassess(verdict, now)), 'untrusted')
    assert.equal(reasonOf(trust.judgeChain([deep.der, middle.der], now)), 'untrusted')
    assert.equal(reasonOf(trust.judgeChain([], now)), 'none')
  })
})

describe('revocation lists', () => {
  const good = async () => listsOf([writeList(root), writeList(middle)])
  test('with lists of every authority and nothing revoked everybody is accepted', async () => {
    assert.deepEqual(both(listening([root], await good())), ['accepted', 'accepted'])
  })
  test('a revoked certificate, and everybody below a revoked authority, is refused', async () => {
    assert.deepEqual(both(listening([root], await listsOf([writeList(root, { revoked: [direct] }), writeList(middle)]))), ['revoked', 'accepted'])
    assert.deepEqual(both(listening([root], await listsOf([writeList(root), writeList(middle, { revoked: [deep] })]))), ['accepted', 'revoked'])
    assert.deepEqual(both(listening([root], await listsOf([writeList(root, { revoked: [middle] }), writeList(middle)]))), ['accepted', 'revoked'])
  })
  test('where the list of an authority is missing nobody knows, so it is refused', async () => {
    assert.deepEqual(both(listening([root], await listsOf([writeList(root)]))), ['accepted', 'not-verified'])
    assert.deepEqual(both(listening([root], await listsOf([writeList(middle)]))), ['not-verified', 'not-verified'])
    assert.deepEqual(both(listening([root], await listsOf([]))), ['not-verified', 'not-verified'])
  })
  test('a list that is reloaded counts for those who are connected, and for those who come back', async () => {
    const trust = listening([root], await good())
    const verdicts = [shown.direct, shown.deep].map(evidence => trust.judgeConnection(evidence, now))
    trust.replace(materialOf([root], await listsOf([writeList(root, { revoked: [direct, middle] }), writeList(middle)])))
    assert.deepEqual(verdicts.map(verdict => reasonOf(trust.reassess(verdict, now))), ['revoked', 'revoked'])
    assert.deepEqual(both(trust), ['revoked', 'revoked'])
  })
  test('an outdated list: refused, or accepted where the operator wants it so, but what it revokes is revoked', async () => {
    const later = now + 2 * hour
    const long = { notAfter: now + 9 * hour }
    const [alice, bob] = [makeLeaf(root, long), makeLeaf(root, long)]
    const der = writeList(root, { revoked: [bob] })
    for (const [acceptsOutdated, expected] of [[false, 'not-verified'], [true, 'accepted']] as const) {
      const trust = listening([root], await listsOf([der], { acceptsOutdated }))
      const verdict = trust.judgeConnection(verifiedEvidence(alice), now)
      assert.equal(reasonOf(verdict), 'accepted')
      assert.equal(reasonOf(trust.reassess(verdict, later)), expected)
      assert.equal(reasonOf(trust.judgeConnection(verifiedEvidence(alice), later)), expected)
      assert.equal(reasonOf(trust.judgeConnection(verifiedEvidence(bob), later)), 'revoked')
    }
  })
  test('an expired certificate that has been revoked as well is told that it was revoked: the date is not its only fault', async () => {
    const trust = listening([root], await listsOf([writeList(root, { revoked: [direct], nextUpdate: now + 9 * hour })]))
    assert.equal(reasonOf(trust.judgeConnection({ ...shown.direct, authorized: false, authorizationError: 'CERT_HAS_EXPIRED' }, now + 3 * hour)), 'revoked')
  })
  test('when each list is due can be asked', async () => {
    const trust = listening([root], await listsOf([writeList(root, { nextUpdate: 2_000_000_000_000 }), writeList(middle, { nextUpdate: null })]))
    assert.deepEqual(trust.revocationLists(), [{ issuer: 'CN=Root', nextUpdate: 2_000_000_000_000 }, { issuer: 'CN=Middle', nextUpdate: null }])
    assert.deepEqual(trustIn([root]).revocationLists(), [])
  })
})
