/** What a trusted proxy says of its client beside the certificate: its address, and whether it speaks TLS. */
import { isIP, isIPv4, isIPv6 } from 'node:net'
import { canonicalAddress } from '../../src/config/ip-address.ts'
import { forwardedElements } from './forwarded-field.ts'
import { ForwardingError } from './forwarding-error.ts'

export interface ClientHop {
  /** An IP address, or the word that stands for one (RFC 7239 §6.2, §6.3); null where the proxy does not say. */
  readonly address: string | null
  /** TLS protects the client's way to its proxy; null where the proxy does not say. */
  readonly secure: boolean | null
}

interface Proxies {
  /** Whether an address that a proxy names is that of another proxy in front of it. */
  hasAddress(address: string): boolean
}

/** Throws ForwardingError. */
export function clientHop(rawHeaders: readonly string[], proxies: Proxies): ClientHop {
  const { 'x-forwarded-for': names, 'x-forwarded-proto': protocols, forwarded } = linesOf(rawHeaders)
  const older = { address: names === null ? null : clientIn(names.split(','), proxies), secure: protocols === null ? null : isSecure(protocols.split(',')) }
  if (forwarded === null) return older
  const newer = fromForwarded(forwarded, proxies)
  // A proxy writes the one, and passes on the other as the client sent it. Which is which cannot be seen here, so they have to say the same.
  if (names === null && protocols === null) return newer
  if (older.address === newer.address && older.secure === newer.secure) return newer
  throw new ForwardingError('contradictory', 'Forwarded and X-Forwarded-… do not say the same: the proxy must set the one and remove the other.')
}

const fields = ['x-forwarded-for', 'x-forwarded-proto', 'forwarded'] as const
type Field = (typeof fields)[number]
const isField = (name: string): name is Field => (fields as readonly string[]).includes(name)

/** Several lines are one list (RFC 9110 §5.3). An empty line says nothing. */
function linesOf(rawHeaders: readonly string[]): Readonly<Record<Field, string | null>> {
  const found: Record<Field, string | null> = { 'x-forwarded-for': null, 'x-forwarded-proto': null, forwarded: null }
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    const value = rawHeaders[index + 1] ?? ''
    if (isField(name) && value !== '') found[name] = found[name] === null ? value : `${found[name]},${value}`
  }
  return found
}

/**
 * From right to left: the nearest proxy's word first, and the first name that is no proxy's is the client. What stands left of it the client wrote,
 * so it is not even read.
 */
function clientIn(entries: readonly string[], proxies: Proxies): string {
  let address = ''
  for (let index = entries.length - 1; index >= 0; index--) {
    address = nodeAddress((entries[index] ?? '').replace(/^[ \t]+|[ \t]+$/g, ''))
    if (!proxies.hasAddress(address)) break
  }
  return address
}

/** All hops have to be protected: where one is not, no password may be asked for. */
function isSecure(protocols: readonly string[]): boolean {
  const known = protocols.map(protocol => protocol.replace(/^[ \t]+|[ \t]+$/g, '').toLowerCase())
  if (known.some(protocol => !['https', 'wss', 'http', 'ws'].includes(protocol))) {
    throw new ForwardingError('address', 'What a proxy says of its client\'s protocol is neither http nor https.')
  }
  return known.every(protocol => protocol === 'https' || protocol === 'wss')
}

function fromForwarded(value: string, proxies: Proxies): ClientHop {
  const elements = forwardedElements(value)
  const said = elements.flatMap(({ proto }) => proto === null ? [] : [proto])
  // An element without a name would let the next one left of it, which may be the client's own, pass for the nearest.
  const unnamed = elements.findLastIndex(element => element.for === null)
  const named = elements.slice(unnamed + 1).map(element => element.for ?? '')
  return { address: named.length === 0 ? null : clientIn(named, proxies), secure: said.length === 0 ? null : isSecure(said) }
}

/** RFC 7239 §6, and what is written into X-Forwarded-For: with a port or without, IPv6 with brackets or without. */
function nodeAddress(node: string): string {
  const [, bracketed, plain, word] = /^(?:\[([0-9A-Fa-f:.]{2,45})\](?::[\w.-]{1,32})?|([0-9.]{7,15})(?::[\w.-]{1,32})?|(unknown|_[A-Za-z0-9._-]{1,63})(?::[\w.-]{1,32})?)$/.exec(node) ?? []
  const bare = bracketed ?? plain ?? (isIPv6(node) && !node.includes('%') ? node : null)
  if (bare !== null && isIP(bare) !== 0 && (bracketed === undefined || isIPv6(bracketed)) && (plain === undefined || isIPv4(plain))) return canonicalAddress(bare)
  if (word !== undefined) return word
  throw new ForwardingError('address', 'What a proxy says of its client\'s address is no address.')
}
