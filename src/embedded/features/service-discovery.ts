/** XEP-0030: Service Discovery, of the server, of the sender's own account, and of those whose presence the sender may see. */
import { type Markup, tag } from '../../xml/write.ts'
import { bareOf } from '../../xmpp/jid.ts'
import type { Stanza } from '../../xmpp/stanza.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import { accountInfo, infoMarkup, NS_DISCO_INFO, serverInfo } from '../disco-info.ts'
import type { Feature, FeatureContext } from '../feature.ts'

const NS_DISCO_ITEMS = 'http://jabber.org/protocol/disco#items'

const nodeOf = (request: Stanza): string | null => request.element().children[0]?.attributes.get('node') ?? null

/** §3.2, §4.2: there are no nodes here but those that features say. */
const unknownNode = (): StanzaError => new StanzaError('item-not-found', 'there is no such node')

function info(request: Stanza, context: FeatureContext): Markup | Promise<Markup> {
  const node = nodeOf(request)
  const { at, features } = context
  if (at === 'contact') return infoOfContact(node, context)
  if (node !== null && (at !== 'server' || !features.some(({ discoNode }) => discoNode?.(context) === node))) throw unknownNode()
  return infoMarkup(at === 'server' ? serverInfo(context) : accountInfo(context), node)
}

/** §8: whoever may not see the presence of an account does not learn whether it is there. */
const isTrusted = async ({ account, sender }: FeatureContext): Promise<boolean> => (await account()).showsPresenceTo(bareOf(sender))

async function infoOfContact(node: string | null, context: FeatureContext): Promise<Markup> {
  if (!await isTrusted(context)) throw new StanzaError('service-unavailable', 'nothing here answers that request')
  if (node !== null) throw unknownNode()
  return infoMarkup(accountInfo(context), null)
}

function items(request: Stanza, context: FeatureContext): Markup | Promise<Markup> {
  const node = nodeOf(request)
  if (context.at === 'contact') return itemsOfContact(node, context)
  if (node !== null) throw unknownNode()
  return context.at === 'server' ? itemsMarkup([]) : itemsOfAccount(context)
}

async function itemsOfContact(node: string | null, context: FeatureContext): Promise<Markup> {
  // §8: an empty answer, not an error.
  if (!await isTrusted(context)) return itemsMarkup([])
  if (node !== null) throw unknownNode()
  return itemsOfAccount(context)
}

/** §4.1: the available resources. */
const itemsOfAccount = async ({ account }: FeatureContext): Promise<Markup> => itemsMarkup([...(await account()).available].map(({ jid }) => jid))

const itemsMarkup = (jids: readonly string[]): Markup => tag('query', { xmlns: NS_DISCO_ITEMS }, ...jids.map(jid => tag('item', { jid })))

export const serviceDiscovery: Feature = {
  name: 'disco',
  specs: [{
    id: 'XEP-0030', title: 'Service Discovery', status: 'complete', version: '2.5.0',
    note: 'info and items of the server, and of accounts for those who may see their presence; there are no nodes but that of XEP-0115',
  }],
  disco: { server: [NS_DISCO_INFO, NS_DISCO_ITEMS], account: [NS_DISCO_INFO, NS_DISCO_ITEMS] },
  iq: [
    { type: 'get', ns: NS_DISCO_INFO, local: 'query', at: ['server', 'account', 'contact'], handle: info },
    { type: 'get', ns: NS_DISCO_ITEMS, local: 'query', at: ['server', 'account', 'contact'], handle: items },
  ],
}
