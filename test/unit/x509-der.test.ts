// DER read strictly (X.690 §10): the bytes of bad-input.md "Certificates" below the level of certificates.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { childrenOf, contentOf, derOf, DerError, maxDerBytes, readDer, tag } from '../../src/x509/der.ts'
import { readBoolean, readCharacterString, readInteger, readNamedBits, readObjectIdentifier, readTime } from '../../src/x509/der-value.ts'
import { bmpString, encode, explicit, integer, namedBits, objectIdentifier, sequence, setOf, time, unsignedInteger,
  utf8String } from '../../src/x509/der-writer.ts'
import { nestedSequences } from '../support/certificates.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const refuses = (bytes: Uint8Array) => assert.throws(() => readDer(bytes), DerError, Buffer.from(bytes).toString('hex').slice(0, 60))

describe('framing', () => {
  test('indefinite length is refused (X.690 §10.1)', () => {
    refuses(hex('30 80 02 01 05 00 00'))
    refuses(hex('04 80 00 00'))
  })
  test('bytes after the end are refused', () => refuses(hex('30 00 00')))
  test('lengths in more octets than needed are refused (X.690 §10.1)', () => {
    refuses(hex('04 81 01 05'))
    refuses(Buffer.concat([hex('04 82 00 80'), Buffer.alloc(0x80)]))
  })
  test('a value longer than what holds it is refused', () => {
    refuses(hex('30 03 04 02 00'))
    refuses(hex('30 04 30 03 04 01 00'))
    refuses(hex('04 84 ff ff ff ff 00'))
    refuses(hex('04 85 01 00 00 00 00 00'))
  })
  test('every truncation is refused', () => {
    const whole = sequence(integer(5), utf8String('x'.repeat(200)))
    for (let length = 0; length < whole.length; length++) refuses(whole.subarray(0, length))
  })
  test('tag numbers above 30, constructed strings and end-of-contents marks are refused', () => {
    refuses(hex('1f 01 00'))
    refuses(hex('bf 81 00 01 00'))
    refuses(hex('24 03 04 01 00'))
    refuses(hex('10 00'))
    refuses(hex('30 02 00 00'))
  })
  test('20,000 levels of nesting are refused, fast and without recursion', () => {
    const nested = nestedSequences(20_000)
    assert.deepEqual(nestedSequences(3), sequence(sequence(sequence())))
    const start = performance.now()
    refuses(nested)
    assert.ok(performance.now() - start < 500)
  })
  test('a nesting of 32 is read, one of 33 is not', () => {
    const nest = (depth: number): Uint8Array => depth === 0 ? integer(1) : sequence(nest(depth - 1))
    assert.deepEqual(derOf(readDer(nest(32))), Buffer.from(nest(32)))
    refuses(nest(33))
  })
  test(`more than ${maxDerBytes} bytes are refused`, () => refuses(encode(tag.octetString, Buffer.alloc(maxDerBytes))))
  test('a BMPString of an odd length is refused: forge would read into the next value', () => {
    refuses(sequence(hex('1e 03 00 41 00'), integer(1)))
    refuses(sequence(hex('9e 01 00'), integer(1)))
  })
  test('what was read is written back byte for byte', () => {
    const bytes = sequence(integer(300), setOf(objectIdentifier('1.2.3'), bmpString('é')), explicit(0, encode(tag.bitString, hex('00 30 00'))))
    assert.deepEqual(derOf(readDer(bytes)), Buffer.from(bytes))
  })
  test('a value of another tag is not taken for the expected one', () => {
    assert.throws(() => contentOf(readDer(integer(1)), tag.octetString), DerError)
    assert.throws(() => childrenOf(readDer(integer(1)), tag.sequence), DerError)
  })
})

describe('object identifiers', () => {
  const readBack = (dotted: string) => readObjectIdentifier(readDer(objectIdentifier(dotted)))
  test('arcs beyond 2^32 are read as they are, never as another identifier (CVE-2020-28469-like wrap-around)', () => {
    for (const dotted of ['1.3.6.1.5.5.7.8.5', '2.25.329800735698586629295641978511506172918', '2.999.4294967301', '0.39.1', '1.0',
      `1.3.6.1.5.5.7.8.${2n ** 32n + 5n}`, `1.3.6.1.5.5.7.8.${2n ** 64n + 5n}`]) assert.equal(readBack(dotted), dotted)
  })
  test('padded arcs, cut arcs and empty identifiers are refused (X.690 §8.19.2)', () => {
    for (const bytes of ['06 00', '06 02 2a 80', '06 03 2a 80 01', '06 01 80']) {
      assert.throws(() => readObjectIdentifier(readDer(hex(bytes))), DerError, bytes)
    }
  })
  test('an identifier of more than 128 octets is refused', () => {
    assert.throws(() => readObjectIdentifier(readDer(encode(tag.objectIdentifier, Buffer.alloc(129, 1)))), DerError)
  })
})

