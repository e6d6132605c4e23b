/** Addresses that count as one: of IPv6 a /64, for that is the least that one subscriber has; of IPv4 the address itself. */

import { isIPv6 } from 'node:net'

export function addressGroup(address: string): string {
  const [plain = ''] = address.split('%', 1)
  if (!isIPv6(plain)) return address
  const groups = groupsOf(plain)
  // An IPv4 address, as a socket of both families shows it.
  const [high = 0, low = 0] = groups.slice(6)
  if (groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xFFFF) return [high >> 8, high & 0xFF, low >> 8, low & 0xFF].join('.')
  return `${groups.slice(0, 4).map(group => group.toString(16)).join(':')}::/64`
}

/** The eight numbers of an address that is known to be one. */
function groupsOf(address: string): readonly number[] {
  const hexadecimal = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number)
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })
  const [before = [], after = []] = hexadecimal.split('::').map(half => half === '' ? [] : half.split(':').map(group => parseInt(group, 16)))
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
}
