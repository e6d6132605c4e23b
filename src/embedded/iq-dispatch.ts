/** Finds the feature that answers a request, and makes the answer (RFC 6120 §8.2.3). */
import type { FullJid, Jid } from '../xmpp/jid.ts'
import { errorReply, resultReply, type Stanza } from '../xmpp/stanza.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import type { Feature, FeatureContext, IqHandler } from './feature.ts'

export class IqDispatch {
  readonly #handlers: ReadonlyMap<string, IqHandler>
  readonly #features: readonly Feature[]
  readonly #software: FeatureContext['software']

  constructor(features: readonly Feature[], software: FeatureContext['software']) {
    this.#features = features
    this.#software = software
    this.#handlers = new Map(features.flatMap(({ iq = [] }) => iq).map(handler => [keyOf(handler.type, handler.ns, handler.local), handler]))
  }

  /** The answer to a request from `sender`; `to` is the address as given, prepared, or null. */
  answer(request: Stanza, sender: FullJid, at: 'server' | 'account', to: Jid | null): Uint8Array {
    try {
      const { payload } = request
      const handler = payload === null ? undefined : this.#handlers.get(keyOf(request.iqType ?? '', payload.ns, payload.local))
      // RFC 6120 §8.4: a namespace that nobody here understands.
      if (handler === undefined || (handler.at !== 'either' && handler.at !== at)) {
        throw new StanzaError('service-unavailable', 'nothing here answers that request')
      }
      const result = handler.handle(request, { sender, at, features: this.#features, software: this.#software })
      return resultReply(request, to, sender, result ?? '')
    } catch (error) {
      if (error instanceof StanzaError) return errorReply(request, error, to, sender)
      throw error
    }
  }
}

const keyOf = (type: string, ns: string, local: string): string => `${type} ${local} ${ns}`
