/** Stream features (RFC 6120 §4.3.2): what is offered in each phase of negotiation. */
import type { Advertised } from '../sasl/mechanism.ts'
import { type Markup, tag, text } from '../xml/write.ts'
import { NS_BIND, NS_CSI, NS_SASL, NS_SASL_CHANNEL_BINDING, NS_SESSION, NS_SM, NS_STREAM_LIMITS, NS_STREAMS, NS_TLS } from '../xmpp/namespaces.ts'
import type { StreamLimits } from './transport.ts'

const features = (...offers: readonly Markup[]): Markup => tag('stream:features', { 'xmlns:stream': NS_STREAMS }, ...offers)

/** XEP-0478 §3.1. Less than a second of silence is announced as one: that much time there is to answer. */
const announced = ({ maxBytes, idle }: StreamLimits): Markup => tag('limits', { xmlns: NS_STREAM_LIMITS },
  tag('max-bytes', {}, text(String(maxBytes))),
  ...idle === null ? [] : [tag('idle-seconds', {}, text(String(Math.max(1, Math.floor(idle / 1_000)))))])

/**
 * RFC 6120 §6.4.1: the mechanisms, most preferred first. Where none can be offered the list is there and empty: clients in the
 * field see at once that there is no way in, and wait for ever where there is no list. XEP-0440 §2: beside it, what they can be bound to.
 */
const authenticationFeatures = ({ mechanisms, channelBindings }: Advertised, upgrade: { readonly required: boolean } | null,
  limits: StreamLimits): Markup => features(
  ...upgrade === null ? [] : [tag('starttls', { xmlns: NS_TLS }, ...upgrade.required ? [tag('required')] : [])],
  ...channelBindings.length === 0 ? [] : [
    tag('sasl-channel-binding', { xmlns: NS_SASL_CHANNEL_BINDING }, ...channelBindings.map(type => tag('channel-binding', { type }))),
  ],
  // RFC 6120 §5.3.1: where TLS is mandatory, nothing else is offered before it.
  ...upgrade?.required === true ? [] : [
    tag('mechanisms', { xmlns: NS_SASL }, ...mechanisms.map(name => tag('mechanism', {}, text(name)))),
    announced(limits),
  ])

/**
 * RFC 6120 §7.4; the session request of RFC 3921 is offered as optional for clients that still look for it. Stream management is
 * offered where stanzas are about to flow (XEP-0198 §5), as client state indication is (XEP-0352 §4.1). Behind them is what the domain
 * says of itself.
 */
const bindingFeatures = (limits: StreamLimits, offersClientState: boolean, ofDomain: readonly Markup[]): Markup => features(
  tag('bind', { xmlns: NS_BIND }),
  tag('session', { xmlns: NS_SESSION }, tag('optional')),
  tag('sm', { xmlns: NS_SM }),
  ...offersClientState ? [tag('csi', { xmlns: NS_CSI })] : [],
  announced(limits),
  ...ofDomain)

/** As many different ones are remembered: hosts, mechanisms and listeners make few, clients make none. */
const maxKnown = 256

/** The same features are written once, and none of them is ever changed: every stream is told of them, and hardly any of something else than the one before. */
export class Announcements {
  readonly #known = new Map<string, Uint8Array>()
  readonly #offersClientState: boolean

  constructor(offersClientState: boolean) { this.#offersClientState = offersClientState }

  authentication(advertised: Advertised, upgrade: { readonly required: boolean } | null, limits: StreamLimits): Uint8Array {
    const { mechanisms, channelBindings } = advertised
    const key = `${mechanisms.join()} ${channelBindings.join()} ${upgrade === null ? '' : String(upgrade.required)} ${limits.maxBytes} ${limits.idle ?? ''}`
    return this.#once(key, () => authenticationFeatures(advertised, upgrade, limits))
  }

  /** `ofDomain`: what `domain` says of itself, always the same. */
  binding(limits: StreamLimits, domain: string, ofDomain: readonly Markup[]): Uint8Array {
    return this.#once(`${domain}/${limits.maxBytes} ${limits.idle ?? ''}`, () => bindingFeatures(limits, this.#offersClientState, ofDomain))
  }

  #once(key: string, write: () => Markup): Uint8Array {
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const bytes = Buffer.from(write())
    if (this.#known.size === maxKnown) this.#known.clear()
    this.#known.set(key, bytes)
    return bytes
  }
}
