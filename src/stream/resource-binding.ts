/** Resource binding (RFC 6120 §7): the request that ends negotiation, and its answer. */
import { tag, text } from '../xml/write.ts'
import type { FullJid } from '../xmpp/jid.ts'
import { NS_BIND } from '../xmpp/namespaces.ts'
import type { Stanza } from '../xmpp/stanza.ts'
import { resultReply } from '../xmpp/stanza.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'

/** Whether this stanza is a request to bind, well-formed or not. */
export const isBindRequest = (stanza: Stanza): boolean =>
  stanza.kind === 'iq' && stanza.payload?.ns === NS_BIND && stanza.payload.local === 'bind'

/** The resource asked for, or null where the server is to make one (§7.6). Throws `bad-request` for a malformed request. */
export function requestedResource(request: Stanza): string | null {
  if (request.iqType !== 'set') throw new StanzaError('bad-request', 'a bind request is an IQ of type "set" with an id and one <bind/>')
  const [bind] = request.element().children
  const resources = (bind?.children ?? []).filter(child => child.ns === NS_BIND && child.local === 'resource')
  if (resources.length > 1) throw new StanzaError('bad-request', 'one <resource/> at most')
  // §7.7.1: an empty <resource/> is the same as none: the server makes one.
  return resources[0]?.text || null
}

/** §7.6.1: the full JID that the client now has. */
export const bindResult = (request: Stanza, jid: FullJid): Uint8Array =>
  resultReply(request, null, null, tag('bind', { xmlns: NS_BIND }, tag('jid', {}, text(jid))))
