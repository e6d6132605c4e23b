import assert from 'node:assert/strict'
import { Buffer, isUtf8 } from 'node:buffer'
import { test } from 'node:test'
import { findByte, FORBIDDEN, INCOMPLETE, isCharacter, isOf, isWideNameCharacter, isWideNameStart, NAME_CHARACTER, NAME_START, STOPS_TEXT, wideCharacter,
  widthOf } from '../../src/xml/characters.ts'

const start = /^[A-Z_a-z\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u02FF\u0370-\u037D\u037F-\u1FFF\u200C-\u200D\u2070-\u218F\u2C00-\u2FEF\u3001-\uD7FF\uF900-\uFDCF\uFDF0-\uFFFD\u{10000}-\u{EFFFF}]$/u
const extra = /^[-.0-9\u00B7\u0300-\u036F\u203F-\u2040]$/u
const character = /^[\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]$/u

test('every code point is Char, NameStartChar and NameChar as XML 1.0 §2.2 and §2.3 say, and is read from UTF-8', () => {
  for (let code = 0; code <= 0x10FFFF; code++) {
    if (code >= 0xD800 && code <= 0xDFFF) {
      assert.equal(isCharacter(code), false)
      continue
    }
    const text = String.fromCodePoint(code)
    if (isCharacter(code) !== character.test(text)) assert.fail(`U+${code.toString(16)} as Char`)
    const isStart = code < 0x80 ? isOf(code, NAME_START) : isWideNameStart(code)
    if (isStart !== start.test(text)) assert.fail(`U+${code.toString(16)} as NameStartChar`)
    const isName = code < 0x80 ? isOf(code, NAME_CHARACTER) : isWideNameCharacter(code)
    if (isName !== (start.test(text) || extra.test(text))) assert.fail(`U+${code.toString(16)} as NameChar`)
    if (code < 0x80) continue
    const bytes = Buffer.from(text)
    const read = wideCharacter(bytes, 0, bytes.length)
    if (read !== (character.test(text) ? code : FORBIDDEN)) assert.fail(`U+${code.toString(16)} is read as ${read}`)
    if (widthOf(code) !== bytes.length) assert.fail(`U+${code.toString(16)} has width ${widthOf(code)}`)
  }
})

test('every sequence of two and three bytes is UTF-8 or not as node says, but for U+FFFE and U+FFFF', () => {
  const bytes = Buffer.alloc(3)
  for (let lead = 0x80; lead < 0x100; lead++) {
    for (let second = 0; second < 0x100; second++) {
      bytes[0] = lead
      bytes[1] = second
      const two = wideCharacter(bytes, 0, 2)
      if (two >= 0 !== isUtf8(bytes.subarray(0, 2)) && !(lead < 0xE0 && second < 0x80)) assert.fail(`${lead} ${second}`)
      if (two !== INCOMPLETE) continue
      for (const third of [0, 0x7F, 0x80, 0xBD, 0xBE, 0xBF, 0xC0, 0xFF]) {
        bytes[2] = third
        const three = wideCharacter(bytes, 0, 3)
        if (three === INCOMPLETE) continue
        const isForbidden = lead === 0xEF && second === 0xBF && (third === 0xBE || third === 0xBF)
        if (three >= 0 !== (isUtf8(bytes) && !isForbidden)) assert.fail(`${lead} ${second} ${third}`)
      }
    }
  }
})

test('a character that the end cuts is incomplete as long as it is sound', () => {
  for (const text of ['é', '€', '😀', '\uD7FF', '\u{10FFFF}']) {
    const bytes = Buffer.from(text)
    for (let end = 1; end < bytes.length; end++) assert.equal(wideCharacter(bytes, 0, end), INCOMPLETE)
  }
})

test('the first byte of a class is found wherever it stands', () => {
  for (let length = 0; length < 12; length++) {
    for (let at = 0; at <= length; at++) {
      const bytes = Buffer.alloc(length + 1, 'x')
      bytes[at] = 0x3C
      assert.equal(findByte(bytes, 0, length, STOPS_TEXT), at)
    }
  }
})
