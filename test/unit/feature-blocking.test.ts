// XEP-0191: the list of who is blocked, and whom it means. XEP-0280: who asked for copies.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isBlocked } from '../../src/embedded/blocklist.ts'
import { bareOf } from '../../src/xmpp/jid.ts'
import { SmallHouse } from '../support/small-house.ts'
import { FeatureRig, jid, Listener, summary } from '../support/feature-rig.ts'

const command = (name: 'block' | 'unblock', ...items: readonly string[]): string =>
  `<iq type='set' id='1'><${name} xmlns='urn:xmpp:blocking'>${items.map(item => `<item jid='${item}'/>`).join('')}</${name}></iq>`
const list = "<iq type='get' id='1'><blocklist xmlns='urn:xmpp:blocking'/></iq>"

describe('the blocklist', () => {
  test('lists who is blocked, each once and prepared, and is empty where nobody is (XEP-0191 §3.2)', async () => {
    const rig = new FeatureRig()
    assert.equal(await rig.outcome(list), "<blocklist xmlns='urn:xmpp:blocking'/>")
    assert.equal(await rig.outcome(command('block', 'Tybalt@example.net', 'tybalt@example.net', 'elsewhere.example')), '')
    assert.equal(await rig.outcome(list), "<blocklist xmlns='urn:xmpp:blocking'><item jid='tybalt@example.net'/><item jid='elsewhere.example'/></blocklist>")
  })

  test('is shortened by those named, or emptied where none is named (§3.4, §3.5)', async () => {
    const rig = new FeatureRig()
    await rig.outcome(command('block', 'a@example.net', 'b@example.net', 'c@example.net'))
    assert.equal(await rig.outcome(command('unblock', 'A@example.net', 'stranger@example.net')), '')
    assert.equal(await rig.outcome(list), "<blocklist xmlns='urn:xmpp:blocking'><item jid='b@example.net'/><item jid='c@example.net'/></blocklist>")
    assert.equal(await rig.outcome(command('unblock')), '')
    assert.equal(await rig.outcome(list), "<blocklist xmlns='urn:xmpp:blocking'/>")
  })

  test('is not changed by a command without an item, without a JID, or with something else in it', async () => {
    const rig = new FeatureRig()
    assert.equal(await rig.outcome(command('block')), '(bad-request)')
    for (const name of ['block', 'unblock'] as const) {
      for (const content of ['<item/>', "<other jid='a@example.net'/>", "<item xmlns='urn:example:x' jid='a@example.net'/>"]) {
        assert.equal(await rig.outcome(command(name, 'a@example.net').replace(/<item [^>]*>/, content)), '(bad-request)', content)
      }
      assert.equal(await rig.outcome(command(name, 'b@example.net', 'a@@example.net')), '(jid-malformed)')
    }
    assert.equal(rig.account('romeo@example.net').blocked.size, 0)
  })

  test('has an end', async () => {
    const house = new SmallHouse({ options: { max_blocked: 2 } })
    const romeo = await house.enter('romeo', 'orchard')
    const outcome = async (...jids: readonly string[]) => {
      romeo.say(command('block', ...jids))
      await house.idle()
      return summary(romeo.outbound.heard().at(-1) ?? '(nothing)')
    }
    assert.equal(await outcome('a@example.net', 'b@example.net', 'c@example.net'), '(policy-violation)')
    assert.equal(await outcome('a@example.net', 'b@example.net'), '')
    assert.equal(await outcome('b@example.net'), '')
    assert.equal(await outcome('c@example.net'), '(policy-violation)')
  })

  test('is its owner\'s: nobody asks for that of others', async () => {
    const rig = new FeatureRig()
    for (const to of ['juliet@example.net', 'example.net']) {
      for (const xml of [list, command('block', 'a@example.net'), command('unblock')]) {
        assert.equal(await rig.outcome(xml.replace(" id='1'", ` id='1' to='${to}'`)), '(service-unavailable)')
      }
    }
  })

  test('is pushed in pieces to the resources that asked for it, before the answer (§3.3, §3.4, §3.5)', async () => {
    const rig = new FeatureRig()
    const phone = new Listener('romeo@example.net/phone')
    rig.account('romeo@example.net').resources.push(phone)
    await rig.outcome(list, phone)
    assert.deepEqual(await rig.ask(command('block', 'a@example.net', 'b@example.net')), ["<iq xmlns='jabber:client' type='result' id='1' to='romeo@example.net/orchard'/>"])
    assert.deepEqual(phone.heard(), ["<iq xmlns='jabber:client' type='set' id='id-1' from='romeo@example.net' to='romeo@example.net/phone'>"
      + "<block xmlns='urn:xmpp:blocking'><item jid='a@example.net'/><item jid='b@example.net'/></block></iq>"])
    await rig.outcome(list)
    const [push, answer] = await rig.ask(command('unblock', 'a@example.net'))
    assert.match(push!, /type='set'.*to='romeo@example.net\/orchard'><unblock xmlns='urn:xmpp:blocking'><item jid='a@example.net'\/><\/unblock>/)
    assert.match(answer!, /type='result' id='1'/)
    assert.match(phone.heard().join(''), /<unblock xmlns='urn:xmpp:blocking'><item jid='a@example.net'\/><\/unblock>/)
    await rig.ask(command('unblock'))
    assert.match(phone.heard().join(''), /<unblock xmlns='urn:xmpp:blocking'\/>/)
  })
})

