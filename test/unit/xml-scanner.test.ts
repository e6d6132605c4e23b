import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { defaultXmlLimits } from '../../src/xml/limits.ts'
import { parse } from '../../src/xml/parse.ts'
import { scanChildren, scanDocument, Scanner } from '../../src/xml/scanner.ts'
import { XmlError } from '../../src/xml/xml-error.ts'
import { badInputs, goodInputs } from './xml-bad-input.ts'

const scan = (xml: string) => scanDocument(Buffer.from(xml))
const text = (xml: string) => parse(Buffer.from(xml)).text
const refusal = (bytes: Uint8Array, limits = defaultXmlLimits): XmlError => {
  try {
    scanDocument(bytes, limits)
  } catch (error) {
    assert.ok(error instanceof XmlError, String(error))
    return error
  }
  return assert.fail('it was accepted')
}

for (const { name, bytes, fault } of badInputs) {
  test(`${name} is ${fault}`, () => {
    assert.equal(refusal(bytes).fault, fault)
    assert.throws(() => parse(bytes), { name: 'XmlError', fault })
    assert.throws(() => scanChildren(bytes), { name: 'XmlError', fault })
  })
}

for (const xml of goodInputs) {
  test(`${JSON.stringify(xml)} is accepted`, () => {
    assert.deepEqual(scan(xml).element(), parse(Buffer.from(xml)))
  })
}

test('a message is known by its root: name, attributes, children (RFC 7395 §3.3.3)', () => {
  const element = scan('<message xmlns=\'jabber:client\' to="a@b/c" id=\'&lt;1&#x20;2\' xml:lang=\'de\'><body>x</body><x xmlns="u"/></message>')
  assert.equal(element.ns, 'jabber:client')
  assert.equal(element.local, 'message')
  assert.equal(element.attribute('to'), 'a@b/c')
  assert.equal(element.attribute('id'), '<1 2')
  assert.equal(element.lang, 'de')
  assert.equal(element.childCount, 2)
  assert.deepEqual(element.firstChild, { ns: 'jabber:client', local: 'body' })
  assert.equal(element.hasText, false)
})

test('an attribute that is absent, in a namespace, or a declaration is not found by its local name', () => {
  const element = scan('<x:a xmlns=\'d\' xmlns:x=\'u\' x:from=\'evil\'/>')
  for (const name of ['to', 'from', 'xmlns', 'x', 'lang', 'a', '']) assert.equal(element.attribute(name), null, name)
  assert.equal(element.lang, null)
  assert.equal(element.firstChild, null)
  assert.equal(element.childCount, 0)
})

test('xml:lang is found whatever else is named lang', () => {
  assert.equal(scan('<a lang="1" xmlns:x="u" x:lang="2" xml:lang="3"/>').lang, '3')
  assert.equal(scan('<a lang="1" xmlns:x="u" x:lang="2"/>').lang, null)
})

test('the span is exactly the element: white space after it is outside', () => {
  const element = scan('<a>b</a> \r\n')
  assert.equal(element.start, 0)
  assert.equal(element.end, 8)
})

test('a name with a prefix is resolved where it stands', () => {
  const element = scan('<x:a xmlns:x="u"><x:b xmlns:x="v"/></x:a>')
  assert.deepEqual([element.ns, element.local, element.firstChild], ['u', 'a', { ns: 'v', local: 'b' }])
})

test('the namespaces around a document are part of its meaning', () => {
  const element = scanDocument(Buffer.from('<a><x:b/></a>'), defaultXmlLimits, [{ prefix: '', uri: 'hidden' }, { prefix: '', uri: 'd' }, { prefix: 'x', uri: 'u' },
    { prefix: 'unused', uri: 'v' }])
  assert.equal(element.ns, 'd')
  assert.deepEqual(element.firstChild, { ns: 'u', local: 'b' })
  assert.deepEqual(element.inherited, [{ prefix: '', uri: 'd' }, { prefix: 'x', uri: 'u' }])
  assert.deepEqual(element.element().children[0], { ns: 'u', local: 'b', attributes: new Map(), children: [], text: '' })
})

test('text in the root is noticed, white space is not text', () => {
  for (const xml of ['<a>x</a>', '<a><b/>x</a>', '<a><![CDATA[x]]></a>', '<a>&lt;</a>', '<a>\u00A0</a>', '<a>]</a>', '<a> é</a>', '<a><![CDATA[]]]]></a>']) {
    assert.equal(scan(xml).hasText, true, xml)
  }
  for (const xml of ['<a/>', '<a> \t\r\n</a>', '<a><b>x</b></a>', '<a> <b/> </a>', '<a><![CDATA[ ]]></a>', '<a>&#32;</a>']) assert.equal(scan(xml).hasText, false, xml)
})

