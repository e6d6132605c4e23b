/** What a subscription stanza does beside the state: pre-approval, what is kept of the item, what clients are told (RFC 6121 §3). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inbound, newItem, outbound, type SubscriptionType } from '../../src/embedded/roster/subscription.ts'
import { contact, itemIn, nameOf, request, type StateName, stateNames } from '../support/subscription-states.ts'

const types: readonly SubscriptionType[] = ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed']
/** A stranger's request, in no roster that clients see. */
const stranger = { ...newItem(contact), request, version: 3 }

describe('pre-approval (RFC 6121 §3.4)', () => {
  for (const state of ['None', 'None + Pending Out', 'To'] as const) {
    test(`an approval that nobody asked for is noted in "${state}", and not routed (§3.4.2)`, () => {
      assert.deepEqual(outbound(itemIn(state), contact, 'subscribed', 8),
        { item: itemIn(state, { approved: true, version: 8 }), isPassedOn: false, isPushed: true, reply: null, presence: null })
    })
    test(`a request of who is approved already in "${state}" is answered at once, and not delivered (§3.4.2)`, () => {
      const { item, ...rest } = inbound(itemIn(state, { approved: true }), contact, 'subscribe', 8, request)
      assert.equal(nameOf(item), { 'None': 'From', 'None + Pending Out': 'From + Pending Out', 'To': 'Both' }[state])
      assert.deepEqual([item?.request, item?.version], [null, 8])
      assert.deepEqual(rest, { isPassedOn: false, isPushed: true, reply: 'subscribed', presence: 'shown' })
    })
    test(`an approval in "${state}" is taken back by "unsubscribed", which is not routed (§3.4.2)`, () => {
      assert.deepEqual(outbound(itemIn(state, { approved: true }), contact, 'unsubscribed', 8),
        { item: itemIn(state, { version: 8 }), isPassedOn: false, isPushed: true, reply: null, presence: null })
    })
  }

  test('a contact who is not in the roster is added to it (§3.4.2)', () => {
    assert.deepEqual(outbound(null, contact, 'subscribed', 8),
      { item: { ...newItem(contact), approved: true, isListed: true, version: 8 }, isPassedOn: false, isPushed: true, reply: null, presence: null })
  })
  for (const state of ['From', 'From + Pending Out', 'Both'] as const) {
    test(`in "${state}" there is nothing left to approve: it is ignored (§3.4.2)`, () => {
      const before = itemIn(state)
      assert.deepEqual(outbound(before, contact, 'subscribed', 8), { item: before, isPassedOn: false, isPushed: false, reply: null, presence: null })
    })
    test(`"unsubscribed" in "${state}" ends an approval with the subscription`, () => {
      assert.equal(outbound(itemIn(state, { approved: true }), contact, 'unsubscribed', 8).item?.approved, false)
    })
  }
  test('a second approval changes nothing', () => {
    const before = itemIn('None', { approved: true })
    assert.equal(outbound(before, contact, 'subscribed', 8).item, before)
    assert.equal(outbound(before, contact, 'subscribed', 8).isPushed, false)
  })
  test('only the user approves: nothing that the contact sends does', () => {
    for (const state of stateNames) {
      for (const type of types) assert.notEqual(inbound(itemIn(state), contact, type, 8, request).item?.approved, true, `${type} in ${state}`)
    }
  })
})

