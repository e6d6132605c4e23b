/** XEP-0054: vcard-temp. An account has one vCard, which everybody may read and only it may write. */
import { childrenOf } from '../../xml/children.ts'
import { standAlone } from '../../xml/splice.ts'
import { type Markup, raw, tag } from '../../xml/write.ts'
import type { Stanza } from '../../xmpp/stanza.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import type { Feature, FeatureContext } from '../feature.ts'

const NS_VCARD = 'vcard-temp'
const empty = tag('vCard', { xmlns: NS_VCARD })

async function get(_request: Stanza, { at, asked, store }: FeatureContext): Promise<Markup> {
  const xml = await store.vcard(asked)
  if (xml !== null) return raw(Buffer.from(xml).toString())
  // §3.1: one's own may be empty. §3.3: of others, who has none cannot be told from who is not there.
  if (at === 'account') return empty
  throw new StanzaError('service-unavailable', 'nothing here answers that request')
}

async function set(request: Stanza, { at, account, options }: FeatureContext): Promise<null> {
  // §3.2
  if (at !== 'account') throw new StanzaError('forbidden', 'a vCard is written only by its owner')
  const [card] = childrenOf(request.wire)
  if (card === undefined) throw new StanzaError('bad-request', 'there is no vCard')
  if (card.end - card.start > options.max_vcard_size) {
    throw new StanzaError('policy-violation', `a vCard has at most ${options.max_vcard_size} bytes`)
  }
  // §9: no text beside the elements. More is not asked of what nobody here reads.
  if (card.hasText) throw new StanzaError('bad-request', 'a vCard consists of elements')
  const isEmpty = card.childCount === 0
  await (await account()).commit([{ kind: 'vcard', xml: isEmpty ? null : new Uint8Array(standAlone(card)) }])
  return null
}

export const vcard: Feature = {
  name: 'vcard',
  specs: [{ id: 'XEP-0054', title: 'vcard-temp', status: 'complete', version: '1.3.0', note: 'of accounts; the server has none' }],
  disco: { server: [NS_VCARD], account: [NS_VCARD] },
  iq: [
    { type: 'get', ns: NS_VCARD, local: 'vCard', at: ['account', 'contact'], handle: get },
    { type: 'set', ns: NS_VCARD, local: 'vCard', at: ['account', 'contact', 'server'], handle: set },
  ],
}
