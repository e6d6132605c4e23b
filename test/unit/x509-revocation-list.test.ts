// Revocation lists (RFC 5280 §5): what is read, what is refused as a whole, whose they are, and that reading a long one holds nobody up.
import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { describe, test } from 'node:test'
import { extension } from '../../src/x509/certificate-writer.ts'
import { boolean, encode, integer, namedBits, nothing, objectIdentifier, octetString, sequence, time } from '../../src/x509/der-writer.ts'
import { oid } from '../../src/x509/object-identifiers.ts'
import { readAnchor } from '../../src/x509/path.ts'
import type { PathAuthority } from '../../src/x509/path.ts'
import { readRevocationList, RevocationListError } from '../../src/x509/revocation-list.ts'
import { entriesInOneGo } from '../../src/x509/revoked-serials.ts'
import { makeAuthority, makeKey, makeLeaf } from '../support/certificates.ts'
import type { TestCertificate, TestKey } from '../support/certificates.ts'
import { entryOf, listsOf, type ListOptions, manyEntries, readList, reason, serialNumberOf, writeList } from '../support/revocation-lists.ts'

const now = Date.now()
const hour = 3_600_000
const ca = makeAuthority()
const alice = makeLeaf(ca)
const bob = makeLeaf(ca)
const authorityOf = ({ der }: TestCertificate): PathAuthority => readAnchor(der).authority
const hexOf = (certificate: TestCertificate) => Buffer.from(serialNumberOf(certificate)).subarray(2).toString('hex')

describe('what is read', () => {
  test('who issued it, from when to when, and whom it revokes', async () => {
    const thisUpdate = Math.floor(now / 1_000) * 1_000 - hour
    const list = await readList(writeList(ca, { revoked: [alice], thisUpdate, nextUpdate: thisUpdate + 2 * hour, number: 0x1234 }))
    assert.deepEqual({ ...list.fields, serials: [...['size'] as const].map(key => list.fields.serials[key]) }, {
      issuer: 'CN=Test CA', issuerName: authorityOf(ca).subjectName, keyIdentifier: authorityOf(ca).keyIdentifier, number: '1234',
      thisUpdate, nextUpdate: thisUpdate + 2 * hour, serials: [1],
    })
    assert.deepEqual([alice, bob].map(one => list.fields.serials.has(hexOf(one))), [true, false])
  })
  test('serial numbers are compared octet for octet: of any length, with the sign\'s zero, negative, zero', async () => {
    const odd = ['00', '01', '7f', '0080', 'ff', '80', '00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff', `7f${'11'.repeat(60)}`]
    const list = await readList(writeList(ca, { revoked: odd.filter((_, index) => index % 2 === 0).map(hex => ({ serialNumber: encode(2, Buffer.from(hex, 'hex')) })) }))
    assert.deepEqual(odd.map(hex => list.fields.serials.has(hex)), odd.map((_, index) => index % 2 === 0))
    assert.equal(list.fields.serials.has('000'), false)
    assert.equal(list.fields.serials.has(''), false)
  })
  test('version 1, without extensions, as openssl ca writes it unless it is told otherwise', async () => {
    const list = await readList(writeList(ca, { version: null, extensions: null, revoked: [alice] }))
    assert.deepEqual([list.fields.keyIdentifier, list.fields.number, list.fields.serials.size], [null, null, 1])
    assert.ok(list.isOf(authorityOf(ca)))
  })
  test('nothing revoked, no next update, reasons, dates of invalidity, extensions that are not critical', async () => {
    assert.equal((await readList(writeList(ca))).fields.serials.size, 0)
    const endless = await readList(writeList(ca, { nextUpdate: null }))
    assert.deepEqual([endless.fields.nextUpdate, endless.isOutdated(Number.MAX_SAFE_INTEGER)], [null, false])
    const invalidity = extension('2.5.29.24', true, encode(0x18, Buffer.from('20200101000000Z')))
    const unknown = extension('1.2.3.4', false, octetString(Buffer.of(1)))
    const list = await readList(writeList(ca, { moreExtensions: [unknown], revoked: [entryOf(alice, reason(1)), entryOf(bob, reason(6), invalidity, unknown)] }))
    assert.equal(list.fields.serials.size, 2)
  })
})

