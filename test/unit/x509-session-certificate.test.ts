// Who comes back is known by the certificate in the TLS session: the very one that the peer showed, or nothing.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { certificateIn, shownCertificate } from '../../src/x509/session-certificate.ts'
import type { CertificateVerdict } from '../../src/x509/verdict.ts'
import { makeAuthority, makeIntermediate, makeLeaf, makeSelfSigned, makeServer, materialOf, trustIn, verifiedEvidence } from '../support/certificates.ts'
import type { TestCertificate } from '../support/certificates.ts'
import { listsOf, writeList } from '../support/revocation-lists.ts'
import { learntFromHandshake, learntFromResumption } from '../support/tls-evidence.ts'

const now = Date.now()
const hour = 3_600_000
const root = makeAuthority({ commonName: 'Root', pathLength: null })
const middle = makeIntermediate(root)
const server = makeServer(root)
const alice = makeLeaf(root, { xmppAddrs: ['alice@localhost'] })
const deep = makeLeaf(middle, { commonName: 'bob', xmppAddrs: ['bob@localhost'] })

const textOf = ({ der }: Pick<TestCertificate, 'der'>): string => Buffer.from(der).toString('latin1')
const kindOf = (verdict: CertificateVerdict | null) => verdict?.kind ?? null

describe('what the session of a connection tells', () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const [what, client] of [['P-256', [alice]], ['RSA', [makeLeaf(root, { key: 'rsa2048' })]], ['Ed25519', [makeLeaf(root, { key: 'ed25519' })]], ['a chain', [deep, middle]]] as const) {
      test(`${maxVersion}, ${what}: the certificate that OpenSSL verified`, async () => {
        const [shown, verified] = await learntFromHandshake({ server, authorities: [root], client, maxVersion },
          socket => [shownCertificate(socket), socket.getPeerX509Certificate()?.raw.toString('latin1')])
        assert.equal(shown, textOf(client[0]))
        assert.equal(shown, verified)
      })
    }
    test(`${maxVersion}, without a certificate: nothing`, async () => {
      assert.equal(await learntFromHandshake({ server, authorities: [root], client: [], maxVersion }, shownCertificate), null)
    })
  }
  test('of a resumed session, nothing: its certificate was verified at another time (external.md §1)', async () => {
    const told = await learntFromResumption({ server, authorities: [root], client: [alice] }, socket => [socket.isSessionReused(), shownCertificate(socket)])
    assert.deepEqual(told, [true, null])
  })
  test('of what is cut short, nothing; and what is bent is no error, only a certificate that nobody has', async () => {
    const session = await learntFromHandshake({ server, authorities: [root], client: [alice] }, socket => Buffer.from(socket.getSession() ?? []))
    assert.equal(certificateIn(session), textOf(alice))
    const start = session.indexOf(alice.der)
    assert.ok(start > 0)
    for (let length = 0; length < session.length; length++) assert.equal(certificateIn(session.subarray(0, length)), null)
    for (let at = 0; at < start; at++) {
      for (const bits of [0x01, 0x20, 0x80, 0xff]) {
        const bent = Buffer.from(session)
        bent[at] = (bent[at] ?? 0) ^ bits
        const read = certificateIn(bent)
        assert.ok(read === null || bent.includes(Buffer.from(read, 'latin1')))
      }
    }
  })
})

describe('whom Trust recognises', () => {
  test('nobody before a close look; then everybody whom that accepted, by their own certificate alone', () => {
    const trust = trustIn([root])
    assert.deepEqual([alice, deep].map(leaf => trust.recognise(textOf(leaf), now)), [null, null])
    for (const evidence of [verifiedEvidence(alice), verifiedEvidence(deep, middle)]) assert.equal(trust.judgeConnection(evidence, now).kind, 'accepted')
    for (const leaf of [alice, deep]) {
      const verdict = trust.recognise(textOf(leaf), now)
      assert.deepEqual(verdict?.kind === 'accepted' && verdict.certificate.xmppAddrs, leaf === alice ? ['alice@localhost'] : ['bob@localhost'])
    }
    assert.equal(trust.recognise(textOf(makeLeaf(root, { xmppAddrs: ['alice@localhost'] })), now), null)
  })
  test('nobody who is out of date, was revoked, or whose authority was removed', async () => {
    const trust = trustIn([root])
    trust.judgeConnection(verifiedEvidence(alice), now)
    const seen = () => kindOf(trust.recognise(textOf(alice), now))
    assert.equal(seen(), 'accepted')
    assert.equal(trust.recognise(textOf(alice), now + 1_000 * hour * 24 * 365), null)
    trust.replace(materialOf([root], await listsOf([writeList(root, { revoked: [alice] })])))
    assert.equal(seen(), null)
    trust.replace(materialOf([root], await listsOf([writeList(root)])))
    assert.equal(seen(), 'accepted')
    trust.replace(materialOf([makeAuthority({ commonName: 'Other' })]))
    assert.equal(seen(), null)
  })
  test('nobody who was refused, nobody whom a proxy told of, and none who signed for himself', () => {
    const trust = trustIn([root], 'selfsigned_peer')
    const self = makeSelfSigned({ commonName: 'alice' })
    const expired = makeLeaf(root, { notBefore: now - 2 * hour, notAfter: now - hour })
    trust.judgeConnection({ chain: [self.der], authorized: false, authorizationError: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, now)
    trust.judgeConnection(verifiedEvidence(expired), now)
    assert.equal(trust.judgeChain([deep.der, middle.der], now).kind, 'accepted')
    assert.deepEqual([self, expired, deep].map(leaf => trust.recognise(textOf(leaf), now)), [null, null, null])
  })
  test('nobody where certificates mean nothing', () => {
    const trust = trustIn([root], 'none')
    trust.judgeConnection(verifiedEvidence(alice), now)
    assert.equal(trust.recognise(textOf(alice), now), null)
  })
})
