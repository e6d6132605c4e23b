/** The address at the other end of a connection, in the one spelling in which addresses are compared, counted and logged. */
import type { Socket } from 'node:net'
import { canonicalAddress } from '../src/config/ip-address.ts'

/** What stands for the address of a peer on a Unix socket. */
export const unixAddress = 'unix'

export const addressOf = ({ remoteAddress }: Pick<Socket, 'remoteAddress'>): string =>
  // A zone ("fe80::1%eth0") is a matter of this machine.
  remoteAddress === undefined || remoteAddress === '' ? unixAddress : canonicalAddress(remoteAddress.split('%', 1)[0] ?? '')
