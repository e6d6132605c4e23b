// Certificates read from their DER: identities (external.md §3) and the lines of bad-input.md "Certificates" that are about reading.
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import { CertificateError, readCertificate } from '../../src/x509/certificate.ts'
import { dnsName, extension, otherName, writeName } from '../../src/x509/certificate-writer.ts'
import { bmpString, encode, explicit, implicit, objectIdentifier, octetString, sequence, utf8String } from '../../src/x509/der-writer.ts'
import { tag } from '../../src/x509/der.ts'
import { oid } from '../../src/x509/object-identifiers.ts'
import { selfSignatureFaultOf } from '../../src/x509/self-signature.ts'
import { makeAuthority, makeLeaf, makeSelfSigned, nestedSequences, subjectOf, unknownExtension } from '../support/certificates.ts'
import type { TestKey, TestLeafOptions } from '../support/certificates.ts'

const ca = makeAuthority()
const read = (options: TestLeafOptions) => readCertificate(makeLeaf(ca, options).der)
const withAltNames = (...altNames: Uint8Array[]) => read({ altNames })
const xmppAddrOf = (value: Uint8Array) => otherName(oid.xmppAddr, value)

test('a certificate is read into plain data that agrees with OpenSSL', () => {
  const { der } = makeLeaf(ca, { commonName: 'Alice', xmppAddrs: ['alice@localhost'] })
  const certificate = readCertificate(der)
  const openssl = new X509Certificate(der)
  assert.deepEqual(certificate, {
    fingerprint256: openssl.fingerprint256.replaceAll(':', '').toLowerCase(), serialNumber: certificate.serialNumber,
    subject: 'CN=Alice', issuer: 'CN=Test CA', commonNames: ['Alice'], notBefore: openssl.validFromDate.getTime(),
      notAfter: openssl.validToDate.getTime(),
    xmppAddrs: ['alice@localhost'], emailAddrs: [], malformed: null, isSelfIssued: false, isAuthority: false,
    keyUsage: ['digitalSignature'], extendedKeyUsages: [oid.clientAuth], unknownCriticalExtensions: [], keyKind: 'ec', keyBits: 256,
  })
  assert.equal(BigInt(`0x${certificate.serialNumber}`), BigInt(`0x${openssl.serialNumber}`))
})

