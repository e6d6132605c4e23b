// Chains whose point is which certificates make the path: order, extras, cross-signing, several anchors, length.
import { authorityKeyIdentifier, extension, keyIdentifierOf, nameOf, writeName } from '../../src/x509/certificate-writer.ts'
import { encode, explicit, implicit, integer, sequence } from '../../src/x509/der-writer.ts'
import { tag } from '../../src/x509/der.ts'
import { oid } from '../../src/x509/object-identifiers.ts'
import { chain, though } from './chain.ts'
import type { Chain, Expected } from './chain.ts'
import { caConstraints, hour, keyOf, makeClient, makeIntermediate, makeRoot } from './chain-maker.ts'
import type { Made } from './chain-maker.ts'

const printable = (text: string) => writeName([[oid.commonName, encode(tag.printableString, Buffer.from(text))]])

export function buildingChains(): readonly Chain[] {
  const root = makeRoot('Root')
  const upper = makeIntermediate('Upper', root)
  const lower = makeIntermediate('Lower', upper)
  const leaf = makeClient(lower)
  const direct = makeClient(root)
  const authorities = [root, upper, lower]
  const anchors = [root]
  const other = makeRoot('Other')
  return [
    chain('a leaf of the anchor', 'accepted', { sent: [direct], anchors }),
    chain('two intermediates', 'accepted', { sent: [leaf, lower, upper], anchors, authorities }),
    chain('two intermediates, no revocation lists', 'accepted', { sent: [leaf, lower, upper], anchors, lists: null }),
    chain('in another order', 'accepted', { sent: [leaf, upper, lower], anchors, authorities }),
    chain('with the anchor', 'accepted', { sent: [leaf, root, lower, upper], anchors, authorities }),
    chain('everything twice', 'accepted', { sent: [leaf, lower, upper, root, lower, upper, leaf], anchors, authorities }),
    chain('with certificates that do not belong there', 'accepted',
      { sent: [leaf, other, makeIntermediate('Stray', other), lower, makeClient(other), upper], anchors, authorities }),
    chain('intermediates among the anchors, nothing sent', 'accepted', { sent: [leaf], anchors: [root, upper, lower], authorities }),
    chain('an intermediate missing', 'untrusted', { sent: [leaf, lower], anchors, authorities }),
    chain('the other root', 'untrusted', { sent: [leaf, lower, upper], anchors: [other], authorities: [...authorities, other] }),
    chain('leaf and chain that do not belong together', 'untrusted',
      { sent: [makeClient(other), lower, upper], anchors, authorities: [...authorities, other] }),
    chain('no anchors', 'untrusted', { sent: [leaf, lower, upper, root], anchors: [], authorities }),
    chain('a root that only the client sent', 'untrusted', { sent: [direct, root], anchors: [other], authorities: [root, other] }),
    chain('an intermediate alone is no anchor', 'untrusted', { sent: [leaf], anchors: [lower], authorities }),
    chain('an intermediate is no anchor, whatever is sent', 'untrusted', { sent: [leaf, upper, root], anchors: [lower], authorities }),
    chain('above an anchor nothing that was sent is used', 'untrusted', { sent: [leaf, upper], anchors: [root, lower], authorities }),
    chain('a leaf that is among the anchors is none for that', 'untrusted', { sent: [direct], anchors: [direct], authorities }),
    ...selfSigned(root), ...twins(root, other), ...crossed(root, other), ...lengths(), ...names(root),
  ]
}

function selfSigned(root: Made): readonly Chain[] {
  const own = makeClient(null)
  const authority = makeClient(null, { constraints: caConstraints(), keyUsage: ['digitalSignature', 'keyCertSign', 'cRLSign'] })
  const halfAuthority = makeClient(null, { keyUsage: ['digitalSignature', 'keyCertSign'] })
  const firstVersion = makeClient(null, { version: 1 })
  const old = makeClient(null, { notBefore: Date.now() - 2 * hour, notAfter: Date.now() - hour })
  return [
    chain('a self-signed leaf', 'self-signed', { sent: [own], anchors: [root] }),
    chain('a self-signed leaf sent twice', 'self-signed', { sent: [own, own], anchors: [root] }),
    chain('a self-signed leaf that is an anchor', 'accepted', { sent: [own], anchors: [own], lists: null }),
    chain('a self-signed leaf that is an anchor, without key usage and purposes', 'accepted',
      ownAnchor(makeClient(null, { keyUsage: null, purposes: null, altNames: null, ownKeyIdentifier: null }))),
    chain('a self-signed authority that is an anchor and logs in itself', 'accepted', ownAnchor(authority)),
    chain('a self-signed leaf that is an anchor, and may issue without being an authority', 'not-verified',
      { ...ownAnchor(halfAuthority), expectedLenient: 'accepted' }),
    chain('a self-signed leaf of version 1 that is an anchor', 'not-verified', { ...ownAnchor(firstVersion), expectedLenient: 'accepted' }),
    chain('a self-signed leaf that is an anchor, with its own revocation list', 'accepted', { sent: [authority], anchors: [authority] }),
    chain('a self-signed leaf that is an anchor, without a revocation list', 'not-verified', { sent: [own], anchors: [own], lists: [] }),
    chain('a self-signed leaf that is an expired anchor', 'expired', ownAnchor(old)),
    chain('a self-signed leaf with the name and key identifier of the anchor', 'self-signed',
      { sent: [makeClient(null, { subject: root.name, issuerKeyIdentifier: null, key: keyOf('mimic') })], anchors: [root] }),
    chain('the anchor itself logs in', 'wrong-purpose', { sent: [root], anchors: [root] }),
  ]
}

