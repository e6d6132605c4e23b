/** The rules of `[auth]` that concern several keys (behaviour/external.md §1 and §4). */
import type { AuthOptions } from '../auth/options.ts'
import { backendNames } from '../auth/options.ts'
import { prepareLocalpart } from '../xmpp/jid.ts'
import { checkHttp, checkLdap } from './check-account-servers.ts'
import { checkDatabase } from './check-database.ts'
import type { NamedListener } from './listeners.ts'
import type { Report } from './report.ts'
import { quoted } from './wording.ts'

export function checkAuth(auth: AuthOptions, listeners: readonly NamedListener[], report: Report): void {
  checkCommonName(auth, report)
  checkSections(auth, report)
  if (auth.http !== undefined) checkHttp(auth.http, report)
  if (auth.ldap !== undefined) checkLdap(auth.ldap, report)
  if (auth.rdbms !== undefined) checkDatabase(auth.rdbms, 'auth.rdbms', 'what is kept of passwords travels', report)
  const loose = auth.methods.filter(method => method === 'pki' || method === 'ldap' || (method === 'http' && auth.http?.external === 'user_exists'))
  if (loose.length > 0 && auth.sasl_external.includes('auth_id')) {
    const names = loose.map(method => `"${method}"`).join(' and ')
    report.warn('auth.sasl_external', `"auth_id" with the method ${names}: any holder of a certificate without xmppAddr may be any user.`)
  }
  const asksForCertificates = listeners.some(({ tls }) => tls !== undefined && tls.verify_mode !== 'none')
  const takesPasswords = auth.methods.some(method => method !== 'pki') && auth.sasl_mechanisms.some(mechanism => mechanism !== 'external')
  if (listeners.length > 0 && !asksForCertificates && !takesPasswords && report.sound('listen', 'auth.methods', 'auth.sasl_mechanisms')) {
    report.warn('auth.sasl_mechanisms', 'nobody can log in: nothing but certificates counts here, and no listener asks for certificates '
      + '(verify_mode is "none", or there is no TLS, on every one).')
  }
}

/** Most methods have to be told where their accounts are. */
function checkSections(auth: AuthOptions, report: Report): void {
  for (const method of backendNames) {
    if (auth.methods.includes(method) && auth[method] === undefined && report.sound('auth.methods', `auth.${method}`)) {
      report.mistake(`auth.${method}`, {
        found: `nothing, beside the method "${method}" in auth.methods`, allowed: `a section [auth.${method}]`,
        remedy: `Add the section, or remove "${method}" from auth.methods.`,
      })
    }
  }
}

/** The prefix and the suffix become part of every user name, so they must be able to. */
function checkCommonName({ sasl_external_common_name: { prefix, suffix } }: AuthOptions, report: Report): void {
  for (const [key, affix] of [['prefix', prefix], ['suffix', suffix]] as const) {
    const path = `auth.sasl_external_common_name.${key}`
    if (report.sound(path) && affix !== '' && prepareLocalpart(affix) === null) {
      report.mistake(path, {
        found: quoted(affix), allowed: 'characters of a user name: none of " & \' / : < > @, no space (RFC 7622 §3.3)',
        remedy: 'Give only what is put before or after the common name; the domain is added by itself.',
      })
    }
  }
}
