/** XEP-0178 §2 as a table: every row of modes × certificate × authzid, and what comes out. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { couldMap, mapCertificate } from '../../src/auth/certificate-mapping.ts'
import type { BuiltInMode } from '../../src/auth/certificate-mapping.ts'
import { parseDomainpart, parseJid } from '../../src/xmpp/jid.ts'
import { bare, certificateWith } from '../support/external-certificate.ts'

const host = parseDomainpart('example.net')!

interface Row {
  readonly name: string
  readonly modes: readonly BuiltInMode[]
  readonly addresses?: readonly string[]
  readonly names?: readonly string[]
  readonly authzid?: string
  readonly prefix?: string
  readonly suffix?: string
  /** A bare JID: that user; otherwise the condition. */
  readonly gives: string
}

const all: readonly BuiltInMode[] = ['standard', 'common_name', 'auth_id']

const oneAddress: readonly Row[] = [
  { name: 'one xmppAddr of this host, no authzid: that user',
    modes: ['standard'], addresses: ['alice@example.net'], gives: 'alice@example.net' },
  { name: 'one xmppAddr of this host, equal authzid: that user', modes: ['standard'], addresses: ['alice@example.net'],
    authzid: 'alice@example.net', gives: 'alice@example.net' },
  { name: 'one xmppAddr of this host, authzid equal after preparation: that user', modes: ['standard'], addresses: ['alice@example.net'],
    authzid: 'ALICE@Example.NET', gives: 'alice@example.net' },
  { name: 'one xmppAddr of this host, authzid of another user: invalid-authzid', modes: ['standard'], addresses: ['alice@example.net'],
    authzid: 'bob@example.net', gives: 'invalid-authzid' },
  { name: 'one xmppAddr of this host, authzid equal but with a resource: invalid-authzid', modes: ['standard'],
    addresses: ['alice@example.net'], authzid: 'alice@example.net/balcony', gives: 'invalid-authzid' },
  { name: 'one xmppAddr of this host, authzid of the same name at another host: invalid-authzid', modes: ['standard'],
    addresses: ['alice@example.net'], authzid: 'alice@example.com', gives: 'invalid-authzid' },
  { name: 'one xmppAddr of this host, authzid a Cyrillic look-alike: invalid-authzid', modes: ['standard'],
    addresses: ['alice@example.net'], authzid: 'аlice@example.net', gives: 'invalid-authzid' },
  { name: 'one xmppAddr of another host, no authzid: not-authorized',
    modes: ['standard'], addresses: ['alice@example.com'], gives: 'not-authorized' },
  { name: 'one xmppAddr of another host, equal authzid: not-authorized', modes: ['standard'], addresses: ['alice@example.com'],
    authzid: 'alice@example.com', gives: 'not-authorized' },
  { name: 'one xmppAddr of another host, authzid of a user of this one: invalid-authzid', modes: all, addresses: ['alice@example.com'],
    authzid: 'alice@example.net', gives: 'invalid-authzid' },
  { name: 'one xmppAddr of a subdomain of this host: not-authorized',
    modes: ['standard'], addresses: ['alice@sub.example.net'], gives: 'not-authorized' },
  { name: 'one xmppAddr of another host: the common name is not a way out', modes: ['common_name', 'auth_id', 'standard'],
    addresses: ['alice@example.com'], names: ['alice'], gives: 'not-authorized' },
  { name: 'one xmppAddr that is this domain and no user: not-authorized',
    modes: all, addresses: ['example.net'], names: ['alice'], gives: 'not-authorized' },
  { name: 'one xmppAddr that is this domain, authzid of a user: invalid-authzid', modes: all, addresses: ['example.net'], names: ['alice'],
    authzid: 'alice@example.net', gives: 'invalid-authzid' },
  { name: 'one xmppAddr that is another domain, equal authzid: not-authorized', modes: all, addresses: ['example.com'],
    authzid: 'example.com', gives: 'not-authorized' },
]

