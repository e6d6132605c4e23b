/** The wire form of a stream error (RFC 6120 §4.9.2). */
import { type Markup, tag, text } from '../xml/write.ts'
import { NS_STREAM_ERRORS, NS_STREAMS } from '../xmpp/namespaces.ts'
import type { StreamError } from '../xmpp/stream-error.ts'

export const streamErrorMarkup = (error: StreamError): Markup =>
  tag('stream:error', { 'xmlns:stream': NS_STREAMS },
    tag(error.condition, { xmlns: NS_STREAM_ERRORS }),
    ...error.message === error.condition ? [] : [tag('text', { xmlns: NS_STREAM_ERRORS, 'xml:lang': 'en' }, text(error.message))],
    ...error.detail === null ? [] : [error.detail])
