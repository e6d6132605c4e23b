/** One of `auth.ldap.servers`: a URL (RFC 4516, no more of it than scheme, host and port), or a host name as in MongooseIM. */

import { isIPv6 } from 'node:net'

import type { LdapServer } from './ldap-connection.ts'
import type { LdapOptions } from './ldap-options.ts'

const hostName = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9])?$/

/** The server, or in words what is wrong with it. */
export function readServer(text: string, { port, encrypt }: Pick<LdapOptions, 'port' | 'encrypt'>): LdapServer | string {
  const isUrl = text.includes('://')
  const url = URL.parse(isUrl ? text : `ldap://${isIPv6(text) ? `[${text}]` : text}`)
  if (url === null || (url.protocol !== 'ldap:' && url.protocol !== 'ldaps:')) return 'no server'
  if (url.username !== '' || url.password !== '' || !['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '') return 'more than scheme, host and port'
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (!isIPv6(host) && !hostName.test(host)) return 'no host name'
  const encryption = url.protocol === 'ldaps:' ? 'tls' : encrypt
  // What says "ldap" and means TLS from the beginning is a slip in one of the two places.
  if (isUrl && url.protocol === 'ldap:' && encrypt === 'tls') return 'ldap://, beside encrypt = "tls"'
  return { host, port: url.port !== '' ? Number(url.port) : port ?? (encryption === 'tls' ? 636 : 389), encryption }
}
