/** The framing of a stream over TCP (RFC 6120 §4.2, §4.7, §4.8): `<stream:stream>` read and written, and its end. */
import type { ScannedElement } from '../xml/scanned.ts'
import { type Markup, raw, tag, text } from '../xml/write.ts'
import { NS_CLIENT, NS_STREAM_ERRORS, NS_STREAMS } from '../xmpp/namespaces.ts'
import { StreamError } from '../xmpp/stream-error.ts'
import type { ResponseHeader, StreamHeader } from '../xmpp/stream-header.ts'
import { headerOf } from './framing.ts'

/** The header, or the error that it deserves. */
export function readStreamHeader(root: ScannedElement): StreamHeader | StreamError {
  // §4.8.1, §4.9.3.10
  if (root.ns !== NS_STREAMS) return new StreamError('invalid-namespace', `a stream is opened in the namespace ${NS_STREAMS}`)
  if (root.local !== 'stream') return new StreamError('bad-format', 'a stream is opened with <stream:stream>')
  const content = root.declaredDefault
  // §4.8.2: a header that declares no content namespace, or that of streams, leaves it to each stanza.
  if (content !== null && content !== NS_CLIENT && content !== NS_STREAMS) return new StreamError('invalid-namespace', 'clients are served in the namespace jabber:client')
  return headerOf(root)
}

/** What its peer sends back stays within this element: only the start tag of it is written. */
export const streamHeaderMarkup = ({ id, from, to, lang, version }: ResponseHeader): Markup => {
  const element = tag('stream:stream', { xmlns: NS_CLIENT, 'xmlns:stream': NS_STREAMS, id, from, to, version, 'xml:lang': lang })
  return raw(`<?xml version='1.0'?>${element.slice(0, -2)}>`)
}

/** §4.9.3.19: the error that names another host. */
export const seeOtherHostMarkup = (host: string): Markup =>
  tag('stream:error', { 'xmlns:stream': NS_STREAMS }, tag('see-other-host', { xmlns: NS_STREAM_ERRORS }, text(host)))

export const streamFooter: Markup = raw('</stream:stream>')
