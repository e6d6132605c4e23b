/** Generates documents from a seed: sound ones of every spelling that XML has, and damaged ones. */
import { Buffer } from 'node:buffer'

/** A small seeded generator (mulberry32's mixing), fast enough for hundreds of thousands of documents. */
export class Randomness {
  #state: number
  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** An integer from 0 to `bound` - 1. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6D2B79F5) >>> 0
    let mixed = Math.imul(this.#state ^ this.#state >>> 15, this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61)
    return Math.floor(((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32 * bound)
  }

  oneIn(bound: number): boolean { return this.below(bound) === 0 }

  pick<Value>(values: readonly Value[]): Value { return values[this.below(values.length)] as Value }
}

const locals = ['a', 'b', 'message', 'body', 'iq', 'query', 'x', 'constructor', '__proto__', 'toString', 'é', '日本', '_', 'a-b.c', 'a\u00B7', 'n1', 'xmlns', 'lang', '𐀀z',
  'abcdefgh']
const prefixes = ['p', 'q', 'constructor', '__proto__', 'é', 'stream']
const uris = ['u', 'v', 'jabber:client', 'http://etherx.jabber.org/streams', 'urn:é', 'a&amp;b', '&#117;', 'x&#x9;y', 'x y', '__proto__']
const texts = ['x', ' ', '\n', '\r\n', '\r', '\t', 'text', 'é', '€', '😀', '\uFEFF', '\u0085', '\u2028', '&lt;', '&gt;', '&amp;', '&quot;', '&apos;', '&#65;', '&#x1F600;', '&#13;', '&#10;',
  '&#9;', '&#32;', '007', '1e3', ']', ']]', '>', 'constructor', '\u007F', 'Wherefore art thou, Romeo?']
const valueOnly = ['"', '\'']
const sections = ['<![CDATA[]]>', '<![CDATA[x]]>', '<![CDATA[<&>]]>', '<![CDATA[]]]]>', '<![CDATA[\r\n]]>', '<![CDATA[]]]]><![CDATA[>]]>', '<![CDATA[é&lt;]] >]]>']
const spaces = [' ', ' ', ' ', '\n', '\t', '\r\n', '  ']

const optionalSpace = (random: Randomness) => random.oneIn(8) ? random.pick(spaces) : ''

function attributeOf(random: Randomness, name: string, value: string): string {
  const quote = value.includes('\'') ? '"' : value.includes('"') ? '\'' : random.pick(valueOnly)
  return `${random.pick(spaces)}${name}${optionalSpace(random)}=${optionalSpace(random)}${quote}${value}${quote}`
}

function valueFor(random: Randomness): string {
  let value = ''
  for (let parts = random.below(4); parts > 0; parts--) value += random.pick(texts)
  return random.oneIn(10) ? value + random.pick(valueOnly) : value
}

/** Nearly always a prefix that is in scope. */
function nameFor(random: Randomness, scope: readonly string[]): string {
  const local = random.pick(locals)
  if (random.oneIn(60)) return `${random.pick(prefixes)}:${local}`
  return scope.length > 0 && random.oneIn(3) ? `${random.pick(scope)}:${local}` : local
}

function elementFor(random: Randomness, depth: number, outer: readonly string[]): string {
  let scope = outer
  const attributes: string[] = []
  if (random.oneIn(4)) attributes.push(attributeOf(random, 'xmlns', random.oneIn(5) ? '' : random.pick(uris)))
  for (let declarations = random.oneIn(4) ? 1 + random.below(2) : 0; declarations > 0; declarations--) {
    const prefix = random.pick(prefixes)
    attributes.push(attributeOf(random, `xmlns:${prefix}`, random.pick(uris)))
    scope = [...scope, prefix]
  }
  for (let count = random.oneIn(3) ? random.below(5) : 0; count > 0; count--) attributes.push(attributeOf(random, nameFor(random, scope), valueFor(random)))
  if (random.oneIn(10)) attributes.push(attributeOf(random, 'xml:lang', 'de'))
  // Declarations work wherever in the tag they stand.
  if (random.oneIn(2)) attributes.reverse()
  const name = nameFor(random, scope)
  const start = `<${name}${attributes.join('')}${optionalSpace(random)}`
  if (random.oneIn(4)) return `${start}/>`
  let content = ''
  for (let count = random.below(depth > 4 ? 2 : 4); count > 0; count--) {
    const kind = random.below(10)
    content += kind < 5 ? random.pick(texts) : kind < 6 ? random.pick(sections) : depth < 6 ? elementFor(random, depth + 1, scope) : ''
  }
  return `${start}>${content}</${name}${optionalSpace(random)}>`
}

/** Mostly sound; a few have a prefix that nobody declared or an attribute twice. */
export function generate(random: Randomness): Buffer {
  return Buffer.from(elementFor(random, 0, []) + (random.oneIn(6) ? random.pick(spaces) : ''))
}

const damage = ['<', '>', '&', '/', '\'', '"', '=', ':', ';', ' ', ']]>', '<!--', '-->', '<!-- x -->', '<?x?>', '<?xml version="1.0"?>', '<!DOCTYPE a>', '<![CDATA[', '&lt', '&nbsp;', '&#0;',
  '&#xD800;', '&#x110000;', '&#;', '&#x;', '&constructor;', '\0', '\u0001', '\uFFFE', '\uFFFF', '\uFEFF', 'xmlns:xml="u"', ' xmlns:xmlns="u"', ' xmlns:p=""', ' xmlns=""', ' xmlns:q="u"',
  ' xmlns:p="http://www.w3.org/XML/1998/namespace"', ' a=""', ' p:a=""', ' q:a=""', '<a>', '</a>', '<a/>', '</', '/>', '<p:a/>', '<xmlns:a/>', '1', '-', '.', '×', '\u0300', '😀', '\r', '<a:b:c/>']
const rawDamage = [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xC3], [0x80], [0xE2, 0x82], [0xF0, 0x9F], [0xEF, 0xBF, 0xBE]]

/** One to three random changes: something put in, cut out, repeated, moved, or one byte replaced. */
export function damaged(random: Randomness, document: Buffer): Buffer {
  let bytes = document
  for (let changes = 1 + random.below(3); changes > 0; changes--) {
    const at = random.below(bytes.length + 1)
    const length = random.oneIn(3) ? random.below(bytes.length - at + 1) : random.below(Math.min(6, bytes.length - at + 1))
    const before = bytes.subarray(0, at)
    const after = bytes.subarray(at + length)
    switch (random.below(7)) {
      case 0:
      case 1: bytes = Buffer.concat([before, Buffer.from(random.pick(damage)), bytes.subarray(at)]); break
      case 2: bytes = Buffer.concat([before, Buffer.from(random.pick(rawDamage)), bytes.subarray(at)]); break
      case 3: bytes = Buffer.concat([before, after]); break
      case 4: bytes = Buffer.concat([before, bytes.subarray(at, at + length), bytes.subarray(at)]); break
      case 5: bytes = Buffer.concat([after, before]); break
      default: {
        bytes = Buffer.from(bytes)
        if (at < bytes.length) bytes[at] = random.below(256)
      }
    }
  }
  return bytes
}