const refused: readonly (readonly [what: string, der: () => Uint8Array, message: RegExp])[] = [
  ['a delta list', () => writeList(ca, { moreExtensions: [extension(oid.deltaCrlIndicator, true, integer(1))] }), /a delta list.* Name the complete list/],
  ['a delta list that does not say so critically', () => writeList(ca, { moreExtensions: [extension(oid.deltaCrlIndicator, false, integer(1))] }), /a delta list/],
  ['a list for a part of the certificates', () => writeList(ca, { moreExtensions: [extension(oid.issuingDistributionPoint, true, sequence())] }), /a part of what/],
  ['an indirect list', () => writeList(ca, { revoked: [entryOf(alice, extension('2.5.29.29', true, sequence()))] }), /an indirect list/],
  ['a critical extension that is not known', () => writeList(ca, { moreExtensions: [extension('1.2.3.4', true, octetString(Buffer.of(1)))] }), /critical extension.*1\.2\.3\.4/],
  ['a critical extension of an entry that is not known', () => writeList(ca, { revoked: [entryOf(alice, extension('1.2.3.4', true, octetString(Buffer.of(1))))] }),
    /critical extension.*1\.2\.3\.4/],
  ['an entry that takes another one back', () => writeList(ca, { revoked: [entryOf(alice, reason(8))] }), /removeFromCRL/],
  ['an extension twice', () => writeList(ca, { moreExtensions: [extension(oid.crlNumber, false, integer(2))] }), /twice/],
  ['a list number that is negative', () => writeList(ca, { extensions: [extension(oid.crlNumber, false, encode(2, Buffer.of(0x80)))] }), /list number/],
  ['a list number of 21 octets', () => writeList(ca, { extensions: [extension(oid.crlNumber, false, encode(2, Buffer.alloc(21, 1)))] }), /list number/],
  ['an unknown version', () => writeList(ca, { version: integer(2) }), /unknown version/],
  ['version 1 with extensions', () => writeList(ca, { version: null }), /version 1/],
  ['version 1 with extensions of an entry', () => writeList(ca, { version: null, extensions: null, revoked: [entryOf(alice, reason(1))] }), /version 1/],
  ['two signature algorithms', () => writeList(ca, { outerAlgorithm: sequence(objectIdentifier(oid.ecdsaWithSha384)) }), /two different/],
  ['a signature by SHA-1', () => writeList(ca, { algorithm: sequence(objectIdentifier(oid.ecdsaWithSha1)), digest: 'sha1' }), /too weak/],
  ['a signature algorithm that is not known', () => writeList(ca, { algorithm: sequence(objectIdentifier('1.2.3.4'), nothing()) }), /not known/],
  ['a next update before this one', () => writeList(ca, { nextUpdate: now - 2 * hour }), /before/],
  ['a serial number in more octets than needed', () => writeList(ca, { revoked: [{ serialNumber: encode(2, Buffer.of(0, 1)) }] }), /more octets/],
  ['an empty serial number', () => writeList(ca, { revoked: [{ serialNumber: encode(2) }] }), /serial number/],
  ['an entry without a date', () => writeList(ca, { revoked: [{ serialNumber: integer(1), time: nothing() }] }), /tag 0x5/],
  ['an entry with a broken date', () => writeList(ca, { revoked: [{ serialNumber: integer(1), time: encode(0x17, Buffer.from('20200101000Z')) }] }), /time/],
  ['an entry with something behind', () => writeList(ca, { revoked: [{ serialNumber: integer(1), time: Buffer.concat([time(now), sequence(), nothing()]) }] }), /more than belongs/],
  ['a broken date', () => writeList(ca, { thisUpdate: now, issuerName: Buffer.concat([ca.name, encode(0x17, Buffer.from('991332000000Z'))]) }), /time/],
  ['bytes behind it', () => Buffer.concat([writeList(ca), Buffer.of(0)]), /more than belongs/],
  ['a certificate', () => ca.der, /./],
  ['nothing', () => Buffer.alloc(0), /cut short/],
  ['half of it', () => writeList(ca, { revoked: [alice, bob] }).subarray(0, 120), /longer than what holds it/],
  ['indefinite length', () => Buffer.concat([Buffer.of(0x30, 0x80), writeList(ca), Buffer.of(0, 0)]), /indefinite/],
  ['a signature of odd bits', () => sequence(sequence(), sequence(), namedBits([0])), /not whole octets/],
  ['critical written as something else than true', () => writeList(ca, { moreExtensions: [sequence(objectIdentifier('1.2.3'), encode(1, Buffer.of(1)), octetString(boolean(true)))] }), /boolean/],
]

