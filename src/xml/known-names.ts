/**
 * Names and namespaces that XMPP clients send all the time, found by their bytes so that the usual stanza needs no text decoder.
 * Only speed depends on this list: whatever is not in it is decoded.
 */
import { isAt, textIn } from './span.ts'

const known = ['message', 'presence', 'iq', 'body', 'subject', 'thread', 'query', 'ping', 'show', 'status', 'priority', 'c', 'x', 'error',
  'bind', 'resource', 'session', 'auth', 'response', 'abort', 'open', 'close', 'a', 'r', 'active', 'inactive', 'composing', 'paused', 'gone',
  'request', 'received', 'markable', 'displayed', 'origin-id', 'stanza-id', 'delay', 'html', 'pubsub', 'vCard', 'enable', 'enabled', 'resume',
  'resumed', 'failed', 'stream', 'features', 'to', 'from', 'id', 'type', 'xmlns', 'version', 'lang', 'jabber:client', 'jabber:server',
  'jabber:iq:roster', 'jabber:iq:version', 'jabber:iq:private', 'urn:xmpp:ping', 'urn:xmpp:receipts', 'urn:xmpp:chat-markers:0',
  'urn:xmpp:sid:0', 'urn:xmpp:delay', 'urn:xmpp:sm:3', 'urn:xmpp:carbons:2', 'urn:xmpp:mam:2', 'urn:xmpp:hints', 'urn:xmpp:sasl:2',
  'urn:ietf:params:xml:ns:xmpp-sasl', 'urn:ietf:params:xml:ns:xmpp-bind', 'urn:ietf:params:xml:ns:xmpp-session',
  'urn:ietf:params:xml:ns:xmpp-framing', 'urn:ietf:params:xml:ns:xmpp-stanzas', 'http://etherx.jabber.org/streams',
  'http://jabber.org/protocol/httpbind', 'http://jabber.org/protocol/chatstates', 'http://jabber.org/protocol/disco#info',
  'http://jabber.org/protocol/disco#items', 'http://jabber.org/protocol/caps', 'http://jabber.org/protocol/pubsub', 'vcard-temp']

const slotOf = (length: number, middle: number, last: number): number => (length * 37 + middle * 5 + last) & 255

const slots: readonly (readonly string[])[] = Array.from({ length: 256 }, (_, slot) => known.filter(name =>
  slotOf(name.length, name.charCodeAt(name.length >> 1), name.charCodeAt(name.length - 1)) === slot))

/** The UTF-8 text in `bytes[start, end)`, which the caller has found to be sound. */
export function nameIn(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start
  if (length === 0) return ''
  const slot = slots[slotOf(length, bytes[start + (length >> 1)] as number, bytes[end - 1] as number)] as readonly string[]
  for (const name of slot) if (isAt(bytes, start, end, name)) return name
  return textIn(bytes, start, end)
}