const severalAddresses: readonly Row[] = [
  { name: 'two xmppAddrs of this host, no authzid: invalid-authzid',
    modes: all, addresses: ['alice@example.net', 'bob@example.net'], gives: 'invalid-authzid' },
  { name: 'two xmppAddrs, one of this host, no authzid: invalid-authzid',
    modes: all, addresses: ['alice@example.net', 'bob@example.com'], gives: 'invalid-authzid' },
  { name: 'two xmppAddrs, one of them a domain, no authzid: invalid-authzid',
    modes: all, addresses: ['alice@example.net', 'example.net'], gives: 'invalid-authzid' },
  { name: 'two xmppAddrs, authzid equals the second, of this host: that user',
    modes: all, addresses: ['bob@example.com', 'alice@example.net'],
    authzid: 'alice@example.net', gives: 'alice@example.net' },
  { name: 'two xmppAddrs, authzid equals one of another host: not-authorized',
    modes: all, addresses: ['bob@example.com', 'alice@example.net'],
    authzid: 'bob@example.com', gives: 'not-authorized' },
  { name: 'two xmppAddrs, authzid not listed (MongooseIM: not-authorized): invalid-authzid', modes: all,
    addresses: ['bob@example.com', 'alice@example.net'], authzid: 'bob@example.net', gives: 'invalid-authzid' },
  { name: 'two xmppAddrs, authzid listed but with a resource: invalid-authzid',
    modes: all, addresses: ['bob@example.net', 'alice@example.net'],
    authzid: 'alice@example.net/r', gives: 'invalid-authzid' },
  { name: 'three xmppAddrs, no authzid: invalid-authzid', modes: ['standard'],
    addresses: ['a@example.net', 'b@example.com', 'c@example.com'], gives: 'invalid-authzid' },
]

const oneName: readonly Row[] = [
  { name: 'one CN, no authzid, standard: skipped, so not-authorized', modes: ['standard'], names: ['alice'], gives: 'not-authorized' },
  { name: 'one CN, authzid, standard: skipped, so not-authorized',
    modes: ['standard'], names: ['alice'], authzid: 'alice@example.net', gives: 'not-authorized' },
  { name: 'one CN, no authzid, common_name: CN @ host', modes: ['standard', 'common_name'], names: ['alice'], gives: 'alice@example.net' },
  { name: 'one CN in upper case, no authzid, common_name: prepared', modes: ['common_name'], names: ['Alice'], gives: 'alice@example.net' },
  { name: 'one CN, no authzid, common_name: prefix + CN + suffix @ host',
    modes: ['common_name'], names: ['alice'], prefix: 'web-', suffix: '.user',
    gives: 'web-alice.user@example.net' },
  { name: 'one CN that is a JID of this host: taken as it is, without prefix and suffix',
    modes: ['common_name'], names: ['alice@example.net'],
    prefix: 'web-', suffix: '.user', gives: 'alice@example.net' },
  { name: 'one CN that is a JID of another host: not-authorized',
    modes: ['common_name'], names: ['alice@example.com'], gives: 'not-authorized' },
  { name: 'one CN that is a JID of another host, authzid of this one: not-authorized', modes: ['common_name'], names: ['alice@example.com'],
    authzid: 'alice@example.net', gives: 'not-authorized' },
  { name: 'one CN that is a JID with a resource: not-authorized',
    modes: ['common_name'], names: ['alice@example.net/r'], gives: 'not-authorized' },
  { name: 'one CN equal to this domain: a localpart like any other',
    modes: ['common_name'], names: ['example.net'], gives: 'example.net@example.net' },
  { name: 'one CN, authzid equal to the mapped JID: that user', modes: ['common_name'], names: ['alice'], prefix: 'web-',
    authzid: 'web-alice@example.net', gives: 'web-alice@example.net' },
  { name: 'one CN, authzid equal to CN@host before prefix and suffix: that user',
    modes: ['common_name'], names: ['alice'], prefix: 'web-', suffix: '.user',
    authzid: 'alice@example.net', gives: 'web-alice.user@example.net' },
  { name: 'one CN, authzid equal to CN with the prefix alone: invalid-authzid',
    modes: ['common_name'], names: ['alice'], prefix: 'web-', suffix: '.user',
    authzid: 'web-alice@example.net', gives: 'invalid-authzid' },
  { name: 'one CN, authzid of another user: invalid-authzid',
    modes: ['common_name'], names: ['alice'], authzid: 'bob@example.net', gives: 'invalid-authzid' },
  { name: 'one CN, authzid with a resource: invalid-authzid',
    modes: ['common_name'], names: ['alice'], authzid: 'alice@example.net/r', gives: 'invalid-authzid' },
  { name: 'one CN, authzid of the same name at another host: invalid-authzid', modes: ['common_name'], names: ['alice'],
    authzid: 'alice@example.com', gives: 'invalid-authzid' },
  { name: 'one CN, no authzid, auth_id: skipped, so not-authorized', modes: ['auth_id'], names: ['alice'], gives: 'not-authorized' },
  { name: 'one CN, no authzid, auth_id before common_name: common_name decides',
    modes: ['auth_id', 'common_name'], names: ['alice'], gives: 'alice@example.net' },
  { name: 'one CN, authzid CN@host, auth_id: that user, the prefix has no say', modes: ['auth_id'], names: ['alice'], prefix: 'web-',
    authzid: 'alice@example.net', gives: 'alice@example.net' },
  { name: 'one CN, another authzid, auth_id: that user, if of this host',
    modes: ['auth_id'], names: ['alice'], authzid: 'bob@example.net', gives: 'bob@example.net' },
  { name: 'one CN, another authzid, auth_id, other host: not-authorized',
    modes: ['auth_id'], names: ['alice'], authzid: 'bob@example.com', gives: 'not-authorized' },
  { name: 'one CN, another authzid, auth_id, with a resource: invalid-authzid', modes: ['auth_id'], names: ['alice'],
    authzid: 'bob@example.net/r', gives: 'invalid-authzid' },
  { name: 'one CN, another authzid, common_name before auth_id: the first that applies decides',
    modes: ['common_name', 'auth_id'], names: ['alice'],
    authzid: 'bob@example.net', gives: 'invalid-authzid' },
  { name: 'one CN, another authzid, auth_id before common_name: the first that applies decides',
    modes: ['auth_id', 'common_name'], names: ['alice'],
    authzid: 'bob@example.net', gives: 'bob@example.net' },
]

