// XEP-0049: Private XML Storage.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FeatureRig, Listener } from '../support/feature-rig.ts'

const query = (type: 'get' | 'set', content: string, to = ''): string => `<iq type='${type}' id='1'${to}><query xmlns='jabber:iq:private'>${content}</query></iq>`
const answered = (content: string): string => `<query xmlns='jabber:iq:private'>${content}</query>`

describe('private XML', () => {
  test('comes back as it was stored, by name and namespace (XEP-0049 §2.1)', async () => {
    const rig = new FeatureRig()
    const prefs = "<exodus xmlns='exodus:prefs' a='1'>x<nick>Hamlet</nick>y</exodus>"
    assert.equal(await rig.outcome(query('set', prefs)), '')
    assert.equal(await rig.outcome(query('get', "<exodus xmlns='exodus:prefs'/>")), answered(prefs))
    assert.equal(await rig.outcome(query('get', "<other xmlns='exodus:prefs'/>")), answered("<other xmlns='exodus:prefs'/>"))
    assert.equal(await rig.outcome(query('get', "<exodus xmlns='other:prefs'/>")), answered("<exodus xmlns='other:prefs'/>"))
  })

  test('of several namespaces is stored at once, or not at all', async () => {
    const rig = new FeatureRig()
    assert.equal(await rig.outcome(query('set', "<a xmlns='urn:example:a'>1</a><b xmlns='urn:example:b'>2</b><c xmlns='urn:example:a'>3</c>")), '')
    assert.equal(await rig.outcome(query('get', "<b xmlns='urn:example:b'/>")), answered("<b xmlns='urn:example:b'>2</b>"))
    assert.equal(await rig.outcome(query('get', "<c xmlns='urn:example:a'/>")), answered("<c xmlns='urn:example:a'>3</c>"))
    assert.equal(await rig.outcome(query('set', "<a xmlns='urn:example:a'>new</a><x xmlns='jabber:x:data'/>")), '(not-acceptable)')
    assert.equal(await rig.outcome(query('get', "<a xmlns='urn:example:a'/>")), answered("<a xmlns='urn:example:a'>1</a>"))
  })

  test('is asked for by exactly one element (XEP-0049 §2.3)', async () => {
    const rig = new FeatureRig()
    assert.equal(await rig.outcome(query('get', '')), '(bad-request)')
    assert.equal(await rig.outcome(query('get', "<a xmlns='urn:example:a'/><b xmlns='urn:example:b'/>")), '(bad-request)')
  })

  test('without an element, or with two that would be one, is not stored', async () => {
    const rig = new FeatureRig()
    assert.equal(await rig.outcome(query('set', '')), '(not-acceptable)')
    assert.equal(await rig.outcome(query('set', 'text')), '(not-acceptable)')
    assert.equal(await rig.outcome(query('set', "<a xmlns='urn:example:a'>1</a><a xmlns='urn:example:a'>2</a>")), '(not-acceptable)')
    for (const name of ['romeo', 'juliet', 'nobody']) assert.equal((await rig.kept(`${name}@example.net`)).privateBytes, 0)
  })

  test('in a reserved namespace, or in none of its own, is refused (XEP-0049 §2.3)', async () => {
    const rig = new FeatureRig()
    for (const element of ["<x xmlns='jabber:iq:roster'/>", "<x xmlns='http://jabber.org/protocol/muc'/>", "<vCard xmlns='vcard-temp'/>", '<x/>', "<x xmlns=''/>"]) {
      assert.equal(await rig.outcome(query('set', element)), '(not-acceptable)', element)
      assert.equal(await rig.outcome(query('get', element)), '(not-acceptable)', element)
    }
  })

  test('is its owner\'s alone (XEP-0049 §3)', async () => {
    const rig = new FeatureRig()
    for (const name of ['juliet', 'nobody']) {
      assert.equal(await rig.outcome(query('get', "<a xmlns='urn:example:a'/>", ` to='${name}@example.net'`)), '(forbidden)')
      assert.equal(await rig.outcome(query('set', "<a xmlns='urn:example:a'>1</a>", ` to='${name}@example.net'`)), '(forbidden)')
    }
    assert.equal(await rig.outcome(query('get', "<a xmlns='urn:example:a'/>", " to='example.net'")), '(service-unavailable)')
    for (const name of ['romeo', 'juliet', 'nobody']) assert.equal((await rig.kept(`${name}@example.net`)).privateBytes, 0)
  })

  test('is bounded for an account as a whole; what is replaced makes room, and what is removed may be even where it is too much', async () => {
    const rig = new FeatureRig({ max_private_size: 1_000 })
    const element = (name: string, length: number): string => {
      const empty = `<${name} xmlns='urn:example:x'></${name}>`
      return empty.replace('><', `>${'x'.repeat(length - empty.length)}<`)
    }
    assert.equal(await rig.outcome(query('set', element('a', 600))), '')
    assert.equal(await rig.outcome(query('set', element('b', 401))), '(policy-violation)')
    assert.equal(await rig.outcome(query('set', element('b', 400))), '')
    assert.equal(await rig.outcome(query('set', element('a', 601))), '(policy-violation)')
    assert.equal(await rig.outcome(query('set', element('a', 100) + element('c', 500))), '')
    await rig.account('romeo@example.net').commit([{ kind: 'private', ns: 'urn:example:x', local: 'old', xml: Buffer.alloc(5_000) }])
    assert.equal(await rig.outcome(query('set', "<a xmlns='urn:example:x'/>")), '')
    assert.equal(await rig.store.privateXml(rig.account('romeo@example.net').jid, 'urn:example:x', 'a'), null)
  })

  test('is bounded also where several clients of the account store at once', async () => {
    const rig = new FeatureRig({ max_private_size: 1_000 })
    const phone = new Listener('romeo@example.net/phone')
    const element = (name: string): string => query('set', `<${name} xmlns='urn:example:x'>${'x'.repeat(550)}</${name}>`)
    assert.deepEqual((await Promise.all([rig.outcome(element('a')), rig.outcome(element('b'), phone)])).toSorted(), ['', '(policy-violation)'])
  })

  test('that says something by an attribute alone is kept', async () => {
    const rig = new FeatureRig()
    await rig.outcome(query('set', "<a xmlns='urn:example:a' on='1'/>"))
    assert.equal(await rig.outcome(query('get', "<a xmlns='urn:example:a'/>")), answered("<a xmlns='urn:example:a' on='1'/>"))
  })

  test('that the store cannot keep is an error', async () => {
    const rig = new FeatureRig()
    rig.loseStore()
    assert.equal(await rig.outcome(query('set', "<a xmlns='urn:example:a'>1</a>")), '(internal-server-error)')
  })
})
