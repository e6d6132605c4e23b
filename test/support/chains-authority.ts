// Chains whose point is an authority in them: whether it may issue, for what, and its form.
import { authorityKeyIdentifier, extension, keyIdentifierOf, nameOf, subjectAltNames, subjectKeyIdentifier, writeName,
  xmppAddrName } from '../../src/x509/certificate-writer.ts'
import { boolean, encode, implicit, integer, sequence } from '../../src/x509/der-writer.ts'
import { oid } from '../../src/x509/object-identifiers.ts'
import { unknownExtension } from './certificates.ts'
import type { TestKey } from './certificates.ts'
import { chain, though } from './chain.ts'
import type { Chain, Expected } from './chain.ts'
import { caConstraints, hour, keyOf, longSerial, makeClient, makeIntermediate, makeRoot, negativeSerial } from './chain-maker.ts'
import type { Bent } from './chain-maker.ts'

const shape = 'we refuse what RFC 5280 forbids and openssl reads past'
const unlimited = 'openssl asks for no strength at its default level'
const limited = 'constraints that are not applied here refuse the path'

export function authorityChains(): readonly Chain[] {
  return [...intermediates(), ...roots(), ...kinds()]
}

function intermediates(): readonly Chain[] {
  const root = makeRoot('Root')
  const rsaRoot = makeRoot('RSA root', { kind: 'rsa2048' })
  const bend = (what: string, bent: Parameters<typeof makeIntermediate>[2], expected: Expected, expectedLenient: Expected = expected,
    issuer = root) => {
    const middle = makeIntermediate('Bent', issuer, bent)
    return chain(`an intermediate with ${what}`, expected,
      { sent: [makeClient(middle), middle], anchors: [issuer], authorities: [issuer, middle], expectedLenient })
  }
  const more = (...extensions: readonly Uint8Array[]): Bent => ({ more: extensions })
  const versionOf = (version: 1 | 3): Bent => ({ version })
  const onlySigns = makeIntermediate('No lists', root, { keyUsage: ['keyCertSign'] })
  return [
    bend('no basicConstraints', { constraints: null }, 'untrusted'),
    bend('basicConstraints of no authority', { constraints: extension(oid.basicConstraints, true, sequence()) }, 'untrusted'),
    bend('basicConstraints that are not critical', { constraints: caConstraints(undefined, false) }, 'not-verified', 'accepted'),
    bend('basicConstraints that say true otherwise', { constraints: extension(oid.basicConstraints, true, sequence(encode(1,
      Uint8Array.of(1)))) },
      though('malformed', 'openssl reads BER')),
    bend('a negative path length', { constraints: extension(oid.basicConstraints, true, sequence(boolean(true), encode(2,
      Uint8Array.of(0xff)))) }, 'malformed'),
    bend('no keyCertSign', { keyUsage: ['digitalSignature', 'cRLSign'] }, 'untrusted'),
    bend('no key usage', { keyUsage: null }, 'not-verified', 'accepted'),
    bend('purposes of a server', { purposes: [oid.serverAuth] }, 'wrong-purpose'),
    bend('purposes of a client', { purposes: [oid.clientAuth] }, 'accepted'),
    bend('any purpose, not spelt out', { purposes: ['2.5.29.37.0'] }, 'wrong-purpose'),
    bend('an unknown critical extension', more(unknownExtension(true)), 'unknown-critical-extension'),
    bend('an unknown extension', more(unknownExtension(false)), 'accepted'),
    bend('an unknown extension twice', more(unknownExtension(false), unknownExtension(false)), though('malformed', shape)),
    bend('its key identifier twice', more(subjectKeyIdentifier(keyOf('Bent'))), 'malformed'),
    bend('a broken key identifier', { ownKeyIdentifier: extension(oid.subjectKeyIdentifier, false, integer(1)) }, 'malformed'),
    bend('no key identifier', { ownKeyIdentifier: null }, 'not-verified', 'accepted'),
    bend('no authority key identifier', { issuerKeyIdentifier: null }, 'not-verified', 'accepted'),
    bend('version 1', versionOf(1), 'untrusted'),
    bend('no subject', { subject: writeName([]) }, 'not-verified', 'accepted'),
    bend('no subject, only critical names', { subject: writeName([]), altNames: subjectAltNames([xmppAddrName('example.org')], true) },
      'not-verified', 'accepted'),
    bend('a negative serial number', { serialNumber: negativeSerial() }, though('not-verified', shape), 'accepted'),
    bend('a serial number of 21 octets', { serialNumber: longSerial(21) }, though('not-verified', shape), 'accepted'),
    bend('an XMPP address', { altNames: subjectAltNames([xmppAddrName('example.org')]) }, 'accepted'),
    bend('policy constraints', more(extension(oid.policyConstraints, true, sequence(implicit(0, Uint8Array.of(0))))),
      though('not-verified', limited)),
    bend('an inhibited anyPolicy', more(extension(oid.inhibitAnyPolicy, true, integer(0))), 'accepted'),
    bend('a constraint on IP addresses', more(extension(oid.ipAddressBlocks, false, sequence())), though('not-verified', limited)),
    bend('broken name constraints', more(extension(oid.nameConstraints, true, integer(1))), 'not-verified'),
    bend('RSA-1024', { kind: 'rsa1024' }, though('weak-key', unlimited)),
    bend('P-224', { kind: 'p224' }, though('weak-key', unlimited)),
    bend('a signature of SHA-1', { signature: 'sha1' }, though('not-verified', unlimited), undefined, rsaRoot),
    bend('a signature of SHA-512', { signature: 'sha512' }, 'accepted', 'accepted', rsaRoot),
    bend('dates to come', { notBefore: Date.now() + hour }, 'untrusted'),
    chain('an intermediate that may not sign revocation lists', 'not-verified',
      { sent: [makeClient(onlySigns), onlySigns], anchors: [root], authorities: [root, onlySigns] }),
    chain('an intermediate that may not sign revocation lists, and none are asked for', 'accepted',
      { sent: [makeClient(onlySigns), onlySigns], anchors: [root], lists: null }),
    ...altered(),
  ]
}

