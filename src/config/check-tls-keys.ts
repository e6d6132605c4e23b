/** The rules of `tls` that concern several of its keys, on whatever listener. */
import type { TlsOptions } from '../x509/tls-options.ts'
import type { Report } from './report.ts'
import { quoted } from './wording.ts'

/** What a server shows of itself. */
export function checkServerKeys({ certfile, keyfile }: TlsOptions, path: string, report: Report): void {
  const missing = certfile === undefined ? 'certfile' : keyfile === undefined ? 'keyfile' : null
  if (missing === null) return
  const other = missing === 'certfile' ? 'keyfile' : 'certfile'
  const isOtherMissing = (missing === 'certfile' ? keyfile : certfile) === undefined
  report.mistake(`${path}.${missing}`, {
    found: isOtherMissing ? 'TLS keys without a certificate' : `nothing, beside a ${other}`,
    allowed: 'tls.certfile and tls.keyfile, both of them', remedy: `Set tls.${missing}${isOtherMissing ? ` and tls.${other}` : ''}.`,
  })
}

/** What it asks of clients, and how it reads its own key. */
export function checkTlsKeys(tls: TlsOptions, path: string, report: Report): void {
  const key = (name: keyof TlsOptions) => `${path}.${name}`
  const { cacertfile, verify_mode } = tls
  if (verify_mode !== 'none' && cacertfile === undefined && report.sound(key('verify_mode'), key('cacertfile'))) {
    report.mistake(key('cacertfile'), {
      found: `nothing, beside verify_mode ${quoted(verify_mode)}`, allowed: 'the file of the CAs that vouch for client certificates',
      remedy: 'Set tls.cacertfile, or tls.verify_mode = "none" where no client certificates are wanted.',
    })
  }
  if (verify_mode === 'none' && tls.require_certificate && report.sound(key('verify_mode'), key('require_certificate'))) {
    report.mistake(key('require_certificate'), {
      found: 'true, beside verify_mode "none", which asks for no certificate', allowed: 'true only with "peer" or "selfsigned_peer"',
      remedy: 'Set tls.verify_mode = "peer", or remove tls.require_certificate.',
    })
  }
  if (tls.password !== undefined && tls.password_file !== undefined) {
    report.mistake(key('password'), { found: 'both password and password_file', allowed: 'one of them', remedy: 'Keep tls.password_file.' })
  }
  if (verify_mode === 'selfsigned_peer') {
    report.warn(key('verify_mode'), '"selfsigned_peer" accepts certificates that anybody can make for himself. It is meant for development.')
  }
}
