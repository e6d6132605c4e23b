/** The SASL mechanisms there are. Adding one is a file and a line here; configuration and documentation follow. */

import { external } from './external.ts'
import type { Mechanism, SaslContext } from './mechanism.ts'
import { plain } from './plain.ts'
import { scramMechanisms } from './scram.ts'

export const mechanisms = [external, ...scramMechanisms, plain] as const satisfies readonly Mechanism[]

const byKey: ReadonlyMap<string, Mechanism> = new Map(mechanisms.map(mechanism => [mechanism.key, mechanism]))

/** As written in `auth.sasl_mechanisms`. */
export type MechanismKey = (typeof mechanisms)[number]['key']

/** What stands in `<mechanisms/>` on this connection: the configured ones that could succeed, in configured order. */
export function offered(context: SaslContext, configured: readonly MechanismKey[]): readonly Mechanism[] {
  const found: Mechanism[] = []
  for (const key of configured) {
    const mechanism = byKey.get(key)
    if (mechanism?.offered(context) === true) found.push(mechanism)
  }
  return found
}

/**
 * The mechanism of an `<auth/>`, by its exact name; null for one that is unknown or not configured: `invalid-mechanism`. One that is
 * configured but was not offered on this connection is found: its exchange says what is wrong.
 */
export function mechanismNamed(name: string, configured: readonly MechanismKey[]): Mechanism | null {
  return mechanisms.find(mechanism => mechanism.name === name && configured.includes(mechanism.key)) ?? null
}
