/** XMPP addresses (RFC 7622). A JID is a canonical string carrying its shape in its type. */
import { isPlainDomainpart, prepareDomainpart } from './domainpart.ts'
import { enforceOpaqueString, enforceUsernameCaseMapped } from './precis.ts'

declare const shape: unique symbol
type Branded<Shape extends string> = string & { readonly [shape]: Shape }

export type Domainpart = Branded<'domainpart'>
/** A JID without a resourcepart: `romeo@example.net`, or `example.net` for a server. */
export type BareJid = Branded<'bare'>
/** A JID with a resourcepart: `romeo@example.net/orchard`. */
export type FullJid = Branded<'full'>
export type Jid = BareJid | FullJid

/** RFC 7622 §3.1: each part has 1 to 1023 octets of UTF-8, which with the separators makes 3071. */
const MAX_PART_OCTETS = 1023
const MAX_JID_OCTETS = 3071

/** Limits what is looked at. A part may shrink when it is mapped, so its own limit holds for the result; this one for the input. */
const fitsJid = (input: string) => input.length <= MAX_JID_OCTETS && Buffer.byteLength(input) <= MAX_JID_OCTETS

/** RFC 7622 §3.3.1: excluded from localparts although the IdentifierClass has them. */
const EXCLUDED_FROM_LOCALPART = /["&'/:<>@]/

export const isFull = (jid: Jid): jid is FullJid => jid.includes('/')

/** Everything before the first `/` (RFC 7622 §3.2 step 1). */
export function bareOf(jid: Jid): BareJid {
  const slash = jid.indexOf('/')
  return (slash < 0 ? jid : jid.slice(0, slash)) as BareJid
}

export function domainOf(jid: Jid): Domainpart {
  const bare = bareOf(jid)
  return bare.slice(bare.indexOf('@') + 1) as Domainpart
}

export function localpartOf(jid: Jid): string | null {
  const bare = bareOf(jid)
  const at = bare.indexOf('@')
  return at < 0 ? null : bare.slice(0, at)
}

export function resourcepartOf(jid: Jid): string | null {
  const slash = jid.indexOf('/')
  return slash < 0 ? null : jid.slice(slash + 1)
}

const fitsPart = (part: string) => part.length * 3 <= MAX_PART_OCTETS || Buffer.byteLength(part) <= MAX_PART_OCTETS

/** For each ASCII code: 2 where a resourcepart may have it as it is, 1 more where a localpart may. */
const PLAIN = Uint8Array.from({ length: 128 }, (_, code) => {
  if (code < 0x20 || code > 0x7E) return 0
  const character = String.fromCharCode(code)
  return /[A-Z ]/.test(character) || EXCLUDED_FROM_LOCALPART.test(character) ? 2 : 3
})

function isPlain(text: string, start: number, end: number, bit: 1 | 2): boolean {
  if (end <= start || end - start > MAX_PART_OCTETS) return false
  for (let index = start; index < end; index += 1) {
    const code = text.charCodeAt(index)
    if (code > 0x7F || ((PLAIN[code] ?? 0) & bit) === 0) return false
  }
  return true
}

/** Whether the span is an ASCII localpart that preparation would leave as it is: the ASCII7 category, no capitals, none of §3.3.1. */
const isPlainLocalpart = (text: string, start: number, end: number) => isPlain(text, start, end, 1)

/** Whether the span is an ASCII resourcepart, which preparation would leave as it is: printable ASCII and SPACE. */
const isPlainResourcepart = (text: string, start: number, end: number) => isPlain(text, start, end, 2)

/** The canonical localpart (RFC 7622 §3.3: UsernameCaseMapped less the excluded characters), or null when the input is none. */
export function prepareLocalpart(input: string): string | null {
  if (isPlainLocalpart(input, 0, input.length)) return input
  if (!fitsJid(input)) return null
  const prepared = enforceUsernameCaseMapped(input)
  // The exclusions and the length hold for the result: mapping turns U+FF20 into @.
  return prepared === null || EXCLUDED_FROM_LOCALPART.test(prepared) || !fitsPart(prepared) ? null : prepared
}

/** The canonical resourcepart (RFC 7622 §3.4: OpaqueString), or null when the input is none. */
export function prepareResourcepart(input: string): string | null {
  if (isPlainResourcepart(input, 0, input.length)) return input
  if (!fitsJid(input)) return null
  const prepared = enforceOpaqueString(input)
  return prepared === null || !fitsPart(prepared) ? null : prepared
}

export const parseDomainpart = (input: string): Domainpart | null => prepareDomainpart(input) as Domainpart | null

/** Any JID in its canonical form, or null when the input is none. A canonical ASCII JID comes back as it is. */
export function parseJid(input: string): Jid | null {
  if (input.length > MAX_JID_OCTETS) return null
  // RFC 7622 §3.1, §3.2: the separators are matched before anything is mapped; the first `/` first, then the first `@` before it.
  const slash = input.indexOf('/')
  const bareEnd = slash < 0 ? input.length : slash
  const firstAt = input.indexOf('@')
  const at = firstAt < bareEnd ? firstAt : -1
  if (isPlainDomainpart(input, at + 1, bareEnd) && (at < 0 || isPlainLocalpart(input, 0, at))
    && (slash < 0 || isPlainResourcepart(input, slash + 1, input.length))) return input as Jid
  if (!fitsJid(input)) return null

  const domain = parseDomainpart(input.slice(at + 1, bareEnd))
  if (domain === null) return null
  const localpart = at < 0 ? null : prepareLocalpart(input.slice(0, at))
  if (at >= 0 && localpart === null) return null
  if (slash < 0) return makeJid(localpart, domain)
  const resourcepart = prepareResourcepart(input.slice(slash + 1))
  return resourcepart === null ? null : makeJid(localpart, domain, resourcepart)
}

/** A JID without a resourcepart in its canonical form; null when the input is none or has a resourcepart. */
export const parseBareJid = (input: string): BareJid | null => input.includes('/') ? null : parseJid(input) as BareJid | null

/** Puts prepared parts together; nothing is checked here. */
export function makeJid(localpart: string | null, domain: Domainpart): BareJid
export function makeJid(localpart: string | null, domain: Domainpart, resourcepart: string): FullJid
export function makeJid(localpart: string | null, domain: Domainpart, resourcepart?: string): Jid
export function makeJid(localpart: string | null, domain: Domainpart, resourcepart?: string): Jid {
  const bare = localpart === null ? domain : `${localpart}@${domain}`
  return (resourcepart === undefined ? bare : `${bare}/${resourcepart}`) as Jid
}

/** `resourcepart` is prepared. */
export const fullJid = (bare: BareJid, resourcepart: string): FullJid => `${bare}/${resourcepart}` as FullJid
