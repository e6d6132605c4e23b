/** `[auth.attempts]`: how often a password may be guessed. */
import Type from 'typebox'

export const attemptOptions = Type.Object({
  max_failures: Type.Integer({
    default: 10, minimum: 1, maximum: 1_000_000, unit: 'failures',
    description: 'Wrong passwords for one account from one address before the next one has to wait. A success clears the count.',
  }),
  max_failures_per_account: Type.Integer({
    default: 100, minimum: 1, maximum: 1_000_000, unit: 'failures',
    description: 'The same for one account from everywhere together. The wait is 30 s at most, and does not concern addresses from which the account has logged in before: '
      + 'nobody can lock somebody else out.',
  }),
  max_failures_per_address: Type.Integer({
    default: 100, minimum: 1, maximum: 10_000_000, unit: 'failures',
    description: 'The same for one address (of IPv6: one /64) and all accounts together. Does not concern accounts that have logged in from there before: many people '
      + 'can share an address.',
  }),
  backoff: Type.Integer({ default: 1_000, minimum: 1, maximum: 3_600_000, unit: 'ms', description: 'The first wait. Each further failure doubles it.' }),
  max_backoff: Type.Integer({ default: 900_000, minimum: 1, maximum: 86_400_000, unit: 'ms', description: 'The longest wait.' }),
}, { description: 'How often passwords may be guessed. Logging in with a certificate is not concerned.' })

export type AttemptOptions = Type.Static<typeof attemptOptions>
