/** Stream features (RFC 6120 §4.3.2): what is offered in each phase of negotiation. */
import { type Markup, tag, text } from '../xml/write.ts'
import { NS_BIND, NS_SASL, NS_SESSION, NS_STREAMS } from '../xmpp/namespaces.ts'

const features = (...offers: readonly Markup[]): Markup => tag('stream:features', { 'xmlns:stream': NS_STREAMS }, ...offers)

/**
 * RFC 6120 §6.4.1: the mechanisms, most preferred first. Where none can be offered the list is there and empty: clients in the
 * field see at once that there is no way in, and wait for ever where there is no list.
 */
export const authenticationFeatures = (mechanisms: readonly string[]): Markup =>
  features(tag('mechanisms', { xmlns: NS_SASL }, ...mechanisms.map(name => tag('mechanism', {}, text(name)))))

/** RFC 6120 §7.4; the session request of RFC 3921 is offered as optional for clients that still look for it. */
export const bindingFeatures: Markup = features(
  tag('bind', { xmlns: NS_BIND }),
  tag('session', { xmlns: NS_SESSION }, tag('optional')))
