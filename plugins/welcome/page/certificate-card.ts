/** The visitor's certificate on the page. */
import type { ShownCertificate } from '../shown-certificate.ts'
import { factList, hexadecimal, instant, nameList } from './fact-list.ts'
import { html, type Html } from './html.ts'

export function certificateCard(certificate: ShownCertificate): Html {
  const { xmppAddrs, furtherAddresses, commonNames, notBefore, notAfter } = certificate
  return html`<section class="card" aria-labelledby="certificate">
<h2 id="certificate">Your certificate, as this server sees it</h2>
${factList({
    'XMPP addresses': [nameList(xmppAddrs), furtherAddresses === 0 ? null : html`<small>and ${furtherAddresses} more</small>`],
    'Common name': nameList(commonNames),
    'Subject': html`<bdi>${certificate.subject}</bdi>`,
    'Issuer': html`<bdi>${certificate.issuer}</bdi>`,
    'Valid from': instant(notBefore),
    'Valid until': html`${instant(notAfter)} <small>${certificate.validity}</small>`,
    'Key': certificate.key,
    'Serial number': hexadecimal(certificate.serialNumber),
    'SHA-256 fingerprint': hexadecimal(certificate.fingerprint256),
  })}
</section>`
}