const ownAnchor = (own: Made) => ({ sent: [own], anchors: [own], lists: null })

function twins(root: Made, other: Made): readonly Chain[] {
  const namesake = makeRoot('Root', { key: keyOf('namesake') })
  const expired = makeRoot('Root', { notBefore: Date.now() - 96 * hour, notAfter: Date.now() - hour })
  const ecTwin = makeRoot('Twin')
  const rsaTwin = makeRoot('Twin', { kind: 'rsa2048' })
  return [
    chain('two anchors of one name: the first issued it', 'accepted', { sent: [makeClient(root)], anchors: [root, namesake] }),
    chain('two anchors of one name: the second issued it', 'accepted', { sent: [makeClient(namesake)], anchors: [root, namesake] }),
    chain('two anchors of one name, told apart by the kind of key', 'accepted',
      { sent: [makeClient(rsaTwin)], anchors: [ecTwin, rsaTwin] }),
    chain('two anchors of one name, told apart by the kind of key alone', 'not-verified',
      { sent: [makeClient(rsaTwin, { issuerKeyIdentifier: null })], anchors: [ecTwin, rsaTwin], expectedLenient: 'accepted' }),
    chain('an anchor of the right name and the wrong key', 'untrusted',
      { sent: [makeClient(namesake)], anchors: [root], authorities: [root, namesake] }),
    chain('a renewed anchor beside the expired one', 'accepted',
      { sent: [makeClient(root)], anchors: [expired, root], authorities: [root] }),
    chain('an expired anchor', 'untrusted', { sent: [makeClient(root)], anchors: [expired], authorities: [root] }),
    chain('an anchor that is not valid yet', 'untrusted',
      { sent: [makeClient(root)], anchors: [makeRoot('Root', { notBefore: Date.now() + hour })], authorities: [root] }),
    chain('a forged anchor of the same name and key identifier is sent along', 'accepted',
      { sent: [makeClient(root), makeRoot('Root', { key: keyOf('forger'), more: [] })], anchors: [root] }),
    chain('an unrelated anchor stands first', 'accepted', { sent: [makeClient(root)], anchors: [other, root] }),
  ]
}

function crossed(root: Made, other: Made): readonly Chain[] {
  const upper = makeIntermediate('Crossed', root)
  const byOther = makeIntermediate('Crossed', other)
  const leaf = makeClient(upper)
  const rootByOther = makeIntermediate('Root', other, { key: root.key })
  const old = makeIntermediate('Crossed', root, { notBefore: Date.now() - 4 * hour, notAfter: Date.now() - hour })
  const newKey = keyOf('rolled over')
  const rolledOver = makeIntermediate('Crossed', upper, { key: newKey })
  const authorities = [root, other, upper]
  const ringA = makeIntermediate('Ring A', { name: nameOf('Ring B'), key: keyOf('Ring B') })
  const ringB = makeIntermediate('Ring B', ringA)
  const wayOut = makeIntermediate('Ring A', root)
  const ring = { sent: [makeClient(ringA), ringA, ringB, wayOut], anchors: [root], authorities: [root, ringA, ringB] }
  return [
    chain('two intermediates that issued each other, with a way out', 'accepted', ring),
    chain('two intermediates that issued each other', 'untrusted', { ...ring, sent: ring.sent.slice(0, 3) }),
    chain('two intermediates that issued each other, both anchors', 'untrusted',
      { ...ring, sent: ring.sent.slice(0, 1), anchors: [root, ringA, ringB] }),
    chain('a cross-signed intermediate, by either root', 'accepted', { sent: [leaf, upper, byOther], anchors: [root, other], authorities }),
    chain('a cross-signed intermediate, the other root', 'accepted', { sent: [leaf, byOther], anchors: [other], authorities }),
    chain('a cross-signed intermediate, the useful one first', 'accepted', { sent: [leaf, byOther, upper], anchors: [other], authorities }),
    chain('a cross-signed intermediate, the useless one first: no alternatives are tried', 'untrusted',
      { sent: [leaf, upper, byOther], anchors: [other], authorities }),
    chain('a root that another root signed', 'accepted', { sent: [leaf, upper, rootByOther], anchors: [other], authorities }),
    chain('a root that another root signed, when both are anchors', 'accepted',
      { sent: [leaf, upper, rootByOther], anchors: [root, other], authorities }),
    chain('an expired intermediate beside its renewal', 'accepted', { sent: [leaf, old, upper], anchors: [root], authorities }),
    chain('an expired intermediate', 'untrusted', { sent: [leaf, old], anchors: [root], authorities }),
    chain('a self-issued intermediate', 'accepted',
      { sent: [makeClient(rolledOver), rolledOver, upper], anchors: [root], authorities: [root, upper, rolledOver] }),
  ]
}

