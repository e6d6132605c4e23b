/** One protocol, in one file. The catalogue lists it; dispatch, disco and the README's table follow from it. */
import type { FullJid } from '../xmpp/jid.ts'
import type { Stanza } from '../xmpp/stanza.ts'
import type { Markup } from '../xml/write.ts'

/** How much of a document is there. What is `partial` or `planned` has a note that says which part. */
export type SpecStatus = 'complete' | 'partial' | 'planned'

export interface Spec {
  readonly id: `RFC ${number}` | `XEP-${string}`
  readonly title: string
  readonly status: SpecStatus
  /** Of a XEP: the version that was read. */
  readonly version?: string
  readonly note?: string
}

/** What an answer may depend on beside the request. */
export interface FeatureContext {
  readonly sender: FullJid
  /** Who was asked: the server itself, or an account (then always the sender's own). */
  readonly at: 'server' | 'account'
  /** Every feature that is on, for disco. */
  readonly features: readonly Feature[]
  readonly software: { readonly name: string, readonly version: string }
}

export interface IqHandler {
  readonly type: 'get' | 'set'
  readonly ns: string
  readonly local: string
  /** Who may be asked: the server itself, the sender's own account, or either. */
  readonly at: 'server' | 'account' | 'either'
  /** Returns the payload of the result, or nothing for an empty one; throws StanzaError to refuse. */
  handle(request: Stanza, context: FeatureContext): Markup | null
}

export interface Feature {
  readonly name: string
  readonly specs: readonly Spec[]
  /** Namespaces that disco#info lists for the server (XEP-0030 §3). */
  readonly disco?: readonly string[]
  readonly iq?: readonly IqHandler[]
}
