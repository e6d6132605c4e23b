// Chains whose point is the leaf: what it is for, its form, its bytes.
import { extension, keyUsageExtension, nameOf, otherName, subjectAltNames, writeName,
  xmppAddrName } from '../../src/x509/certificate-writer.ts'
import { bitString, boolean, encode, implicit, integer, namedBits, nothing, objectIdentifier, octetString, sequence,
  utf8String } from '../../src/x509/der-writer.ts'
import { oid } from '../../src/x509/object-identifiers.ts'
import { unknownExtension } from './certificates.ts'
import { chain, though } from './chain.ts'
import type { Chain, Expected } from './chain.ts'
import { caConstraints, hour, keyOf, longSerial, makeClient, makeIntermediate, makeRoot, negativeSerial } from './chain-maker.ts'
import type { Bent, Made } from './chain-maker.ts'

const anyExtendedKeyUsage = '2.5.29.37.0'
const shape = 'we refuse what RFC 5280 forbids and openssl reads past'

export function leafChains(): readonly Chain[] {
  const root = makeRoot('Root')
  const middle = makeIntermediate('Middle', root)
  const bend = (what: string, bent: Parameters<typeof makeClient>[1], expected: Expected, expectedLenient: Expected = expected) =>
    chain(`a leaf with ${what}`, expected, { sent: [makeClient(middle, bent), middle], anchors: [root], authorities: [root, middle],
      expectedLenient })
  const more = (...extensions: readonly Uint8Array[]): Bent => ({ more: extensions })
  return [
    ...(['p256', 'p384', 'p521', 'ed25519', 'rsa2048', 'rsa-pss'] as const).map(kind => bend(`a key of ${kind}`, { kind }, 'accepted')),
    bend('a key of RSA-1024', { kind: 'rsa1024' }, though('weak-key', 'openssl asks for no key size at its default level')),
    bend('a key of P-224', { kind: 'p224' }, though('weak-key', 'openssl asks for no key size at its default level')),
    bend('no key usage and no purposes', { keyUsage: null, purposes: null }, 'accepted'),
    bend('purposes of a server', { purposes: [oid.serverAuth] }, 'wrong-purpose'),
    bend('purposes of both', { purposes: [oid.serverAuth, oid.clientAuth] }, 'accepted'),
    bend('any purpose, not spelt out', { purposes: [anyExtendedKeyUsage] }, 'wrong-purpose'),
    bend('an empty list of purposes', { purposes: [] }, 'wrong-purpose'),
    bend('a key for encipherment', { keyUsage: ['keyEncipherment'] }, 'wrong-purpose'),
    bend('a key for agreement', { keyUsage: ['keyAgreement'] }, though('wrong-purpose',
      'it could not sign a handshake (RFC 8446 §4.4.2.2)')),
    bend('an empty key usage', { keyUsage: [] }, 'wrong-purpose'),
    bend('a key that may also issue', { keyUsage: ['digitalSignature', 'keyCertSign'] }, 'not-verified', 'accepted'),
    bend('a key that may also issue, and basicConstraints that say no', { keyUsage: ['digitalSignature', 'keyCertSign'],
      constraints: extension(oid.basicConstraints, true, sequence()) }, 'not-verified', 'accepted'),
    bend('basicConstraints of an authority', { constraints: caConstraints(), keyUsage: ['digitalSignature', 'keyCertSign'] }, 'accepted'),
    bend('empty basicConstraints', { constraints: extension(oid.basicConstraints, true, sequence()) }, 'accepted'),
    bend('a path length though it is none', { constraints: extension(oid.basicConstraints, true, sequence(integer(0))) }, 'not-verified',
      'accepted'),
    bend('broken basicConstraints', { constraints: extension(oid.basicConstraints, true, sequence(boolean(true), integer(0), integer(0))) },
      'malformed'),
    bend('a negative path length', { constraints: extension(oid.basicConstraints, true, sequence(boolean(true), encode(2,
      Uint8Array.of(0xff)))) },
      'malformed'),
    bend('an unknown critical extension', more(unknownExtension(true)), 'unknown-critical-extension'),
    bend('an unknown extension', more(unknownExtension(false)), 'accepted'),
    bend('an unknown extension twice', more(unknownExtension(false), unknownExtension(false)), though('malformed', shape)),
    bend('key usage twice', more(keyUsageExtension('digitalSignature')), 'malformed'),
    bend('a key usage that is a string', { keyUsage: null, more: [extension(oid.keyUsage, true, octetString(Uint8Array.of(1)))] },
      'malformed'),
    bend('a broken list of names', { altNames: extension(oid.subjectAltName, false, sequence(integer(1))) }, 'malformed'),
    bend('a broken authority key identifier', { issuerKeyIdentifier: extension(oid.authorityKeyIdentifier, false, integer(1)) },
      'malformed'),
    bend('broken distribution points', more(extension(oid.crlDistributionPoints, false, integer(1))), 'untrusted'),
    bend('a proxy\'s certificate', more(extension(oid.proxyCertInfo, false, sequence(sequence(objectIdentifier('1.3.6.1.5.5.7.21.1'))))),
      'not-verified'),
    bend('Netscape\'s type of a server', more(extension(oid.netscapeCertificateType, false, namedBits([1]))), 'wrong-purpose'),
    bend('Netscape\'s type of a client', more(extension(oid.netscapeCertificateType, false, namedBits([0, 2]))), 'accepted'),
    bend('Netscape\'s type of a client and an authority', {
      keyUsage: null, more: [extension(oid.netscapeCertificateType, false, namedBits([0, 5]))] }, 'not-verified', 'accepted'),
    bend('no authority key identifier', { issuerKeyIdentifier: null }, 'not-verified', 'accepted'),
    bend('no subject key identifier', { ownKeyIdentifier: null }, 'accepted'),
    bend('an empty subject and critical names', { subject: writeName([]), altNames: subjectAltNames([xmppAddrName('alice@localhost')],
      true) }, 'accepted'),
    bend('an empty subject and names that are not critical', { subject: writeName([]) }, 'not-verified', 'accepted'),
    bend('an empty subject and no names', { subject: writeName([]), altNames: null }, 'not-verified', 'accepted'),
    bend('an empty list of names', { altNames: subjectAltNames([]) }, 'not-verified', 'accepted'),
    bend('a malformed xmppAddr', { altNames: subjectAltNames([otherName(oid.xmppAddr, utf8String('alice@localhost/phone'))]) },
      though('malformed-xmppaddr', 'openssl knows nothing of XMPP addresses')),
    bend('a common name that holds NUL', { subject: nameOf('alice\0.example') }, though('malformed', 'two readers could see two names')),
    bend('a negative serial number', { serialNumber: negativeSerial() }, though('not-verified', shape), 'accepted'),
    bend('the serial number zero', { serialNumber: integer(0) }, though('not-verified', shape), 'accepted'),
    bend('a serial number of 20 octets', { serialNumber: longSerial(20) }, 'accepted'),
    bend('a serial number of 21 octets', { serialNumber: longSerial(21) }, though('not-verified', shape), 'accepted'),
    bend('dates to come', { notBefore: Date.now() + hour, notAfter: Date.now() + 2 * hour }, 'not-yet-valid'),
    bend('dates that are over', { notBefore: Date.now() - 2 * hour, notAfter: Date.now() - hour }, 'expired'),
    bend('an end before its beginning', { notBefore: Date.now() + hour, notAfter: Date.now() - hour }, 'expired'),
    bend('dates that are over, and the wrong purpose', { notAfter: Date.now() - hour, purposes: [oid.serverAuth] }, 'wrong-purpose'),
    bend('name constraints', more(extension(oid.nameConstraints, true, sequence(encode(0xa0, sequence(implicit(2,
      Buffer.from('example.org'))))))),
      though('not-verified', 'only authorities may have them (RFC 5280 §4.2.1.10)')),
    ...bytes(middle, root), ...others(middle, root),
  ]
}

