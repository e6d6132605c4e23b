/** The protocols of the embedded domain as values: what the catalogue promises, and how a request finds who answers it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { featureNames, features, featuresWithout } from '../../src/embedded/catalogue.ts'
import type { Feature } from '../../src/embedded/feature.ts'
import { raw, tag } from '../../src/xml/write.ts'
import type { Domainpart, Jid } from '../../src/xmpp/jid.ts'
import { StanzaError } from '../../src/xmpp/stanza-error.ts'
import { FeatureRig, jid, Listener, summary } from '../support/feature-rig.ts'

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
    for (const { name, disco, iq } of all) {
      if (iq === undefined) continue
      for (const place of ['server', 'account'] as const) {
        for (const ns of disco?.[place] ?? []) assert.ok(iq.some(handler => handler.ns === ns), `${name}: ${ns}`)
      }
    }
  })
})

describe('a request', () => {
  const invented: Feature = {
    name: 'invented',
    specs: [{ id: 'XEP-0000', title: 'Invented', status: 'complete' }],
    disco: { server: ['urn:example:server'], account: ['urn:example:account'] },
    streamFeature: ({ host }) => tag('invented', { xmlns: 'urn:example:server', host }),
    iq: [
      { type: 'get', ns: 'urn:example:server', local: 'q', at: ['server'], handle: (_, { sender, at, asked }) => tag('answer', { xmlns: 'urn:example:server', at, asked, sender }) },
      { type: 'set', ns: 'urn:example:account', local: 'q', at: ['account'], handle: () => { throw new StanzaError('forbidden', 'no') } },
      { type: 'set', ns: 'urn:example:later', local: 'q', at: ['contact'], handle: async (_, { asked }) => tag('answer', { xmlns: 'urn:example:later', asked }) },
      { type: 'get', ns: 'urn:example:later', local: 'q', at: ['account'], handle: async () => { throw new StanzaError('conflict', 'no') } },
      { type: 'get', ns: 'urn:example:bug', local: 'q', at: ['account'], handle: () => { throw new TypeError('a bug') } },
      { type: 'set', ns: 'urn:example:bug', local: 'q', at: ['account'], handle: async () => { throw new TypeError('a bug') } },
      { type: 'get', ns: 'urn:example:markup', local: 'q', at: ['account'], handle: () => raw('<a xmlns="b">&amp;</a>') },
    ],
  }
  const rig = new FeatureRig({}, [...all, invented])
  const ask = async (xml: string): Promise<string> => {
    const heard = await rig.ask(xml)
    assert.equal(heard.length, 1)
    return heard[0]!
  }
  const conditionOf = async (xml: string): Promise<string> => summary(await ask(xml))

  test('is answered by the feature that declared it, with what the answer depends on', async () => {
    assert.equal(await ask("<iq type='get' id='1' to='example.net'><q xmlns='urn:example:server'/></iq>"),
      "<iq xmlns='jabber:client' type='result' id='1' from='example.net' to='romeo@example.net/orchard'>"
      + "<answer xmlns='urn:example:server' at='server' asked='example.net' sender='romeo@example.net/orchard'/></iq>")
    assert.match(await ask("<iq type='get' id='1'><q xmlns='urn:example:markup'/></iq>"), /<a xmlns="b">&amp;<\/a><\/iq>$/)
  })

  test('may be answered later', async () => {
    assert.equal(await ask("<iq type='set' id='1' to='Juliet@example.net'><q xmlns='urn:example:later'/></iq>"),
      "<iq xmlns='jabber:client' type='result' id='1' from='juliet@example.net' to='romeo@example.net/orchard'><answer xmlns='urn:example:later' asked='juliet@example.net'/></iq>")
    assert.equal(await conditionOf("<iq type='get' id='1'><q xmlns='urn:example:later'/></iq>"), '(conflict)')
  })

  test('that a feature refuses gets its condition', async () => {
    assert.equal(await conditionOf("<iq type='set' id='1'><q xmlns='urn:example:account'/></iq>"), '(forbidden)')
  })

  test('of the other type, under another name, or to whom it is not for, is not that request', async () => {
    for (const xml of ["<iq type='set' id='1' to='example.net'><q xmlns='urn:example:server'/></iq>", "<iq type='get' id='1' to='example.net'><r xmlns='urn:example:server'/></iq>",
      "<iq type='get' id='1'><q xmlns='urn:example:server'/></iq>", "<iq type='set' id='1' to='example.net'><q xmlns='urn:example:account'/></iq>",
      "<iq type='set' id='1' to='juliet@example.net'><q xmlns='urn:example:account'/></iq>"]) {
      assert.equal(await conditionOf(xml), '(service-unavailable)', xml)
    }
  })

  test('that meets a bug is no answer: the stream above ends with it', async () => {
    await assert.rejects(rig.ask("<iq type='get' id='1'><q xmlns='urn:example:bug'/></iq>"), TypeError)
    assert.deepEqual(rig.romeo.heard(), [])
  })

  test('that was waited for and met a bug, or a store that fails, is answered, and the log is told why', async () => {
    const before = rig.events.length
    assert.equal(await conditionOf("<iq type='set' id='1'><q xmlns='urn:example:bug'/></iq>"), '(internal-server-error)')
    assert.equal(rig.events.length, before + 1)
    const { event, ns, error } = rig.events.at(-1) as { readonly event: string, readonly ns: string, readonly error: unknown }
    assert.deepEqual([event, ns, error instanceof TypeError], ['request.failed', 'urn:example:bug', true])
  })

  test('for information about the server, or the account, lists what can be asked there', async () => {
    const disco = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
    assert.match(await ask(`<iq type='get' id='1' to='example.net'>${disco}</iq>`), /urn:example:server/)
    assert.doesNotMatch(await ask(`<iq type='get' id='1' to='example.net'>${disco}</iq>`), /urn:example:account/)
    assert.match(await ask(`<iq type='get' id='1' to='romeo@example.net'>${disco}</iq>`), /urn:example:account/)
  })

  test('keeps characters that XML escapes in its id and addresses', async () => {
    assert.match(await ask("<iq type='get' id='&lt;&apos;&amp;&quot;' to='example.net'><ping xmlns='urn:xmpp:ping'/></iq>"), /id='&lt;&apos;&amp;&quot;'/)
    const odd = new Listener("romeo@example.net/o'<&>")
    assert.match((await rig.ask("<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", odd))[0]!, /to='romeo@example.net\/o&apos;&lt;&amp;&gt;'/)
  })

  test('is not needed to see what a feature tells every client among the stream features', () => {
    const told = rig.dispatch.streamFeatures(jid('capulet.example') as Domainpart & Jid)
    assert.ok(told.some(markup => markup === "<invented xmlns='urn:example:server' host='capulet.example'/>"))
  })
})

describe('a feature that is switched off', () => {
  const info = "<iq type='get' id='1' to='example.net'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
  const ofAccount = info.replace('example.net', 'romeo@example.net')

  for (const feature of all.filter(({ name }) => featureNames.includes(name))) {
    test(`${feature.name}: is nowhere announced, and what is asked of it is refused as anything unknown is`, async () => {
      const rig = new FeatureRig({}, featuresWithout([feature.name]))
      const { server = [], account = [] } = feature.disco ?? {}
      const told = [await rig.outcome(info), await rig.outcome(ofAccount), ...rig.dispatch.streamFeatures(jid('example.net') as Domainpart & Jid)].join('')
      for (const ns of [...server, ...account]) assert.ok(!told.includes(`'${ns}'`), ns)
      for (const { type, ns, local } of feature.iq ?? []) {
        for (const to of ['', " to='example.net'", " to='romeo@example.net'", " to='juliet@example.net'"]) {
          assert.equal(await rig.outcome(`<iq type='${type}' id='1'${to}><${local} xmlns='${ns}'/></iq>`), '(service-unavailable)', `${ns} ${to}`)
        }
      }
    })
  }

  test('is never the roster, without which RFC 6121 is nothing', () => {
    assert.deepEqual(all.map(({ name }) => name).filter(name => !featureNames.includes(name)), ['roster'])
    assert.deepEqual(featuresWithout(all.map(({ name }) => name)).map(({ name }) => name), ['roster'])
  })

  test('takes along what speaks through it: no hash without service discovery', () => {
    assert.deepEqual(all.map(({ name }) => name).filter(name => !featuresWithout(['disco']).some(left => left.name === name)), ['disco', 'caps'])
    assert.doesNotMatch(new FeatureRig({}, featuresWithout(['disco'])).dispatch.streamFeatures(jid('example.net') as Domainpart & Jid).join(''), /caps/)
  })

  test('was there before', async () => {
    const rig = new FeatureRig()
    const told = [await rig.outcome(info), await rig.outcome(ofAccount), ...rig.dispatch.streamFeatures(jid('example.net') as Domainpart & Jid)].join('')
    for (const { disco } of all) for (const ns of [...disco?.server ?? [], ...disco?.account ?? []]) assert.ok(told.includes(`'${ns}'`), ns)
  })

  test('changes the hash of XEP-0115', () => {
    const switchable = all.filter(({ name }) => featureNames.includes(name))
    const hashes = [[], ...switchable.map(({ name }) => [name])].map(off => /ver='([^']+)'/.exec(new FeatureRig({}, featuresWithout(off)).dispatch
      .streamFeatures(jid('example.net') as Domainpart & Jid).join(''))?.[1])
    for (const [index, { name, disco }] of switchable.entries()) {
      if (name === 'caps' || name === 'disco') assert.equal(hashes[index + 1], undefined)
      else if (disco?.server !== undefined) assert.notEqual(hashes[index + 1], hashes[0], name)
      else assert.equal(hashes[index + 1], hashes[0], name)
    }
  })
})