describe('xmppAddr (RFC 6120 §13.7.1.4)', () => {
  test('every otherName of id-on-xmppAddr counts, prepared, duplicates once, other names not at all', () => {
    const certificate = read({ xmppAddrs: ['alice@localhost', 'ALICE@LocalHost', 'bob@example.org'], altNames: [dnsName('carol.example.org'),
      implicit(1, Buffer.from('dave@example.org')), otherName('1.3.6.1.4.1.311.20.2.3', utf8String('erin@example.org'))] })
    assert.deepEqual(certificate.xmppAddrs, ['alice@localhost', 'bob@example.org'])
    assert.equal(certificate.malformed, null)
  })
  test('a Cyrillic look-alike is another user', () => {
    const lookAlike = '\u{430}lice@localhost'
    assert.deepEqual(read({ xmppAddrs: [lookAlike, 'alice@localhost'] }).xmppAddrs, [lookAlike, 'alice@localhost'])
  })
  test('a domain alone is kept: never a user, but not malformed, and it keeps the common name out of play', () => {
    const certificate = read({ commonName: 'alice', xmppAddrs: ['localhost'] })
    assert.deepEqual(certificate.xmppAddrs, ['localhost'])
    assert.equal(certificate.malformed, null)
  })
  for (const [what, altName, malformed] of [
    ['a resource', xmppAddrOf(utf8String('alice@localhost/phone')), 'xmppAddr with a resource'],
    ['an empty resource', xmppAddrOf(utf8String('alice@localhost/')), 'xmppAddr that is not an XMPP address'],
    ['a NUL', xmppAddrOf(utf8String('alice@localhost\0.evil.example')), 'xmppAddr with a control character'],
    ['a NUL at the end', xmppAddrOf(utf8String('alice@localhost\0')), 'xmppAddr with a control character'],
    ['a line end', xmppAddrOf(utf8String('alice\n@localhost')), 'xmppAddr with a control character'],
    ['IA5String', xmppAddrOf(encode(tag.ia5String, Buffer.from('alice@localhost'))), 'xmppAddr that is not a UTF8String'],
    ['BMPString', xmppAddrOf(bmpString('alice@localhost')), 'xmppAddr that is not a UTF8String'],
    ['a sequence around it', xmppAddrOf(sequence(utf8String('alice@localhost'))), 'xmppAddr that is not a UTF8String'],
    ['bytes that are not UTF-8', xmppAddrOf(encode(tag.utf8String, Buffer.from('ff40', 'hex'))), 'xmppAddr that is not UTF-8'],
    ['nothing', xmppAddrOf(utf8String('')), 'xmppAddr that is not an XMPP address'],
    ['no JID', xmppAddrOf(utf8String('alice@@localhost')), 'xmppAddr that is not an XMPP address'],
    ['a byte order mark', xmppAddrOf(utf8String('\u{feff}alice@localhost')), 'xmppAddr that is not an XMPP address'],
    ['two values', encode(0xa0, objectIdentifier(oid.xmppAddr), explicit(0, utf8String('a@x')), explicit(0, utf8String('b@x'))),
      'xmppAddr of a wrong structure'],
    ['two strings in its value', encode(0xa0, objectIdentifier(oid.xmppAddr), encode(0xa0, utf8String('a@x'), utf8String('b@x'))),
      'xmppAddr of a wrong structure'],
    ['no value', encode(0xa0, objectIdentifier(oid.xmppAddr)), 'xmppAddr of a wrong structure'],
    ['no EXPLICIT tag', encode(0xa0, objectIdentifier(oid.xmppAddr), utf8String('a@x')), 'xmppAddr of a wrong structure'],
  ] as const) {
    test(`one with ${what} spoils the whole certificate, whatever else is in it`, () => {
      assert.equal(withAltNames(altName).malformed, malformed)
      assert.equal(read({ xmppAddrs: ['bob@localhost'], altNames: [altName] }).malformed, malformed)
    })
  }
  test('an identifier that is xmppAddr only modulo 2^32 is none', () => {
    assert.deepEqual(withAltNames(otherName(`1.3.6.1.5.5.7.8.${2n ** 32n + 5n}`, utf8String('alice@localhost'))).xmppAddrs, [])
  })
  test('10,000 of them are read in linear time', () => {
    const certificateOf = (count: number) => makeLeaf(ca, { xmppAddrs: Array.from({ length: count }, (_, i) => `user${i}@localhost`) }).der
    const [small, large] = [certificateOf(1_000), certificateOf(10_000)]
    const timeOf = (der: Uint8Array) => Math.min(...[1, 2, 3].map(() => {
      const start = performance.now()
      readCertificate(der)
      return performance.now() - start
    }))
    timeOf(large)
    assert.equal(readCertificate(large).xmppAddrs.length, 10_000)
    assert.ok(timeOf(large) < 40 * timeOf(small) + 20)
  })
  test('two subjectAltName extensions spoil the certificate (RFC 5280 §4.2)', () => {
    const again = extension(oid.subjectAltName, false, sequence(xmppAddrOf(utf8String('mallory@localhost'))))
    assert.equal(read({ xmppAddrs: ['alice@localhost'], moreExtensions: [again] }).malformed, 'subjectAltName twice')
  })
  test('a subjectAltName that is no list of names spoils the certificate', () => {
    assert.match(read({ moreExtensions: [extension(oid.subjectAltName, false, octetString(Buffer.from('x')))] }).malformed ?? '',
      /^subjectAltName: /)
  })
})

describe('common names', () => {
  const subject = (...attributes: [string, string][]) => read({ subject: subjectOf(...attributes) })
  test('CN mallory with OU `CN=admin,` has the common name mallory', () => {
    const certificate = subject(['2.5.4.11', 'CN=admin,'], [oid.commonName, 'mallory'])
    assert.deepEqual(certificate.commonNames, ['mallory'])
    assert.equal(certificate.subject, 'CN=mallory,OU=CN\\=admin\\,')
  })
  test('CN `admin, CN=x` is one common name', () => {
    const certificate = subject([oid.commonName, 'admin, CN=x'])
    assert.deepEqual(certificate.commonNames, ['admin, CN=x'])
    assert.equal(certificate.subject, 'CN=admin\\, CN\\=x')
  })
  test('two common names are both reported', () => {
    assert.deepEqual(subject([oid.commonName, 'alice'], [oid.commonName, 'bob']).commonNames, ['alice', 'bob'])
  })
  test('a common name with NUL spoils the certificate', () => {
    const certificate = subject([oid.commonName, 'alice\0.evil.example'])
    assert.equal(certificate.malformed, 'commonName with a control character')
    assert.deepEqual(certificate.commonNames, [])
    assert.equal(certificate.subject, 'CN=alice\\00.evil.example')
  })
  test('BMPString and PrintableString are decoded; T.61 beyond ASCII, which has two readings, spoils the certificate', () => {
    const of = (value: Uint8Array) => read({ subject: writeName([[oid.commonName, value]]) })
    assert.deepEqual(of(bmpString('Zoë')).commonNames, ['Zoë'])
    assert.deepEqual(of(encode(tag.printableString, Buffer.from('Zoe'))).commonNames, ['Zoe'])
    assert.deepEqual(of(encode(tag.teletexString, Buffer.from('Zoe'))).commonNames, ['Zoe'])
    assert.equal(of(encode(tag.teletexString, Buffer.from('Zo\u{eb}', 'latin1'))).malformed, 'commonName that cannot be decoded')
  })
  test('what could disturb a log or a page is escaped in the text (RFC 4514 §2.4)', () => {
    const certificate = subject(['2.5.4.10', ' #a"+,;<>\\\u{202e}\r\n '], ['1.2.3.4', 'x'])
    assert.equal(certificate.subject, '1.2.3.4=x,O=\\ #a\\"\\+\\,\\;\\<\\>\\\\\\E2\\80\\AE\\0D\\0A\\ ')
  })
  test('the text is bounded, however long the name', () => {
    assert.ok(subject(['2.5.4.10', 'x'.repeat(50_000)]).subject.length <= 513)
  })
})

