/** Loads a custom mapping (`sasl_external = [{ module = "…" }]`): the operator's code,
 * whose answers are checked and whose faults are contained (XEP-0178 §2 step 11 c). */

import { pathToFileURL } from 'node:url'

import type { Clock } from '../telemetry/clock.ts'
import type { Log } from '../telemetry/log.ts'
import type { Certificate } from '../x509/certificate.ts'
import type { Domainpart } from '../xmpp/jid.ts'
import { parseBareJid } from '../xmpp/jid.ts'
import { refusals } from './backend.ts'
import { isUserOf } from './certificate-mapping.ts'
import type { Authzid, Mapping, MappingModule } from './certificate-mapping.ts'
import { DeadlineError, within } from './deadline.ts'

/** What a module is asked. `authzid` is null when the client leaves the choice to the server. */
export interface MappingQuestion { readonly certificate: Certificate, readonly host: Domainpart, readonly authzid: Authzid }

const moduleConditions = [...refusals, 'temporary-auth-failure'] as const

/** A user of `host` as a bare JID, or the SASL condition with which the client is refused. */
export type MappingAnswer = string | { readonly condition: (typeof moduleConditions)[number] }

/** A module's default export, or its export `map`. */
export type MappingFunction = (question: MappingQuestion) => MappingAnswer | Promise<MappingAnswer>

/** The module cannot be used at all: a mistake of configuration, found at start-up. */
export class MappingModuleError extends Error {
  override readonly name = 'MappingModuleError'
}

export interface MappingModuleOptions {
  /** How long one answer may take, in milliseconds. */
  readonly timeoutMilliseconds: number
  readonly clock: Clock
  readonly log: Log
}

/** `file` is an absolute path. Rejects with a MappingModuleError. */
export async function loadMappingModule(file: string, options: MappingModuleOptions): Promise<MappingModule> {
  let exported: { readonly default?: unknown, readonly map?: unknown }
  try {
    exported = await import(pathToFileURL(file).href) as typeof exported
  } catch (cause) {
    throw new MappingModuleError(`${file} cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  const candidate = exported.default ?? exported.map
  if (!isMappingFunction(candidate)) {
    throw new MappingModuleError(`${file} exports no mapping: a function is expected as its default export or as its export "map"`)
  }
  return mappingModule(file, candidate, options)
}

// That it answers as it should is not taken on trust: readAnswer looks at every answer.
const isMappingFunction = (candidate: unknown): candidate is MappingFunction => typeof candidate === 'function'

export function mappingModule(name: string, ask: MappingFunction, options: MappingModuleOptions): MappingModule {
  const { timeoutMilliseconds, clock, log } = options
  return {
    module: name,
    async map(certificate, host, authzid) {
      const fault = (problem: string, cause?: unknown): void => {
        log.error({ event: 'auth.mapping_module_failed', module: name, host, problem, ...(cause === undefined ? {} : { cause }) })
      }
      try {
        // A copy: what was read is shared by all who come with this certificate, and modules in JavaScript may change what they are given.
        const asked = Promise.resolve({ certificate: structuredClone(certificate), host, authzid }).then(ask)
        const answer: unknown = await within(timeoutMilliseconds, clock, asked)
        return readAnswer(answer, host, authzid, fault)
      } catch (cause) {
        fault('it failed', cause)
        const condition = cause instanceof DeadlineError ? 'temporary-auth-failure' : 'not-authorized'
        return { ok: false, condition, reason: 'The mapping module of this server failed.' }
      }
    },
  }
}

function readAnswer(answer: unknown, host: Domainpart, authzid: Authzid, fault: (problem: string) => void): Mapping {
  if (typeof answer === 'string') {
    const user = parseBareJid(answer)
    if (user === null || !isUserOf(host, user)) {
      fault(`it answered with something that is not the JID of a user of ${host}`)
      return { ok: false, condition: 'not-authorized', reason: `The mapping module named no user of ${host}.` }
    }
    // XEP-0178 §2 step 11 c: nobody becomes another than the one it asked to be.
    if (authzid !== null && authzid !== user) {
      const reason = `The mapping module makes it ${user}, and the client asks to be somebody else.`
      return { ok: false, condition: 'invalid-authzid', reason }
    }
    return { ok: true, user }
  }
  const stated: unknown = typeof answer === 'object' && answer !== null && 'condition' in answer ? answer.condition : null
  const condition = moduleConditions.find(known => known === stated)
  if (condition === undefined) fault('it answered with neither a JID nor a known condition')
  return { ok: false, condition: condition ?? 'not-authorized', reason: 'The mapping module of this server refused the certificate.' }
}
