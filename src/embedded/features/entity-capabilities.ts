/** XEP-0115: Entity Capabilities, of the server: a hash of what disco#info says of it, so that clients that know it need not ask. */
import { createHash } from 'node:crypto'
import { tag } from '../../xml/write.ts'
import { type DiscoInfo, serverInfo } from '../disco-info.ts'
import type { Feature, ServerContext } from '../feature.ts'

const NS_CAPS = 'http://jabber.org/protocol/caps'

/** i;octet: by the bytes of UTF-8, where `sort` goes by UTF-16. */
const sorted = (strings: readonly string[]): readonly string[] => strings.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))

const each = (strings: readonly string[]): string => strings.map(string => `${string}<`).join('')

/** §5.1, with SHA-1, which is mandatory (§9.1) and protects nothing here: it only spares questions. */
export function verificationString({ identities, features, forms = [] }: DiscoInfo): string {
  const identified = each(sorted(identities.map(({ category, type, lang = '', name = '' }) => `${category}/${type}/${lang}/${name}`)))
  const fieldsOf = (fields: readonly { readonly name: string, readonly values: readonly string[] }[]): string =>
    sorted(fields.map(({ name }) => name)).map(name => each([name, ...sorted(fields.find(field => field.name === name)?.values ?? [])])).join('')
  const extended = sorted(forms.map(({ formType }) => formType))
    .map(formType => each([formType]) + fieldsOf(forms.find(form => form.formType === formType)?.fields ?? []))
  return createHash('sha1').update(identified + each(sorted(features)) + extended.join('')).digest('base64')
}

/** §4: a URI that stands for the software, and here for the server that runs it. */
const nodeOf = ({ host }: ServerContext): string => `xmpp:${host}`

const versionOf = (context: ServerContext): string => verificationString(serverInfo(context))

export const entityCapabilities: Feature = {
  name: 'caps',
  // The node that it names is looked up with XEP-0030.
  needs: 'disco',
  specs: [{ id: 'XEP-0115', title: 'Entity Capabilities', status: 'complete', version: '1.6.0', note: 'of the server, among the stream features; those in presence are passed on as they are' }],
  disco: { server: [NS_CAPS] },
  // §6.3
  streamFeature: context => tag('c', { xmlns: NS_CAPS, hash: 'sha-1', node: nodeOf(context), ver: versionOf(context) }),
  // §6.2
  discoNode: context => `${nodeOf(context)}#${versionOf(context)}`,
}