/** A chain of so many intermediates, each with these constraints. */
function ladder(count: number, bend: (step: number) => Parameters<typeof makeIntermediate>[2] = () => ({})):
{ readonly sent: readonly Made[], readonly anchors: readonly Made[], readonly authorities: readonly Made[] } {
  const anchor = makeRoot('Ladder')
  const steps: Made[] = []
  for (let step = 0; step < count; step++) steps.push(makeIntermediate(`Step ${step}`, steps.at(-1) ?? anchor,
    { key: keyOf(`step ${step}`), ...bend(step) }))
  return { sent: [makeClient(steps.at(-1) ?? anchor), ...steps.toReversed()], anchors: [anchor], authorities: [anchor, ...steps] }
}

function lengths(): readonly Chain[] {
  const selfIssued = ladder(2, step => step === 0 ? { constraints: caConstraints(0),
    subject: nameOf('Same') } : { subject: nameOf('Same') })
  const limitedRoot = (length: number) => {
    const anchor = makeRoot('Limited', { constraints: caConstraints(length) })
    const below = makeIntermediate('Below', anchor)
    return { sent: [makeClient(below), below], anchors: [anchor], authorities: [anchor, below] }
  }
  const huge = makeRoot('Huge', { constraints: caConstraints(2_000_000_000) })
  return [
    chain('ten certificates', 'accepted', ladder(8)),
    chain('eleven certificates', though('untrusted', 'paths end at ten certificates'), ladder(9)),
    chain('thirteen certificates', though('malformed', 'chains end at ten certificates'), ladder(12)),
    chain('path length 0 right above the leaf', 'accepted', ladder(1, () => ({ constraints: caConstraints(0) }))),
    chain('path length 0 above an intermediate', 'untrusted', ladder(2, step => step === 0 ? { constraints: caConstraints(0) } : {})),
    chain('path length 1 above two intermediates', 'untrusted', ladder(3, step => step === 0 ? { constraints: caConstraints(1) } : {})),
    chain('path length 1 above one intermediate', 'accepted', ladder(2, step => step === 0 ? { constraints: caConstraints(1) } : {})),
    chain('path length 0 above a self-issued intermediate, which does not count', 'accepted', selfIssued),
    chain('path length 0 in the anchor, above an intermediate', 'untrusted', limitedRoot(0)),
    chain('path length 1 in the anchor, above an intermediate', 'accepted', limitedRoot(1)),
    chain('a path length of two thousand million', 'accepted', { sent: [makeClient(huge)], anchors: [huge] }),
  ]
}

function names(root: Made): readonly Chain[] {
  const spelt = (subject: Uint8Array, issuerName: Uint8Array) => {
    const middle = makeIntermediate('Middle', root, { subject })
    return { sent: [makeClient(middle, { issuerName }), middle], anchors: [root], authorities: [root, middle] }
  }
  const listed = (parts: ReturnType<typeof spelt>) => ({ ...parts, lists: null })
  const identifier = (issuer: Uint8Array, serialNumber: Uint8Array) => ({ issuerKeyIdentifier: extension(oid.authorityKeyIdentifier, false,
    sequence(implicit(0, keyIdentifierOf(root.key)), encode(0xa1, explicit(4, issuer)), implicit(2, serialNumber.subarray(2)))) })
  const named = (what: string, expected: Expected, issuer: Uint8Array, serialNumber: Uint8Array) =>
    chain(`authority key identifier with ${what}`, expected,
      { sent: [makeClient(root, identifier(issuer, serialNumber))], anchors: [root] })
  return [
    named('issuer and serial number', 'accepted', root.name, root.serialNumber),
    named('another serial number', 'untrusted', root.name, integer(1)),
    named('another issuer', 'untrusted', nameOf('Somebody else'), root.serialNumber),
    chain('issuer and subject differ in case and white space (RFC 5280 §7.1)', 'accepted', listed(spelt(nameOf('Middle  CA '),
      nameOf('middle ca')))),
    chain('issuer and subject differ in string type', 'accepted', listed(spelt(printable('Middle'), nameOf('Middle')))),
    chain('issuer and subject differ beyond ASCII in case', 'untrusted', listed(spelt(nameOf('MÜNCHEN'), nameOf('mÜnchen'.replace('Ü',
      'ü'))))),
    chain('another issuer, signed by the right key', 'untrusted', spelt(nameOf('Middle'), nameOf('Muddle'))),
    chain('authority key identifier of another key', 'untrusted',
      { sent: [makeClient(root, { issuerKeyIdentifier: authorityKeyIdentifier(Buffer.alloc(20, 7)) })], anchors: [root] }),
  ]
}