function others(middle: Made, root: Made): readonly Chain[] {
  const all = { anchors: [root], authorities: [root, middle] }
  const signer = makeClient(middle, { key: keyOf('leaf that signs') })
  const boldSigner = makeClient(middle, { key: keyOf('leaf that signs'), constraints: caConstraints() })
  const plain = makeClient(middle, { key: keyOf('leaf that signs'), keyUsage: null })
  return [
    chain('a leaf that a leaf signed', 'untrusted', { ...all, sent: [makeClient(signer), signer, middle], lists: null }),
    chain('a leaf that a leaf without key usage signed', 'untrusted', { ...all, sent: [makeClient(plain), plain, middle], lists: null }),
    chain('a leaf that a leaf signed which calls itself an authority', 'untrusted',
      { ...all, sent: [makeClient(boldSigner), boldSigner, middle], lists: null }),
    chain('a leaf of version 1', 'accepted', { ...all, sent: [makeClient(middle, { version: 1 }), middle] }),
    chain('a leaf of version 3 without extensions', 'not-verified',
      { ...all, sent: [makeClient(middle, bare), middle], expectedLenient: 'accepted' }),
  ]
}

const bare = { keyUsage: null, purposes: null, altNames: null, ownKeyIdentifier: null, issuerKeyIdentifier: null } satisfies Bent

