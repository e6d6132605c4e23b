/** RFC 6121 §2: the roster, as clients ask for it and change it. */
import { type Markup, raw, tag } from '../../xml/write.ts'
import type { Feature } from '../feature.ts'
import { NS_ROSTER } from '../roster/roster.ts'

/** §2.6.1, §3.4.1: what the server can do with rosters and subscriptions. */
const streamFeatures: Markup = raw(`${tag('ver', { xmlns: 'urn:xmpp:features:rosterver' })}${tag('sub', { xmlns: 'urn:xmpp:features:pre-approval' })}`)

export const roster: Feature = {
  name: 'roster',
  // RFC 6121 §2: subscriptions, and so presence, are made of it.
  isRequired: true,
  specs: [{ id: 'XEP-0237', title: 'Roster Versioning', status: 'complete', version: '1.3', note: 'as RFC 6121 §2.6 has it' }],
  disco: { account: [NS_ROSTER], server: [NS_ROSTER] },
  iq: [
    {
      type: 'get', ns: NS_ROSTER, local: 'query', at: ['account'],
      handle: async (request, { resource, account }) => {
        const [query] = request.element().children
        return (await account()).readRoster(resource, query?.attributes.get('ver') ?? null)
      },
    },
    {
      type: 'set', ns: NS_ROSTER, local: 'query', at: ['account'],
      handle: async (request, { account }) => {
        const [query] = request.element().children
        if (query !== undefined) await (await account()).setRoster(query)
        return null
      },
    },
  ],
  streamFeature: () => streamFeatures,
}
