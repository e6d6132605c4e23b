/** RFC 6121 appendix A, cell by cell: what each subscription stanza does in each of the nine states, to its sender and to its recipient. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inbound, outbound, type SubscriptionType } from '../../src/embedded/roster/subscription.ts'
import { contact, itemIn, nameOf, request, type StateName, stateNames } from '../support/subscription-states.ts'

type Cell = readonly [existing: StateName, isPassedOn: boolean, next: StateName]

/** The rows stand in the order of the appendix: whether the stanza is routed (outbound) or delivered (inbound), and the new state. */
const rows = (...cells: readonly (readonly [boolean, StateName])[]): readonly Cell[] =>
  stateNames.map((existing, index) => [existing, ...cells[index]!] as const)

const sent: Readonly<Record<SubscriptionType, readonly Cell[]>> = {
  // A.2.1
  subscribe: rows([true, 'None + Pending Out'], [true, 'None + Pending Out'], [true, 'None + Pending Out+In'], [true, 'None + Pending Out+In'],
    [true, 'To'], [true, 'To + Pending In'], [true, 'From + Pending Out'], [true, 'From + Pending Out'], [true, 'Both']),
  // A.2.2
  unsubscribe: rows([true, 'None'], [true, 'None'], [true, 'None + Pending In'], [true, 'None + Pending In'],
    [true, 'None'], [true, 'None + Pending In'], [true, 'From'], [true, 'From'], [true, 'From']),
  // A.2.3
  subscribed: rows([false, 'None'], [false, 'None + Pending Out'], [true, 'From'], [true, 'From + Pending Out'],
    [false, 'To'], [true, 'Both'], [false, 'From'], [false, 'From + Pending Out'], [false, 'Both']),
  // A.2.4
  unsubscribed: rows([false, 'None'], [false, 'None + Pending Out'], [true, 'None'], [true, 'None + Pending Out'],
    [false, 'To'], [true, 'To'], [true, 'None'], [true, 'None + Pending Out'], [true, 'To']),
}

const received: Readonly<Record<SubscriptionType, readonly Cell[]>> = {
  // A.3.1
  subscribe: rows([true, 'None + Pending In'], [true, 'None + Pending Out+In'], [false, 'None + Pending In'], [false, 'None + Pending Out+In'],
    [true, 'To + Pending In'], [false, 'To + Pending In'], [false, 'From'], [false, 'From + Pending Out'], [false, 'Both']),
  // A.3.2
  unsubscribe: rows([false, 'None'], [false, 'None + Pending Out'], [true, 'None'], [true, 'None + Pending Out'],
    [false, 'To'], [true, 'To'], [true, 'None'], [true, 'None + Pending Out'], [true, 'To']),
  // A.3.3
  subscribed: rows([false, 'None'], [true, 'To'], [false, 'None + Pending In'], [true, 'To + Pending In'],
    [false, 'To'], [false, 'To + Pending In'], [false, 'From'], [true, 'Both'], [false, 'Both']),
  // A.3.4
  unsubscribed: rows([false, 'None'], [true, 'None'], [false, 'None + Pending In'], [true, 'None + Pending In'],
    [true, 'None'], [true, 'None + Pending In'], [false, 'From'], [true, 'From'], [true, 'From']),
}

const sections: Readonly<Record<SubscriptionType, number>> = { subscribe: 1, unsubscribe: 2, subscribed: 3, unsubscribed: 4 }

for (const [type, cells] of Object.entries(sent) as [SubscriptionType, readonly Cell[]][]) {
  describe(`an outbound <presence type='${type}'/> (RFC 6121 A.2.${sections[type]})`, () => {
    for (const [existing, isPassedOn, next] of cells) {
      test(`in "${existing}" is ${isPassedOn ? '' : 'not '}routed; then: "${next}"`, () => {
        const before = itemIn(existing)
        const outcome = outbound(before, contact, type, 8)
        assert.equal(outcome.isPassedOn, isPassedOn)
        assert.equal(nameOf(outcome.item), next)
        assert.equal(outcome.reply, null)
        // §3.1.5, §3.2.2: the contact begins to see the user's presence with `from`, and sees it no more without.
        assert.equal(outcome.presence, shownBetween(existing, next))
      })
    }
  })
}

for (const [type, cells] of Object.entries(received) as [SubscriptionType, readonly Cell[]][]) {
  describe(`an inbound <presence type='${type}'/> (RFC 6121 A.3.${sections[type]})`, () => {
    for (const [existing, isPassedOn, next] of cells) {
      test(`in "${existing}" is ${isPassedOn ? '' : 'not '}delivered; then: "${next}"`, () => {
        const before = itemIn(existing)
        const outcome = inbound(before, contact, type, 8, request)
        assert.equal(outcome.isPassedOn, isPassedOn)
        assert.equal(nameOf(outcome.item), next)
        // §3.1.3: who is subscribed already is told so, on behalf of the user, and shown what he may have missed.
        const isAskedAgain = type === 'subscribe' && seen(existing)
        assert.equal(outcome.reply, isAskedAgain ? 'subscribed' : null)
        assert.equal(outcome.presence, isAskedAgain ? 'shown' : shownBetween(existing, next))
      })
    }
  })
}

const seen = (state: StateName): boolean => state.startsWith('From') || state === 'Both'
const shownBetween = (before: StateName, after: StateName): 'shown' | 'hidden' | null => seen(before) === seen(after) ? null : seen(after) ? 'shown' : 'hidden'
