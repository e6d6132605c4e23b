// The PRECIS framework (RFC 8264) and the profiles of RFC 8265, with the tables of examples.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { enforceOpaqueString, enforceUsernameCaseMapped } from '../../src/xmpp/precis.ts'
import { isRightToLeft, satisfiesBidiRule } from '../../src/xmpp/precis-bidi-rule.ts'
import { conformsTo, conformsToIdna, idnaProperty, precisProperty } from '../../src/xmpp/precis-derived-property.ts'
import type { DerivedProperty } from '../../src/xmpp/precis-derived-property.ts'

/** For names and messages: ASCII as it is, the rest as U+ numbers. */
const spelt = (text: string) => Array.from(text,
  character => character < '\x7F' ? character : `<${(character.codePointAt(0) ?? 0).toString(16)}>`).join('')

describe('RFC 8265 §3.5: userparts', () => {
  const legal: [number, string, string][] = [
    [1, 'juliet@example.com', 'juliet@example.com'], [2, 'fussball', 'fussball'], [3, 'fu\u00DFball', 'fu\u00DFball'], [4, '\u03C0',
      '\u03C0'],
    [5, '\u03A3', '\u03C3'], [6, '\u03C3', '\u03C3'], [7, '\u03C2', '\u03C2'],
  ]
  for (const [number, input, output] of legal) {
    test(`example ${String(number)} is legal`, () => { assert.equal(enforceUsernameCaseMapped(input), output) })
  }
  const illegal: [number, string][] = [[8, 'foo bar'], [9, ''], [10, 'henry\u2163'], [11, '\u265A']]
  for (const [number, input] of illegal) {
    test(`example ${String(number)} violates the rules`, () => { assert.equal(enforceUsernameCaseMapped(input), null) })
  }
})

describe('RFC 8265 §4.3: passwords', () => {
  const legal: [number, string, string][] = [
    [12, 'correct horse battery staple', 'correct horse battery staple'], [13, 'Correct Horse Battery Staple',
      'Correct Horse Battery Staple'],
    [14, '\u03C0\u00DF\u00E5', '\u03C0\u00DF\u00E5'], [15, 'Jack of \u2666s', 'Jack of \u2666s'], [16, 'foo\u1680bar', 'foo bar'],
  ]
  for (const [number, input, output] of legal) {
    test(`example ${String(number)} is legal`, () => { assert.equal(enforceOpaqueString(input), output) })
  }
  const illegal: [number, string][] = [[17, ''], [18, 'my cat is a \tby']]
  for (const [number, input] of illegal) {
    test(`example ${String(number)} violates the rules`, () => { assert.equal(enforceOpaqueString(input), null) })
  }
})

describe('mappings of UsernameCaseMapped', () => {
  test('a capital sigma at the end of a word is an ordinary one: the rules do not account for final sigma (RFC 8265 §3.5)', () => {
    assert.equal(enforceUsernameCaseMapped('\u039F\u03A3'), '\u03BF\u03C3')
  })
  test('I WITH DOT ABOVE becomes i and a combining dot, dotless i stays, in every locale', () => {
    assert.equal(enforceUsernameCaseMapped('\u0130'), 'i\u0307')
    assert.equal(enforceUsernameCaseMapped('I\u0131'), 'i\u0131')
    assert.notEqual(enforceUsernameCaseMapped('\u0130'), enforceUsernameCaseMapped('I'))
  })
  test('capital sharp s becomes the small one, not ss', () => { assert.equal(enforceUsernameCaseMapped('\u1E9E'), '\u00DF') })
  test('fullwidth and halfwidth forms are mapped before the class is asked (RFC 8265 §3.3.2)', () => {
    assert.equal(enforceUsernameCaseMapped('\uFF2A\uFF35\uFF2C\uFF11'), 'jul1')
    assert.equal(enforceUsernameCaseMapped('\uFF76\uFF9E'), '\u30AC')
    assert.equal(enforceUsernameCaseMapped('\u3000'), null)
    assert.equal(enforceUsernameCaseMapped('\uFFE3'), null)
    assert.equal(enforceUsernameCaseMapped('\uFFA1'), null)
  })
  test('the output is in Normalization Form C', () => {
    assert.equal(enforceUsernameCaseMapped('A\u030A'), '\u00E5')
    assert.equal(enforceUsernameCaseMapped('a\u0301\u0323'), '\u1EA1\u0301')
    assert.equal(enforceUsernameCaseMapped('\u212B'), null) // ANGSTROM SIGN: HasCompat, refused before NFC
  })
})

