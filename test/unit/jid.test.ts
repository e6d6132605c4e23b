// XMPP addresses: RFC 7622 with its tables of examples, and what hostile input gets.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  bareOf, domainOf, fullJid, isFull, localpartOf, makeJid, parseBareJid, parseDomainpart, parseJid, prepareLocalpart,
    prepareResourcepart, resourcepartOf,
} from '../../src/xmpp/jid.ts'
import type { BareJid } from '../../src/xmpp/jid.ts'

const parts = (input: string) => {
  const jid = parseJid(input)
  return jid === null ? null : [localpartOf(jid), domainOf(jid), resourcepartOf(jid)]
}

describe('RFC 7622 §3.5, table 1: a sample of legal JIDs', () => {
  const legal: [number, string, (string | null)[]][] = [
    [1, 'juliet@example.com', ['juliet', 'example.com', null]],
    [2, 'juliet@example.com/foo', ['juliet', 'example.com', 'foo']],
    [3, 'juliet@example.com/foo bar', ['juliet', 'example.com', 'foo bar']],
    [4, 'juliet@example.com/foo@bar', ['juliet', 'example.com', 'foo@bar']],
    [5, 'foo\\20bar@example.com', ['foo\\20bar', 'example.com', null]],
    [6, 'fussball@example.com', ['fussball', 'example.com', null]],
    [7, 'fu\u00DFball@example.com', ['fu\u00DFball', 'example.com', null]],
    [8, '\u03C0@example.com', ['\u03C0', 'example.com', null]],
    [9, '\u03A3@example.com/foo', ['\u03C3', 'example.com', 'foo']],
    [10, '\u03C3@example.com/foo', ['\u03C3', 'example.com', 'foo']],
    [11, '\u03C2@example.com/foo', ['\u03C2', 'example.com', 'foo']],
    [12, 'king@example.com/\u265A', ['king', 'example.com', '\u265A']],
    [13, 'example.com', [null, 'example.com', null]],
    [14, 'example.com/foobar', [null, 'example.com', 'foobar']],
    [15, 'a.example.com/b@example.net', [null, 'a.example.com', 'b@example.net']],
  ]
  for (const [number, input, expected] of legal) {
    test(`example ${String(number)} is a JID`, () => { assert.deepEqual(parts(input), expected) })
  }
  test('examples 9 and 10 match, 9 and 11 do not', () => {
    assert.equal(parseJid('\u03A3@example.com/foo'), parseJid('\u03C3@example.com/foo'))
    assert.notEqual(parseJid('\u03A3@example.com/foo'), parseJid('\u03C2@example.com/foo'))
  })
})

describe('RFC 7622 §3.5, table 2: strings that are not JIDs', () => {
  const notJids: [number, string][] = [
    [16, '"juliet"@example.com'], [17, 'foo bar@example.com'], [19, '@example.com/'], [20, 'henry\u2163@example.com'],
    [21, '\u265A@example.com'], [22, 'juliet@'], [23, '/foobar'],
  ]
  for (const [number, input] of notJids) test(`example ${String(number)} is no JID`, () => { assert.equal(parseJid(input), null) })
  test('example 18, a leading space in the resourcepart, is a JID after all (erratum 4560)', () => {
    assert.deepEqual(parts('juliet@example.com/ foo'), ['juliet', 'example.com', ' foo'])
  })
})

describe('separators', () => {
  test('the first / ends the bare JID, then the first @ ends the localpart (RFC 7622 §3.2)', () => {
    assert.deepEqual(parts('a@b/c/d@e'), ['a', 'b', 'c/d@e'])
    assert.deepEqual(parts('b/c@d'), [null, 'b', 'c@d'])
    assert.deepEqual(parts('b//'), [null, 'b', '/'])
  })
  for (const input of ['', '/', '@', '@x', 'x@', 'x/', '@/x', 'a@/x', 'a@b@c', 'a@b/', '@b/c', '//', '@@', 'a@@b', ' ', ' a@b', 'a@b ',
    'a@ b', '.', 'a@.']) {
    test(`${JSON.stringify(input)} is no JID`, () => { assert.equal(parseJid(input), null) })
  }
  test('code points that map to a separator separate nothing (RFC 7622 §3.1)', () => {
    assert.equal(parseJid('a\uFF20b'), null)
    assert.equal(parseJid('a\uFF20b@example.net'), null)
    assert.equal(parseJid('a@b\uFF0Fc'), null)
    assert.deepEqual(parts('a@b/\uFF0F'), ['a', 'b', '\uFF0F'])
  })
})

