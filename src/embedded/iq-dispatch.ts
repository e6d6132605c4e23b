/** Finds the feature that answers a request, and makes the answer (RFC 6120 §8.2.3). */
import type { Clock } from '../telemetry/clock.ts'
import type { Log } from '../telemetry/log.ts'
import { bareOf, type Domainpart, domainOf, type Jid } from '../xmpp/jid.ts'
import { errorReply, resultReply, type Stanza } from '../xmpp/stanza.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import type { Markup } from '../xml/write.ts'
import type { AskedOf, Feature, FeatureContext, FeatureStore, IqHandler, Software } from './feature.ts'
import type { FeatureAccount, FeatureResource } from './feature-account.ts'
import type { FeatureOptions } from './options.ts'

export interface IqServices {
  readonly software: Software
  readonly clock: Pick<Clock, 'now' | 'elapsed'>
  readonly store: FeatureStore
  readonly options: FeatureOptions
  readonly newId: () => string
  readonly log: Log
}

/** Whom a request is for. `account` is called only by a feature that needs it. */
export type Asked = { readonly at: 'server' } | { readonly at: 'account' | 'contact', readonly account: () => Promise<FeatureAccount> }

export class IqDispatch {
  /** Those that are on. */
  readonly features: readonly Feature[]
  readonly #handlers: ReadonlyMap<string, IqHandler>
  readonly #guarded: ReadonlySet<string>
  readonly #services: IqServices
  readonly #startedAt: number

  constructor(features: readonly Feature[], services: IqServices) {
    this.features = features
    this.#services = services
    this.#startedAt = services.clock.elapsed()
    this.#handlers = new Map(features.flatMap(({ iq = [] }) => iq).map(handler => [keyOf(handler), handler]))
    this.#guarded = new Set(features.flatMap(({ guarded = [] }) => guarded).map(keyOf))
  }

  /** What authenticated clients of that domain find among the stream features. */
  streamFeatures(host: Domainpart): readonly Markup[] {
    const context = { features: this.features, software: this.#services.software, host }
    return this.features.flatMap(({ streamFeature }) => streamFeature === undefined ? [] : [streamFeature(context)])
  }

  /** Whether such a request reaches a resource only from those who may see the presence of its account. */
  isGuarded({ payload, iqType }: Stanza): boolean {
    return payload !== null && this.#guarded.has(keyOf({ type: iqType ?? '', ns: payload.ns, local: payload.local }))
  }

  /**
   * Delivers the answer to a request, at once or when the store has done its part: then what is returned tells when. `to` is the address as
   * given, prepared, or null. A bug in what waits for nothing is thrown.
   */
  answer(request: Stanza, resource: FeatureResource, asked: Asked, to: Jid | null): void | Promise<void> {
    const refuse = (error: StanzaError): void => { resource.session.deliver(errorReply(request, error, to, resource.jid)) }
    const reply = (payload: Markup | null): void => { resource.session.deliver(resultReply(request, to, resource.jid, payload ?? '')) }
    try {
      const result = this.#handlerOf(request, asked.at).handle(request, this.#context(resource, asked, to))
      if (result instanceof Promise) return result.then(reply, (error: unknown) => { refuse(this.#judge(error, request)) })
      reply(result)
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
      refuse(error)
    }
  }

  /** RFC 6120 §8.2.3: every request is answered, also where the store fails. */
  #judge(error: unknown, { payload }: Stanza): StanzaError {
    if (error instanceof StanzaError) return error
    this.#services.log.error({ event: 'request.failed', ns: payload?.ns, error })
    return new StanzaError('internal-server-error')
  }

  #handlerOf({ payload, iqType }: Stanza, at: AskedOf): IqHandler {
    const handler = payload === null ? undefined : this.#handlers.get(keyOf({ type: iqType ?? '', ns: payload.ns, local: payload.local }))
    // RFC 6120 §8.4: a namespace that nobody here understands.
    if (handler?.at.includes(at) !== true) throw new StanzaError('service-unavailable', 'nothing here answers that request')
    return handler
  }

  #context(resource: FeatureResource, asked: Asked, to: Jid | null): FeatureContext {
    const { software, clock, store, options, newId } = this.#services
    const jid = bareOf(to ?? resource.jid)
    return {
      features: this.features, software, clock, store, options, newId, startedAt: this.#startedAt,
      sender: resource.jid, resource, at: asked.at, asked: jid, host: domainOf(jid),
      account: asked.at === 'server' ? () => Promise.reject(new Error('the server has no account')) : asked.account,
    }
  }
}

const keyOf = ({ type, ns, local }: { readonly type: string, readonly ns: string, readonly local: string }): string => `${type} ${local} ${ns}`
