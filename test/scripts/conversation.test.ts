/** The reader and the matcher of conversations object to what they should: a script that cannot fail shows nothing. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse } from '../../src/xml/parse.ts'
import { readScript, ScriptError } from '../support/conversation.ts'
import { difference, fillIn, show, type Variables } from '../support/conversation-match.ts'
import { usersOf } from '../support/conversation-runner.ts'

describe('a script', () => {
  test('is read sentence by sentence, with the XML under each', () => {
    const { title, configuration, steps } = readScript([
      'A rule (RFC 6120 §1)', '', 'Configuration:', '  session.resource_conflict = "rename"', '', '# why', "Romeo's phone connects as \"a b\" to \"example.net\"",
      'Romeo sends:', '  <message>', '    <body/>', '  </message>', "  <presence/>", "Romeo's phone's connection breaks", "Romeo receives a stream error conflict",
    ].join('\n'))
    assert.equal(title, 'A rule (RFC 6120 §1)')
    assert.equal(configuration, '  session.resource_conflict = "rename"')
    assert.deepEqual(steps.map(({ line, does, actor }) => [line, does, actor.name, actor.user]), [[7, 'connect', "Romeo's phone", 'romeo'],
      [8, 'send', 'Romeo', 'romeo'], [13, 'break', "Romeo's phone", 'romeo'], [14, 'receive a stream error', 'Romeo', 'romeo']])
    const [connect, send] = steps
    assert.ok(connect?.does === 'connect' && send?.does === 'send')
    assert.deepEqual([connect.resource, connect.host], ['a b', 'example.net'])
    assert.deepEqual(send.elements, ['<message>\n  <body/>\n</message>', '<presence/>'])
  })

  test('knows whose certificates it needs, and of which host', () => {
    assert.deepEqual(usersOf(readScript("T\nRomeo connects\nRomeo's phone connects\nNurse connects to \"b.example\"\nTybalt opens a stream to \"c.example\"")),
      ['romeo@localhost', 'nurse@b.example', 'tybalt@localhost'])
  })

  test('that nobody understands, that lacks its XML, has some too many, or in which nothing happens is a mistake', () => {
    for (const source of ['T\nRomeo waits', 'T\nromeo connects', 'T\nRomeo sends:', 'T\nRomeo connects\n  <a/>', 'T\n  <a/>', 'T', 'T\nRomeo receives nothing at all', 'T\nConfiguration:\n  a = 1']) {
      assert.throws(() => readScript(source), ScriptError, source)
    }
  })
})

describe('an element matches', () => {
  const compare = (expected: string, actual: string, variables: Variables = new Map()) =>
    difference(parse(Buffer.from(expected)), parse(Buffer.from(actual)), variables)

  test('its like, however it is written', () => {
    assert.equal(compare("<a xmlns='n' b='1' c='2'>\n  <d/>\n</a>", "<x:a xmlns:x='n' c='2' b='1'><x:d></x:d></x:a>"), null)
  })

  test('nothing else', () => {
    const expected = "<a xmlns='n' b='1'><d>t</d></a>"
    for (const actual of ["<a xmlns='m' b='1'><d>t</d></a>", "<c xmlns='n' b='1'><d>t</d></c>", "<a xmlns='n'><d>t</d></a>", "<a xmlns='n' b='2'><d>t</d></a>",
      "<a xmlns='n' b='1' c=''><d>t</d></a>", "<a xmlns='n' b='1'/>", "<a xmlns='n' b='1'><d>t</d><d>t</d></a>", "<a xmlns='n' b='1'><d>u</d></a>",
      "<a xmlns='n' b='1'><d/></a>", "<a xmlns='n' b='1'>x<d>t</d></a>", "<a xmlns='n' b='1'><d xmlns='m'>t</d></a>", "<a xmlns='n' b='1'><d> t</d></a>"]) {
      assert.notEqual(compare(expected, actual), null, actual)
    }
  })

  test('* for one character or more', () => {
    assert.equal(compare("<a b='x/*'>*</a>", "<a b='x/y/z'>t</a>"), null)
    assert.notEqual(compare("<a b='x/*'/>", "<a b='x/'/>"), null)
    assert.notEqual(compare("<a b='*'/>", '<a/>'), null)
    assert.notEqual(compare("<a b='x.*'/>", "<a b='xyz'/>"), null)
  })

  test('a variable only with its value; what is captured stays only if everything matched', () => {
    const variables: Variables = new Map([['jid', 'a*b']])
    assert.equal(compare("<a b='*id' c='${jid}/x'/>", "<a b='7' c='a*b/x'/>", variables), null)
    assert.equal(fillIn('<${id}>', variables), '<7>')
    assert.notEqual(compare("<a c='${jid}'/>", "<a c='a+b'/>", variables), null)
    assert.notEqual(compare("<a b='*id' c='1'/>", "<a b='8' c='2'/>", variables), null)
    assert.equal(variables.get('id'), '7')
    assert.throws(() => compare("<a b='${nobody}'/>", "<a b='1'/>", variables), /nobody/)
  })

  test('an error without its words, but not with others', () => {
    const error = (text: string): string => `<error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>${text}</error>`
    const words = "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>a</text>"
    assert.equal(compare(error(''), error(words)), null)
    assert.equal(compare(error(words), error(words)), null)
    assert.notEqual(compare(error(words), error('')), null)
    assert.notEqual(compare(error(words), error(words.replace('>a<', '>b<'))), null)
    assert.notEqual(compare(error(''), error("<text xmlns='jabber:client'>a</text>")), null)
  })

  test('what is shown of it', () => {
    const xml = "<a xmlns='n' b='&lt;'>t<d xmlns='m'/></a>"
    assert.equal(show(parse(Buffer.from(xml))), xml)
  })
})