describe('what is no certificate', () => {
  const { der } = makeLeaf(ca, { xmppAddrs: ['alice@localhost'] })
  const refuses = (bytes: Uint8Array) => assert.throws(() => readCertificate(bytes), CertificateError)
  test('trailing bytes, empty input, text, PEM and other DER are refused', () => {
    refuses(Buffer.concat([der, Buffer.alloc(1)]))
    refuses(Buffer.alloc(0))
    refuses(Buffer.from('certificate'))
    refuses(Buffer.from(ca.certificatePem))
    refuses(sequence())
    refuses(sequence(sequence(), sequence(), encode(tag.bitString, Buffer.alloc(1))))
  })
  test('indefinite length is refused', () => {
    refuses(Buffer.concat([Buffer.from([0x30, 0x80]), der.subarray(4), Buffer.alloc(2)]))
  })
  test('two signature algorithms that differ are refused (RFC 5280 §4.1.1.2)', () => {
    const changed = Buffer.from(der)
    changed[changed.indexOf(Buffer.from('2a8648ce3d0403', 'hex')) + 7] = 3
    refuses(changed)
  })
  test('DER nested 20,000 deep inside an extension does not crash: the extension is refused or not looked at', () => {
    const nested = nestedSequences(20_000)
    assert.match(read({ moreExtensions: [extension(oid.subjectAltName, false, nested)] }).malformed ?? '', /nested deeper/)
    assert.equal(read({ moreExtensions: [extension('1.2.3', false, nested)] }).malformed, null)
  })
})

describe('keys and purposes', () => {
  for (const [key, keyKind, keyBits] of [['p256', 'ec', 256], ['p384', 'ec', 384], ['p521', 'ec', 521], ['p224', 'ec', 0], ['ed25519',
    'ed25519', 256],
    ['rsa2048', 'rsa', 2048], ['rsa1024', 'rsa', 1024], ['rsa-pss', 'rsa-pss', 2048]] as const satisfies readonly (readonly [TestKey,
      string, number])[]) {
    test(`${key} leaves are read, also as signers of themselves`, () => {
      const { der } = makeSelfSigned({ key, commonName: 'x' })
      const certificate = readCertificate(der)
      assert.deepEqual([certificate.keyKind, certificate.keyBits, certificate.isSelfIssued], [keyKind, keyBits, true])
      assert.equal(selfSignatureFaultOf(der), null)
    })
  }
  test('a certificate that names itself as issuer but was signed by another key is not self-signed', () => {
    const impostor = makeLeaf({ ...ca, name: subjectOf([oid.commonName, 'me']) }, { commonName: 'me' })
    assert.equal(readCertificate(impostor.der).isSelfIssued, true)
    assert.equal(selfSignatureFaultOf(impostor.der)?.reason, 'self-signed')
  })
  test('unknown critical extensions are listed, uncritical ones are not', () => {
    assert.deepEqual(read({ moreExtensions: [unknownExtension(true, '1.2.3.4'), unknownExtension(false,
      '1.2.3.5')] }).unknownCriticalExtensions, ['1.2.3.4'])
  })
  test('absent extensions are told from empty ones', () => {
    const bare = read({ keyUsage: null, purposes: null })
    assert.deepEqual([bare.keyUsage, bare.extendedKeyUsages], [null, null])
    const empty = read({ keyUsage: [], purposes: [] })
    assert.deepEqual([empty.keyUsage, empty.extendedKeyUsages], [[], []])
  })
})
