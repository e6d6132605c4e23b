import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { defaultXmlLimits } from '../../src/xml/limits.ts'
import type { XmlLimits } from '../../src/xml/limits.ts'
import { parse } from '../../src/xml/parse.ts'
import { standAlone } from '../../src/xml/splice.ts'
import { StreamScanner } from '../../src/xml/stream-scanner.ts'
import { badInputs, goodInputs } from './xml-bad-input.ts'
import { inStream, onlyElement, scanInStream } from './xml-in-stream.ts'

const header = '<stream:stream xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams" to="example.net" version=\'1.0\' xml:lang="de">'

/** What a scanner tells, in words. */
function listen(limits?: XmlLimits) {
  const events: string[] = []
  const scanner = new StreamScanner({
    header: element => { events.push(`header ${element.local} to ${element.attribute('to')}`) },
    element: element => { events.push(Buffer.from(standAlone(element)).toString()) },
    footer: () => { events.push('footer') },
  }, limits)
  const write = (xml: string) => { scanner.write(Buffer.from(xml)) }
  return { events, scanner, write }
}

test('header, first-level elements and footer are told of in order (RFC 6120 §4)', () => {
  const { events, write } = listen()
  write(`<?xml version='1.0' encoding='utf-8'?>\n${header}<iq id='1'/> \n<message><body>x</body></message><stream:error/></stream:stream> \n`)
  assert.deepEqual(events, ['header stream to example.net', '<iq xmlns=\'jabber:client\' id=\'1\'/>',
    '<message xmlns=\'jabber:client\'><body>x</body></message>', '<stream:error xmlns:stream=\'http://etherx.jabber.org/streams\'/>', 'footer'])
})

test('the same is told when every byte comes alone', () => {
  const { events, scanner } = listen()
  for (const byte of Buffer.from(`<?xml version='1.0'?>${header} <iq id='1'><a x='é'>€ 😀</a></iq><message xmlns='u'/> </stream:stream>`)) {
    scanner.write(Uint8Array.of(byte))
  }
  assert.deepEqual(events, ['header stream to example.net', '<iq xmlns=\'jabber:client\' id=\'1\'><a x=\'é\'>€ 😀</a></iq>', '<message xmlns=\'u\'/>', 'footer'])
})

test('the header is an element of its own without content', () => {
  for (const xml of [header, header.replace('>', ' >'), header.replace(/>$/, '/>')]) {
    const headers: unknown[] = []
    new StreamScanner({ header: element => { headers.push(element.element(), element.lang, element.attribute('version')) }, element() {}, footer() {} }).write(Buffer.from(xml))
    assert.deepEqual(headers, [{ ns: 'http://etherx.jabber.org/streams', local: 'stream', attributes: new Map([['to', 'example.net'], ['version', '1.0'],
      ['xml:lang', 'de']]), children: [], text: '' }, 'de', '1.0'])
  }
})

test('a header that is an empty element opens and closes the stream', () => {
  const { events, write } = listen()
  write('<a to="x"/>')
  assert.deepEqual(events, ['header a to x', 'footer'])
})

test('an XML declaration is legal only at the very beginning (XML 1.0 §2.8)', () => {
  for (const xml of [' <?xml version="1.0"?><a>', '<?xml version="1.0"?><?xml version="1.0"?><a>', '<a><?xml version="1.0"?>', '<?php?><a>', '<?xmlx version="1.0"?><a>']) {
    assert.throws(() => { listen().write(xml) }, { fault: 'restricted-xml' }, xml)
  }
  for (const xml of ['<?xml?><a>', '<?xml ?><a>', '<?xml version=1.0?><a>', '<?xml version="2.0"?><a>', '<?xml encoding="UTF-8"?><a>', '<?xml version="1.0\'?><a>']) {
    assert.throws(() => { listen().write(xml) }, { name: 'XmlError' }, xml)
  }
  assert.throws(() => { listen().write('<?xml version="1.0" encoding="UTF-16"?><a>') }, { fault: 'bad-format' })
  assert.throws(() => { listen().write(`<?xml version="1.0"${' '.repeat(300)}`) }, { fault: 'limit' })
  for (const xml of ['<?xml version=\'1.0\' encoding="utf-8" standalone=\'yes\' ?>\n<a to="x">', '\r\n<a to="x">']) {
    const { events, write } = listen()
    write(xml)
    assert.deepEqual(events, ['header a to x'])
  }
})

test('text between elements is bad-format, white space is a keepalive (RFC 6120 §11.7)', () => {
  for (const xml of ['x', '<iq/>x', '&amp;', '&#32;', '<![CDATA[x]]>', '<![CDATA[]]>', ']', 'é']) {
    assert.throws(() => { listen().write(`${header}${xml}<iq/>`) }, { fault: 'bad-format' }, xml)
  }
  const { events, write } = listen()
  write(header)
  for (let n = 0; n < 1000; n++) write(' \r\n\t')
  write('<iq/>')
  assert.equal(events.length, 2)
})

test('<iq/></stream:stream><iq/> delivers one <iq/> and then refuses', () => {
  const { events, write } = listen()
  assert.throws(() => { write(`${header}<iq/></stream:stream><iq/>`) }, { fault: 'bad-format' })
  assert.deepEqual(events, ['header stream to example.net', '<iq xmlns=\'jabber:client\'/>', 'footer'])
})

test('what follows a fault is ignored', () => {
  const { events, write } = listen()
  assert.throws(() => { write(`${header}<iq/><iq></qi><iq/>`) }, { fault: 'not-well-formed' })
  write('<iq/>')
  assert.equal(events.length, 2)
})

test('a fault is counted from the start of its element', () => {
  const { write } = listen()
  write(`${header}<iq/><iq/> `)
  assert.throws(() => { write('<iq><a></b>') }, { offset: 9 })
})

