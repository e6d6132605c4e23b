/** The form with which a visitor tries the log-in from the page; browser/welcome.mjs does it. */
import type { Prospect } from '../prospect.ts'
import { html, type Html } from './html.ts'

export const trialCard = (logins: readonly Prospect[], websocketPath: string): Html => html`
<section class="card" id="trial" data-websocket-path="${websocketPath}" aria-labelledby="trial-title">
<h2 id="trial-title">Try it from here</h2>
<noscript><p>With JavaScript, this page opens the WebSocket, logs in, and shows each step.</p></noscript>
<form hidden>
<p><label for="whom">Log in as</label> <select id="whom">${logins.flatMap(choices)}</select></p>
<p id="name-row" hidden><label for="name">Address to ask for</label>
<input id="name" placeholder="alice@example.org" autocomplete="off" autocapitalize="off" spellcheck="false"></p>
<p><button>Open the WebSocket and log in</button></p>
</form>
<ol id="steps" aria-live="polite" aria-label="Steps of the log-in"></ol>
<p id="outcome" role="status" hidden></p>
</section>`

/** Where there is nobody to become, a log-in still tells why. */
function choices({ host, users, takesAnyName }: Prospect): Html[] {
  if (users.length > 0) return users.map(({ jid, authzid }) => html`<option data-to="${host}" data-authzid="${authzid ?? ''}">${jid}</option>`)
  return [takesAnyName
    ? html`<option data-to="${host}" data-wants-name>a user of ${host}</option>`
    : html`<option data-to="${host}">nobody at ${host} (hear why)</option>`]
}
