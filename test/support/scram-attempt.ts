// One exchange of a password mechanism, without a stream: what the mechanism is given, and what the client hears.
import assert from 'node:assert/strict'
import type { AuthBackend } from '../../src/auth/backend.ts'
import { BackendDispatch } from '../../src/auth/dispatch.ts'
import { mechanisms, type MechanismKey } from '../../src/sasl/catalogue.ts'
import { noChannelBindings } from '../../src/sasl/channel-binding.ts'
import type { Advertised, SaslContext, SaslExchange, SaslStep } from '../../src/sasl/mechanism.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import { parseDomainpart } from '../../src/xmpp/jid.ts'
import { passwordLogin, RememberedAccounts } from './password-login.ts'
import type { ScramClient } from './scram-client.ts'
import { TurnedClock } from './turned-clock.ts'

export const host = parseDomainpart('example.net')!
export const password = 'correct horse & battery'
export const accounts = (): RememberedAccounts => new RememberedAccounts({ 'alice@example.net': password, 'bob@example.net': 'of bob', 'user@example.net': 'pencil' })

export interface Situation extends Partial<Omit<SaslContext, 'backends'>> { readonly backend?: AuthBackend }

export function contextOf({ backend = accounts(), ...rest }: Situation = {}): SaslContext {
  return {
    ...passwordLogin(), domain: host, remoteAddress: '192.0.2.1', secure: true,
    certificate: () => ({ kind: 'none' }), channelBindings: () => noChannelBindings,
    external: { modes: ['standard'], commonName: { prefix: '', suffix: '' } },
    backends: new BackendDispatch({ backends: [backend], timeoutMilliseconds: 60_000, clock: new TurnedClock(), log: silentLog }),
    ...rest,
  }
}

export const nothingAdvertised: Advertised = { mechanisms: [], channelBindings: [] }

export function begin(key: MechanismKey, context: SaslContext = contextOf(), advertised = nothingAdvertised): SaslExchange {
  const mechanism = mechanisms.find(mechanism => mechanism.key === key)
  assert.ok(mechanism !== undefined)
  return mechanism.begin(context, advertised)
}

export const textOf = (step: SaslStep): string => {
  assert.ok(step.kind !== 'failure', step.kind === 'failure' ? `${step.condition}: ${step.reason}` : '')
  return Buffer.from(step.data ?? []).toString()
}

export const conditionOf = (step: SaslStep): string => step.kind === 'failure' ? step.condition : step.kind

/** The whole of it; `spoil` changes the client's last message. */
export async function attempt(exchange: SaslExchange, client: ScramClient, spoil: (final: string) => string = final => final): Promise<SaslStep> {
  const challenge = await exchange.step(Buffer.from(client.first()))
  return challenge.kind === 'challenge' ? exchange.step(Buffer.from(spoil(client.final(textOf(challenge))))) : challenge
}
