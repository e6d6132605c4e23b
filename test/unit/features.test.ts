/** The protocols of the embedded domain as values: what the catalogue promises, and how a request finds who answers it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { features } from '../../src/embedded/catalogue.ts'
import type { Feature } from '../../src/embedded/feature.ts'
import { raw, tag } from '../../src/xml/write.ts'
import { StanzaError } from '../../src/xmpp/stanza-error.ts'
import { SmallHouse } from '../support/small-house.ts'

const all: readonly Feature[] = features

describe('the catalogue', () => {
  test('names each feature once, with the documents that it follows', () => {
    assert.equal(new Set(all.map(({ name }) => name)).size, all.length)
    for (const { name, specs } of all) assert.ok(specs.length > 0, name)
  })

  test('has one handler for each kind of request', () => {
    const kinds = all.flatMap(({ iq = [] }) => iq.map(({ type, ns, local }) => `${type} ${ns} ${local}`))
    assert.equal(new Set(kinds).size, kinds.length)
  })

  test('lets disco#info list nothing that is not answered', () => {
    const answered = all.flatMap(({ iq = [] }) => iq.map(({ ns }) => ns))
    for (const ns of all.flatMap(({ disco = [] }) => disco)) assert.ok(answered.includes(ns), ns)
  })
})

describe('a request', () => {
  const invented: Feature = {
    name: 'invented',
    specs: [{ id: 'XEP-0000', title: 'Invented', status: 'complete' }],
    disco: ['urn:example:server', 'urn:example:account'],
    iq: [
      { type: 'get', ns: 'urn:example:server', local: 'q', at: 'server', handle: (_, { sender, at }) => tag('answer', { xmlns: 'urn:example:server', at, sender }) },
      { type: 'set', ns: 'urn:example:account', local: 'q', at: 'account', handle: () => { throw new StanzaError('forbidden', 'no') } },
      { type: 'get', ns: 'urn:example:bug', local: 'q', at: 'either', handle: () => { throw new TypeError('a bug') } },
      { type: 'get', ns: 'urn:example:markup', local: 'q', at: 'either', handle: () => raw('<a xmlns="b">&amp;</a>') },
    ],
  }
  const ask = (xml: string): string => {
    const { say, outbound } = new SmallHouse([...all, invented]).enter('romeo', 'orchard')
    say(xml)
    const heard = outbound.heard()
    assert.equal(heard.length, 1)
    return heard[0]!
  }
  const conditionOf = (answer: string): string | undefined => /<error [^>]*><([a-z-]+)/.exec(answer)?.[1]

  test('is answered by the feature that declared it, with what the answer depends on', () => {
    assert.equal(ask("<iq type='get' id='1' to='example.net'><q xmlns='urn:example:server'/></iq>"),
      "<iq xmlns='jabber:client' type='result' id='1' from='example.net' to='romeo@example.net/orchard'>"
      + "<answer xmlns='urn:example:server' at='server' sender='romeo@example.net/orchard'/></iq>")
    assert.match(ask("<iq type='get' id='1'><q xmlns='urn:example:markup'/></iq>"), /<a xmlns="b">&amp;<\/a><\/iq>$/)
  })

  test('that a feature refuses gets its condition', () => {
    assert.equal(conditionOf(ask("<iq type='set' id='1'><q xmlns='urn:example:account'/></iq>")), 'forbidden')
  })

  test('of the other type, under another name, or to whom it is not for, is not that request', () => {
    for (const xml of ["<iq type='set' id='1' to='example.net'><q xmlns='urn:example:server'/></iq>", "<iq type='get' id='1' to='example.net'><r xmlns='urn:example:server'/></iq>",
      "<iq type='get' id='1'><q xmlns='urn:example:server'/></iq>", "<iq type='set' id='1' to='example.net'><q xmlns='urn:example:account'/></iq>"]) {
      assert.equal(conditionOf(ask(xml)), 'service-unavailable', xml)
    }
  })

  test('that meets a bug is no answer: the stream above ends with it', () => {
    const { say, outbound } = new SmallHouse([invented]).enter('romeo', 'orchard')
    assert.throws(() => { say("<iq type='get' id='1'><q xmlns='urn:example:bug'/></iq>") }, TypeError)
    assert.deepEqual(outbound.heard(), [])
  })

  test('for information about the server, or the account, lists what can be asked there', () => {
    const disco = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
    assert.match(ask(`<iq type='get' id='1' to='example.net'>${disco}</iq>`), /urn:example:server/)
    assert.doesNotMatch(ask(`<iq type='get' id='1' to='example.net'>${disco}</iq>`), /urn:example:account/)
    assert.match(ask(`<iq type='get' id='1' to='romeo@example.net'>${disco}</iq>`), /urn:example:account/)
  })

  test('keeps characters that XML escapes in its id and addresses', () => {
    assert.match(ask("<iq type='get' id='&lt;&apos;&amp;&quot;' to='example.net'><ping xmlns='urn:xmpp:ping'/></iq>"), /id='&lt;&apos;&amp;&quot;'/)
    const { say, outbound } = new SmallHouse().enter('romeo', "o'<&>")
    say("<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>")
    assert.match(outbound.heard()[0] ?? '', /to='romeo@example.net\/o&apos;&lt;&amp;&gt;'/)
    say(`<message to='romeo@example.net/o&apos;&lt;&amp;&gt;'/>`)
    assert.match(outbound.heard()[0] ?? '', /from='romeo@example.net\/o&apos;&lt;&amp;&gt;'/)
  })
})