test('&#x1F600; and its bytes mean the same', () => {
  assert.equal(text('<a>&#x1F600;</a>'), '😀')
  assert.equal(text('<a>😀</a>'), '😀')
  assert.equal(parse(Buffer.from('<a b="&#x1F600;😀"/>')).attributes.get('b'), '😀😀')
})

test('CDATA is text', () => {
  assert.equal(text('<a>1<![CDATA[<&]]]]><![CDATA[>]]>2</a>'), '1<&]]>2')
  assert.equal(text('<a><![CDATA[&lt;]]]]]></a>'), '&lt;]]]')
})

test('CR LF and CR in text are read as LF, &#13; is not (XML 1.0 §2.11)', () => {
  assert.equal(text('<a>1\r\n2\r3\n4&#13;\n5&#13;&#10;</a>'), '1\n2\n3\n4\r\n5\r\n')
  assert.equal(text('<a><![CDATA[1\r\n2\r]]></a>'), '1\n2\n')
})

test('tabs and line ends in an attribute are read as spaces, their references are not (XML 1.0 §3.3.3)', () => {
  const element = scan('<a b="1\t2\n3\r4\r\n5&#9;6&#10;7&#13;8 "/>')
  assert.equal(element.attribute('b'), '1 2 3 4 5\t6\n7\r8 ')
  assert.equal(element.element().attributes.get('b'), '1 2 3 4 5\t6\n7\r8 ')
})

test('numbers stay text: 007 and 1e3', () => {
  const element = parse(Buffer.from('<a b="007" c="1e3"><d>007</d><e>1e3</e></a>'))
  assert.deepEqual([...element.attributes.values()], ['007', '1e3'])
  assert.deepEqual(element.children.map(child => child.text), ['007', '1e3'])
})

test('<a></a> and <a/> mean the same', () => {
  assert.deepEqual(parse(Buffer.from('<a></a>')), parse(Buffer.from('<a/>')))
})

test('elements and attributes named like properties of objects are ordinary', () => {
  const element = parse(Buffer.from('<__proto__ constructor="1" toString="2" __proto__="3"><constructor/></__proto__>'))
  assert.equal(element.local, '__proto__')
  assert.deepEqual([...element.attributes], [['constructor', '1'], ['toString', '2'], ['__proto__', '3']])
  assert.equal(element.children[0]?.local, 'constructor')
})

test('attributes are keyed by local name, xml:…, or {namespace}local', () => {
  const element = parse(Buffer.from('<a b="1" xml:lang="2" x:b="3" xmlns:x="u" xmlns="d"/>'))
  assert.deepEqual([...element.attributes], [['b', '1'], ['xml:lang', '2'], ['{u}b', '3']])
})

test('20,000 levels of nesting are refused at the limit', () => {
  const error = refusal(Buffer.from('<a>'.repeat(20_000) + '</a>'.repeat(20_000)))
  assert.equal(error.fault, 'limit')
  assert.equal(error.offset, defaultXmlLimits.maxDepth * 3 + 1)
  assert.ok(scan('<a>'.repeat(128) + '</a>'.repeat(128)))
})

test('attributes beyond the limit are refused as they begin, 50,000 are far beyond', () => {
  const attributes = (count: number) => Array.from({ length: count }, (_, n) => ` a${n}=''`).join('')
  assert.ok(scan(`<a${attributes(128)}/>`))
  const limits = { ...defaultXmlLimits, maxBytes: 10_000_000 }
  const error = refusal(Buffer.from(`<a${attributes(50_000)}/>`), limits)
  assert.equal(error.fault, 'limit')
  assert.ok(error.offset < 2000)
})

test('namespace declarations count as attributes, and those in scope at once are limited too', () => {
  const declarations = (count: number, from = 0) => Array.from({ length: count }, (_, n) => ` xmlns:p${from + n}='u'`).join('')
  assert.ok(scan(`<a${declarations(128)}/>`))
  const limits = { ...defaultXmlLimits, maxBytes: 10_000_000 }
  assert.equal(refusal(Buffer.from(`<a${declarations(50_000)}/>`), limits).fault, 'limit')
  const nested = (levels: number) => Buffer.from(Array.from({ length: levels }, (_, level) => `<a${declarations(128, level * 128)}>`).join('') + '</a>'.repeat(levels))
  assert.ok(scanDocument(nested(4)))
  assert.equal(refusal(nested(5)).fault, 'limit')
  assert.ok(scan(`<a>${`<b${declarations(100)}/>`.repeat(20)}</a>`), 'one after another is not at once')
})

