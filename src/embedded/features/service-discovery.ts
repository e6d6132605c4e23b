/** XEP-0030: Service Discovery, of the server and of the sender's own account. */
import { type Markup, tag } from '../../xml/write.ts'
import type { Stanza } from '../../xmpp/stanza.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import type { Feature, FeatureContext } from '../feature.ts'

const NS_DISCO_INFO = 'http://jabber.org/protocol/disco#info'
const NS_DISCO_ITEMS = 'http://jabber.org/protocol/disco#items'

/** §3.2, §4.2: there are no nodes here, so asking for one finds nothing. */
function refuseNode(request: Stanza): void {
  const [query] = request.element().children
  if (query?.attributes.has('node')) throw new StanzaError('item-not-found', 'there is no such node')
}

function info(request: Stanza, { at, features, software }: FeatureContext): Markup {
  refuseNode(request)
  // §3.1 with the registry's categories: an account is no server, and says so.
  const identity = at === 'server'
    ? tag('identity', { category: 'server', type: 'im', name: software.name })
    : tag('identity', { category: 'account', type: 'registered' })
  const namespaces = features.flatMap(feature => feature.iq ?? [])
    .filter(handler => handler.at === 'either' || handler.at === at)
    .map(handler => handler.ns)
  const listed = features.flatMap(feature => feature.disco ?? []).filter(ns => namespaces.includes(ns))
  return tag('query', { xmlns: NS_DISCO_INFO }, identity, ...listed.map(ns => tag('feature', { var: ns })))
}

export const serviceDiscovery: Feature = {
  name: 'disco',
  specs: [{
    id: 'XEP-0030', title: 'Service Discovery', status: 'complete', version: '2.5.0',
    note: 'info and items of the server and of one\'s own account; there are no nodes',
  }],
  disco: [NS_DISCO_INFO, NS_DISCO_ITEMS],
  iq: [
    { type: 'get', ns: NS_DISCO_INFO, local: 'query', at: 'either', handle: info },
    {
      type: 'get', ns: NS_DISCO_ITEMS, local: 'query', at: 'either',
      handle: request => {
        refuseNode(request)
        return tag('query', { xmlns: NS_DISCO_ITEMS })
      },
    },
  ],
}
