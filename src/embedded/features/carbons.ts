/** XEP-0280: Message Carbons. A client asks for copies, or wants none any more; which messages are copied is the router's business. */
import type { Feature } from '../feature.ts'

const NS_CARBONS = 'urn:xmpp:carbons:2'

export const carbons: Feature = {
  name: 'carbons',
  specs: [{ id: 'XEP-0280', title: 'Message Carbons', status: 'complete', version: '1.0.1' }],
  disco: { server: [NS_CARBONS], account: [NS_CARBONS] },
  iq: [
    // §10.1: asking again changes nothing and is no error.
    { type: 'set', ns: NS_CARBONS, local: 'enable', at: ['account'], handle: (_request, { resource }) => { resource.wantsCarbons = true; return null } },
    { type: 'set', ns: NS_CARBONS, local: 'disable', at: ['account'], handle: (_request, { resource }) => { resource.wantsCarbons = false; return null } },
  ],
}