test('restart within an event: the next byte begins a new stream (RFC 6120 §4.3.3)', () => {
  const events: string[] = []
  const scanner = new StreamScanner({
    header: element => { events.push(`header ${element.local}`) },
    element: element => {
      events.push(element.local)
      if (element.local === 'auth') scanner.restart()
    },
    footer: () => { events.push('footer') },
  })
  scanner.write(Buffer.from('<a><iq/><auth/><?xml version="1.0"?><b xmlns:x="u"><x:iq/><au'))
  scanner.write(Buffer.from('th/>\n<c><d/></c>'))
  assert.deepEqual(events, ['header a', 'iq', 'auth', 'header b', 'iq', 'auth', 'header c', 'd', 'footer'])
})

test('restart between two writes forgets the declarations of the old header', () => {
  const { events, scanner, write } = listen()
  write('<a xmlns:x="u"><x:b/>')
  scanner.restart()
  assert.throws(() => { write('<a><x:b/>') }, { fault: 'not-well-formed' })
  assert.equal(events.length, 3)
})

test('stop within an event: nothing more is told', () => {
  const events: string[] = []
  const scanner = new StreamScanner({
    header() {},
    element: element => {
      events.push(element.local)
      scanner.stop()
    },
    footer: () => { events.push('footer') },
  })
  scanner.write(Buffer.from('<a><b/><c/></a>'))
  scanner.write(Buffer.from('<d/></a>'))
  assert.deepEqual(events, ['b'])
})

test('an element longer than the limit is refused, in one piece or in many, and the stream may be longer', () => {
  const limits = { ...defaultXmlLimits, maxBytes: 200 }
  for (const size of [1, 7, 1000]) {
    const { events, scanner } = listen(limits)
    const feed = (xml: string) => {
      const bytes = Buffer.from(xml)
      for (let n = 0; n < bytes.length; n += size) scanner.write(bytes.subarray(n, n + size))
    }
    feed(header + `<b>${'x'.repeat(193)}</b>`.repeat(50))
    assert.equal(events.length, 51)
    assert.throws(() => { feed(`<b>${'x'.repeat(194)}</b>`) }, { fault: 'limit' }, String(size))
  }
  assert.throws(() => { listen(limits).write(`<a b="${'x'.repeat(500)}">`) }, { fault: 'limit' })
  assert.throws(() => { listen(limits).write(`${header}<a b="${'x'.repeat(500)}`) }, { fault: 'limit' })
})

test('white space before a stream is bounded', () => {
  assert.throws(() => { listen().write(' '.repeat(1000)) }, { fault: 'limit' })
})

test('declarations of an element do not reach its siblings, wherever the pieces are cut', () => {
  const xml = '<a><b/><c xmlns:x="u" xmlns="d"><x:d/><e xmlns:y="v"/></c><f/></a>'
  const expected = ['<b/>', '<c xmlns:x="u" xmlns="d"><x:d/><e xmlns:y="v"/></c>', '<f/>', 'footer']
  for (let cut = 1; cut < xml.length; cut++) {
    const { events, write } = listen()
    write(xml.slice(0, cut))
    write(xml.slice(cut))
    assert.deepEqual(events.slice(1), expected)
    const other = listen()
    const bad = xml.replace('<f/>', '<x:f/>')
    assert.throws(() => {
      other.write(bad.slice(0, cut))
      other.write(bad.slice(cut))
    }, { fault: 'not-well-formed' }, `cut at ${cut}`)
  }
})

test('elements survive the buffer they were read into', () => {
  const elements: Uint8Array[] = []
  const scanner = new StreamScanner({ header() {}, element: element => { elements.push(standAlone(element)) }, footer() {} })
  scanner.write(Buffer.from('<a>'))
  for (let n = 0; n < 300; n++) {
    scanner.write(Buffer.from(`<b n="${n}">${'x'.repeat(n * 5)}</b><c`))
    scanner.write(Buffer.from(`${n}/>`))
  }
  assert.equal(elements.length, 600)
  elements.forEach((bytes, index) => {
    const n = index >> 1
    assert.equal(Buffer.from(bytes).toString(), index % 2 === 0 ? `<b n="${n}">${'x'.repeat(n * 5)}</b>` : `<c${n}/>`)
  })
})

test('write within an event is a mistake of the caller', () => {
  const scanner = new StreamScanner({ header() {}, element() { scanner.write(Buffer.from('<x/>')) }, footer() {} })
  assert.throws(() => { scanner.write(Buffer.from('<a><b/>')) }, /within an event/)
})

for (const { name, bytes, fault } of badInputs) {
  test(`${name} has the same end in a stream, whole and cut at every byte`, () => {
    const whole = scanInStream(bytes, [])
    const expected = inStream.get(name)
    assert.equal(whole.fault, expected === undefined ? fault : expected)
    if (name !== 'white space first') assert.equal(onlyElement(whole), null)
    for (let cut = 1; cut < bytes.length; cut++) assert.deepEqual(scanInStream(bytes, [cut]), whole, `cut at ${cut}`)
    assert.deepEqual(scanInStream(bytes, Array.from(bytes, (_, index) => index)), whole)
  })
}

for (const xml of goodInputs) {
  test(`${JSON.stringify(xml)} means the same in a stream, whole and cut at every byte`, () => {
    const bytes = Buffer.from(xml)
    const expected = parse(bytes)
    assert.deepEqual(onlyElement(scanInStream(bytes, [])), expected)
    for (let cut = 1; cut < bytes.length; cut++) assert.deepEqual(onlyElement(scanInStream(bytes, [cut])), expected, String(cut))
    assert.deepEqual(onlyElement(scanInStream(bytes, Array.from(bytes, (_, index) => index))), expected)
  })
}