describe('localparts', () => {
  for (const character of '"&\'/:<>@') {
    test(`${character} is excluded (RFC 7622 §3.3.1)`, () => {
      assert.equal(prepareLocalpart(`a${character}b`), null)
      assert.equal(prepareLocalpart(`a${String.fromCharCode(character.charCodeAt(0) + 0xFEE0)}b`), null)
      assert.equal(prepareLocalpart(`\u00E9${character}`), null)
    })
  }
  test('every other printable ASCII character is allowed, capitals in lower case', () => {
    for (let code = 0x21; code <= 0x7E; code += 1) {
      const character = String.fromCharCode(code)
      if ('"&\'/:<>@'.includes(character)) continue
      assert.equal(prepareLocalpart(character), character.toLowerCase())
    }
  })
  test('case and width are mapped (RFC 8265 §3.3.1)', () => {
    assert.equal(parseJid('Alice@LocalHost/Home'), 'alice@localhost/Home')
    assert.equal(parseJid('\uFF21\uFF4C\uFF49\uFF43\uFF45@localhost'), 'alice@localhost')
    assert.equal(parseJid('E\u0301ve@localhost'), '\u00E9ve@localhost')
  })
  test('look-alikes of different scripts stay different', () => {
    assert.notEqual(parseJid('\u0430lice@localhost'), parseJid('alice@localhost'))
    assert.equal(parseJid('\u0430lice@localhost'), '\u0430lice@localhost')
  })
  test('code points with a compatibility equivalent are refused, not mapped', () => {
    for (const code of ['\u00B9', '\u017F', '\uFB01', '\u2163', '\u212A', '\u1D43',
      '\u{1D41A}']) assert.equal(prepareLocalpart(`user${code}`), null)
  })
})

describe('resourceparts', () => {
  test('case, width and compatibility characters are kept (RFC 8265 §4.2.2)', () => {
    assert.equal(prepareResourcepart('Aa\uFF21\u2163\uFB01'), 'Aa\uFF21\u2163\uFB01')
  })
  test('non-ASCII spaces become SPACE, leading and trailing ones stay', () => {
    assert.equal(prepareResourcepart('\u00A0a\u1680b\u3000'), ' a b ')
  })
  test('right-to-left text needs no Bidi Rule', () => { assert.equal(prepareResourcepart('a\u05D0'), 'a\u05D0') })
})

describe('what no part may hold', () => {
  const bad: [string, string][] = [
    ['NUL', '\0'], ['a control character', '\x01'], ['TAB', '\t'], ['a line feed', '\n'], ['DEL', '\x7F'], ['NEL', '\x85'],
    ['a lone high surrogate', '\uD800'], ['a lone low surrogate', '\uDC00'], ['a swapped pair', '\uDC00\uD800'], ['U+FFFE', '\uFFFE'],
      ['U+FDD0', '\uFDD0'],
    ['U+10FFFF', '\u{10FFFF}'], ['private use', '\uE000'], ['a soft hyphen', '\u00AD'], ['a zero width space', '\u200B'], ['a BOM',
      '\uFEFF'],
    ['a right-to-left override', '\u202E'], ['a tag', '\u{E0061}'], ['a variation selector', '\uFE0F'], ['old Hangul jamo', '\u1100'],
    ['a line separator', '\u2028'], ['an unassigned code point', '\u0378'],
  ]
  for (const [name, text] of bad) {
    test(`${name} is refused everywhere`, () => {
      assert.equal(parseJid(`a${text}b@example.net/r`), null)
      assert.equal(parseJid(`a@exam${text}ple.net/r`), null)
      assert.equal(parseJid(`a@example.net/r${text}s`), null)
    })
  }
})

describe('lengths (RFC 7622 §3.1: 1 to 1023 octets a part)', () => {
  test('a localpart', () => {
    assert.ok(parseJid(`${'a'.repeat(1023)}@b`))
    assert.equal(parseJid(`${'a'.repeat(1024)}@b`), null)
    assert.ok(parseJid(`${'\u00E9'.repeat(511)}@b`))
    assert.equal(parseJid(`${'\u00E9'.repeat(512)}@b`), null)
  })
  test('a resourcepart', () => {
    assert.ok(parseJid(`a@b/${'a'.repeat(1023)}`))
    assert.equal(parseJid(`a@b/${'a'.repeat(1024)}`), null)
    assert.ok(parseJid(`a@b/${'\u265A'.repeat(341)}`))
    assert.equal(parseJid(`a@b/${'\u265A'.repeat(342)}`), null)
  })
  test('the limit holds for the result: a decomposed input may be longer', () => {
    assert.equal(prepareResourcepart('e\u0301'.repeat(500)), '\u00E9'.repeat(500))
  })
  test('an expansion by mapping counts', () => { assert.equal(prepareLocalpart('\u0130'.repeat(400)), null) })
  test('megabytes are refused unread', () => {
    const inputs = [`${'\u00E9'.repeat(4_000_000)}@b`, `a@${'\u00E9'.repeat(4_000_000)}`, `a@b/${'\u0301'.repeat(4_000_000)}`]
    const start = process.hrtime.bigint()
    for (const input of inputs) for (const parse of [parseJid, parseDomainpart, prepareLocalpart,
      prepareResourcepart]) assert.equal(parse(input), null)
    assert.ok(process.hrtime.bigint() - start < 100_000_000n)
  })
  test('long runs of combining marks are refused before they are sorted (UAX #15 §12.1)', () => {
    assert.equal(prepareResourcepart(`a${'\u0301\u0323'.repeat(16)}`), null)
    assert.notEqual(prepareResourcepart(`a${'\u0301'.repeat(30)}`), null)
  })
})

