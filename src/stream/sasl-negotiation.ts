/** SASL negotiation as XML (RFC 6120 §6.4): elements in, elements out; what they prove is for the mechanism to say. */
import type { Principal } from '../auth/credentials.ts'
import { type MechanismKey, mechanismNamed, offered } from '../sasl/catalogue.ts'
import { availableTypes } from '../sasl/channel-binding.ts'
import type { Advertised, SaslCondition, SaslContext, SaslExchange, SaslStep } from '../sasl/mechanism.ts'
import { decodePayload } from '../sasl/payload.ts'
import type { ScannedElement } from '../xml/scanned.ts'
import { type Markup, tag, text } from '../xml/write.ts'
import type { BareJid } from '../xmpp/jid.ts'
import { NS_SASL } from '../xmpp/namespaces.ts'
import { StreamError } from '../xmpp/stream-error.ts'

export type SaslReply =
  | { readonly kind: 'challenge', readonly markup: Markup }
  | { readonly kind: 'success', readonly markup: Markup, readonly principal: Principal, readonly backend: string | null }
  | { readonly kind: 'failure', readonly markup: Markup, readonly mechanism: string | null, readonly condition: SaslCondition, readonly reason: string,
    /** Where it is known to exist. */
    readonly account: BareJid | undefined }

export class SaslNegotiation {
  /** What the features say, most preferred first. */
  readonly advertised: Advertised
  readonly #configured: readonly MechanismKey[]
  readonly #context: SaslContext
  #exchange: { readonly mechanism: string, readonly step: SaslExchange['step'] } | null = null

  constructor(configured: readonly MechanismKey[], context: SaslContext) {
    this.#configured = configured
    this.#context = context
    const mechanisms = offered(context, configured)
    this.advertised = {
      mechanisms: mechanisms.map(({ name }) => name),
      // XEP-0440 §3: types without a mechanism that binds look to a client as if somebody had taken the mechanism away.
      channelBindings: mechanisms.some(({ name }) => name.endsWith('-PLUS')) ? availableTypes(context.channelBindings()) : [],
    }
  }

  /** Takes an element in the SASL namespace. */
  receive(element: ScannedElement): SaslReply | Promise<SaslReply> {
    switch (element.local) {
      case 'auth': return this.#auth(element)
      case 'response': return this.#response(element)
      case 'abort': return this.fail('aborted', 'the client gave up')
      default: throw new StreamError('unsupported-stanza-type', 'there is no such element in SASL')
    }
  }

  #auth(element: ScannedElement): SaslReply | Promise<SaslReply> {
    if (this.#exchange !== null) return this.fail('malformed-request', 'a second <auth/> before the first was over')
    const mechanism = mechanismNamed(element.attribute('mechanism') ?? '', this.#configured)
    if (mechanism === null) return this.fail('invalid-mechanism', 'that mechanism is unknown or not configured')
    const exchange = mechanism.begin(this.#context, this.advertised)
    this.#exchange = { mechanism: mechanism.name, step: response => exchange.step(response) }
    return this.#step(element, false)
  }

  #response(element: ScannedElement): SaslReply | Promise<SaslReply> {
    if (this.#exchange === null) return this.fail('malformed-request', 'a <response/> to nothing')
    return this.#step(element, true)
  }

  #step(element: ScannedElement, isResponse: boolean): SaslReply | Promise<SaslReply> {
    const exchange = this.#exchange
    if (exchange === null) return this.fail('malformed-request', 'no exchange is under way')
    const { children, text: payload } = element.element()
    if (children.length > 0) return this.fail('malformed-request', 'SASL data has no elements in it')
    const data = decodePayload(payload)
    if (data === 'incorrect-encoding') return this.fail('incorrect-encoding', 'the SASL data is not base64, or too long')
    // RFC 6120 §6.4.2: without data an <auth/> has no initial response, and a <response/> is one of length zero.
    const step = exchange.step(data === null && isResponse ? new Uint8Array(0) : data)
    return step instanceof Promise ? step.then(late => this.#reply(late)) : this.#reply(step)
  }

  #reply(step: SaslStep): SaslReply {
    switch (step.kind) {
      case 'challenge':
        return { kind: 'challenge', markup: saslMarkup('challenge', step.data) }
      case 'success':
        this.#exchange = null
        return { kind: 'success', markup: saslMarkup('success', step.data), principal: step.principal, backend: step.backend }
      case 'failure':
        return this.fail(step.condition, step.reason, step.text ?? null, step.account)
    }
  }

  /** `told` is for the person at the other end; null where a word more would give away what the client does not know yet. */
  fail(condition: SaslCondition, reason: string, told: string | null = reason, account?: BareJid): SaslReply {
    const mechanism = this.#exchange?.mechanism ?? null
    this.#exchange = null
    const markup = tag('failure', { xmlns: NS_SASL }, tag(condition),
      ...told === null ? [] : [tag('text', { 'xml:lang': 'en' }, text(told))])
    return { kind: 'failure', markup, mechanism, condition, reason, account }
  }
}

/** RFC 6120 §6.4.2: data of length zero is `=`, except in a challenge, whose schema has the empty string for it; no data is no text. */
function saslMarkup(name: 'challenge' | 'success', data: Uint8Array | null): Markup {
  if (data === null || (data.length === 0 && name === 'challenge')) return tag(name, { xmlns: NS_SASL })
  return tag(name, { xmlns: NS_SASL }, text(data.length === 0 ? '=' : Buffer.from(data).toString('base64')))
}
