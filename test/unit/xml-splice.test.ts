import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { withoutChildren } from '../../src/xml/children.ts'
import { parse } from '../../src/xml/parse.ts'
import { scanChildren, scanDocument } from '../../src/xml/scanner.ts'
import { standAlone, withAttribute, withChild } from '../../src/xml/splice.ts'
import { tag } from '../../src/xml/write.ts'
import { goodInputs } from './xml-bad-input.ts'

const stamp = (xml: string, value: string) => Buffer.from(withAttribute(scanDocument(Buffer.from(xml)), 'from', value)).toString()

test('an attribute that is absent is inserted right after the tag name', () => {
  assert.equal(stamp('<a/>', 'x@y/z'), '<a from=\'x@y/z\'/>')
  assert.equal(stamp('<a >t</a>', 'x'), '<a from=\'x\' >t</a>')
  assert.equal(stamp('<x:a\nxmlns:x="u"></x:a >\n', 'x'), '<x:a from=\'x\'\nxmlns:x="u"></x:a >')
})

test('an attribute that is present has its value replaced, however it is quoted', () => {
  assert.equal(stamp('<a b="" from = "evil@x" c=\'\'/>', 'it\'s "x" & <y>'), '<a b="" from = "it&apos;s &quot;x&quot; &amp; &lt;y&gt;" c=\'\'/>')
  assert.equal(stamp('<a from=\'\'/>', 'a\'b'), '<a from=\'a&apos;b\'/>')
})

test('only the attribute in no namespace is replaced, not one that ends alike', () => {
  assert.equal(stamp('<a x:from="1" xmlns:x="u" from2="2" xfrom="3" xmlns:from="v"/>', 'me'), '<a from=\'me\' x:from="1" xmlns:x="u" from2="2" xfrom="3" xmlns:from="v"/>')
})

test('whatever the value is, it is read back', () => {
  for (const value of ['', '\t\r\n', 'é😀', '\'"<>&', '&#0;', ']]>', 'a'.repeat(5000)]) {
    for (const xml of ['<a/>', '<a from="old">text</a>']) assert.equal(parse(Buffer.from(stamp(xml, value))).attributes.get('from'), value)
  }
})

test('nothing but the attribute changes', () => {
  for (const xml of goodInputs) {
    const before = parse(Buffer.from(xml))
    const after = parse(Buffer.from(stamp(xml, 'me@x')))
    assert.deepEqual([...after.attributes].sort(), [...before.attributes, ['from', 'me@x']].sort())
    assert.deepEqual({ ...after, attributes: null }, { ...before, attributes: null })
  }
})

test('a document is stand-alone already and is not copied', () => {
  const bytes = Buffer.from('<a xmlns="u"/> ')
  const alone = standAlone(scanDocument(bytes))
  assert.equal(Buffer.from(alone).toString(), '<a xmlns="u"/>')
  assert.equal(alone.buffer, bytes.buffer)
})

test('children of a body declare what they inherited and used, and mean the same (RFC 7395 §3.3.3)', () => {
  const { root, children } = scanChildren(Buffer.from('<body xmlns="http://jabber.org/protocol/httpbind" xmlns:a="u&amp;&apos;" xmlns:unused="w" xmlns:b="v">'
    + '<message xmlns="jabber:client"><a:x b:y=""/></message><iq/><b:z from="1"/><plain xmlns=""/></body>'))
  assert.deepEqual(children.map(child => Buffer.from(standAlone(child)).toString()), [
    '<message xmlns:a=\'u&amp;&apos;\' xmlns:b=\'v\' xmlns="jabber:client"><a:x b:y=""/></message>',
    '<iq xmlns=\'http://jabber.org/protocol/httpbind\'/>', '<b:z xmlns:b=\'v\' from="1"/>', '<plain xmlns=""/>'])
  assert.deepEqual(children.map(child => parse(standAlone(child))), root.element().children)
  assert.equal(Buffer.from(withAttribute(children[2] ?? assert.fail(), 'from', 'me')).toString(), '<b:z xmlns:b=\'v\' from="me"/>')
  assert.equal(Buffer.from(withAttribute(children[1] ?? assert.fail(), 'from', 'me')).toString(), '<iq xmlns=\'http://jabber.org/protocol/httpbind\' from=\'me\'/>')
})

test('bytes that are part of a larger array are spliced by their own offsets', () => {
  const large = new Uint8Array(Buffer.from('xxxxx<a>é</a>yyyy'))
  assert.equal(Buffer.from(withAttribute(scanDocument(large.subarray(5, 14)), 'b', 'c')).toString(), '<a b=\'c\'>é</a>')
})

test('a child is put behind all that is there, however the element is written', () => {
  const added = (xml: string) => Buffer.from(withChild(scanDocument(Buffer.from(xml)), tag('z', { xmlns: 'u' }))).toString()
  assert.equal(added('<a/>'), '<a><z xmlns=\'u\'/></a>')
  assert.equal(added('<x:a xmlns:x="v" b=\'/\' />'), '<x:a xmlns:x="v" b=\'/\' ><z xmlns=\'u\'/></x:a>')
  assert.equal(added('<a>t<b/></a > '), '<a>t<b/><z xmlns=\'u\'/></a >')
  assert.equal(added('<a><![CDATA[</a>]]></a>'), '<a><![CDATA[</a>]]><z xmlns=\'u\'/></a>')
  for (const xml of goodInputs) assert.equal(parse(Buffer.from(added(xml))).children.at(-1)?.local, 'z')
})

test('children are taken out, and nothing else changes; where there are none to take out, nothing at all does', () => {
  const left = (xml: string) => {
    const { bytes, start, end } = withoutChildren(scanDocument(Buffer.from(xml)), ({ ns, local }) => ns === 'u' && local === 'z')
    return Buffer.from(bytes.subarray(start, end)).toString()
  }
  assert.equal(left('<a><z xmlns="u"/></a>'), '<a></a>')
  assert.equal(left('<a c="d" xmlns:x="u">é<x:z>1</x:z><b><x:z/></b> <z/><x:z y=""/>t</a > '), '<a c="d" xmlns:x="u">é<b><x:z/></b> <z/>t</a >')
  const [child] = scanChildren(Buffer.from('<body xmlns="v" xmlns:x="u"><a><x:z/><x:b/></a></body>')).children
  const { bytes, start, end, inherited } = withoutChildren(child ?? assert.fail(), ({ local }) => local === 'z')
  assert.equal(Buffer.from(bytes.subarray(start, end)).toString(), "<a xmlns='v' xmlns:x='u'><x:b/></a>")
  assert.deepEqual(inherited, [])
  for (const xml of goodInputs) {
    const whole = scanDocument(Buffer.from(xml))
    assert.equal(withoutChildren(whole, () => false), whole)
    assert.equal(withoutChildren(whole, () => true).childCount, 0)
  }
})
