// The three stanza kinds as they are read from the wire (RFC 6120 §8, RFC 6121), and the replies that we write.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse } from '../../src/xml/parse.ts'
import { scanDocument } from '../../src/xml/scanner.ts'
import { parseJid } from '../../src/xmpp/jid.ts'
import { errorReply, readStanza, resultReply, stanzaMarkup } from '../../src/xmpp/stanza.ts'
import { StanzaError } from '../../src/xmpp/stanza-error.ts'

const read = (xml: string) => readStanza(scanDocument(Buffer.from(xml)))
const stanza = (xml: string) => {
  const found = read(xml)
  assert.ok(found)
  return found
}
const iq = (attributes: string, children = '') => stanza(`<iq xmlns='jabber:client' ${attributes}>${children}</iq>`).iqType
const child = "<query xmlns='urn:x'/>"

describe('what is a stanza (RFC 6120 §8.1)', () => {
  test('message, presence and iq in jabber:client', () => {
    for (const kind of ['message', 'presence', 'iq'] as const) assert.equal(read(`<${kind} xmlns='jabber:client'/>`)?.kind, kind)
  })
  test('a prefix changes nothing', () => { assert.equal(read("<c:message xmlns:c='jabber:client'/>")?.kind, 'message') })
  for (const xml of ['<message/>',
    "<message xmlns='jabber:server'/>", "<Message xmlns='jabber:client'/>", "<open xmlns='jabber:client'/>",
    "<x:message xmlns='jabber:client' xmlns:x='urn:x'/>"]) {
    test(`${xml} is none`, () => { assert.equal(read(xml), null) })
  }
  test('the addresses are as the peer wrote them, attributes of other namespaces are not taken for them', () => {
    const found = stanza("<message xmlns='jabber:client' xmlns:x='urn:x' to='Romeo@Example.net' x:from='a@b' id='1&amp;2'>"
      + '<body>hi</body></message>')
    assert.deepEqual([found.to, found.from, found.id, found.isError], ['Romeo@Example.net', null, '1&2', false])
    assert.deepEqual(found.payload, { ns: 'jabber:client', local: 'body' })
    assert.equal(found.element().children[0]?.text, 'hi')
  })
})

describe('types', () => {
  test('a message of an unknown type, or of none, is one of type normal (RFC 6121 §5.2.2)', () => {
    const type = (value: string) => stanza(`<message xmlns='jabber:client' ${value}/>`).messageType
    assert.deepEqual(["", "type='normal'", "type='foo'", "type=''", "type='CHAT'"].map(type), Array(5).fill('normal'))
    assert.deepEqual(["type='chat'", "type='groupchat'", "type='headline'", "type='error'"].map(type), ['chat', 'groupchat',
      'headline', 'error'])
  })
  test('presence without a type is available; "available" written out does not exist (RFC 6121 §4.7.1)', () => {
    const type = (value: string) => stanza(`<presence xmlns='jabber:client' ${value}/>`).presenceType
    assert.deepEqual(['', "type='unavailable'", "type='subscribed'", "type='available'", "type='foo'", "type=''"].map(type),
      ['available', 'unavailable', 'subscribed', null, null, null])
  })
  test('an iq needs an id and one of four types (RFC 6120 §8.2.3)', () => {
    assert.equal(iq("type='get'", child), null)
    assert.equal(iq("id='1'", child), null)
    assert.equal(iq("id='1' type='foo'", child), null)
    assert.equal(iq("id='1' type='GET'", child), null)
  })
  test('a get or set has exactly one child (RFC 6120 §8.2.3)', () => {
    for (const type of ['get', 'set']) {
      assert.equal(iq(`id='1' type='${type}'`), null)
      assert.equal(iq(`id='1' type='${type}'`, child), type)
      assert.equal(iq(`id='1' type='${type}'`, child + child), null)
    }
  })
  test('a result has at most one child; an error may repeat the request beside its <error/>', () => {
    assert.equal(iq("id='1' type='result'"), 'result')
    assert.equal(iq("id='1' type='result'", child), 'result')
    assert.equal(iq("id='1' type='result'", child + child), null)
    assert.equal(iq("id='1' type='error'", child + child), 'error')
  })
})

describe('replies', () => {
  const romeo = parseJid('romeo@example.net/orchard')
  const request = stanza("<iq xmlns='jabber:client' id=\"a'&lt;&amp;\" type='get' to='example.net'><query xmlns='urn:x'/></iq>")

  test('an error reply keeps kind and id, has type error and the condition with the type that its definition assigns (RFC 6120 §8.3)',
    () => {
    const reply = parse(errorReply(request, new StanzaError('service-unavailable'), 'example.net', romeo))
    assert.deepEqual([reply.ns, reply.local, ...['type', 'id', 'from', 'to'].map(name => reply.attributes.get(name))],
      ['jabber:client', 'iq', 'error', "a'<&", 'example.net', 'romeo@example.net/orchard'])
    assert.equal(reply.children.length, 1)
    const [error] = reply.children
    assert.deepEqual([error?.local, error?.attributes.get('type')], ['error', 'cancel'])
    assert.deepEqual(error?.children.map(({ ns, local }) => `${ns} ${local}`),
      ['urn:ietf:params:xml:ns:xmpp-stanzas service-unavailable'])
  })
  test('a text stands beside the condition, with its language', () => {
    const reply = parse(errorReply(request, new StanzaError('bad-request', 'no <body/> & so'), null, null))
    const written = reply.children[0]?.children[1]
    assert.deepEqual([written?.local, written?.text, written?.attributes.get('xml:lang')], ['text', 'no <body/> & so', 'en'])
    assert.equal(reply.attributes.has('from'), false)
    assert.equal(reply.attributes.has('to'), false)
  })
  test('a result reply keeps the id and carries the payload', () => {
    const reply = parse(resultReply(request, 'example.net', romeo, "<query xmlns='urn:x'/>"))
    assert.deepEqual([reply.attributes.get('type'), reply.attributes.get('id'), reply.children[0]?.ns], ['result', "a'<&", 'urn:x'])
  })
  test('what we write is a stanza to whoever reads it, and declares its own namespace (RFC 7395 §3.3.3)', () => {
    const written = readStanza(scanDocument(stanzaMarkup('presence', { type: 'unavailable', to: null })))
    assert.deepEqual([written?.kind, written?.presenceType, written?.to], ['presence', 'unavailable', null])
  })
})
