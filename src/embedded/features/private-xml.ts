/** XEP-0049: Private XML Storage. Elements that a user's clients keep for themselves, one for each name and namespace. */
import { childrenOf } from '../../xml/children.ts'
import type { ScannedElement } from '../../xml/scanned.ts'
import { standAlone } from '../../xml/splice.ts'
import { type Markup, raw, tag } from '../../xml/write.ts'
import type { Stanza } from '../../xmpp/stanza.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import type { Feature, FeatureContext } from '../feature.ts'
import type { FeatureChange } from '../feature-account.ts'

const NS_PRIVATE = 'jabber:iq:private'

/** §2.3: those of the protocol itself. */
const isReserved = (ns: string): boolean => ns === '' || ns === 'vcard-temp' || ns.startsWith('jabber:') || ns.startsWith('http://jabber.org/')

/** The elements within the query, each with a namespace of its own. */
function elementsOf(request: Stanza, { at }: FeatureContext): readonly ScannedElement[] {
  // §3
  if (at !== 'account') throw new StanzaError('forbidden', 'private XML is its owner\'s')
  const [query] = childrenOf(request.wire)
  const elements = query === undefined ? [] : childrenOf(query)
  if (elements.some(({ ns }) => isReserved(ns))) throw new StanzaError('not-acceptable', 'that namespace is not for private use')
  return elements
}

async function get(request: Stanza, context: FeatureContext): Promise<Markup> {
  const [element, ...others] = elementsOf(request, context)
  // §2.3, §3: one namespace at a time. "Bad Format" is a condition that RFC 6120 does not have.
  if (element === undefined || others.length > 0) throw new StanzaError('bad-request', 'private XML is asked for by one element')
  const { ns, local } = element
  const xml = await context.store.privateXml(context.asked, ns, local)
  // What nobody stored is empty: the element that was asked with.
  return tag('query', { xmlns: NS_PRIVATE }, raw(Buffer.from(xml ?? standAlone(element)).toString()))
}

/** Nothing in it that the answer to one who never stored it would not have. */
function isEmpty(scanned: ScannedElement): boolean {
  if (scanned.childCount > 0) return false
  const { attributes, text } = scanned.element()
  return attributes.size === 0 && text === ''
}

async function set(request: Stanza, context: FeatureContext): Promise<null> {
  const elements = elementsOf(request, context)
  // §2.3
  if (elements.length === 0) throw new StanzaError('not-acceptable', 'there is nothing to store')
  if (new Set(elements.map(({ ns, local }) => `${local} ${ns}`)).size < elements.length) {
    throw new StanzaError('not-acceptable', 'two elements of the same name: only one can be stored')
  }
  const changes = elements.map((element): FeatureChange & { readonly kind: 'private' } => ({
    kind: 'private', ns: element.ns, local: element.local, xml: isEmpty(element) ? null : new Uint8Array(standAlone(element)),
  }))
  // Another client of the account may be storing something at the same time.
  await (await context.account()).commit(async () => {
    await assertRoom(changes, context)
    return changes
  })
  return null
}

async function assertRoom(changes: readonly (FeatureChange & { readonly kind: 'private' })[], { asked, store, options }: FeatureContext): Promise<void> {
  let bytes = await store.privateBytes(asked)
  for (const { ns, local, xml } of changes) bytes += (xml?.length ?? 0) - ((await store.privateXml(asked, ns, local))?.length ?? 0)
  if (bytes > options.max_private_size && changes.some(({ xml }) => xml !== null)) {
    throw new StanzaError('policy-violation', `an account keeps at most ${options.max_private_size} bytes of private XML`)
  }
}

export const privateXml: Feature = {
  name: 'private',
  specs: [{ id: 'XEP-0049', title: 'Private XML Storage', status: 'complete', version: '1.2', note: 'reserved namespaces are refused' }],
  disco: { server: [NS_PRIVATE], account: [NS_PRIVATE] },
  iq: [
    { type: 'get', ns: NS_PRIVATE, local: 'query', at: ['account', 'contact'], handle: get },
    { type: 'set', ns: NS_PRIVATE, local: 'query', at: ['account', 'contact'], handle: set },
  ],
}
