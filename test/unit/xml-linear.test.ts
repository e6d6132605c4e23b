/** The scanner is linear in its input: not timed, but by counting how often it looks at a byte and how many it moves. */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { MarkupReader } from '../../src/xml/markup-reader.ts'
import type { MarkupSink } from '../../src/xml/markup-reader.ts'
import { StreamScanner } from '../../src/xml/stream-scanner.ts'
import { XmlError } from '../../src/xml/xml-error.ts'

const limits = { maxBytes: Infinity, maxDepth: 128, maxAttributes: 128, maxNameBytes: 1024 }
const deaf: MarkupSink = { start() {}, end() {}, text() {}, character() {} }

/** How often bytes were read, for input that comes in pieces of `size`. */
function reads(xml: string, size: number): number {
  const bytes = new Uint8Array(Buffer.from(xml))
  let count = 0
  const counted = new Proxy<Uint8Array>(bytes, {
    get(target, key) {
      if (typeof key === 'string' && key.charCodeAt(0) < 0x3A) count++
      return Reflect.get(target, key, target) as unknown
    },
  })
  const reader = new MarkupReader(limits, deaf, 'document', 1, 0)
  reader.begin(0, [])
  try {
    for (let end = 0; end < bytes.length;) {
      end = Math.min(end + size, bytes.length)
      reader.run(counted, end)
    }
    reader.finish(bytes.length)
  } catch (error) {
    assert.ok(error instanceof XmlError && error.fault === 'limit', String(error))
  }
  return count
}

const many = (count: number, one: (n: number) => string) => Array.from({ length: count }, (_, n) => one(n)).join('')

const shapes: readonly (readonly [string, (n: number) => string])[] = [
  ['one long text', n => `<a>${'x'.repeat(n)}</a>`],
  ['one long text beyond ASCII', n => `<a>${'€'.repeat(n / 3)}</a>`],
  ['one long value', n => `<a b='${'x'.repeat(n)}'/>`],
  ['one long value of line ends', n => `<a b='${'\r\n'.repeat(n / 2)}'/>`],
  ['one long namespace', n => `<a xmlns:x='${'x'.repeat(n)}' xmlns='${'&#120;'.repeat(n / 6)}'/>`],
  ['one long CDATA section', n => `<a><![CDATA[${'x'.repeat(n)}]]></a>`],
  ['a CDATA section of brackets', n => `<a><![CDATA[${']'.repeat(n)}]]></a>`],
  ['a text of brackets', n => `<a>${']'.repeat(n)}</a>`],
  ['a text of brackets and others', n => `<a>${']]x'.repeat(n / 3)}</a>`],
  ['a reference of very many digits', n => `<a>&#${'0'.repeat(n)}65;</a>`],
  ['very many references', n => `<a b='${'&lt;'.repeat(n / 8)}'>${'&amp;'.repeat(n / 10)}</a>`],
  ['white space in a tag', n => `<a${' '.repeat(n)}b${' '.repeat(n)}=${' '.repeat(n)}''/>`],
  ['white space after the element', n => `<a/>${' '.repeat(n)}`],
  ['very many children', n => `<a>${'<b/>'.repeat(n / 4)}</a>`],
  ['very many children with long names', n => `<a>${`<${'b'.repeat(200)}></${'b'.repeat(200)}>`.repeat(n / 400)}</a>`],
  ['elements with as many attributes as permitted', n => `<a>${`<b${many(128, k => ` a${k}=''`)}/>`.repeat(n / 900)}</a>`],
  ['attributes whose names collide', n => `<a>${`<b${many(128, k => ` a${k}aaaaaaaaa${k + 1000}a=''`)}/>`.repeat(n / 2500)}</a>`],
  ['as many declarations as permitted, then prefixes', n => `<a${many(120, k => ` xmlns:p${k}='u'`)}>${'<p0:b p1:c=""/>'.repeat(n / 15)}</a>`],
  ['attributes of equal local names in many namespaces', n =>
    `<a${many(120, k => ` xmlns:p${k}='${'u'.repeat(500)}${k}'`)}>${`<b${many(120, k => ` p${k}:x=''`)}/>`.repeat(n / 1000)}</a>`],
  ['nesting, up to the limit', n => '<a>'.repeat(n / 3)],
  ['nesting that opens and closes', n => `<a>${('<b>'.repeat(100) + '</b>'.repeat(100)).repeat(n / 700)}</a>`],
  ['names beyond the limit', n => `<${'a'.repeat(n)}/>`],
  ['attributes beyond the limit', n => `<a${many(n / 8, k => ` a${k}=''`)}/>`],
]

for (const [name, shape] of shapes) {
  for (const size of [Infinity, 1]) {
    test(`${name}, ${size === 1 ? 'a byte at a time' : 'at once'}: four times the input is at most four times the work`, () => {
      const small = reads(shape(3000), size)
      const large = reads(shape(12_000), size)
      assert.ok(large <= small * 4 + 4000, `${small} reads, then ${large}`)
    })
  }
  test(`${name}: a byte at a time costs little more than at once`, () => {
    const xml = shape(12_000)
    assert.ok(reads(xml, 1) <= reads(xml, Infinity) + 4 * Buffer.byteLength(xml), `${reads(xml, Infinity)} reads, then ${reads(xml, 1)}`)
  })
}

test('an element that arrives a byte at a time is not moved for every byte', t => {
  let moved = 0
  const move = Uint8Array.prototype.copyWithin
  t.mock.method(Uint8Array.prototype, 'copyWithin', function (this: Uint8Array, target: number, start: number, end: number) {
    moved += end - start
    return move.call(this, target, start, end)
  })
  let elements = 0
  const scanner = new StreamScanner({ header() {}, element() { elements++ }, footer() {} })
  const xml = Buffer.from(`<a>${`<b>${'x'.repeat(20_000)}</b>`.repeat(3)}${'<c/>'.repeat(1000)}</a>`)
  for (const byte of xml) scanner.write(Uint8Array.of(byte))
  assert.equal(elements, 1003)
  assert.ok(moved <= xml.length, `${moved} bytes moved`)
  moved = 0
  const other = new StreamScanner({ header() {}, element() { elements++ }, footer() {} })
  for (let n = 0; n < xml.length; n += 1000) other.write(xml.subarray(n, n + 1000))
  assert.ok(moved <= 2 * xml.length, `${moved} bytes moved`)
})

test('the offset of a limit shows that nothing behind it was read', () => {
  const counts = [20_000, 40_000].map(n => reads('<a>'.repeat(n), Infinity))
  assert.equal(counts[0], counts[1])
})
