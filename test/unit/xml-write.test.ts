import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { parse } from '../../src/xml/parse.ts'
import { raw, tag, text } from '../../src/xml/write.ts'

test('an element without content is an empty tag', () => {
  assert.equal(tag('a'), '<a/>')
  assert.equal(tag('a', { b: 'c' }), '<a b=\'c\'/>')
  assert.equal(tag('a', {}, text('')), '<a/>')
  assert.equal(tag('stream:features', { 'xml:lang': 'de' }, tag('b'), text('c')), '<stream:features xml:lang=\'de\'><b/>c</stream:features>')
})

test('attributes that are null or undefined are left out', () => {
  assert.equal(tag('a', { b: null, c: undefined, d: '' }), '<a d=\'\'/>')
})

test('text and values come back as they were', () => {
  for (const value of ['<&>\'"', ']]>', '\t\r\n \r', '&amp;', 'é😀', '\u0085\u007F']) {
    const element = parse(Buffer.from(tag('a', { b: value }, text(value))))
    assert.equal(element.text, value)
    assert.equal(element.attributes.get('b'), value)
  }
})

test('characters that XML forbids come out as U+FFFD, lone surrogates too (XML 1.0 §2.2)', () => {
  const forbidden = '\0\u0001\u000B\u001F\uFFFE\uFFFF\uD800\uDC00'.slice(0, 7) + 'x\uDC00'
  const replaced = '\uFFFD'.repeat(7) + 'x\uFFFD'
  assert.equal(text(forbidden), replaced)
  assert.equal(tag('a', { b: forbidden }), `<a b='${replaced}'/>`)
  assert.equal(text('😀'), '😀')
})

test('a name that is no name is refused', () => {
  for (const name of ['', 'a b', 'a>', '1', 'a:b:c', ':a', 'a:', 'é', 'a/', 'a\n']) {
    assert.throws(() => tag(name), TypeError, name)
    assert.throws(() => tag('a', { [name]: '' }), TypeError, name)
  }
})

test('markup is not escaped again', () => {
  assert.equal(tag('a', {}, raw('<b/>&lt;')), '<a><b/>&lt;</a>')
})