describe('what is refused as a whole, because it would say less than it seems to', () => {
  for (const [what, der, message] of refused) {
    test(what, async () => {
      await assert.rejects(readList(der()), error => {
        assert.ok(error instanceof RevocationListError, String(error))
        assert.match(error.message, message)
        return true
      })
    })
  }
})

describe('whose it is', () => {
  const isOf = async (options: ListOptions, authority = authorityOf(ca)) => (await readList(writeList(ca, options))).isOf(authority)
  for (const key of ['p256', 'p384', 'ed25519', 'rsa2048'] as const satisfies readonly TestKey[]) {
    test(`his who signed it with ${key}, asked now or later`, async () => {
      const authority = makeAuthority({ key })
      const der = writeList(authority)
      assert.ok((await readList(der)).isOf(authorityOf(authority)))
      const list = await readList(der)
      assert.ok(await list.isOfLater(authorityOf(authority)))
      assert.ok(list.isOf(authorityOf(authority)))
      assert.equal(list.isOf(authorityOf(makeAuthority({ key }))), false)
      const damaged = Buffer.from(der)
      damaged[damaged.length - 1] = damaged.at(-1)! ^ 1
      assert.equal((await readList(damaged)).isOf(authorityOf(authority)), false)
      assert.equal(await (await readList(damaged)).isOfLater(authorityOf(authority)), false)
    })
  }
  test('not of somebody with another name, another key, another key identifier, or a key of another kind', async () => {
    assert.ok(await isOf({}))
    assert.equal(await isOf({ issuerName: makeAuthority({ commonName: 'Other' }).name }), false)
    assert.equal(await isOf({ key: makeKey('p256') }), false)
    assert.equal(await isOf({}, { ...authorityOf(ca), keyIdentifier: 'aa' }), false)
    assert.equal(await isOf({}, { ...authorityOf(ca), publicKey: createPublicKey(makeKey('rsa2048')) }), false)
  })
  test('not where the signature is of another kind than it says, however good it is', async () => {
    assert.equal(await isOf({ algorithm: sequence(objectIdentifier(oid.sha256WithRsa), nothing()) }), false)
  })
  test('not of an authority that may not sign lists (RFC 5280 §4.2.1.3)', async () => {
    assert.equal(await isOf({}, { ...authorityOf(ca), mayCrlSign: false }), false)
  })
  test('a name in other letters is the same name (RFC 5280 §7.1)', async () => {
    assert.ok(await isOf({ issuerName: makeAuthority({ commonName: 'test  ca' }).name }))
  })
})

describe('of several lists of one authority', () => {
  const statusOf = async (ders: readonly Uint8Array[]) => (await listsOf(ders)).statusOf(hexOf(alice), authorityOf(ca), now)
  const older = writeList(ca, { thisUpdate: now - 3 * hour, nextUpdate: now + hour, revoked: [alice] })
  const newer = writeList(ca, { thisUpdate: now - 2 * hour, nextUpdate: now + hour })
  test('the newest counts, in whatever order they come', async () => {
    assert.deepEqual([await statusOf([older, newer]), await statusOf([newer, older]), await statusOf([older])], ['good', 'good', 'revoked'])
  })
  test('of the same moment that with the higher number', async () => {
    const at = { thisUpdate: now - hour }
    const [nine, ten] = [writeList(ca, { ...at, number: 0x90 }), writeList(ca, { ...at, number: 0x100, revoked: [alice] })]
    assert.deepEqual([await statusOf([nine, ten]), await statusOf([ten, nine])], ['revoked', 'revoked'])
  })
  test('one that somebody else signed in the authority\'s name counts for nothing', async () => {
    const forged = writeList(ca, { thisUpdate: now, key: makeKey('p256') })
    assert.equal(await statusOf([older, forged]), 'revoked')
    assert.equal(await statusOf([forged]), 'unavailable')
  })
})

test(`a list of 30,000 entries is read in slices of ${entriesInOneGo}, and others have their turn after each`, async () => {
  const count = 30_000
  const der = writeList(ca, { revoked: manyEntries(count) })
  let turns = 0
  const list = await readRevocationList(der, () => { turns += 1; return Promise.resolve() })
  assert.equal(list.fields.serials.size, count)
  assert.equal(turns, Math.ceil(count / entriesInOneGo))
  assert.ok(entriesInOneGo <= 1_000)
})
