/** IP addresses and ranges of them (RFC 4632 §3.1, RFC 4291 §2.3) in text: one spelling for comparing, and what is wrong with the others. */
import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** The spelling of RFC 5952; an IPv4 address that came over IPv6 (RFC 4291 §2.5.5.2) is one of IPv4. */
export function canonicalAddress(address: string): string {
  // Most are of IPv4, and every connection has one.
  if (!address.includes(':')) return address.toLowerCase()
  // An address with a zone ("fe80::1%eth0") has no URL form.
  if (!isIPv6(address) || !URL.canParse(`http://[${address}]`)) return address.toLowerCase()
  const shortest = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(shortest) ?? []
  if (high === undefined || low === undefined) return shortest
  return [high, low].flatMap(group => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]).join('.')
}

export function isLoopback(address: string): boolean {
  const canonical = canonicalAddress(address)
  return (isIPv4(canonical) && canonical.startsWith('127.')) || canonical === '::1'
}

/** An address, or the range of those that begin with the same bits. */
export interface AddressRange {
  readonly family: 'ipv4' | 'ipv6'
  readonly address: string
  readonly prefix: number
}

/** Ranges that are wider name no network of anybody: 10.0.0.0/8 and fc00::/7 are the widest that are private (RFC 1918, RFC 4193). */
const shortestPrefix = { ipv4: 8, ipv6: 7 } as const

/** The range, or what to do about a text that is none. */
export function readAddressRange(text: string): AddressRange | { readonly remedy: string } {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) && !address.includes('%') ? 'ipv6' : null
  if (family === null) return { remedy: 'Write an address such as "10.0.0.5" or a range such as "10.0.0.0/8". Names are not looked up here.' }
  if (canonicalAddress(address).includes('.') && family === 'ipv6') return { remedy: `Write the IPv4 address, ${canonicalAddress(address)}.` }
  const length = family === 'ipv4' ? 32 : 128
  const prefix = bits === undefined ? length : Number(bits)
  if (prefix > length) return { remedy: `The number after the slash is at most ${length}.` }
  if (prefix < shortestPrefix[family] || /^[0:.]*$/.test(canonicalAddress(address))) return { remedy: 'Name the proxies alone: whoever is in the range may say whom his client is.' }
  const first = firstAddress(address, family, prefix)
  if (first !== canonicalAddress(address)) return { remedy: `Write the range as ${JSON.stringify(`${first}/${prefix}`)}.` }
  return { family, address, prefix }
}

/** All of these addresses; asked with canonical ones. */
export function addressSet(ranges: readonly AddressRange[]): { has(address: string): boolean } {
  const list = new BlockList()
  for (const { address, prefix, family } of ranges) list.addSubnet(address, prefix, family)
  return { has: address => isIPv4(address) ? list.check(address, 'ipv4') : isIPv6(address) && list.check(address, 'ipv6') }
}

/** The address with all bits after the prefix at zero, in canonical spelling. */
function firstAddress(address: string, family: AddressRange['family'], prefix: number): string {
  const [groups, width, radix, divider] = family === 'ipv4' ? [address.split('.'), 8, 10, '.'] as const : [expanded(address), 16, 16, ':'] as const
  const kept = groups.map((group, index) => {
    const bits = Math.min(width, Math.max(0, prefix - index * width))
    return (Number.parseInt(group, radix) & ~((1 << (width - bits)) - 1)).toString(radix)
  })
  return canonicalAddress(kept.join(divider))
}

/** The eight groups of an IPv6 address. */
function expanded(address: string): readonly string[] {
  const [left = '', right] = canonicalAddress(address).split('::')
  const groups = (text: string) => text === '' ? [] : text.split(':')
  if (right === undefined) return groups(left)
  const [first, last] = [groups(left), groups(right)]
  return [...first, ...Array<string>(8 - first.length - last.length).fill('0'), ...last]
}
