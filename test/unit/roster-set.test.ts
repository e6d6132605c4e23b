/** What a client may ask of its roster, and what is refused (RFC 6121 §2.1.5, §2.3, §2.5). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { listed, readRosterSet, withNames } from '../../src/embedded/roster/roster.ts'
import { newItem } from '../../src/embedded/roster/subscription.ts'
import { parse } from '../../src/xml/parse.ts'
import { StanzaError } from '../../src/xmpp/stanza-error.ts'
import { contact, itemIn, request } from '../support/subscription-states.ts'

const read = (content: string) => readRosterSet(parse(Buffer.from(`<query xmlns='jabber:iq:roster'>${content}</query>`)))
const groups = (...names: readonly string[]) => `<item jid='juliet@example.com'>${names.map(name => `<group>${name}</group>`).join('')}</item>`

describe('a roster set (RFC 6121 §2.3)', () => {
  test('names a contact and says its groups', () => {
    assert.deepEqual(read('<item jid=\'juliet@example.com\' name=\'Juliet &amp; co\'><group>Friends</group><group>Verona</group></item>'),
      { kind: 'set', jid: contact, name: 'Juliet & co', groups: ['Friends', 'Verona'] })
  })
  test('needs neither name nor groups; an empty name is none', () => {
    for (const attributes of ['', 'name=\'\'']) {
      assert.deepEqual(read(`<item jid='juliet@example.com' ${attributes}/>`), { kind: 'set', jid: contact, name: null, groups: [] })
    }
  })
  test('has the canonical JID, however it is spelt (RFC 7622 §3.3)', () => assert.equal(read('<item jid=\'JULIET@Example.COM\'/>').jid, contact))
  test('may be of a server, too', () => assert.equal(read('<item jid=\'example.com\'/>').jid, 'example.com'))
  for (const subscription of ['none', 'to', 'from', 'both', 'foobar', '', 'REMOVE', 'removed']) {
    test(`with subscription='${subscription}' is one without: every value but "remove" is ignored (§2.1.2.5)`, () => {
      assert.deepEqual(read(`<item jid='juliet@example.com' subscription='${subscription}'/>`), { kind: 'set', jid: contact, name: null, groups: [] })
    })
  }
  test('says nothing about ask and approved: those are the server\'s (§2.1.2.1, §2.1.2.2)', () => {
    assert.deepEqual(read('<item jid=\'juliet@example.com\' ask=\'subscribe\' approved=\'true\'/>'), { kind: 'set', jid: contact, name: null, groups: [] })
  })
  test('with subscription=\'remove\' removes, whatever else it says (§2.5.1)', () => {
    assert.deepEqual(read('<item jid=\'juliet@example.com\' subscription=\'remove\' name=\'x\'><group/><group/></item>'), { kind: 'remove', jid: contact })
  })
  test('may have what is not ours in an item, which is passed over', () => {
    assert.deepEqual(read('<item jid=\'juliet@example.com\'><group xmlns=\'urn:other\'/><note>x</note><group>Friends</group></item>'),
      { kind: 'set', jid: contact, name: null, groups: ['Friends'] })
  })
  test('has names of up to 1,023 characters, and up to a hundred groups', () => {
    const name = 'n'.repeat(1_023)
    const many = [name, ...Array.from({ length: 99 }, (_, index) => `g${index}`)]
    assert.deepEqual(read(groups(...many)), { kind: 'set', jid: contact, name: null, groups: many })
    assert.deepEqual(read(`<item jid='juliet@example.com' name='${name}'/>`), { kind: 'set', jid: contact, name, groups: [] })
  })
})

describe('a roster set is refused', () => {
  const refusals: readonly (readonly [what: string, condition: string, content: string])[] = [
    ['without an item (§2.1.5)', 'bad-request', ''],
    ['with two items (§2.3.3)', 'bad-request', '<item jid=\'a@example.com\'/><item jid=\'b@example.com\'/>'],
    ['with something else beside the item (§2.1.5)', 'bad-request', '<item jid=\'a@example.com\'/><other xmlns=\'urn:other\'/>'],
    ['with an item of another namespace', 'bad-request', '<item xmlns=\'urn:other\' jid=\'a@example.com\'/>'],
    ['with another element', 'bad-request', '<group jid=\'a@example.com\'/>'],
    ['without a JID (§2.1.2.3)', 'bad-request', '<item name=\'Juliet\'/>'],
    ['with an empty JID', 'bad-request', '<item jid=\'\'/>'],
    ['with something that is no JID', 'bad-request', '<item jid=\'a b@example.com\'/>'],
    ['with the JID of a resource', 'bad-request', '<item jid=\'juliet@example.com/balcony\'/>'],
    ['when it removes the JID of a resource', 'bad-request', '<item jid=\'juliet@example.com/balcony\' subscription=\'remove\'/>'],
    ['with the same group twice (§2.3.3)', 'bad-request', groups('Friends', 'Verona', 'Friends')],
    ['with a group without a name (§2.3.3)', 'not-acceptable', groups('Friends', '')],
    ['with a group of more than 1,023 characters (§2.3.3)', 'not-acceptable', groups('n'.repeat(1_024))],
    ['with a name of more than 1,023 characters (§2.3.3)', 'not-acceptable', `<item jid='a@example.com' name='${'n'.repeat(1_024)}'/>`],
    ['with more than a hundred groups', 'not-acceptable', groups(...Array.from({ length: 101 }, (_, index) => `g${index}`))],
  ]
  for (const [what, condition, content] of refusals) {
    test(`${what}: <${condition}/>`, () => {
      assert.throws(() => read(content), error => error instanceof StanzaError && error.condition === condition)
    })
  }
})

describe('an item that is set', () => {
  const edit = { kind: 'set', jid: contact, name: 'Jule', groups: ['Friends'] } as const
  test('is new: in the roster, without any subscription (§2.3.2)', () => {
    assert.deepEqual(withNames(null, edit, 8), { ...newItem(contact), name: 'Jule', groups: ['Friends'], isListed: true, version: 8 })
  })
  test('keeps its subscription, whether it was asked for or approved, and a pending request (§2.4)', () => {
    const before = itemIn('To + Pending In', { approved: true })
    assert.deepEqual(withNames(before, edit, 8), { ...before, name: 'Jule', groups: ['Friends'], version: 8 })
    assert.deepEqual(withNames(itemIn('From + Pending Out'), edit, 8), itemIn('From + Pending Out', { name: 'Jule', groups: ['Friends'], version: 8 }))
  })
  test('loses the name and the groups that are not said again (§2.4.1)', () => {
    assert.deepEqual(withNames(itemIn('Both'), { ...edit, name: null, groups: [] }, 8), itemIn('Both', { name: null, groups: [], version: 8 }))
  })
  test('of which only a request was known is in the roster now, the request still pending', () => {
    const stranger = { ...newItem(contact), request }
    assert.deepEqual(withNames(stranger, edit, 8), { ...stranger, name: 'Jule', groups: ['Friends'], isListed: true, version: 8 })
  })
})

test('clients see no item of which only the request is known (§2.1.2.5, §3.1.3)', () => {
  const seen = itemIn('None + Pending In')
  assert.deepEqual(listed([{ ...newItem(contact), request }, seen]), [seen])
})