describe('a blocked JID means (XEP-0191 §6)', () => {
  const owner = bareOf(jid('juliet@example.net'))
  for (const [blocked, other, expected] of [
    ['romeo@example.net/orchard', 'romeo@example.net/orchard', true],
    ['romeo@example.net/orchard', 'romeo@example.net/phone', false],
    ['romeo@example.net/orchard', 'romeo@example.net', false],
    ['romeo@example.net', 'romeo@example.net/orchard', true],
    ['romeo@example.net', 'romeo@example.net', true],
    ['romeo@example.net', 'tybalt@example.net/x', false],
    ['other.example/orchard', 'other.example/orchard', true],
    ['other.example/orchard', 'romeo@other.example/orchard', true],
    ['other.example/orchard', 'romeo@other.example/phone', false],
    ['other.example/orchard', 'other.example', false],
    ['other.example', 'other.example', true],
    ['other.example', 'romeo@other.example', true],
    ['other.example', 'romeo@other.example/orchard', true],
    ['other.example', 'sub.other.example', false],
    ['example.net', 'juliet@example.net/balcony', false],
    ['juliet@example.net', 'juliet@example.net/balcony', false],
    ['juliet@example.net/balcony', 'juliet@example.net/balcony', false],
    ['example.net', 'romeo@example.net/orchard', true],
  ] as const) {
    test(`${blocked}: ${other} ${expected ? 'too' : 'not'}`, () => { assert.equal(isBlocked(new Set([jid(blocked)]), owner, jid(other)), expected) })
  }

  test('nobody, where there is none', () => { assert.equal(isBlocked(new Set(), owner, jid('romeo@example.net')), false) })
})

describe('carbons', () => {
  test('are asked for and given up by each resource for itself, again and again (XEP-0280 §4, §5, §10.1)', async () => {
    const rig = new FeatureRig()
    const phone = new Listener('romeo@example.net/phone')
    for (const [name, wants] of [['enable', true], ['enable', true], ['disable', false], ['disable', false]] as const) {
      assert.equal(await rig.outcome(`<iq type='set' id='1'><${name} xmlns='urn:xmpp:carbons:2'/></iq>`), '')
      assert.deepEqual([rig.romeo.wantsCarbons, phone.wantsCarbons], [wants, false])
    }
    assert.equal(await rig.outcome("<iq type='set' id='1' to='juliet@example.net'><enable xmlns='urn:xmpp:carbons:2'/></iq>"), '(service-unavailable)')
  })
})
