/** One protocol, in one file. The catalogue lists it; dispatch, disco, stream features and the README's table follow from it. */
import type { Clock } from '../telemetry/clock.ts'
import type { BareJid, Domainpart, FullJid } from '../xmpp/jid.ts'
import type { Stanza } from '../xmpp/stanza.ts'
import type { Markup } from '../xml/write.ts'
import type { FeatureAccount, FeatureResource } from './feature-account.ts'
import type { FeatureOptions } from './options.ts'

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

/** Who can be asked: the server itself, the sender's own account, or the account of somebody else, whose JID need not exist. */
export type AskedOf = 'server' | 'account' | 'contact'

export interface Software { readonly name: string, readonly version: string }

/** What is kept of accounts and read only when somebody asks. The store of the domain is one. */
export interface FeatureStore {
  vcard(account: BareJid): Promise<Uint8Array | null>
  privateXml(account: BareJid, ns: string, local: string): Promise<Uint8Array | null>
  /** Of all private XML that the account keeps. */
  privateBytes(account: BareJid): Promise<number>
  /** `seconds` since the epoch. */
  lastActivity(account: BareJid): Promise<{ readonly seconds: number, readonly status: string } | null>
}

/** What is known without any request: enough for what the server says of itself. */
export interface ServerContext {
  /** Every feature that is on, for disco. */
  readonly features: readonly Feature[]
  readonly software: Software
  /** The domain that says it. */
  readonly host: Domainpart
}

/** What an answer may depend on beside the request. */
export interface FeatureContext extends ServerContext {
  readonly sender: FullJid
  /** The sender's resource, with what it asked to be told. */
  readonly resource: FeatureResource
  readonly at: AskedOf
  /** Whom: the bare JID of an account, or the server's domain. */
  readonly asked: BareJid
  /** The account that was asked, which is loaded where it is not in memory. Rejects for the server. */
  readonly account: () => Promise<FeatureAccount>
  readonly clock: Pick<Clock, 'now' | 'elapsed'>
  /** When the server was started: milliseconds of `Clock.elapsed`. */
  readonly startedAt: number
  readonly store: FeatureStore
  readonly options: FeatureOptions
  /** An unpredictable id, for a request of our own. */
  readonly newId: () => string
}

export interface IqHandler {
  readonly type: 'get' | 'set'
  readonly ns: string
  readonly local: string
  /** Who may be asked. Whoever cannot be asked gives the answer of one who understands nothing (RFC 6120 §8.4). */
  readonly at: readonly AskedOf[]
  /** Returns the payload of the result, or nothing for an empty one; throws StanzaError, or rejects with it, to refuse. */
  handle(request: Stanza, context: FeatureContext): Markup | null | Promise<Markup | null>
}

/** A kind of request. */
export type IqKind = Pick<IqHandler, 'type' | 'ns' | 'local'>

export interface Feature {
  readonly name: string
  /** What the domain cannot be without: it is not switched off. */
  readonly isRequired?: true
  /** The feature that this one speaks through: without that it is off as well. */
  readonly needs?: string
  readonly specs: readonly Spec[]
  /** Namespaces that disco#info lists for the server, and for an account (XEP-0030 §3). */
  readonly disco?: { readonly server?: readonly string[], readonly account?: readonly string[] }
  readonly iq?: readonly IqHandler[]
  /** Requests to a connected resource that reach it only from those who may see the presence of its account. */
  readonly guarded?: readonly IqKind[]
  /** What authenticated clients find among the stream features (RFC 6120 §4.3.2). */
  readonly streamFeature?: (context: ServerContext) => Markup
  /** A node at which disco#info finds the server too. */
  readonly discoNode?: (context: ServerContext) => string
}