test('a 1 MiB attribute exceeds the document limit and is refused unread', () => {
  assert.deepEqual({ ...refusal(Buffer.from(`<a b='${'x'.repeat(1_048_576)}'/>`)) }, { name: 'XmlError', fault: 'limit', offset: 262_144, isTooLong: true })
  assert.throws(() => parse(Buffer.from(`<a b='${'x'.repeat(1_048_576)}'/>`)), { fault: 'limit' })
})

test('a document of exactly the limit is accepted, one byte more is not', () => {
  const limits = { ...defaultXmlLimits, maxBytes: 20 }
  assert.ok(scanDocument(Buffer.from('<a>1234567890123</a>'), limits))
  assert.equal(refusal(Buffer.from('<a>12345678901234</a>'), limits).fault, 'limit')
})

test('a name beyond the limit is refused, prefix and colon included', () => {
  const limits = { ...defaultXmlLimits, maxNameBytes: 5 }
  assert.ok(scanDocument(Buffer.from('<x:abc xmlns:x="u"/>'), { ...limits, maxNameBytes: 7 }))
  assert.ok(scanDocument(Buffer.from('<abcde/>'), limits))
  assert.ok(scanDocument(Buffer.from('<éée/>'), limits))
  for (const xml of ['<abcdef/>', '<a abcdef=""/>', '<ééé/>']) assert.equal(refusal(Buffer.from(xml), limits).fault, 'limit', xml)
})

test('a message repeats nothing of the input but one name', () => {
  for (const { bytes } of badInputs) {
    const { message } = refusal(bytes)
    assert.match(message, /^[\x20-\x7E]+$/)
    assert.ok(message.length < 80)
  }
  assert.match(refusal(Buffer.from('<a><secret:b>password</secret:b></a>')).message, /secret/)
})

test('a scanner that refused a document scans the next one as if nothing had been', () => {
  const scanner = new Scanner()
  for (const { bytes, fault } of badInputs) {
    assert.throws(() => scanner.scan(bytes), { fault })
    const element = scanner.scan(Buffer.from('<a xmlns="u"><b/>x</a>'))
    assert.deepEqual([element.ns, element.local, element.childCount, element.hasText], ['u', 'a', 1, true])
  }
})

test('every child of a body is a span that knows what it inherits', () => {
  const xml = '<body xmlns=\'http://jabber.org/protocol/httpbind\' xmlns:q=\'urn:q\' rid=\'1\'> <message xmlns=\'jabber:client\' to=\'x\'>'
    + '<body>t</body><q:a/></message><iq id=\'2\'/><q:z/><plain xmlns="">y</plain></body>\n'
  const { root, children } = scanChildren(Buffer.from(xml))
  assert.deepEqual([root.local, root.attribute('rid'), root.childCount, root.hasText], ['body', '1', 4, false])
  assert.deepEqual(children.map(child => [child.ns, child.local, child.childCount, child.hasText]), [
    ['jabber:client', 'message', 2, false], ['http://jabber.org/protocol/httpbind', 'iq', 0, false], ['urn:q', 'z', 0, false], ['', 'plain', 0, true]])
  assert.deepEqual(children.map(child => child.inherited), [[{ prefix: 'q', uri: 'urn:q' }], [{ prefix: '', uri: 'http://jabber.org/protocol/httpbind' }],
    [{ prefix: 'q', uri: 'urn:q' }], []])
  assert.deepEqual(children[0]?.firstChild, { ns: 'jabber:client', local: 'body' })
  assert.equal(children[0]?.attribute('to'), 'x')
  assert.deepEqual(children.map(child => child.element()), root.element().children)
})

test('an attribute alone can make a child rely on an outer prefix, and hiding one ends it', () => {
  const { children } = scanChildren(Buffer.from('<r xmlns:q="u"><a q:b=""/><c xmlns:q="v" q:b=""/><d><q:e xmlns:q="w"/></d><f><g q:h=""/></f></r>'))
  assert.deepEqual(children.map(child => child.inherited.length), [1, 0, 0, 1])
})