describe('the derived property (RFC 8264 §8)', () => {
  const expected: Record<string, [DerivedProperty, string]> = {
    'Exceptions F, valid': ['PVALID', '\u00DF\u03C2\u06FD\u06FE\u0F0B\u3007'],
    'Exceptions F, contextual': ['CONTEXTO', '\u00B7\u0375\u05F3\u05F4\u30FB\u0660\u0669\u06F0\u06F9'],
    'Exceptions F, disallowed': ['DISALLOWED', '\u0640\u07FA\u302E\u302F\u3031\u3035\u303B'],
    'Unassigned J': ['UNASSIGNED', '\u0378\u{50000}'],
    'ASCII7 K': ['PVALID', '!~aZ09'],
    'JoinControl H': ['CONTEXTJ', '\u200C\u200D'],
    'OldHangulJamo I': ['DISALLOWED', '\u1100\u115F\u1160\u11FF\uA960\uD7B0\uD7FB'],
    'PrecisIgnorableProperties M': ['DISALLOWED', '\u00AD\u034F\u200B\u3164\uFE0F\uFFFE\uFDD0\u{1FFFF}'],
    'Controls L': ['DISALLOWED', '\0\t\n\x7F\x9F'],
    'HasCompat Q': ['FREE_PVAL', '\u00A0\u00AA\u00BC\u017F\u2163\u212B\u0958\uFF21'],
    'LetterDigits A': ['PVALID', '\u00E9\u0391\u05D0\u0301\u0903\u0966\u4E00\uAC00\u{10400}'],
    'OtherLetterDigits R': ['FREE_PVAL', '\u1F88\u16EE\u2460\u0488'],
    'Spaces N': ['FREE_PVAL', ' \u1680'],
    'Symbols O': ['FREE_PVAL', '\u00A9\u265A\u20AC\u{1F600}'],
    'Punctuation P': ['FREE_PVAL', '\u00A1\u2010\u05BE'],
    'nothing of all this': ['DISALLOWED', '\uE000\u2028\u0600\u{F0000}'],
  }
  for (const [name, [property, codePoints]] of Object.entries(expected)) {
    test(name, () => {
      for (const codePoint of codePoints) assert.equal(precisProperty(codePoint), property, `U+${codePoint.codePointAt(0)?.toString(16)}`)
    })
  }
  test('the one-scan classes agree with the derived property on every code point', () => {
    for (let code = 0; code <= 0x10FFFF; code += code < 0x3000 ? 1 : 13) {
      const codePoint = String.fromCodePoint(code)
      const property = precisProperty(codePoint)
      if (property === 'CONTEXTJ' || property === 'CONTEXTO') continue
      assert.equal(conformsTo('IdentifierClass', codePoint), property === 'PVALID', code.toString(16))
      assert.equal(conformsTo('FreeformClass', codePoint), property === 'PVALID' || property === 'FREE_PVAL', code.toString(16))
    }
  })
  test('what IDNA allows, the IdentifierClass allows', () => {
    for (let code = 0; code <= 0x1FFFF; code += 1) {
      const codePoint = String.fromCodePoint(code)
      if (idnaProperty(codePoint) === 'PVALID') assert.equal(precisProperty(codePoint), 'PVALID', code.toString(16))
    }
  })
  test('IDNA disallows capitals, symbols, unstable letters and the ignorable blocks (RFC 5892 §2)', () => {
    for (const codePoint of 'A_ @\u00C9\u2603\u00AA\uAB70\u20D0\u{1D165}\u{1D242}\u1100\u200B') assert.equal(idnaProperty(codePoint),
      'DISALLOWED', codePoint)
    for (const codePoint of 'a0-\u00E9\u00DF\u13A0') assert.equal(idnaProperty(codePoint), 'PVALID', codePoint)
  })
})

