/** What no certificate and no authzid may ever bring about, over random inputs. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { couldMap, mapCertificate } from '../../src/auth/certificate-mapping.ts'
import { domainOf, isFull, localpartOf, makeJid, parseDomainpart, parseJid, prepareLocalpart } from '../../src/xmpp/jid.ts'
import { certificateWith } from '../support/external-certificate.ts'

const host = parseDomainpart('example.net')!

const domain = fc.constantFrom('example.net', 'example.com', 'sub.example.net')
const localpart = fc.constantFrom('alice', 'bob', 'Alice', 'аlice', 'web-alice')
const userAddress = fc.tuple(localpart, domain).map(([local, at]) => `${local}@${at}`)
const address = fc.oneof({ weight: 5, arbitrary: userAddress }, { weight: 1, arbitrary: domain })
const oddName = fc.constantFrom('', '@', 'a\u0000', 'alice@example.net/r', 'John Doe')
const anyName = fc.oneof(localpart, address, oddName, fc.string({ unit: 'binary', maxLength: 12 }))
const affix = fc.oneof({ weight: 3, arbitrary: fc.constant('') }, fc.constantFrom('web-', '@example.com', '.user', 'alice@', '/'))
const authzids = fc.oneof(
  { weight: 2, arbitrary: fc.constant(null) },
  { weight: 5, arbitrary: address.map(parseJid) },
  { weight: 1, arbitrary: address.map(bare => parseJid(`${bare}/r`)) },
)

const situation = fc.record({
  certificate: fc.record({ xmppAddrs: fc.uniqueArray(address, { maxLength: 3 }), commonNames: fc.array(anyName, { maxLength: 3 }) })
    .map(certificateWith),
  modes: fc.shuffledSubarray(['standard', 'common_name', 'auth_id'] as const),
  commonName: fc.record({ prefix: affix, suffix: affix }),
})

const runs = { numRuns: 6_000 }

test('a certificate never makes a user of another host, and never anything but a bare JID with a localpart', () => {
  fc.assert(fc.property(situation, authzids, (where, authzid) => {
    const mapping = mapCertificate({ ...where, host, authzid })
    if (!mapping.ok) return
    assert.equal(domainOf(mapping.user), host)
    assert.ok(!isFull(mapping.user))
    assert.notEqual(localpartOf(mapping.user), null)
    assert.equal(parseJid(mapping.user), mapping.user, 'it is canonical')
  }), runs)
})

test('a client that asks to be somebody becomes that user or nobody; CN@host without prefix and suffix is the only alias', () => {
  fc.assert(fc.property(situation, authzids, (where, authzid) => {
    const mapping = mapCertificate({ ...where, host, authzid })
    if (!mapping.ok || authzid === null || mapping.user === authzid) return
    const [name] = where.certificate.commonNames
    assert.equal(where.certificate.xmppAddrs.length, 0)
    assert.equal(authzid, makeJid(prepareLocalpart(name!), host))
  }), runs)
})

test('without auth_id a user is one that the certificate names', () => {
  fc.assert(fc.property(situation, authzids, (where, authzid) => {
    const { certificate: { xmppAddrs, commonNames: [name] }, commonName: { prefix, suffix } } = where
    const mapping = mapCertificate({ ...where, host, authzid, modes: where.modes.filter(mode => mode !== 'auth_id') })
    if (!mapping.ok) return
    const named = name !== undefined && (mapping.user === parseJid(name) || mapping.user === parseJid(`${prefix}${name}${suffix}@${host}`))
    assert.ok(xmppAddrs.length > 0 ? xmppAddrs.includes(mapping.user) : named)
  }), runs)
})

test('a certificate with an xmppAddr never makes a user that is not among its xmppAddrs, in any mode', () => {
  fc.assert(fc.property(situation, authzids, (where, authzid) => {
    const mapping = mapCertificate({ ...where, host, authzid })
    const { xmppAddrs } = where.certificate
    if (mapping.ok && xmppAddrs.length > 0) assert.ok(xmppAddrs.includes(mapping.user))
  }), runs)
})

test('EXTERNAL is offered exactly where some authzid could succeed', () => {
  const asked = [null, parseJid('carol@example.net')]
  fc.assert(fc.property(situation, where => {
    const works = [...asked, ...where.certificate.xmppAddrs].some(authzid => mapCertificate({ ...where, host, authzid }).ok)
    assert.equal(couldMap({ ...where, host }), works)
  }), runs)
})
