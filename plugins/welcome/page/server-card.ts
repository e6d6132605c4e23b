/** This server and this listener on the page. */
import type { VisitorReport } from '../visitor-report.ts'
import { breakable, factList } from './fact-list.ts'
import { html, type Html } from './html.ts'

const verifyModeWords = {
  none: 'are not asked for',
  peer: 'are asked for, and must come from a trusted authority',
  selfsigned_peer: 'are asked for; self-signed ones are taken too, which is for development only',
} as const satisfies Record<VisitorReport['listener']['verifyMode'], string>

const endpoint = (url: string | null): Html =>
  url === null ? html`<span class="none">off on this listener</span>` : html`<code>${breakable(url)}</code>`

export function serverCard({ listener: { verifyMode, endpoints }, connection: { tlsVersion } }: VisitorReport): Html {
  return html`<section class="card" aria-labelledby="server">
<h2 id="server">This server</h2>
${factList({
    'WebSocket': endpoint(endpoints.websocket),
    'BOSH': endpoint(endpoints.bosh),
    'Discovery': html`<a href="/.well-known/host-meta.json">${breakable(endpoints.discovery)}</a> <small>XEP-0156</small>`,
    'For web pages': html`<a href="/meerkat.js">${breakable(endpoints.module)}</a>`,
    'Certificates': html`${verifyModeWords[verifyMode]} <small><code>verify_mode = "${verifyMode}"</code></small>`,
    'This connection': tlsVersion ?? 'plain HTTP, without TLS. Behind a TLS proxy, the URLs above begin with wss and https.',
  })}
</section>`
}
