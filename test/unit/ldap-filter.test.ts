// Search filters of LDAP (RFC 4515), and names that are put into them.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { countOf, filledIn, FilterError, isAttributeName, parseFilter } from '../../src/auth/backends/ldap-filter.ts'

const equal = (attribute: string, value: string) => ({ kind: 'equal', attribute, value })

describe('a filter is read as RFC 4515 writes it', () => {
  for (const [text, filter] of [
    ['(cn=Babs Jensen)', equal('cn', 'Babs Jensen')],
    ['(!(cn=Tim Howes))', { kind: 'not', part: equal('cn', 'Tim Howes') }],
    ['(&(objectClass=Person)(|(sn=Jensen)(cn=Babs J*)))', {
      kind: 'and', parts: [equal('objectClass', 'Person'), { kind: 'or', parts: [equal('sn', 'Jensen'), { kind: 'substrings', attribute: 'cn', initial: 'Babs J', any: [], final: '' }] }],
    }],
    ['(o=univ*of*mich*)', { kind: 'substrings', attribute: 'o', initial: 'univ', any: ['of', 'mich'], final: '' }],
    ['(seeAlso=)', equal('seeAlso', '')],
    ['(cn:caseExactMatch:=Fred Flintstone)', { kind: 'extensible', attribute: 'cn', rule: 'caseExactMatch', dnAttributes: false, value: 'Fred Flintstone' }],
    ['(cn:=Betty Rubble)', { kind: 'extensible', attribute: 'cn', rule: '', dnAttributes: false, value: 'Betty Rubble' }],
    ['(sn:dn:2.4.6.8.10:=Barney Rubble)', { kind: 'extensible', attribute: 'sn', rule: '2.4.6.8.10', dnAttributes: true, value: 'Barney Rubble' }],
    ['(o:dn:=Ace Industry)', { kind: 'extensible', attribute: 'o', rule: '', dnAttributes: true, value: 'Ace Industry' }],
    ['(:1.2.3:=Wilma Flintstone)', { kind: 'extensible', attribute: '', rule: '1.2.3', dnAttributes: false, value: 'Wilma Flintstone' }],
    ['(memberOf:1.2.840.113556.1.4.1941:=cn=Chat,dc=example)', { kind: 'extensible', attribute: 'memberOf', rule: '1.2.840.113556.1.4.1941', dnAttributes: false, value: 'cn=Chat,dc=example' }],
    ['(o=Parens R Us \\28for all your parenthetical needs\\29)', equal('o', 'Parens R Us (for all your parenthetical needs)')],
    ['(cn=*\\2A*)', { kind: 'substrings', attribute: 'cn', initial: '', any: ['*'], final: '' }],
    ['(filename=C:\\5cMyFile)', equal('filename', 'C:\\MyFile')],
    ['(sn=Lu\\c4\\8di\\c4\\87)', equal('sn', 'Lučić')],
    ['(sn=Lučić)', equal('sn', 'Lučić')],
    ['(bin=\\00)', equal('bin', '\0')],
    ['(uid=*)', { kind: 'present', attribute: 'uid' }],
    ['(age>=18)', { kind: 'atLeast', attribute: 'age', value: '18' }],
    ['(age<=65)', { kind: 'atMost', attribute: 'age', value: '65' }],
    ['(cn~=Bab)', { kind: 'approximate', attribute: 'cn', value: 'Bab' }],
    ['(cn;lang-de=x)', equal('cn;lang-de', 'x')],
    ['(2.5.4.3=x=y)', equal('2.5.4.3', 'x=y')],
  ] as const) test(text, () => { assert.deepEqual(parseFilter(text), filter) })
})

describe('what is no filter is a mistake, and says where', () => {
  for (const text of [
    '', 'uid=x', '(uid=x', '(uid=x))', '(uid=x) ', ' (uid=x)', '( uid=x)', '(uid =x)', '(&)', '(|)', '(!)', '(&(a=b) (c=d))', '(!(a=b)(c=d))', '()', '(=x)', '(uid)', '(u*d=x)',
    '(uid=a(b)', '(uid=a\\b)', '(uid=\\zz)', '(uid=\\c3)', '(uid=a**b)', '(uid=\0)', '(uid>x)', '(uid:a:b:c:=x)', '(:=x)', '(:dn:=x)', '(uid>=*)', '(&(uid=x)',
    `${'(!'.repeat(100)}(a=b)${')'.repeat(100)}`,
  ]) test(JSON.stringify(text.slice(0, 40)), () => { assert.throws(() => parseFilter(text), error => error instanceof FilterError && /at character \d+$/.test(error.message)) })
})

test('a name that is filled in is a value, whatever signs it has, and is not looked at again', () => {
  const filter = parseFilter('(&(uid=%u)(|(mail=%u@%d)(cn=*%s*))(owner:=%D)(!(sn=%s)))')
  assert.deepEqual([countOf(filter, 'u'), countOf(filter, 'd'), countOf(filter, 's'), countOf(filter, 'D')], [2, 1, 2, 1])
  fc.assert(fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (u, d, D, s) => {
    assert.deepEqual(filledIn(filter, { u, d, D, s: [s, `second ${s}`] }), {
      kind: 'and', parts: [
        equal('uid', u), { kind: 'or', parts: [equal('mail', `${u}@${d}`), { kind: 'substrings', attribute: 'cn', initial: '', any: [s], final: '' }] },
        { kind: 'extensible', attribute: 'owner', rule: '', dnAttributes: false, value: D }, { kind: 'not', part: equal('sn', `second ${s}`) },
      ],
    })
  }))
  assert.deepEqual(filledIn(parseFilter('(a=%u%d)'), { u: '%d%D$&$1', d: '%u', D: 'x', s: [] }), equal('a', '%d%D$&$1%u'))
})

test('no text makes the parser throw anything but a FilterError, or take long', () => {
  const signs = fc.array(fc.constantFrom('(', ')', '&', '|', '!', '=', '*', '\\', ':', 'uid', '2a', '%u', ' ', '~', '>', '\0', 'ä'), { maxLength: 60 })
  fc.assert(fc.property(signs, pieces => {
    try {
      parseFilter(pieces.join(''))
    } catch (error) {
      assert.ok(error instanceof FilterError)
    }
  }), { numRuns: 2_000 })
  const began = performance.now()
  for (const text of ['('.repeat(100_000), '(&'.repeat(100_000), `(a=${'*'.repeat(100_000)})`, `(a=${'\\'.repeat(100_000)})`, `(${'a:'.repeat(50_000)}=x)`, `(&${'(a=b)'.repeat(20_000)}`]) {
    assert.throws(() => parseFilter(text), FilterError)
  }
  assert.ok(performance.now() - began < 1_000)
})

test('names of attributes (RFC 4512 §2.5)', () => {
  for (const name of ['uid', 'x-y', 'cn;lang-de', '2.5.4.3']) assert.equal(isAttributeName(name), true, name)
  for (const name of ['', '1', 'ä', 'a b', 'a=b', '-a', 'a;', '2.', '__proto__', '*']) assert.equal(isAttributeName(name), false, name)
})
