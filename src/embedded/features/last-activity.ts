/** XEP-0012: Last Activity. Since when an account has been away, for those who may see its presence; how long the server has been up. */
import { type Markup, tag, text } from '../../xml/write.ts'
import { bareOf } from '../../xmpp/jid.ts'
import type { Stanza } from '../../xmpp/stanza.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import type { Feature, FeatureContext } from '../feature.ts'

const NS_LAST = 'jabber:iq:last'

const answer = (milliseconds: number, status = ''): Markup =>
  // Of an account the date is kept, and the clock may have been set back meanwhile.
  tag('query', { xmlns: NS_LAST, seconds: String(Math.max(0, Math.floor(milliseconds / 1_000))) }, text(status))

async function ofAccount({ sender, asked, account, clock, store }: FeatureContext): Promise<Markup> {
  const found = await account()
  // §3: to whoever may not see the presence, an account that does not exist looks the same.
  if (!found.showsPresenceTo(bareOf(sender))) throw new StanzaError('forbidden', 'only for those who may see the presence of that account')
  // When its last resource went that was noted, and may be on its way to the store.
  await found.commit([])
  const [here] = found.available
  if (here !== undefined) return answer(0)
  const last = await store.lastActivity(asked)
  if (last === null) throw new StanzaError('item-not-found', 'that account has not been away yet')
  return answer(clock.now() - last.seconds * 1_000, last.status)
}

/** §5: of the server, its uptime. §3: of an account, how long it has been away. */
const handle = (_request: Stanza, context: FeatureContext): Markup | Promise<Markup> =>
  context.at === 'server' ? answer(context.clock.elapsed() - context.startedAt) : ofAccount(context)

export const lastActivity: Feature = {
  name: 'last-activity',
  specs: [{ id: 'XEP-0012', title: 'Last Activity', status: 'complete', version: '2.0', note: 'of the server, and of accounts for those who may see their presence; how long a connected client has been idle, it says itself, and only to them' }],
  disco: { server: [NS_LAST], account: [NS_LAST] },
  iq: [{ type: 'get', ns: NS_LAST, local: 'query', at: ['server', 'account', 'contact'], handle }],
  // §8: nor may others learn from it which resources are connected.
  guarded: [{ type: 'get', ns: NS_LAST, local: 'query' }],
}
