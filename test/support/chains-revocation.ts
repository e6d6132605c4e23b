// Chains whose point is what revocation lists say, and whose lists they are.
import { chain } from './chain.ts'
import type { Chain } from './chain.ts'
import { hour, keyOf, makeClient, makeIntermediate, makeList, makeRoot } from './chain-maker.ts'

export function revocationChains(): readonly Chain[] {
  const root = makeRoot('Root')
  const middle = makeIntermediate('Middle', root)
  const leaf = makeClient(middle)
  const other = makeClient(middle)
  const stranger = makeIntermediate('Stranger', root)
  const path = { sent: [leaf, middle], anchors: [root] }
  const fresh = makeList(root)
  const lists = (what: string, expected: Chain['expected'], ...made: readonly ReturnType<typeof makeList>[]) =>
    chain(`revocation lists: ${what}`, expected, { ...path, lists: made })
  const past = { thisUpdate: Date.now() - 2 * hour, nextUpdate: Date.now() - hour }
  const future = { thisUpdate: Date.now() + hour, nextUpdate: Date.now() + 2 * hour }
  return [
    lists('both there, nothing revoked', 'accepted', fresh, makeList(middle)),
    lists('the leaf is revoked', 'revoked', fresh, makeList(middle, { revoked: [leaf] })),
    lists('another leaf is revoked', 'accepted', fresh, makeList(middle, { revoked: [other] })),
    lists('the intermediate is revoked', 'revoked', makeList(root, { revoked: [middle] }), makeList(middle)),
    lists('the root revokes itself', 'revoked', makeList(root, { revoked: [root] }), makeList(middle)),
    lists('the root lists the leaf\'s number, which is not its own to revoke', 'accepted', makeList(root,
      { revoked: [leaf] }), makeList(middle)),
    lists('none', 'not-verified'),
    lists('only that of the intermediate', 'not-verified', makeList(middle)),
    lists('only that of the root', 'not-verified', fresh),
    lists('of somebody else', 'not-verified', fresh, makeList(stranger)),
    lists('outdated', 'not-verified', fresh, makeList(middle, past)),
    lists('the root\'s is outdated', 'not-verified', makeList(root, past), makeList(middle)),
    lists('of tomorrow', 'not-verified', fresh, makeList(middle, future)),
    lists('with a broken signature', 'not-verified', fresh, makeList(middle, { isBroken: true })),
    lists('signed by another key', 'not-verified', fresh, makeList(middle, { key: keyOf('not the intermediate') })),
    chain('an outdated list and an expired leaf: the date is not the only fault', 'not-verified',
      { ...path, sent: [makeClient(middle, { notAfter: Date.now() - 1_000 }), middle], lists: [fresh, makeList(middle, past)] }),
    chain('an expired leaf that has been revoked too', 'revoked', (expired => ({ ...path, sent: [expired, middle],
      lists: [fresh, makeList(middle, { revoked: [expired] })] }))(makeClient(middle, { notAfter: Date.now() - 1_000 }))),
    chain('everything good an hour from now', 'expired', { ...path, lists: [makeList(root, { nextUpdate: Date.now() + 9 * hour }),
      makeList(middle, { nextUpdate: Date.now() + 9 * hour })], now: Date.now() + 2 * hour }),
  ]
}
