// XEP-0012, 0030, 0092, 0115, 0199, 0202: what the server and accounts tell of themselves.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { verificationString } from '../../src/embedded/features/entity-capabilities.ts'
import type { Domainpart, Jid } from '../../src/xmpp/jid.ts'
import { FeatureRig, jid, Listener } from '../support/feature-rig.ts'
import { SmallHouse } from '../support/small-house.ts'
import { settled } from '../support/turned-clock.ts'

const get = (payload: string, to = ''): string => `<iq type='get' id='1'${to === '' ? '' : ` to='${to}'`}>${payload}</iq>`

describe('last activity (XEP-0012)', () => {
  const last = (to: string): string => get("<query xmlns='jabber:iq:last'/>", to)

  test('of the server is how long it has been up (§5)', async () => {
    const rig = new FeatureRig()
    assert.equal(await rig.outcome(last('example.net')), "<query xmlns='jabber:iq:last' seconds='0'/>")
    rig.clock.advance(123_999)
    assert.equal(await rig.outcome(last('example.net')), "<query xmlns='jabber:iq:last' seconds='123'/>")
    for (const jump of [-1_000_000, 2_000_000]) {
      rig.clock.jump(jump)
      assert.equal(await rig.outcome(last('example.net')), "<query xmlns='jabber:iq:last' seconds='123'/>", 'a clock that is set lets no time pass')
    }
  })

  test('of an account is told only to those who may see its presence, and of nobody the same is said (§3)', async () => {
    const rig = new FeatureRig()
    await rig.store.commit([{ account: rig.account('juliet@example.net').jid, changes: [{ kind: 'last-activity', seconds: 1, status: 'away' }] }])
    assert.equal(await rig.outcome(last('juliet@example.net')), '(forbidden)')
    assert.equal((await rig.ask(last('nobody@example.net'))).join('').replaceAll('nobody', 'juliet'), (await rig.ask(last('juliet@example.net'))).join(''))
  })

  test('of an account that is away says since when, and with what words (§3)', async () => {
    const rig = new FeatureRig()
    const juliet = rig.account('juliet@example.net')
    juliet.watchers.add(rig.account('romeo@example.net').jid)
    assert.equal(await rig.outcome(last('juliet@example.net')), '(item-not-found)')
    await rig.store.commit([{ account: juliet.jid, changes: [{ kind: 'last-activity', seconds: Math.floor(rig.clock.now() / 1_000), status: 'Heading <Home>' }] }])
    rig.clock.advance(903_000)
    const expected = /^<query xmlns='jabber:iq:last' seconds='90[34]'>Heading &lt;Home&gt;<\/query>$/
    assert.match(await rig.outcome(last('juliet@example.net')), expected)
    juliet.available.push(new Listener('juliet@example.net/balcony'))
    assert.equal(await rig.outcome(last('juliet@example.net')), "<query xmlns='jabber:iq:last' seconds='0'/>")
  })

  test('of one\'s own account is told, with an address or without', async () => {
    const rig = new FeatureRig()
    await rig.store.commit([{ account: rig.account('romeo@example.net').jid, changes: [{ kind: 'last-activity', seconds: Math.floor(rig.clock.now() / 1_000) + 100, status: '' }] }])
    for (const to of ['', 'romeo@example.net']) assert.equal(await rig.outcome(last(to)), "<query xmlns='jabber:iq:last' seconds='0'/>")
  })
})

describe('last activity of one\'s own account (XEP-0012)', () => {
  test('waits for what was noted when the account went', async () => {
    const house = new SmallHouse()
    const romeo = await house.enter('romeo', 'orchard')
    const gate = Promise.withResolvers<undefined>()
    romeo.say('<presence/>')
    await house.idle()
    house.store.before = method => method === 'commit' ? gate.promise : Promise.resolve()
    romeo.say("<presence type='unavailable'/>")
    romeo.outbound.sent.length = 0
    romeo.say("<iq type='get' id='1'><query xmlns='jabber:iq:last'/></iq>")
    await settled()
    assert.deepEqual(romeo.outbound.sent, [])
    gate.resolve(undefined)
    await house.idle()
    assert.match(romeo.outbound.sent.join(''), /type='result'.*seconds='0'/)
  })
})

