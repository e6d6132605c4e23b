/** The rules of `[auth.http]` and `[auth.ldap]` that concern several keys, or the meaning of one (behaviour/external.md §5). */
import { isIPv4, isIPv6 } from 'node:net'

import { FilterError, isAttributeName, countOf, parseFilter } from '../auth/backends/ldap-filter.ts'
import type { Names } from '../auth/backends/ldap-filter.ts'
import type { HttpOptions } from '../auth/backends/http-options.ts'
import type { LdapOptions } from '../auth/backends/ldap-options.ts'
import { readServer } from '../auth/backends/ldap-server.ts'
import type { OutgoingTlsOptions } from '../auth/outgoing-tls.ts'
import type { Report } from './report.ts'
import { quoted } from './wording.ts'

export function checkHttp({ url, basic_auth, basic_auth_file, tls }: HttpOptions, report: Report): void {
  if (report.sound('auth.http.url')) {
    const parsed = URL.parse(url)
    if (parsed === null || !['http:', 'https:'].includes(parsed.protocol) || parsed.username !== '' || parsed.password !== '' || /[?#]/.test(url)) {
      report.mistake('auth.http.url', {
        // The URL may hold a password.
        found: parsed !== null && parsed.password !== '' ? 'a URL with a password (not shown)' : quoted(url),
        allowed: 'an http or https URL without user, query and fragment', remedy: 'Write it as in "https://auth.example.org/xmpp/"; user and password go into basic_auth_file.',
      })
    } else if (parsed.protocol === 'http:' && !isLoopback(parsed.hostname)) {
      report.warn('auth.http.url', 'passwords travel to the service in the clear: use https.')
    }
  }
  if (basic_auth !== undefined && basic_auth_file !== undefined) {
    report.mistake('auth.http.basic_auth', { found: 'both basic_auth and basic_auth_file', allowed: 'one of them', remedy: 'Keep basic_auth_file.' })
  }
  if (basic_auth?.includes(':') === false) {
    report.mistake('auth.http.basic_auth', { found: 'a text without a colon (not shown)', allowed: '"user:password"', remedy: 'Write both, with a colon between them.' })
  }
  checkOutgoingTls(tls, 'auth.http.tls', report)
}

export function checkLdap(ldap: LdapOptions, report: Report): void {
  checkServers(ldap, report)
  const { rootdn, password, password_file } = ldap
  const key = (name: keyof LdapOptions) => `auth.ldap.${name}`
  if (password !== undefined && password_file !== undefined) {
    report.mistake(key('password'), { found: 'both password and password_file', allowed: 'one of them', remedy: 'Keep password_file.' })
  }
  // RFC 4513 §5.1.2: a name without a password is let in as nobody, and the search finds less than it should.
  if (report.sound(key('rootdn'), key('password'), key('password_file')) && (rootdn === undefined) !== (password === undefined && password_file === undefined)) {
    report.mistake(key('rootdn'), {
      found: rootdn === undefined ? 'a password without rootdn' : 'nothing, beside rootdn, for a password', allowed: 'rootdn and its password, or neither for an anonymous search',
      remedy: rootdn === undefined ? 'Set rootdn, or remove the password.' : 'Set password_file, or remove rootdn.',
    })
  }
  for (const [index, { attr, format }] of ldap.uids.entries()) {
    checkAttribute(attr, `auth.ldap.uids[${index}].attr`, report)
    if (format.split('%u').length !== 2 && report.sound('auth.ldap.uids')) {
      report.mistake(`auth.ldap.uids[${index}].format`, { found: quoted(format), allowed: 'a text with one %u', remedy: 'Write %u where the name of the user is.' })
    }
  }
  if (ldap.filter !== undefined) checkFilter(ldap.filter, 'auth.ldap.filter', report)
  if (ldap.dn_filter !== undefined) checkDnFilter(ldap.dn_filter, report)
  if (ldap.local_filter !== undefined) checkAttribute(ldap.local_filter.attribute, 'auth.ldap.local_filter.attribute', report)
  checkOutgoingTls(ldap.tls, 'auth.ldap.tls', report)
}

function checkServers(ldap: LdapOptions, report: Report): void {
  for (const [index, server] of ldap.servers.entries()) {
    const path = `auth.ldap.servers[${index}]`
    if (!report.sound('auth.ldap.servers', 'auth.ldap.encrypt')) return
    const read = readServer(server, ldap)
    if (typeof read === 'string') {
      report.mistake(path, { found: `${read}: ${quoted(server)}`, allowed: '"ldaps://host", "ldap://host:port" or a host name', remedy: 'Correct it.' })
    } else if (read.encryption === 'none' && !isLoopback(read.host)) {
      report.warn(path, 'passwords travel to the directory in the clear: use ldaps://, or encrypt = "starttls".')
    }
  }
}

function checkDnFilter({ filter, attributes }: NonNullable<LdapOptions['dn_filter']>, report: Report): void {
  for (const [index, attribute] of attributes.entries()) checkAttribute(attribute, `auth.ldap.dn_filter.attributes[${index}]`, report)
  const path = 'auth.ldap.dn_filter.filter'
  const places = checkFilter(filter, path, report)
  if (places !== null && places('s') !== attributes.length) {
    report.mistake(path, { found: `${places('s')} times %s, beside ${attributes.length} attributes`, allowed: 'a %s for each of attributes', remedy: 'Correct one of them.' })
  }
}

/** How often a name is filled in; null when a mistake was reported. */
function checkFilter(filter: string, path: string, report: Report): ((place: keyof Names) => number) | null {
  try {
    const parsed = parseFilter(filter)
    return place => countOf(parsed, place)
  } catch (error) {
    if (!(error instanceof FilterError)) throw error
    report.mistake(path, {
      found: `${quoted(filter)}: ${error.message}`, allowed: 'a filter of RFC 4515 such as "(objectClass=inetOrgPerson)"',
      remedy: 'Put brackets around it, leave out spaces, and write ( ) * \\ in values as \\28 \\29 \\2a \\5c.',
    })
    return null
  }
}

function checkAttribute(name: string, path: string, report: Report): void {
  if (!report.sound(path) || isAttributeName(name)) return
  report.mistake(path, { found: quoted(name), allowed: 'the name of an attribute, such as "uid"', remedy: 'Letters, digits and hyphens, a letter first.' })
}

export function checkOutgoingTls({ certfile, keyfile, verify_mode }: OutgoingTlsOptions, path: string, report: Report): void {
  if ((certfile === undefined) !== (keyfile === undefined) && report.sound(path)) {
    const missing = certfile === undefined ? 'certfile' : 'keyfile'
    report.mistake(`${path}.${missing}`, { found: 'one of certfile and keyfile', allowed: 'both or neither', remedy: `Set tls.${missing}, or remove the other.` })
  }
  if (verify_mode === 'none') report.warn(`${path}.verify_mode`, 'the server\'s certificate is not checked: whoever is on the way decides who may log in.')
}

const isLoopback = (host: string): boolean => host === 'localhost' || (isIPv4(host) && host.startsWith('127.')) || (isIPv6(host.replace(/^\[|\]$/g, '')) && /^\[?::1\]?$/.test(host))