describe('values', () => {
  test('integers are in the fewest octets (X.690 §8.3.2)', () => {
    assert.equal(readInteger(readDer(unsignedInteger(hex('00 00 80')))), '0080')
    for (const bytes of ['02 00', '02 02 00 01', '02 02 ff ff']) assert.throws(() => readInteger(readDer(hex(bytes))), DerError, bytes)
  })
  test('booleans are 00 or ff (X.690 §11.1)', () => {
    assert.equal(readBoolean(readDer(hex('01 01 ff'))), true)
    assert.equal(readBoolean(readDer(hex('01 01 00'))), false)
    for (const bytes of ['01 01 01', '01 00', '01 02 ff ff']) assert.throws(() => readBoolean(readDer(hex(bytes))), DerError, bytes)
  })
  test('named bits are read and written, and unused bits that are set are refused (X.690 §11.2.1)', () => {
    assert.deepEqual(readNamedBits(readDer(namedBits([0, 5, 8]))), [0, 5, 8])
    assert.deepEqual(readNamedBits(readDer(namedBits([]))), [])
    for (const bytes of ['03 02 07 81', '03 01 01', '03 02 08 80', '03 00']) assert.throws(() => readNamedBits(readDer(hex(bytes))),
      DerError, bytes)
  })
  test('times are UTCTime through 2049 and GeneralizedTime from 2050 on (RFC 5280 §4.1.2.5)', () => {
    for (const text of ['1950-01-01T00:00:00Z', '1999-12-31T23:59:59Z', '2049-12-31T23:59:59Z', '2050-01-01T00:00:00Z',
      '9999-12-31T23:59:59Z', '2028-02-29T12:00:00Z']) {
      assert.equal(readTime(readDer(time(Date.parse(text)))), Date.parse(text), text)
    }
  })
  test('times that do not exist, without seconds, with a fraction or a zone are refused', () => {
    for (const text of ['270230000000Z', '2701010000Z', '270101000000+0100', '270101240000Z', '271301000000Z', '270100000000Z',
      '27010100000Z', '270101000060Z']) {
      assert.throws(() => readTime(readDer(encode(tag.utcTime, Buffer.from(text)))), DerError, text)
    }
    for (const text of ['20500101000000.5Z', '20500101000000', '205001010000Z']) {
      assert.throws(() => readTime(readDer(encode(tag.generalizedTime, Buffer.from(text)))), DerError, text)
    }
  })
  test('character strings of every type are decoded by their type', () => {
    const read = (identifier: number, bytes: Uint8Array) => readCharacterString(readDer(encode(identifier, bytes)))
    assert.equal(read(tag.utf8String, Buffer.from('Zoë 🐾')), 'Zoë 🐾')
    assert.equal(readCharacterString(readDer(bmpString('Zoë 🐾'))), 'Zoë 🐾')
    assert.equal(read(tag.universalString, hex('0000005a 0001f43e')), 'Z🐾')
    for (const type of [tag.printableString, tag.teletexString, tag.ia5String, tag.visibleString]) assert.equal(read(type,
      Buffer.from('Zoe')), 'Zoe')
    assert.equal(read(tag.numericString, Buffer.from('42')), '42')
  })
  test('character strings with two readings or none are refused', () => {
    for (const [type, bytes] of [[tag.utf8String, 'c0 af'], [tag.utf8String, 'ed a0 80'], [tag.bmpString, 'd8 00'],
      [tag.universalString, '00 11 00 00'],
      [tag.universalString, '00 00 d8 00'], [tag.universalString, '00 00 41'], [tag.teletexString, 'e9'], [tag.printableString, 'e9'],
        [tag.octetString, '41']] as const) {
      assert.throws(() => readCharacterString(readDer(encode(type, hex(bytes)))), DerError, bytes)
    }
  })
})
