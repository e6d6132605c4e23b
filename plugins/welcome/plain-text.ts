/** The report for a terminal: `curl --cert alice.crt --key alice.key https://…/`. */
import type { Prospect } from './prospect.ts'
import type { VisitorReport } from './visitor-report.ts'

export function plainText(report: VisitorReport): string {
  const { software, summary, certificate, connection, listener, logins, time } = report
  const rows: [string, string][] = []
  const add = (name: string, value: string) => { rows.push([name, value]) }
  if (certificate !== null) {
    add('Subject', certificate.subject)
    add('Issuer', certificate.issuer)
    const further = certificate.furtherAddresses > 0 ? [`and ${certificate.furtherAddresses} more`] : []
    add('XMPP addresses', [...certificate.xmppAddrs, ...further].join(', ') || 'none')
    add('Common name', certificate.commonNames.join(', ') || 'none')
    add('Valid', `${certificate.notBefore} to ${certificate.notAfter} (${certificate.validity})`)
    add('SHA-256', certificate.fingerprint256)
    add('Serial number', certificate.serialNumber)
    add('Key', certificate.key)
  }
  for (const login of logins) add(`Log-in at ${login.host}`, prospectWords(login))
  add('Connection', `${connection.tlsVersion ?? 'no TLS'} from ${connection.address}`)
  add('Listener', `verify_mode = "${listener.verifyMode}"`)
  add('WebSocket', listener.endpoints.websocket ?? 'off')
  add('BOSH', listener.endpoints.bosh ?? 'off')
  add('Discovery', listener.endpoints.discovery)
  add('Web module', listener.endpoints.module)
  const width = Math.max(...rows.map(([name]) => name.length)) + 2
  return [
    `${summary.label}. ${summary.headline}.`,
    summary.explanation,
    ...summary.remedies.map(remedy => `- ${remedy}`),
    '',
    ...rows.map(([name, value]) => `${name.padEnd(width)}${value}`),
    '',
    `${software.name} ${software.version}, ${time}`,
    '',
  ].join('\n')
}

export function prospectWords({ users, obstacle, takesAnyName }: Prospect): string {
  const words = users.map(({ jid, authzid }) => authzid === null ? jid : `${jid} (with authzid ${authzid})`)
  if (takesAnyName) words.push('the user whom the client names (authzid)')
  return words.join(', or ') || (obstacle === null ? 'nobody' : `nobody: ${obstacle.text} (${obstacle.condition})`)
}