const noSingleName: readonly Row[] = [[], ['alice', 'bob'], ['alice', 'alice']].flatMap(names => [
  { name: `CNs [${names.join()}], no authzid, any mode: skipped, so not-authorized`, modes: all, names, gives: 'not-authorized' },
  { name: `CNs [${names.join()}], user@host, standard and common_name: skipped, so not-authorized`,
    modes: ['standard', 'common_name'] as const, names,
    authzid: 'alice@example.net', gives: 'not-authorized' },
  { name: `CNs [${names.join()}], user@host, auth_id: that user`, modes: all, names, authzid: 'carol@example.net', gives: 'carol@example.net' },
  { name: `CNs [${names.join()}], wrong host, auth_id: not-authorized`, modes: all, names, authzid: 'carol@example.com', gives: 'not-authorized' },
  { name: `CNs [${names.join()}], a domain that is another's, auth_id: not-authorized`,
    modes: all, names, authzid: 'example.com', gives: 'not-authorized' },
])

const hostileNames: readonly Row[] = [
  '', ' ', 'a\u0000b', 'alice\u0000@example.net', 'alice@example.net\u0000', '@example.net', 'alice@', '@', 'a@b@example.net',
  'alice@example.net@example.com',
  'admin, CN=x', 'alice/balcony', 'x/alice@example.net', 'John Doe', ' alice', '"alice"', '<alice>',
  'al\u202Eice', '\uD800', 'a'.repeat(1_024), 'alice@example.net.evil',
].map(name => ({ name: `CN ${JSON.stringify(name).slice(0, 40)} makes no user: not-authorized`,
  modes: all, names: [name], authzid: 'alice@example.net', gives: 'not-authorized' }))

const affixes: readonly Row[] = [
  { name: 'a prefix cannot make a JID of a CN', modes: ['common_name'], names: ['example.net'], prefix: 'admin@', gives: 'not-authorized' },
  { name: 'a suffix cannot carry the user to another host',
    modes: ['common_name'], names: ['alice'], suffix: '@example.com', gives: 'not-authorized' },
  { name: 'a CN is not a user when it is too long with its prefix',
    modes: ['common_name'], names: ['a'.repeat(1_020)], prefix: 'web-', gives: 'not-authorized' },
  { name: 'an empty CN is no user where prefix and suffix are empty', modes: ['common_name'], names: [''], gives: 'not-authorized' },
]

const nothingConfigured: readonly Row[] = [
  { name: 'an xmppAddr where standard is not configured: not-authorized',
    modes: ['common_name', 'auth_id'], addresses: ['alice@example.net'],
    authzid: 'alice@example.net', gives: 'not-authorized' },
  { name: 'no mode at all: not-authorized', modes: [], addresses: ['alice@example.net'], gives: 'not-authorized' },
]

const groups = { oneAddress, severalAddresses, oneName, noSingleName, hostileNames, affixes, nothingConfigured }

