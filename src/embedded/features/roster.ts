/** RFC 6121 §2: the roster, as clients ask for it and change it. */
import { type Markup, raw, tag } from '../../xml/write.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import type { Feature, FeatureContext } from '../feature.ts'
import { NS_ROSTER } from '../roster/roster.ts'

/** §2.3.3: only the account itself; the same where there is no such account. */
function assertOwn({ at }: FeatureContext): void {
  if (at !== 'account') throw new StanzaError('forbidden', 'a roster is for its own account')
}

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
      type: 'get', ns: NS_ROSTER, local: 'query', at: ['account', 'contact'],
      handle: async (request, context) => {
        assertOwn(context)
        const { resource, account } = context
        const [query] = request.element().children
        return (await account()).readRoster(resource, query?.attributes.get('ver') ?? null)
      },
    },
    {
      type: 'set', ns: NS_ROSTER, local: 'query', at: ['account', 'contact'],
      handle: async (request, context) => {
        assertOwn(context)
        const [query] = request.element().children
        if (query !== undefined) await (await context.account()).setRoster(query)
        return null
      },
    },
  ],
  streamFeature: () => streamFeatures,
}
