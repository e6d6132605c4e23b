// All certification paths of the tests, good and bad, and what our validator says of them.
import { readAnchor, validatePath } from '../../src/x509/path.ts'
import type { PathOutcome } from '../../src/x509/path.ts'
import type { Chain, Expected } from './chain.ts'
import { revocationOf } from './chain-maker.ts'
import { authorityChains } from './chains-authority.ts'
import { buildingChains } from './chains-building.ts'
import { leafChains } from './chains-leaf.ts'
import { revocationChains } from './chains-revocation.ts'

export const makeCorpus = (): readonly Chain[] => [...buildingChains(), ...leafChains(), ...authorityChains(), ...revocationChains()]

export function judge({ sent, anchors, lists, now = Date.now() }: Chain, isStrict: boolean): PathOutcome {
  return validatePath(sent, { anchors: anchors.map(readAnchor), revocation: lists === null ? null : revocationOf(lists), now, isStrict })
}

export const reasonOf = (outcome: PathOutcome): string => outcome.ok ? 'accepted' : outcome.reason
export const expectedReason = (expected: Expected): string => typeof expected === 'string' ? expected : expected.reason
