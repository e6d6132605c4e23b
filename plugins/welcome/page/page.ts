/** The report as a web page. It needs no JavaScript; with it, the page can also try the log-in. */
import type { Summary } from '../summary.ts'
import type { VisitorReport } from '../visitor-report.ts'
import { badge } from './badge.ts'
import { certificateCard } from './certificate-card.ts'
import { emblem, icon } from './emblem.ts'
import { instant } from './fact-list.ts'
import { html, type Html } from './html.ts'
import { loginCard } from './login-card.ts'
import { serverCard } from './server-card.ts'
import { trialCard } from './trial-card.ts'

export function welcomeMarkup(report: VisitorReport): string {
  const { software, summary, certificate, connection, listener, logins, time } = report
  const { requestedHost, websocketPath } = listener
  return `<!doctype html>\n${html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${summary.label} · ${software.name}${requestedHost === null ? null : ` at ${requestedHost}`}</title>
<link rel="icon" href="${icon}">
<link rel="stylesheet" href="/welcome.css">
<script type="module" src="/welcome.js"></script>
</head>
<body>
<header>${emblem}
<p><strong>${software.name}</strong> <span>XMPP gateway${requestedHost === null ? null : html` at <b>${requestedHost}</b>`}</span></p></header>
<main>
${summaryCard(summary)}
<div class="column">
${loginCard(report)}
${websocketPath === null ? null : trialCard(logins, websocketPath)}
</div>
<div class="column">
${certificate === null ? null : certificateCard(certificate)}
${serverCard(report)}
</div>
</main>
<footer>
<p>${software.name} ${software.version} · your address is ${connection.address} · ${instant(time)}</p>
${requestedHost === null ? null : html`<p>The same for a terminal: <code>curl
${listener.verifyMode === 'none' ? null : '--cert alice.crt --key alice.key'}
http${connection.tlsVersion === null ? null : 's'}://${requestedHost}/</code></p>`}
</footer>
</body>
</html>`.toString()}\n`
}

const summaryCard = ({ tone, label, headline, explanation, remedies }: Summary): Html => html`
<section class="card verdict ${tone}" aria-labelledby="headline">
${badge(tone, label)}
<h1 id="headline">${headline}</h1>
<p>${explanation}</p>
${remedies.length === 0 ? null : html`<ul>${remedies.map(remedy => html`<li>${remedy}</li>`)}</ul>`}
</section>`
