/** From a certificate and an authzid to a user of this host: the decision table of XEP-0178 §2, as the modes of `auth.sasl_external`. */

import { domainOf, isFull, localpartOf, makeJid, parseBareJid, prepareLocalpart } from '../xmpp/jid.ts'
import type { BareJid, Domainpart, Jid } from '../xmpp/jid.ts'
import type { Certificate } from '../x509/certificate.ts'
import type { Refusal } from './backend.ts'
import type { externalModes } from './options.ts'

/** Whom the client asks to be, prepared; null when it leaves that to the server. */
export type Authzid = Jid | null

/** The identities of a certificate. An xmppAddr without localpart is listed too: never a user, it keeps the common name out of play. */
type Identities = Pick<Certificate, 'xmppAddrs' | 'commonNames'>

/** What is done to a common name that is not a JID itself (`auth.sasl_external_common_name`). */
export interface CommonNameAffixes { readonly prefix: string, readonly suffix: string }

/** `reason` is words for the log and for the person: a sentence, without the authzid and without the raw common name. */
export type Mapping =
  | { readonly ok: true, readonly user: BareJid }
  | { readonly ok: false, readonly condition: Refusal | 'temporary-auth-failure', readonly reason: string }

export type BuiltInMode = (typeof externalModes)[number]

/** The operator's own mapping, loaded and bounded by mapping-module.ts. Never rejects. */
export interface MappingModule {
  readonly module: string
  map(certificate: Certificate, host: Domainpart, authzid: Authzid): Promise<Mapping>
}

export type ExternalMode = BuiltInMode | MappingModule

interface Situation<Mode extends ExternalMode> {
  readonly certificate: Certificate
  readonly host: Domainpart
  /** In configured order: one that does not apply to this certificate is skipped, the first that applies decides. */
  readonly modes: readonly Mode[]
  readonly commonName: CommonNameAffixes
}

interface Request { readonly authzid: Authzid }

/** Decides at once unless the decision falls to a mapping module. */
export function mapCertificate(input: Situation<BuiltInMode> & Request): Mapping
export function mapCertificate(input: Situation<ExternalMode> & Request): Mapping | Promise<Mapping>
export function mapCertificate(input: Situation<ExternalMode> & Request): Mapping | Promise<Mapping> {
  const { certificate, host, authzid, commonName } = input
  for (const mode of input.modes) {
    if (typeof mode !== 'string') return mode.map(certificate, host, authzid)
    const mapping = builtIn[mode]({ certificate, host, authzid, commonName })
    if (mapping !== null) return mapping
  }
  return denied('not-authorized', nothingApplied(certificate))
}

/** Whether there is an authzid with which this certificate might become a user of this host: without, EXTERNAL is not offered. */
export function couldMap(input: Situation<ExternalMode>): boolean {
  const { certificate, host, commonName } = input
  const [onlyName, ...furtherNames] = certificate.commonNames
  for (const mode of input.modes) {
    if (typeof mode !== 'string') return true
    if (mode === 'standard') {
      if (certificate.xmppAddrs.length > 0) return certificate.xmppAddrs.some(address => isUserOf(host, address))
    } else if (certificate.xmppAddrs.length > 0) {
      continue
    } else if (mode === 'auth_id') {
      return true
    } else if (onlyName !== undefined && furtherNames.length === 0) {
      return userOfCommonName(onlyName, host, commonName) !== null
    }
  }
  return false
}

type Case = { readonly certificate: Identities, readonly host: Domainpart, readonly commonName: CommonNameAffixes } & Request

/** Each answers null where it does not apply. */
const builtIn: Readonly<Record<BuiltInMode, (of: Case) => Mapping | null>> = { standard, common_name: commonName, auth_id: authId }

function standard({ certificate: { xmppAddrs }, host, authzid }: Case): Mapping | null {
  const [first, ...further] = xmppAddrs
  if (first === undefined) return null
  // XEP-0178 §2 step 11 b: with several addresses the client has to say which, even where only one is of this host.
  if (authzid === null && further.length > 0) {
    return denied('invalid-authzid', 'The certificate has several XMPP addresses, and the client did not say which one it wants to be.')
  }
  const address = authzid ?? first
  // A full JID is in no certificate. (MongooseIM refuses an equal authzid too; Strophe and nbxmpp always send it.)
  if (isFull(address) || !xmppAddrs.includes(address)) {
    return denied('invalid-authzid', 'The client asks to be somebody who is not among the XMPP addresses of its certificate.')
  }
  if (isUserOf(host, address)) return mapped(address)
  return denied('not-authorized', `The XMPP address ${address} of the certificate is not a user of ${host}.`)
}

/** The subject's common name, where it is the only one and the certificate has no XMPP address. */
function commonName({ certificate: { xmppAddrs, commonNames }, host, authzid, commonName: affixes }: Case): Mapping | null {
  const [name, ...further] = commonNames
  if (xmppAddrs.length > 0 || name === undefined || further.length > 0) return null
  const user = userOfCommonName(name, host, affixes)
  if (user === null) return denied('not-authorized', `The common name of the certificate does not make a user of ${host}.`)
  // The client knows the name on its certificate, and not what the operator puts around it.
  if (authzid === null || authzid === user || authzid === userNamed(name, host)) return mapped(user)
  // XEP-0178 §2 step 11 c: the mapped JID does not match the authorization identity.
  return denied('invalid-authzid', `The common name of the certificate makes it ${user}, and the client asks to be somebody else.`)
}

/** Trusts the client's word for its name. */
function authId({ certificate: { xmppAddrs }, host, authzid }: Case): Mapping | null {
  if (xmppAddrs.length > 0 || authzid === null) return null
  if (isFull(authzid)) return denied('invalid-authzid', 'The client asks to be a JID with a resource: an account has none.')
  if (isUserOf(host, authzid)) return mapped(authzid)
  return denied('not-authorized', `The client asks to be somebody who is not a user of ${host}.`)
}

function userOfCommonName(name: string, host: Domainpart, { prefix, suffix }: CommonNameAffixes): BareJid | null {
  // '@' is in no localpart (RFC 7622 §3.3.1): such a name is a JID or nothing. The others have to be localparts by themselves: prefix
  // and suffix would make one user of all the empty names.
  if (!name.includes('@')) return userNamed(name, host) === null ? null : userNamed(prefix + name + suffix, host)
  const jid = parseBareJid(name)
  return jid !== null && isUserOf(host, jid) ? jid : null
}

function userNamed(localpart: string, host: Domainpart): BareJid | null {
  const prepared = prepareLocalpart(localpart)
  return prepared === null ? null : makeJid(prepared, host)
}

/** A bare JID of this host with a localpart: a domain alone is a server, never a user. */
export const isUserOf = (host: Domainpart, jid: BareJid): boolean => domainOf(jid) === host && localpartOf(jid) !== null

const mapped = (user: BareJid): Mapping => ({ ok: true, user })
const denied = (condition: Refusal, reason: string): Mapping => ({ ok: false, condition, reason })

function nothingApplied({ xmppAddrs, commonNames }: Identities): string {
  if (xmppAddrs.length > 0) return 'The certificate has an XMPP address, and this server is not configured to use it (auth.sasl_external).'
  const names = commonNames.length === 1 ? 'one common name' : commonNames.length === 0 ? 'no common name' : 'several common names'
  return `The certificate has no XMPP address and ${names}: auth.sasl_external names no way to tell its user.`
}
