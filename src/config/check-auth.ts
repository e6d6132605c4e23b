/** The rules of `[auth]` that concern several keys (behaviour/external.md §1 and §4). */
import type { AuthOptions } from '../auth/options.ts'
import { prepareLocalpart } from '../xmpp/jid.ts'
import type { ListenHttp } from './listen-http.ts'
import type { Report } from './report.ts'
import { quoted } from './wording.ts'

export function checkAuth(auth: AuthOptions, listeners: readonly ListenHttp[], report: Report): void {
  checkCommonName(auth, report)
  if (auth.methods.includes('pki') && auth.sasl_external.includes('auth_id')) {
    report.warn('auth.sasl_external', '"auth_id" with the method "pki": any holder of a certificate without xmppAddr may be any user.')
  }
  const asksForCertificates = listeners.some(({ tls }) => tls !== undefined && tls.verify_mode !== 'none')
  // "external" is the only mechanism that there is so far.
  if (listeners.length > 0 && !asksForCertificates && report.sound('listen', 'auth.sasl_mechanisms')) {
    report.warn('auth.sasl_mechanisms', 'nobody can log in: "external" is the only mechanism, and no listener asks for certificates '
      + '(verify_mode is "none", or there is no TLS, on every one).')
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
