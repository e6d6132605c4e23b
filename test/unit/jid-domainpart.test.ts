// Domainparts: RFC 7622 §3.2 on IDNA2008 (RFC 5890 to 5893, 5895), IPv4 and IPv6.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseDomainpart, parseJid } from '../../src/xmpp/jid.ts'

const accepts = (name: string, pairs: Record<string, string>) => {
  for (const [input, canonical] of Object.entries(pairs)) {
    test(`${name}: ${JSON.stringify(input)}`, () => {
      assert.equal(parseDomainpart(input), canonical)
      assert.equal(parseDomainpart(canonical), canonical)
      assert.equal(parseJid(`a@${input}/r`), `a@${canonical}/r`)
    })
  }
}
const refuses = (name: string, inputs: string[]) => {
  for (const input of inputs) test(`${name}: ${JSON.stringify(input).slice(0, 60)}`, () => { assert.equal(parseDomainpart(input), null) })
}

describe('names', () => {
  accepts('host names and unqualified names', {
    'localhost': 'localhost', 'example.com': 'example.com', 'EXAMPLE.Com': 'example.com', 'a-b.c--d.example': 'a-b.c--d.example',
    '3com.example': '3com.example',
    'a.1b': 'a.1b',
  })
  accepts('the final dot is stripped before anything else (RFC 7622 §3.2)', { 'example.com.': 'example.com', 'localhost.': 'localhost' })
  accepts('a longest label and a longest name', {
    [`${'a'.repeat(63)}.b`]: `${'a'.repeat(63)}.b`,
    [`${`${'a'.repeat(61)}.`.repeat(4)}bcdef`]: `${`${'a'.repeat(61)}.`.repeat(4)}bcdef`,
  })
  refuses('empty labels', ['', '.', '..', '.a', 'a..b', 'a..', 'example.com\u3002'])
  refuses('no letters, digits or hyphens (RFC 5890 §2.3.1; so no underscore)', ['a_b', '_xmpp.example', 'a b', 'a:5222', 'a@b', 'a/b',
    'a%b', 'a\\b', 'a?b', 'a#b', '<a>', '*.a'])
  refuses('hyphens at an end or in the third and fourth position', ['-a', 'a-', 'a-.b', 'b.-a', '-', 'aa--b', 'b.aa--b', '\u00E9-',
    '-\u00E9', '\u00E9a--b'])
  refuses('labels over 63 octets, names over 253 (RFC 1034 §3.1)', [
    'a'.repeat(64), `${'a'.repeat(64)}.b`, `${`${'a'.repeat(61)}.`.repeat(4)}bcdefg`, '\u00E9'.repeat(60), `${'\u00FC.'.repeat(60)}a`,
  ])
  refuses('a last label that reads as a number (RFC 1123 §2.1)', ['1', '0', 'a.1', '127.1', '0x7f', 'a.0x7f', '0x', '1.2.3',
    '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1.2.3.04'])
})

describe('internationalized names', () => {
  accepts('U-labels stay, A-labels become U-labels (RFC 7622 §3.2.1)', {
    'fu\u00DFball.example': 'fu\u00DFball.example', 'xn--fuball-cta.example': 'fu\u00DFball.example',
    'XN--FUBALL-CTA.example': 'fu\u00DFball.example',
    'b\u00FCcher.example': 'b\u00FCcher.example', 'xn--bcher-kva': 'b\u00FCcher',
    '\u043F\u0440\u0438\u043C\u0435\u0440.example': '\u043F\u0440\u0438\u043C\u0435\u0440.example',
    '\u4F8B\u3048': '\u4F8B\u3048', '\u03C3\u03C2.gr': '\u03C3\u03C2.gr',
  })
  accepts('case, width, composition and separators are mapped (RFC 5895 §2)', {
    'B\u00DCCHER.example': 'b\u00FCcher.example', 'bu\u0308cher': 'b\u00FCcher', '\uFF25\uFF38\uFF0E\uFF43\uFF4F\uFF4D': 'ex.com',
    'a\u3002b': 'a.b', 'a\uFF61b': 'a.b',
  })
  refuses('fake A-labels: no Punycode, or not that of a valid U-label', [
    'xn--', 'xn--a', 'xn--ascii-', 'xn--bcher-kvb', 'xn--n3h', 'xn--bcher-kva-', `xn--${'a'.repeat(60)}`, 'xn--\u00E9', 'xn--iv-',
    'xn--a-ecp.ru',
  ])
  refuses('code points that IDNA disallows (RFC 5892 §3)', ['\u2603', '\u2163', '\u{1F600}', '\u00AA', '\u0640', 'a\u00ADb', '\u20D0a',
    '\u1100', '\uFE0F', '\u2024a', '\u212Ea'])
  refuses('a leading combining mark (RFC 5891 §4.2.3.2)', ['\u0301a', 'a.\u0301b', '\u0903a'])
  accepts('contextual rules that hold (RFC 5892 appendix A)', {
    '\u0915\u094D\u200D\u0937': '\u0915\u094D\u200D\u0937',
    '\u0645\u06CC\u200C\u062E\u0648\u0627\u0647\u0645': '\u0645\u06CC\u200C\u062E\u0648\u0627\u0647\u0645',
    'l\u00B7l.cat': 'l\u00B7l.cat',
  })
  refuses('contextual rules that do not', ['a\u200Db', 'a\u200Cb', 'a\u00B7l', 'a\u30FBb'])
})

describe('right to left (RFC 5893 §2)', () => {
  accepts('names whose labels all satisfy the rule', { '\u05D0\u05D1.com': '\u05D0\u05D1.com', 'a1.\u05D0\u05D1': 'a1.\u05D0\u05D1',
    '\u0627\u0628\u0661': '\u0627\u0628\u0661' })
  refuses('labels that mix directions, and numbers first beside a right-to-left label', ['a\u05D0', '\u05D0a', '1.\u05D0\u05D1',
    '\u05D01\u0660', '1\u05D0', '\u0660\u05D0'])
})

describe('addresses', () => {
  accepts('IPv4', { '127.0.0.1': '127.0.0.1', '255.255.255.255': '255.255.255.255' })
  accepts('IPv6 in brackets, in one spelling', {
    '[::1]': '[::1]', '[0:0:0:0:0:0:0:1]': '[::1]', '[2001:DB8::0:1]': '[2001:db8::1]', '[::ffff:127.0.0.1]': '[::ffff:7f00:1]',
  })
  refuses('anything else with brackets or colons', ['::1', '[]', '[', ']', '[::1', '::1]', '[::1]x', '[::1].a', '[fe80::1%eth0]',
    '[fe80::1%25eth0]', '[v1.a]', '[127.0.0.1]', '[[::1]]', '[:::]', 'a[::1]'])
})