describe('entity time (XEP-0202)', () => {
  test('is the time of the server in UTC, in whole seconds (§2)', async () => {
    const rig = new FeatureRig()
    const expected = new Date(Math.floor(rig.clock.now() / 1_000) * 1_000).toISOString().replace('.000Z', 'Z')
    assert.equal(await rig.outcome(get("<time xmlns='urn:xmpp:time'/>", 'example.net')), `<time xmlns='urn:xmpp:time'><tzo>+00:00</tzo><utc>${expected}</utc></time>`)
    for (const to of ['', 'juliet@example.net']) assert.equal(await rig.outcome(get("<time xmlns='urn:xmpp:time'/>", to)), '(service-unavailable)')
  })
})

describe('a ping (XEP-0199)', () => {
  for (const [to, expected] of [['example.net', ''], ['', ''], ['romeo@example.net', ''], ['juliet@example.net', '(service-unavailable)'],
    ['nobody@example.net', '(service-unavailable)']] as const) {
    test(`to ${to === '' ? 'nobody in particular' : to}: ${expected === '' ? 'an empty result' : expected}`, async () => {
      const rig = new FeatureRig()
      // Also by those who may see her presence: the account is no client.
      rig.account('juliet@example.net').watchers.add(rig.account('romeo@example.net').jid)
      assert.equal(await rig.outcome(get("<ping xmlns='urn:xmpp:ping'/>", to)), expected)
    })
  }
})

describe('service discovery (XEP-0030)', () => {
  const info = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
  const items = "<query xmlns='http://jabber.org/protocol/disco#items'/>"

  test('of an account is for those who may see its presence; to others it does not exist (§8)', async () => {
    const rig = new FeatureRig()
    const juliet = rig.account('juliet@example.net')
    juliet.available.push(new Listener('juliet@example.net/balcony'), new Listener('juliet@example.net/chamber'))
    for (const to of ['juliet@example.net', 'nobody@example.net']) {
      assert.equal(await rig.outcome(get(info, to)), '(service-unavailable)')
      assert.equal(await rig.outcome(get(info.replace('/>', " node='x'/>"), to)), '(service-unavailable)')
      assert.equal(await rig.outcome(get(items, to)), items)
      assert.equal(await rig.outcome(get(items.replace('/>', " node='x'/>"), to)), items)
    }
    juliet.watchers.add(rig.account('romeo@example.net').jid)
    assert.match(await rig.outcome(get(info, 'juliet@example.net')), /^<query [^>]+><identity category='account' type='registered'\/><feature /)
    assert.equal(await rig.outcome(get(items, 'juliet@example.net')),
      "<query xmlns='http://jabber.org/protocol/disco#items'><item jid='juliet@example.net/balcony'/><item jid='juliet@example.net/chamber'/></query>")
    for (const query of [info, items]) assert.equal(await rig.outcome(get(query.replace('/>', " node='x'/>"), 'juliet@example.net')), '(item-not-found)')
  })

  test('lists the available resources of one\'s own account as its items (§4.1)', async () => {
    const rig = new FeatureRig()
    assert.equal(await rig.outcome(get(items)), items)
    rig.account('romeo@example.net').available.push(rig.romeo)
    assert.match(await rig.outcome(get(items, 'romeo@example.net')), /><item jid='romeo@example.net\/orchard'\/><\/query>$/)
  })

  test('lists each feature once', async () => {
    const rig = new FeatureRig()
    for (const to of ['example.net', 'romeo@example.net']) {
      const listed = [...(await rig.outcome(get(info, to))).matchAll(/var='([^']+)'/g)].map(([, ns]) => ns)
      assert.ok(listed.length > 3)
      assert.deepEqual(listed, [...new Set(listed)])
    }
  })
})