for (const [group, rows] of Object.entries(groups)) {
  describe(`from a certificate to a user: ${group}`, () => {
    for (const row of rows) {
      test(row.name, () => {
        const authzid = row.authzid === undefined ? null : parseJid(row.authzid)
        assert.equal(authzid === null, row.authzid === undefined, 'the authzid of the row is a JID')
        const certificate = certificateWith({ xmppAddrs: row.addresses ?? [], commonNames: row.names ?? [] })
        const commonName = { prefix: row.prefix ?? '', suffix: row.suffix ?? '' }
        const mapping = mapCertificate({ certificate, host, authzid, modes: row.modes, commonName })
        assert.equal(mapping.ok ? mapping.user : mapping.condition, row.gives)
        if (mapping.ok) assert.ok(couldMap({ certificate, host, modes: row.modes, commonName }), 'what maps could map')
        else assert.match(mapping.reason, /^[A-Z].+\.$/, 'a sentence says why')
      })
    }
  })
}

test('an empty CN between a prefix and a suffix would be the same user for everybody without a name: not-authorized', () => {
  const certificate = certificateWith({ commonNames: [''] })
  const mapping = mapCertificate({ certificate, host, authzid: null, modes: ['common_name'], commonName: { prefix: 'web-', suffix: '' } })
  assert.equal(mapping.ok ? mapping.user : mapping.condition, 'not-authorized')
})

test('the reason never repeats a raw common name', () => {
  const certificate = certificateWith({ commonNames: ['<script>\u0007'] })
  const mapping = mapCertificate({ certificate, host, authzid: null, modes: all, commonName: { prefix: '', suffix: '' } })
  assert.ok(!mapping.ok && !mapping.reason.includes('script'))
})

test('ten thousand xmppAddrs are looked through, in linear time', () => {
  const xmppAddrs = Array.from({ length: 10_000 }, (_, index) => `user${index}@example.net`)
  const certificate = { ...certificateWith({}), xmppAddrs: xmppAddrs.map(bare) }
  const authzid = bare('user9999@example.net')
  const mapping = mapCertificate({ certificate, host, authzid, modes: all, commonName: { prefix: '', suffix: '' } })
  assert.deepEqual(mapping, { ok: true, user: 'user9999@example.net' })
})

describe('EXTERNAL is offered only where some mode could map the certificate to a user of this host', () => {
  const could = (modes: readonly BuiltInMode[], xmppAddrs: readonly string[], commonNames: readonly string[]): boolean =>
    couldMap({ certificate: certificateWith({ xmppAddrs, commonNames }), host, modes, commonName: { prefix: '', suffix: '' } })

  test('an xmppAddr of this host', () => { assert.equal(could(['standard'], ['alice@example.net'], []), true) })
  test('one of several xmppAddrs is of this host', () => {
    assert.equal(could(['standard'], ['b@example.com', 'alice@example.net'], []), true)
  })
  test('no xmppAddr of this host: not by the common name, and not by the word of the client', () => {
    assert.equal(could(all, ['alice@example.com'], ['alice']), false)
    assert.equal(could(['auth_id', 'common_name'], ['alice@example.com'], ['alice']), false)
  })
  test('a domain as the only xmppAddr', () => { assert.equal(could(all, ['example.net'], ['alice']), false) })
  test('an xmppAddr, and standard not configured', () => {
    assert.equal(could(['common_name', 'auth_id'], ['alice@example.net'], []), false)
  })
  test('a common name, standard only', () => { assert.equal(could(['standard'], [], ['alice']), false) })
  test('a common name that makes a user', () => { assert.equal(could(['standard', 'common_name'], [], ['alice']), true) })
  test('a common name that makes none', () => { assert.equal(could(['common_name'], [], ['John Doe']), false) })
  test('a common name that is a JID of another host', () => { assert.equal(could(['common_name'], [], ['alice@example.com']), false) })
  test('two common names', () => { assert.equal(could(['standard', 'common_name'], [], ['alice', 'bob']), false) })
  test('no identity at all, and auth_id', () => { assert.equal(could(all, [], []), true) })
  test('a common name that makes none decides before auth_id', () => {
    assert.equal(could(['common_name', 'auth_id'], [], ['John Doe']), false)
    assert.equal(could(['auth_id', 'common_name'], [], ['John Doe']), true)
  })
  test('a mapping module may know', () => {
    const module = { module: '/m.ts', map: () => Promise.reject(new Error('not asked')) }
    const input = { certificate: certificateWith({}), host, modes: ['standard', module] as const, commonName: { prefix: '', suffix: '' } }
    assert.equal(couldMap(input), true)
  })
})