/** Changes to the finished bytes. */
function bytes(middle: Made, root: Made): readonly Chain[] {
  const good = Buffer.from(makeClient(middle).der)
  const rsaMiddle = makeIntermediate('RSA', root, { kind: 'rsa2048' })
  const all = { anchors: [root], authorities: [root, middle, rsaMiddle] }
  const flip = (at: number) => Buffer.from(good.map((octet, index) => index === at ? octet ^ 1 : octet))
  const name = good.indexOf('alice@localhost')
  const indefinite = Buffer.concat([Buffer.of(0x30, 0x80), good.subarray(4), Buffer.of(0, 0)])
  const sha512 = sequence(objectIdentifier(oid.sha512WithRsa), nothing())
  const oldHash = (signature: 'sha1' | 'sha224' | 'md5' | 'pss-sha1') => ({ ...all, sent: [makeClient(rsaMiddle,
    { signature }), rsaMiddle] })
  const weakHash = 'openssl asks for no strength of a hash at its default level'
  return [
    chain('a leaf with another name written over its own', 'untrusted', { ...all, sent: [flip(name), middle] }),
    chain('a leaf with a bit of its signature turned', 'untrusted', { ...all, sent: [flip(good.length - 1), middle] }),
    chain('a leaf with bytes after its end', though('malformed', 'openssl stops reading at the end of the certificate'),
      { ...all, sent: [Buffer.concat([good, Buffer.of(0)]), middle] }),
    chain('a leaf of indefinite length', though('malformed', 'openssl reads BER'), { ...all, sent: [indefinite, middle] }),
    chain('a leaf cut short', 'malformed', { ...all, sent: [good.subarray(0, -1), middle] }),
    chain('a leaf that is nothing', 'malformed', { ...all, sent: [new Uint8Array(0), middle] }),
    chain('a leaf whose algorithms disagree', 'malformed', { ...all, sent: [makeClient(rsaMiddle,
      { outerAlgorithm: sha512 }), rsaMiddle] }),
    chain('a leaf with an empty signature', 'malformed', { ...all, sent: [sequence(integer(1), sequence(), bitString(new Uint8Array(0))),
      middle] }),
    chain('something that cannot be read in the chain', though('malformed', 'openssl needed nothing of it'),
       { ...all, sent: [good, middle, Buffer.from('30030201', 'hex')] }),
    chain('a leaf signed with ECDSA and SHA-1', though('not-verified', weakHash),
      { ...all, sent: [makeClient(middle, { signature: 'sha1' }), middle] }),
    chain('a leaf signed with ECDSA and SHA-224', though('not-verified', weakHash),
      { ...all, sent: [makeClient(middle, { signature: 'sha224' }), middle] }),
    chain('a leaf signed with SHA-1', though('not-verified', weakHash), oldHash('sha1')),
    chain('a leaf signed with SHA-224', though('not-verified', weakHash), oldHash('sha224')),
    chain('a leaf signed with MD5', though('not-verified', weakHash), oldHash('md5')),
    chain('a leaf signed with RSA-PSS and SHA-1', though('not-verified', weakHash), oldHash('pss-sha1')),
    chain('a leaf signed with RSA-PSS by a plain RSA key', 'accepted',
      { ...all, sent: [makeClient(rsaMiddle, { signature: 'pss-sha256' }), rsaMiddle] }),
  ]
}
