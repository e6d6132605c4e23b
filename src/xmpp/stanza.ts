/** RFC 6120 §8: the three units of routing, read from one scanned element without building a tree. */
import type { ScannedElement } from '../xml/scanned.ts'
import type { Element, QName } from '../xml/element.ts'
import { type Markup, raw, tag, text } from '../xml/write.ts'
import type { Jid } from './jid.ts'
import { NS_CLIENT, NS_STANZA_ERRORS } from './namespaces.ts'
import type { StanzaError } from './stanza-error.ts'

export type StanzaKind = 'message' | 'presence' | 'iq'
export type MessageType = 'normal' | 'chat' | 'groupchat' | 'headline' | 'error'
export type PresenceType = 'available' | 'unavailable' | 'probe' | 'error' | 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed'
export type IqType = 'get' | 'set' | 'result' | 'error'

const messageTypes: ReadonlySet<string> = new Set<MessageType>(['normal', 'chat', 'groupchat', 'headline', 'error'])
const presenceTypes: ReadonlySet<string> = new Set<PresenceType>(['unavailable', 'probe', 'error',
  'subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'])
const iqTypes: ReadonlySet<string> = new Set<IqType>(['get', 'set', 'result', 'error'])

/** One stanza. The addresses are as the peer wrote them; `wire` is what arrived, byte for byte. */
export class Stanza {
  readonly kind: StanzaKind
  readonly wire: ScannedElement
  readonly to: string | null
  readonly from: string | null

  constructor(kind: StanzaKind, wire: ScannedElement) {
    this.kind = kind
    this.wire = wire
    this.to = wire.attribute('to')
    this.from = wire.attribute('from')
  }

  get id(): string | null { return this.wire.attribute('id') }
  get isError(): boolean { return this.wire.attribute('type') === 'error' }

  /** RFC 6121 §5.2.2: a message of a type that we do not know is one of type normal. */
  get messageType(): MessageType {
    const type = this.wire.attribute('type')
    return type !== null && messageTypes.has(type) ? type as MessageType : 'normal'
  }

  /** RFC 6121 §4.7.1; null for a type that does not exist. */
  get presenceType(): PresenceType | null {
    const type = this.wire.attribute('type')
    if (type === null) return 'available'
    return presenceTypes.has(type) ? type as PresenceType : null
  }

  /** RFC 6120 §8.2.3: id and type are required, a request has exactly one child, a result at most one; null otherwise. */
  get iqType(): IqType | null {
    const type = this.wire.attribute('type')
    if (type === null || !iqTypes.has(type) || this.id === null) return null
    const { childCount } = this.wire
    if (type === 'error') return 'error'
    return (type === 'result' ? childCount <= 1 : childCount === 1) ? type as IqType : null
  }

  /** Name of the first child: of the payload, where this is a request. */
  get payload(): QName | null { return this.wire.firstChild }

  /** Builds the tree; only for stanzas that we answer ourselves. */
  element(): Element { return this.wire.element() }
}

/** The element as a stanza, or null where it is none. Only the jabber:client namespace is served here. */
export function readStanza(element: ScannedElement): Stanza | null {
  if (element.ns !== NS_CLIENT) return null
  const { local } = element
  return local === 'message' || local === 'presence' || local === 'iq' ? new Stanza(local, element) : null
}

/** The `<error/>` child of RFC 6120 §8.3.2. */
export const errorMarkup = (error: StanzaError): Markup =>
  tag('error', { type: error.type },
    tag(error.condition, { xmlns: NS_STANZA_ERRORS }),
    ...error.message === error.condition ? [] : [tag('text', { xmlns: NS_STANZA_ERRORS, 'xml:lang': 'en' }, text(error.message))],
    ...error.specific === null ? [] : [tag(error.specific.local, { xmlns: error.specific.ns })])

/** A stanza of our own making, stand-alone (RFC 7395 §3.3.3). */
export const stanzaMarkup = (kind: StanzaKind, attributes: Readonly<Record<string, string | null>>, ...content: readonly Markup[]): Uint8Array =>
  Buffer.from(tag(kind, { xmlns: NS_CLIENT, ...attributes }, ...content))

/** The answer to a stanza that failed (RFC 6120 §8.3.1). Its payload is not sent back: the sender has it. */
export const errorReply = (stanza: Stanza, error: StanzaError, from: string | null, to: Jid | null): Uint8Array =>
  stanzaMarkup(stanza.kind, { type: 'error', id: stanza.id, from, to }, errorMarkup(error))

/** The answer to an IQ request (RFC 6120 §8.2.3). */
export const resultReply = (request: Stanza, from: string | null, to: Jid | null, payload: string): Uint8Array =>
  stanzaMarkup('iq', { type: 'result', id: request.id, from, to }, raw(payload))