describe('contextual rules (RFC 5892 appendix A)', () => {
  const rules: [string, string[], string[]][] = [
    ['A.1 ZERO WIDTH NON-JOINER', ['\u0915\u094D\u200C\u0937', '\u0628\u200C\u0628', '\u0628\u064B\u200C\u064B\u0627',
      '\u06CC\u200C\u0627'],
      ['\u200C', 'a\u200Cb', '\u0628\u200C', '\u200C\u0628', '\u0627\u200C\u0628', '\u0628\u200C\u0621', '\u0628\u200Ca',
        '\u064B\u200C\u0628', '\u05B0\u200C', '\u3099\u200C']],
    ['A.2 ZERO WIDTH JOINER', ['\u0915\u094D\u200D\u0937', '\u0915\u094D\u200D', '\u{11013}\u{11046}\u200D'], ['\u200D', 'a\u200Db',
      '\u0628\u200D\u0628', '\u05D0\u05B0\u200D', '\u30AB\u3099\u200D', '\u0301\u200D']],
    ['A.3 MIDDLE DOT', ['l\u00B7l', 'col\u00B7laborar'], ['\u00B7', 'l\u00B7', '\u00B7l', 'l\u00B7a', 'a\u00B7l', 'L\u00B7l']],
    ['A.4 GREEK LOWER NUMERAL SIGN', ['\u0375\u03B1'], ['\u0375', 'a\u0375', '\u03B1\u0375', '\u0375a', '\u0375a\u03B1']],
    ['A.5 HEBREW PUNCTUATION GERESH', ['\u05D0\u05F3'], ['\u05F3', 'a\u05F3', '\u05F3\u05D0', '\u{10900}\u05F3']],
    ['A.6 HEBREW PUNCTUATION GERSHAYIM', ['\u05D0\u05F4\u05D1'], ['\u05F4', '\u05F4\u05D0']],
    ['A.7 KATAKANA MIDDLE DOT', ['\u30A2\u30FB', '\u30FB\u3042', 'a\u30FB\u4E00'], ['\u30FB', 'a\u30FBb']],
    ['A.8 ARABIC-INDIC DIGITS', ['\u0660\u0661'], ['\u0660\u06F1', '\u06F1\u0660']],
    ['A.9 EXTENDED ARABIC-INDIC DIGITS', ['\u06F0\u06F1'], ['a\u06F0\u0669']],
  ]
  for (const [name, good, bad] of rules) {
    test(name, () => {
      for (const text of good) {
        assert.ok(conformsTo('IdentifierClass', text), spelt(text))
        assert.ok(conformsTo('FreeformClass', text), spelt(text))
      }
      for (const text of bad) {
        assert.ok(!conformsTo('IdentifierClass', text), spelt(text))
        assert.ok(!conformsTo('FreeformClass', text), spelt(text))
        assert.ok(!conformsToIdna(text), spelt(text))
      }
    })
  }
  test('a text of nothing but contextual code points is judged in linear time', () => {
    const start = process.hrtime.bigint()
    for (const unit of ['\u30FB', '\u0660', '\u06F0', 'l\u00B7', '\u0628\u200C', '\u05D0\u05F3']) conformsTo('FreeformClass',
      `${unit.repeat(20_000)}\u30A2`)
    assert.ok(process.hrtime.bigint() - start < 1_000_000_000n)
  })
})

describe('the Bidi Rule (RFC 5893 §2)', () => {
  const good = ['\u05D0\u05D1', '\u05D01', '\u0627\u0661', '\u05D0-\u05D1', '\u05D0\u05B0', '\u05D01\u05B0', 'abc', 'a1', 'a-b',
    '\u00E9\u0301', '\u0628\u200C\u0628', '\u{1E900}\u{1E901}']
  const bad = ['1\u05D0', '\u0661\u0627', '\u05B0\u05D0', '\u05D0a', 'a\u05D0', '\u05D0a\u05D0', '\u05D0-', '\u05D0.', '\u05D01\u0661',
    'a-', '1a', '-a', '\u05D0\u0939', '\u05D0\u0CBF']
  for (const text of good) test(`${spelt(text)} satisfies it`, () => { assert.ok(satisfiesBidiRule(text)) })
  for (const text of bad) test(`${spelt(text)} does not`, () => { assert.ok(!satisfiesBidiRule(text)) })
  test('it is asked of usernames with right-to-left code points only (RFC 8265 §3.3.1)', () => {
    assert.equal(enforceUsernameCaseMapped('1a-'), '1a-')
    assert.equal(enforceUsernameCaseMapped('\u05D0\u05D1'), '\u05D0\u05D1')
    assert.equal(enforceUsernameCaseMapped('\u05D0a'), null)
    assert.equal(enforceUsernameCaseMapped('a\u0661'), null)
    assert.ok(isRightToLeft('a\u0661'))
    assert.ok(!isRightToLeft('a\u05B01'))
  })
})

describe('hostile input', () => {
  test('lone surrogates are refused', () => {
    for (const text of ['\uD800', 'a\uDFFF', '\uDC00\uD800']) {
      assert.equal(enforceUsernameCaseMapped(text), null)
      assert.equal(enforceOpaqueString(text), null)
    }
  })
  test('more than 30 combining marks in a row are refused', () => {
    assert.equal(enforceOpaqueString(`a${'\u0301'.repeat(31)}`), null)
    assert.equal(enforceUsernameCaseMapped(`a${'\u0323\u0301'.repeat(1000)}`), null)
  })
})