describe('a contact who is in no roster', () => {
  test('is added to the roster of who asks, with ask=\'subscribe\', and that is pushed (RFC 6121 §3.1.2)', () => {
    assert.deepEqual(outbound(null, contact, 'subscribe', 8),
      { item: { ...newItem(contact), ask: true, isListed: true, version: 8 }, isPassedOn: true, isPushed: true, reply: null, presence: null })
  })
  test('and asks is remembered with the whole request, and is in no roster that clients see (§3.1.3)', () => {
    assert.deepEqual(inbound(null, contact, 'subscribe', 8, request),
      { item: { ...newItem(contact), request, isListed: false, version: 8 }, isPassedOn: true, isPushed: false, reply: null, presence: null })
  })
  test('is in the roster once approved (§3.1.5)', () => {
    assert.deepEqual(outbound(stranger, contact, 'subscribed', 8),
      { item: { ...newItem(contact), subscription: 'from', isListed: true, version: 8 }, isPassedOn: true, isPushed: true, reply: null, presence: 'shown' })
  })
  test('and is refused is forgotten: nothing is left, nothing is pushed (§3.2.1)', () => {
    assert.deepEqual(outbound(stranger, contact, 'unsubscribed', 8), { item: null, isPassedOn: true, isPushed: false, reply: null, presence: null })
  })
  test('and takes the request back is forgotten (§3.3.3)', () => {
    assert.deepEqual(inbound(stranger, contact, 'unsubscribe', 8, request), { item: null, isPassedOn: true, isPushed: false, reply: null, presence: null })
  })
  test('and whom the user asks too is added to the roster, the request still pending', () => {
    assert.deepEqual(outbound(stranger, contact, 'subscribe', 8).item, { ...stranger, ask: true, isListed: true, version: 8 })
  })
  for (const type of ['unsubscribe', 'unsubscribed', 'subscribed'] as const) {
    test(`leaves no trace with "${type}" that nothing came before`, () => {
      assert.deepEqual(inbound(null, contact, type, 8, request), { item: null, isPassedOn: false, isPushed: false, reply: null, presence: null })
      if (type !== 'subscribed') assert.deepEqual([outbound(null, contact, type, 8).item, outbound(null, contact, type, 8).isPushed], [null, false])
    })
  }
})

describe('a pending request', () => {
  test('that comes again is the one that is kept, and is not shown twice (RFC 6121 §3.1.3)', () => {
    const outcome = inbound(stranger, contact, 'subscribe', 8, Buffer.from('<presence type=\'subscribe\'><status>again</status></presence>'))
    assert.deepEqual([outcome.item, outcome.isPassedOn], [stranger, false])
  })
  test('of who is in the roster changes nothing that clients see: no push, no version (§3.1.3)', () => {
    assert.deepEqual(inbound(itemIn('To'), contact, 'subscribe', 8, request).item, itemIn('To + Pending In'))
  })
  test('of who is in the roster, refused, leaves the item as it is (§3.2.1)', () => {
    assert.deepEqual(outbound(itemIn('To + Pending In'), contact, 'unsubscribed', 8),
      { item: itemIn('To'), isPassedOn: true, isPushed: false, reply: null, presence: null })
  })
})

/** What a client sees of an item. */
const visible = (item: ReturnType<typeof itemIn> | null) => item?.isListed === true
  ? [item.jid, item.name, item.groups, item.subscription, item.ask, item.approved] : null

test('clients are told of an item exactly when what they see of it has changed, and it has the new version then (RFC 6121 §2.1.6, §2.6)', () => {
  for (const before of [null, stranger, ...stateNames.flatMap((state: StateName) => [itemIn(state), itemIn(state, { approved: true })])]) {
    for (const type of types) {
      for (const [way, outcome] of [['out', outbound(before, contact, type, 8)], ['in', inbound(before, contact, type, 8, request)]] as const) {
        const what = `${way} ${type} in ${nameOf(before)}${before?.approved === true ? ', approved' : ''}`
        let isSame = true
        try { assert.deepEqual(visible(outcome.item), visible(before)) } catch { isSame = false }
        assert.equal(outcome.isPushed, !isSame, what)
        if (outcome.isPushed) assert.equal(outcome.item?.version, 8, what)
        if (before?.isListed === true) assert.deepEqual([outcome.item?.name, outcome.item?.groups, outcome.item?.isListed], ['Juliet', ['Capulets'], true], what)
      }
    }
  }
})

test('an item that a stanza does not change is the very item', () => {
  for (const state of stateNames) {
    const before = itemIn(state)
    for (const type of types) {
      for (const { item } of [outbound(before, contact, type, before.version), inbound(before, contact, type, before.version, request)]) {
        try { assert.deepEqual(item, before) } catch { continue }
        assert.equal(item, before, `${type} in ${state}`)
      }
    }
  }
})
