/** What a log-in by certificate would come to, host by host. */
import type { Prospect } from '../prospect.ts'
import type { VisitorReport } from '../visitor-report.ts'
import { badge } from './badge.ts'
import { html, type Html } from './html.ts'

export const loginCard = ({ logins, summary }: VisitorReport): Html => html`<section class="card" aria-labelledby="logins">
<h2 id="logins">Log-in by certificate</h2>
<ul class="logins">${logins.map(login => html`\n<li>${prospect(login, summary.explanation)}</li>`)}
</ul>
</section>`

function prospect({ host, isOffered, users, obstacle, takesAnyName }: Prospect, explanation: string): Html {
  return html`
<h3><bdi>${host}</bdi> ${isOffered ? badge('good', 'EXTERNAL offered') : badge('neutral', 'EXTERNAL not offered')}</h3>
${users.map(({ jid, authzid }) => html`
<p>as <strong><bdi>${jid}</bdi></strong>${authzid === null ? null : html` <small>when the client sends that as authzid</small>`}</p>`)}
${takesAnyName ? html`<p>as whoever the client says <small>authzid, <code>auth_id</code></small></p>` : obstacle === null ? null : html`
<p>${users.length > 0 ? 'Without authzid: ' : null}${obstacle.text === explanation ? 'Refused, for the reason above.' : obstacle.text}
<small><code>${obstacle.condition}</code></small></p>`}
`
}
