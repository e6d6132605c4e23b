/** What an entity here is and what can be asked of it (XEP-0030 §3): the same facts for disco#info and for the hash of XEP-0115. */
import { tag, type Markup } from '../xml/write.ts'
import type { ServerContext } from './feature.ts'

export const NS_DISCO_INFO = 'http://jabber.org/protocol/disco#info'

export interface Identity { readonly category: string, readonly type: string, readonly lang?: string, readonly name?: string }

/** A form of extended information, by its FORM_TYPE; that field is not among `fields`. */
export interface InfoForm { readonly formType: string, readonly fields: readonly { readonly name: string, readonly values: readonly string[] }[] }

export interface DiscoInfo {
  readonly identities: readonly Identity[]
  readonly features: readonly string[]
  readonly forms?: readonly InfoForm[]
}

export const serverInfo = ({ features, software }: ServerContext): DiscoInfo => ({
  identities: [{ category: 'server', type: 'im', name: software.name }],
  features: features.flatMap(({ disco }) => disco?.server ?? []),
})

/** §3.1 with the registry's categories: an account is no server, and says so. */
export const accountInfo = ({ features }: Pick<ServerContext, 'features'>): DiscoInfo => ({
  identities: [{ category: 'account', type: 'registered' }],
  features: features.flatMap(({ disco }) => disco?.account ?? []),
})

export const infoMarkup = ({ identities, features }: DiscoInfo, node: string | null): Markup => tag('query', { xmlns: NS_DISCO_INFO, node },
  ...identities.map(({ category, type, lang, name }) => tag('identity', { category, type, 'xml:lang': lang, name })),
  ...features.map(ns => tag('feature', { var: ns })))