describe('entity capabilities (XEP-0115)', () => {
  test('hash the simple example of §5.2 as it does', () => {
    assert.equal(verificationString({
      identities: [{ category: 'client', type: 'pc', name: 'Exodus 0.9.1' }],
      features: ['http://jabber.org/protocol/disco#info', 'http://jabber.org/protocol/disco#items', 'http://jabber.org/protocol/muc', 'http://jabber.org/protocol/caps'],
    }), 'QgayPKawpkPSDYmwT/WM94uAlu0=')
  })

  test('hash the complex example of §5.3 as it does, in whatever order its parts come', () => {
    assert.equal(verificationString({
      identities: [{ category: 'client', type: 'pc', lang: 'en', name: 'Psi 0.11' }, { category: 'client', type: 'pc', lang: 'el', name: 'Ψ 0.11' }],
      features: ['http://jabber.org/protocol/muc', 'http://jabber.org/protocol/disco#items', 'http://jabber.org/protocol/disco#info', 'http://jabber.org/protocol/caps'],
      forms: [{ formType: 'urn:xmpp:dataforms:softwareinfo', fields: [
        { name: 'software_version', values: ['0.11'] }, { name: 'software', values: ['Psi'] }, { name: 'os_version', values: ['10.5.1'] }, { name: 'os', values: ['Mac'] },
        { name: 'ip_version', values: ['ipv6', 'ipv4'] },
      ] }],
    }), 'q07IKJEyjvHSyhy//CH0CxmKi8w=')
  })

  test('sort by bytes (i;octet), not by UTF-16', () => {
    const features = ['\u{1F600}', '\uFF21']
    assert.equal(verificationString({ identities: [], features }), verificationString({ identities: [], features: features.toReversed() }))
    // In UTF-8 U+FF21 (EF…) stands before U+1F600 (F0…), in UTF-16 behind it. Computed with openssl.
    assert.equal(verificationString({ identities: [], features }), 'WEh4BzsFHX7QjB19krIEVaRVgEo=')
  })

  test('are the hash of what disco#info says, and found again at the node that they name (§6.2)', async () => {
    const rig = new FeatureRig()
    const [told = ''] = rig.dispatch.streamFeatures(jid('example.net') as Domainpart & Jid).filter(markup => markup.startsWith('<c '))
    const [, node = '', ver = ''] = /^<c xmlns='http:\/\/jabber.org\/protocol\/caps' hash='sha-1' node='([^']+)' ver='([^']+)'\/>$/.exec(told) ?? []
    const plain = await rig.outcome(get("<query xmlns='http://jabber.org/protocol/disco#info'/>", 'example.net'))
    const identities = [...plain.matchAll(/<identity category='([^']+)' type='([^']+)' name='([^']+)'\/>/g)].map(([, category = '', type = '', name = '']) => ({ category, type, name }))
    const features = [...plain.matchAll(/<feature var='([^']+)'\/>/g)].map(([, ns = '']) => ns)
    assert.equal(identities.length, 1)
    assert.equal(verificationString({ identities, features }), ver)
    const asked = `<query xmlns='http://jabber.org/protocol/disco#info' node='${node}#${ver}'/>`
    assert.equal(await rig.outcome(get(asked, 'example.net')), plain.replace('>', ` node='${node}#${ver}'>`))
    // It is the server's, and another server's is another.
    assert.equal(await rig.outcome(get(asked)), '(item-not-found)')
    assert.equal(await rig.outcome(get(asked, 'other.example')), '(item-not-found)')
    assert.equal(await rig.outcome(get(asked.replace(ver, `${ver}x`), 'example.net')), '(item-not-found)')
    assert.equal(await rig.outcome(get(asked.replace('#info', '#items'), 'example.net')), '(item-not-found)')
  })
})
