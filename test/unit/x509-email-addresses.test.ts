// rfc822Name subjectAltNames (RFC 5280 §4.2.1.6), as a mapping module sees them.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readCertificate } from '../../src/x509/certificate.ts'
import { dnsName, emailName } from '../../src/x509/certificate-writer.ts'
import { encode, explicit, implicit, utf8String } from '../../src/x509/der-writer.ts'
import { tag } from '../../src/x509/der.ts'
import { makeAuthority, makeLeaf } from '../support/certificates.ts'

const ca = makeAuthority()
const read = (...altNames: readonly Uint8Array[]) => readCertificate(makeLeaf(ca, { xmppAddrs: ['alice@localhost'], altNames }).der)

test('every rfc822Name is listed in its order, once, with its domain in lower case and its localpart as it is', () => {
  const addresses = ['Romeo.Montague@Verona.Example', 'romeo+chat@verona.example', 'Romeo.Montague@verona.example', '{o\'r}|~@a-b.c', 'r@localhost']
  assert.deepEqual(read(dnsName('mail@verona.example'), ...addresses.map(emailName)).emailAddrs,
    ['Romeo.Montague@verona.example', 'romeo+chat@verona.example', '{o\'r}|~@a-b.c', 'r@localhost'])
})

test('a certificate without any has none', () => { assert.deepEqual(read().emailAddrs, []) })

describe('one that is no plain mailbox is left out, and the others and the certificate stay good', () => {
  const wrong: Readonly<Record<string, Uint8Array>> = {
    'nothing': emailName(''), 'no at': emailName('verona.example'), 'no localpart': emailName('@verona.example'), 'no domain': emailName('romeo@'),
    'two ats': emailName('romeo@verona.example@mantua.example'), 'a quoted at': emailName('"romeo@verona.example"@mantua.example'),
    'an address literal': emailName('romeo@[127.0.0.1]'), 'a display name': emailName('Romeo <romeo@verona.example>'),
    'white space': emailName(' romeo@verona.example'), 'a line end': emailName('romeo@verona.example\n'), 'a NUL': emailName('romeo@verona.example\0'),
    'a NUL in the middle': emailName('romeo@verona.example\0.mantua.example'), 'an empty label': emailName('romeo@verona..example'),
    'a label that ends in a hyphen': emailName('romeo@verona-.example'), 'two dots in its localpart': emailName('romeo..m@verona.example'),
    'a letter beyond ASCII': implicit(1, Buffer.from('romeò@verona.example')), 'a domain beyond ASCII': implicit(1, Buffer.from('romeo@verònà.example')),
    'an octet beyond ASCII': implicit(1, Buffer.from([...Buffer.from('romeo@verona.example'), 0xff])),
    '255 octets': emailName(`${'r'.repeat(240)}@verona.example`), 'a UTF8String in [1] EXPLICIT': explicit(1, utf8String('romeo@verona.example')),
    'an IA5String by itself': encode(tag.ia5String, Buffer.from('romeo@verona.example')),
  }
  for (const [name, altName] of Object.entries(wrong)) {
    test(name, () => {
      const certificate = read(altName, emailName('romeo@mantua.example'))
      assert.deepEqual([certificate.emailAddrs, certificate.xmppAddrs, certificate.malformed], [['romeo@mantua.example'], ['alice@localhost'], null])
    })
  }
})

test('the longest, and those that nearly match, are judged in linear time', () => {
  const names = Array.from({ length: 3_500 }, (_, index) => emailName(`${'a.'.repeat(60)}@${'b-'.repeat(60)}${index}.`))
  const { der } = makeLeaf(ca, { altNames: names })
  const started = performance.now()
  assert.deepEqual(readCertificate(der).emailAddrs, [])
  assert.ok(performance.now() - started < 1_000)
})