describe('putting together and taking apart', () => {
  const domain = parseDomainpart('example.net')
  assert.ok(domain)
  test('makeJid and the accessors are inverse', () => {
    const bare: BareJid = makeJid('romeo', domain)
    assert.equal(bare, 'romeo@example.net')
    assert.equal(makeJid(null, domain), 'example.net')
    assert.equal(makeJid(null, domain, 'x'), 'example.net/x')
    const full = fullJid(bare, 'a/b@c')
    assert.equal(full, 'romeo@example.net/a/b@c')
    assert.deepEqual([localpartOf(full), domainOf(full), resourcepartOf(full), bareOf(full), isFull(full)],
      ['romeo', 'example.net', 'a/b@c', 'romeo@example.net', true])
  })
  test('an @ in the resourcepart makes no localpart', () => {
    const jid = makeJid(null, domain, 'b@c')
    assert.equal(localpartOf(jid), null)
    assert.equal(domainOf(jid), 'example.net')
  })
  test('parseBareJid takes no resourcepart', () => {
    assert.equal(parseBareJid('Romeo@example.net'), 'romeo@example.net')
    assert.equal(parseBareJid('example.net'), 'example.net')
    assert.equal(parseBareJid('romeo@example.net/orchard'), null)
    assert.equal(parseBareJid('romeo@example.net/'), null)
  })
})

describe('properties', () => {
  const interesting = fc.constantFrom(...'aZ09-._@/\\ "&\':<>[]%', '\u0130', '\u03A3', '\u00DF', '\u0301', '\u0323', '\u05D0',
    '\u0660', '\u06F0', '\u00B7', '\u200C', '\u200D',
    '\u094D', '\u0915', '\u0628', '\u30FB', '\u30A2', '\uFF21', '\uFF76', '\uFF9E', '\u3000', '\u3002', '\u212B', '\u0958', '\u1100',
      '\uAC00', '\u13A0', '\uAB70', '\u1E9E',
    '\u1F88', '\u2126', '\u{10400}', '\uD800', '\u0378', 'xn--', 'xn--fuball-cta', '127.0.0.1', '::1')
  const text = fc.oneof(
    fc.array(interesting, { maxLength: 12 }).map(all => all.join('')),
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
  )
  test('a canonical JID is its own canonical form, and nothing throws', () => {
    let accepted = 0
    fc.assert(fc.property(text, text, text, (local, domain, resource) => {
      for (const input of [local, `${local}@${domain}`, `${local}@example.net/${resource}`, `${local}@${domain}/${resource}`]) {
        const jid = parseJid(input)
        if (jid === null) continue
        accepted += 1
        assert.equal(parseJid(jid), jid)
        assert.ok(jid.isWellFormed())
        const local = localpartOf(jid)
        assert.equal(makeJid(local, domainOf(jid), resourcepartOf(jid) ?? undefined), jid)
        if (local !== null) assert.equal(prepareLocalpart(local), local)
        assert.equal(parseDomainpart(domainOf(jid)), domainOf(jid))
      }
    }), { numRuns: 2000, seed: 7622 })
    assert.ok(accepted > 300, `only ${String(accepted)} inputs were JIDs`)
  })
  test('every single code point is refused or prepared idempotently, in every part', () => {
    for (let code = 0; code <= 0x10FFFF; code += code < 0x3000 ? 1 : 43) {
      const character = String.fromCodePoint(code)
      for (const prepare of [prepareLocalpart, prepareResourcepart, parseDomainpart]) {
        const prepared = prepare(`a${character}a`)
        if (prepared !== null) assert.equal(prepare(prepared), prepared, `U+${code.toString(16)}`)
      }
    }
  })
})
