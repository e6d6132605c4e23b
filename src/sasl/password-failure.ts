/** Refusals that the mechanisms with passwords share. */

import type { SaslCondition, SaslFailure } from './mechanism.ts'

/** With words that give nothing away but what the client showed. */
export const told = (condition: SaslCondition, reason: string): SaslFailure => ({ kind: 'failure', condition, reason, text: reason })

/** The same for every name, whether anybody has it or not. */
export const throttled = told('temporary-auth-failure', 'Too many failed attempts. Try again later.')
