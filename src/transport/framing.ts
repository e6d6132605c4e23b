/** The framing of RFC 7395 §3.3: `<open/>` and `<close/>`, read and written. */
import { type LimitName, LimitReached } from '../telemetry/limit.ts'
import type { ScannedElement } from '../xml/scanned.ts'
import { type Markup, tag } from '../xml/write.ts'
import type { XmlError } from '../xml/xml-error.ts'
import { NS_FRAMING } from '../xmpp/namespaces.ts'
import { type StreamCondition, StreamError } from '../xmpp/stream-error.ts'
import type { ResponseHeader, StreamHeader } from '../xmpp/stream-header.ts'

export const isOpen = (element: ScannedElement): boolean => element.local === 'open' && element.ns === NS_FRAMING
export const isClose = (element: ScannedElement): boolean => element.local === 'close' && element.ns === NS_FRAMING

export const headerOf = (open: ScannedElement): StreamHeader => ({
  to: open.attribute('to'),
  from: open.attribute('from'),
  lang: open.lang,
  version: open.attribute('version'),
})

export const openMarkup = ({ id, from, to, lang, version }: ResponseHeader): Markup =>
  tag('open', { xmlns: NS_FRAMING, from, to, id, version, 'xml:lang': lang })

/** §3.6.1: `see-other-uri` names where else the client may go. */
export const closeMarkup = (seeOtherUri: string | null): Markup => tag('close', { xmlns: NS_FRAMING, 'see-other-uri': seeOtherUri })

/** The stream error for what the scanner refused (websocket.md, "framing"). `longest` is the key of the limit on length. */
export function streamErrorOf(error: XmlError, longest: LimitName = 'xml'): StreamError {
  const conditions = {
    'not-well-formed': 'not-well-formed',
    'restricted-xml': 'restricted-xml',
    'bad-format': 'bad-format',
    limit: 'policy-violation',
  } as const satisfies Record<XmlError['fault'], StreamCondition>
  const cause = error.fault === 'limit' ? new LimitReached(error.isTooLong ? longest : 'xml', error.message) : error
  return new StreamError(conditions[error.fault], error.message, { cause })
}
