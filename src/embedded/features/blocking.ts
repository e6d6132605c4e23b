/** XEP-0191: Blocking Command. The list and its changes; what it does to stanzas is the router's business. */
import type { Element } from '../../xml/element.ts'
import { type Markup, tag } from '../../xml/write.ts'
import { type Jid, parseJid } from '../../xmpp/jid.ts'
import { type Stanza, stanzaMarkup } from '../../xmpp/stanza.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import type { Feature, FeatureContext } from '../feature.ts'

const NS_BLOCKING = 'urn:xmpp:blocking'

const listOf = (name: string, jids: Iterable<Jid>): Markup =>
  tag(name, { xmlns: NS_BLOCKING }, ...[...jids].map(jid => tag('item', { jid })))

async function list(_request: Stanza, { resource, account }: FeatureContext): Promise<Markup> {
  const { blocked } = await account()
  // §3.3: from now on it is told of changes.
  resource.wantsBlocklist = true
  return listOf('blocklist', blocked)
}

function jidOf(item: Element): Jid {
  const given = item.attributes.get('jid')
  if (item.ns !== NS_BLOCKING || item.local !== 'item' || given === undefined) throw new StanzaError('bad-request', 'an item names a JID')
  const jid = parseJid(given)
  if (jid === null) throw new StanzaError('jid-malformed', 'what is to be blocked is no JID')
  return jid
}

/** Each once. */
const jidsOf = (request: Stanza): readonly Jid[] => [...new Set(request.element().children[0]?.children.map(jidOf))]

async function block(request: Stanza, context: FeatureContext): Promise<null> {
  const jids = jidsOf(request)
  // §3.3
  if (jids.length === 0) throw new StanzaError('bad-request', 'there is nobody to block')
  await (await context.account()).block(jids, context.options.max_blocked)
  await push(listOf('block', jids), context)
  return null
}

async function unblock(request: Stanza, context: FeatureContext): Promise<null> {
  const jids = jidsOf(request)
  // §3.5: without items, everybody.
  await (await context.account()).unblock(jids.length === 0 ? null : jids)
  await push(listOf('unblock', jids), context)
  return null
}

/** §3.3, §3.4: to all resources that have asked for the list, whoever made the change. */
async function push(change: Markup, { account, asked, newId }: FeatureContext): Promise<void> {
  for (const { jid, session, wantsBlocklist } of (await account()).resources) {
    if (wantsBlocklist) session.deliver(stanzaMarkup('iq', { type: 'set', id: newId(), from: asked, to: jid }, change))
  }
}

export const blocking: Feature = {
  name: 'blocking',
  specs: [{ id: 'XEP-0191', title: 'Blocking Command', status: 'complete', version: '1.3', note: 'whoever is blocked sees the account offline; subscriptions stay as they are (§4)' }],
  disco: { server: [NS_BLOCKING], account: [NS_BLOCKING] },
  iq: [
    { type: 'get', ns: NS_BLOCKING, local: 'blocklist', at: ['account'], handle: list },
    { type: 'set', ns: NS_BLOCKING, local: 'block', at: ['account'], handle: block },
    { type: 'set', ns: NS_BLOCKING, local: 'unblock', at: ['account'], handle: unblock },
  ],
}
