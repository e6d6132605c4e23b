/** Rosters as clients are told of them: items, and what has changed since a version (RFC 6121 §2.1, §2.6). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { changedSince, itemMarkup, removalMarkup, rosterMarkup } from '../../src/embedded/roster/roster-markup.ts'
import { newItem } from '../../src/embedded/roster/subscription.ts'
import { parse } from '../../src/xml/parse.ts'
import { parseBareJid } from '../../src/xmpp/jid.ts'
import { contact, itemIn, request } from '../support/subscription-states.ts'

describe('an item, as it is written', () => {
  const bare = { name: null, groups: [] }
  for (const [state, attributes] of [
    ['None', 'subscription=\'none\''], ['None + Pending Out', 'subscription=\'none\' ask=\'subscribe\''], ['To', 'subscription=\'to\''],
    ['From', 'subscription=\'from\''], ['From + Pending Out', 'subscription=\'from\' ask=\'subscribe\''], ['Both', 'subscription=\'both\''],
  ] as const) {
    test(`in "${state}" has ${attributes} (§2.1.2.2, §2.1.2.5)`, () => {
      assert.equal(itemMarkup(itemIn(state, bare)), `<item jid='juliet@example.com' ${attributes}/>`)
    })
  }
  test('does not tell of a pending request (§2.1.2.2)', () => {
    for (const state of ['None', 'To'] as const) assert.equal(itemMarkup(itemIn(`${state} + Pending In`)), itemMarkup(itemIn(state)))
  })
  test('tells of pre-approval with approved=\'true\' (§2.1.2.1)', () => {
    assert.equal(itemMarkup(itemIn('None', { ...bare, approved: true })), '<item jid=\'juliet@example.com\' subscription=\'none\' approved=\'true\'/>')
  })
  test('has its name and its groups, in which nothing becomes markup', () => {
    const item = itemIn('Both', { name: '<\'"&>', groups: ['</group>', 'a & b'] })
    const read = parse(Buffer.from(itemMarkup(item)))
    assert.equal(read.attributes.get('name'), '<\'"&>')
    assert.deepEqual(read.children.map(({ local, text }) => [local, text]), [['group', '</group>'], ['group', 'a & b']])
  })
  test('that was removed has subscription=\'remove\' and nothing else (§2.5.2)', () => {
    assert.equal(removalMarkup(contact), '<item jid=\'juliet@example.com\' subscription=\'remove\'/>')
  })
  test('stands in a query with the version (§2.1.1)', () => {
    assert.equal(rosterMarkup(12, [removalMarkup(contact)]), `<query xmlns='jabber:iq:roster' ver='12'>${removalMarkup(contact)}</query>`)
    assert.equal(rosterMarkup(0, []), '<query xmlns=\'jabber:iq:roster\' ver=\'0\'/>')
  })
})

describe('what has changed since a version (RFC 6121 §2.6)', () => {
  const jid = (name: string) => parseBareJid(`${name}@example.com`)!
  const item = (name: string, version: number) => itemIn('Both', { jid: jid(name), version })
  const told = (...of: Parameters<typeof changedSince>) => changedSince(...of)?.map(({ version, item: markup }) =>
    `${version} ${parse(Buffer.from(markup)).attributes.get('jid')?.split('@', 1)[0]} ${parse(Buffer.from(markup)).attributes.get('subscription')}`) ?? null

  test('is told in the order of the changes, so that a client that hears only some of it is never ahead of itself (§2.6.3)', () => {
    assert.deepEqual(told('3', [item('c', 9), item('a', 2), item('b', 5), item('d', 3)], [{ jid: jid('e'), version: 4 }, { jid: jid('f'), version: 7 }], 9, 100),
      ['4 e remove', '5 b both', '7 f remove', '9 c both'])
  })
  test('is nothing for who has the latest, or before there was anything', () => {
    assert.deepEqual(told('9', [item('a', 9)], [{ jid: jid('b'), version: 8 }], 9, 100), [])
    assert.deepEqual(told('0', [], [], 0, 100), [])
  })
  for (const ver of ['', ' 3', '3 ', '-1', '1.5', '1e3', '0x3', 'abc', '9999999999999999']) {
    test(`cannot be said of "${ver}", which is no version of ours: the whole roster then`, () => assert.equal(told(ver, [], [], 9_999, 100_000), null))
  }
  test('cannot be said of a version that is still to come: the whole roster', () => assert.equal(told('10', [item('a', 9)], [], 9, 100), null))
  test('cannot be said of a version whose removals may be forgotten: the whole roster', () => {
    assert.equal(told('8', [item('a', 12)], [], 12, 3), null)
    assert.deepEqual(told('9', [item('a', 12)], [], 12, 3), ['12 a both'])
  })
  test('cannot be said either when removals were forgotten, and one that was not came back: their number does not tell', () => {
    // With two removals remembered: a at 4, b at 5, c at 6, and b again at 7; a is forgotten, and one is remembered.
    assert.equal(told('3', [item('b', 7)], [{ jid: jid('c'), version: 6 }], 7, 2), null)
  })
  test('has the removal of a contact who has asked since: clients see no request, but may still see the item', () => {
    const asks = { ...newItem(jid('a')), request, version: 6 }
    assert.deepEqual(told('4', [asks], [], 6, 100), ['6 a remove'])
    assert.deepEqual(told('6', [asks], [], 6, 100), [])
  })
})
