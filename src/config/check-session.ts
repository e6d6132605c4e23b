/** The rules of `[session]` that concern the meaning of a key: where clients are sent when the gateway stops. */
import type { SessionOptions } from '../session/options.ts'
import { parseDomainpart } from '../xmpp/jid.ts'
import type { Report } from './report.ts'
import { quoted } from './wording.ts'

export function checkSession({ see_other_uri: uri, see_other_host: host }: SessionOptions, report: Report): void {
  if (uri !== undefined && report.sound('session.see_other_uri') && !isSecure(uri)) {
    report.mistake('session.see_other_uri', {
      // It may hold a password.
      found: URL.parse(uri)?.password ? 'a URI with a password (not shown)' : quoted(uri),
      // RFC 7395 §3.6.1: clients take no offer that is less secure than what they have.
      allowed: 'a wss or https URI without user and fragment', remedy: 'Write it as in "wss://other.example.org/xmpp-websocket".',
    })
  }
  if (host !== undefined && report.sound('session.see_other_host') && !isHost(host)) {
    report.mistake('session.see_other_host', {
      found: quoted(host), allowed: 'a domain or an address, and a port behind a colon if it is not 5222; an IPv6 address in brackets',
      remedy: 'Write it as in "other.example.org:5222".',
    })
  }
}

function isSecure(uri: string): boolean {
  const parsed = URL.parse(uri)
  return parsed !== null && ['wss:', 'https:'].includes(parsed.protocol) && parsed.username === '' && parsed.password === '' && !uri.includes('#')
    && !/\s/.test(uri)
}

/** RFC 6120 §4.9.3.19: a domainpart, or one and a port. */
function isHost(text: string): boolean {
  const [, domain = '', port = '5222'] = /^(\[[^\]]*\]|[^:[\]]+)(?::([0-9]{1,5}))?$/.exec(text) ?? []
  return parseDomainpart(domain) !== null && Number(port) >= 1 && Number(port) <= 65_535
}
