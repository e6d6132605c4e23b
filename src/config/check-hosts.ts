/** The rules of `general.hosts`: XMPP domains in their canonical form, each once (RFC 7622 §3.2). */
import { parseDomainpart } from '../xmpp/jid.ts'
import type { Domainpart } from '../xmpp/jid.ts'
import type { Report } from './report.ts'
import { quoted } from './wording.ts'

export function checkHosts(hosts: readonly string[], report: Report): readonly Domainpart[] {
  const domains: Domainpart[] = []
  for (const [index, host] of hosts.entries()) {
    const path = `general.hosts[${index}]`
    if (!report.sound(path)) continue
    const domain = parseDomainpart(host)
    if (domain === null) {
      report.mistake(path, {
        found: quoted(host), allowed: 'an XMPP domain such as "example.org"',
        remedy: 'Give the bare domain: no scheme, no port, no "user@", no path.',
      })
    } else if (domains.includes(domain)) {
      report.mistake(path, { found: `${quoted(host)}, which stands in the list already`, allowed: 'each domain once', remedy: 'Remove it.' })
    } else domains.push(domain)
  }
  return domains
}
