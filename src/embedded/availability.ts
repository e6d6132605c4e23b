/** Which of an account's resources are meant by its bare JID (RFC 6121 §8.5.2.1). */
import type { Resident } from './resident.ts'

/** Available, with a priority that is not negative. */
export const nonNegative = (residents: Iterable<Resident>): Resident[] =>
  [...residents].filter(({ availability }) => availability !== null && availability.priority >= 0)

/** §8.5.2.1.1 case (a): of those, the ones with the highest priority; several where they are equal. */
export function mostAvailable(residents: Iterable<Resident>): Resident[] {
  const candidates = nonNegative(residents)
  const highest = Math.max(...candidates.map(({ availability }) => availability?.priority ?? 0))
  return candidates.filter(({ availability }) => availability?.priority === highest)
}

/** Those of them that have all that was kept. What comes for the others now waits behind that, as if they were not there. */
export const caughtUp = (residents: Iterable<Resident>): Resident[] => mostAvailable(residents).filter(({ isBehind }) => !isBehind)