function altered(): readonly Chain[] {
  const root = makeRoot('Root')
  const forger = makeRoot('Root', { key: keyOf('forger'), ownKeyIdentifier: subjectKeyIdentifier(root.key) })
  const middle = makeIntermediate('Middle', forger, { issuerKeyIdentifier: authorityKeyIdentifier(keyIdentifierOf(root.key)) })
  const good = makeIntermediate('Middle', root)
  const turned = Buffer.from(good.der)
  turned[turned.length - 1] = turned.at(-1)! ^ 1
  const all = { anchors: [root], authorities: [root, good] }
  return [
    chain('an intermediate with a bit of its signature turned', 'untrusted', { ...all, sent: [makeClient(good), turned] }),
    chain('an intermediate that another key signed in the root\'s name', 'untrusted',
      { ...all, sent: [makeClient(middle), middle], lists: null }),
    chain('an intermediate of a root that borrows name and key identifier', 'untrusted',
      { ...all, sent: [makeClient(middle), middle, forger], lists: null }),
  ]
}

function roots(): readonly Chain[] {
  const bend = (what: string, bent: Parameters<typeof makeRoot>[1], expected: Expected, expectedLenient: Expected = expected) => {
    const root = makeRoot('Bent root', bent)
    return chain(`a root with ${what}`, expected, { sent: [makeClient(root)], anchors: [root], expectedLenient })
  }
  return [
    bend('no key usage', { keyUsage: null }, 'not-verified', 'accepted'),
    bend('no keyCertSign', { keyUsage: ['cRLSign'] }, 'untrusted'),
    bend('no basicConstraints', { constraints: null }, 'untrusted', though('untrusted', 'openssl takes key usage for it')),
    bend('no basicConstraints, no key usage', { constraints: null, keyUsage: null }, 'untrusted'),
    bend('basicConstraints that are not critical', { constraints: caConstraints(undefined, false) }, 'not-verified', 'accepted'),
    bend('basicConstraints of no authority', { constraints: extension(oid.basicConstraints, true, sequence()) }, 'untrusted'),
    bend('version 1', { version: 1 }, 'untrusted', 'accepted'),
    bend('no key identifier', { ownKeyIdentifier: null }, 'not-verified', 'accepted'),
    bend('purposes of a server', { purposes: [oid.serverAuth] }, 'wrong-purpose'),
    bend('an unknown critical extension', { more: [unknownExtension(true)] }, 'unknown-critical-extension'),
    bend('name constraints', { more: [extension(oid.nameConstraints, true, sequence(encode(0xa0, sequence(implicit(2,
      Buffer.from('example.org'))))))] },
      though('not-verified', limited)),
    bend('a negative serial number', { serialNumber: negativeSerial() }, 'accepted'),
    bend('a signature of SHA-1, which proves nothing anyway', { kind: 'rsa2048', signature: 'sha1' }, 'accepted'),
    bend('RSA-1024', { kind: 'rsa1024' }, though('weak-key', unlimited)),
    bend('a common name that cannot be read', { subject: writeName([[oid.commonName, encode(0x14, Buffer.of(0x4d, 0xfc, 0x6e))]]) },
      'accepted'),
    bend('no name', { subject: writeName([]) }, 'not-verified', 'accepted'),
    bend('another name that is spelt otherwise as issuer', { subject: nameOf('Bent root'), issuerName: nameOf('bent ROOT') }, 'accepted'),
  ]
}

/** Every kind of key as root, intermediate and leaf. */
function kinds(): readonly Chain[] {
  return (['p384', 'p521', 'ed25519', 'rsa2048', 'rsa-pss'] as const satisfies readonly TestKey[]).map(kind => {
    const root = makeRoot('Kind root', { kind })
    const middle = makeIntermediate('Kind intermediate', root, { kind })
    return chain(`keys of ${kind} throughout`, 'accepted', { sent: [makeClient(middle,
      { kind }), middle], anchors: [root], authorities: [root, middle] })
  })
}
