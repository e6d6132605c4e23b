/** The `<body/>` wrapper (XEP-0124 §6, XEP-0206): read from a request, written for a response. */
import { createHash } from 'node:crypto'
import { LimitReached } from '../telemetry/limit.ts'
import type { ScannedElement } from '../xml/scanned.ts'
import type { Scanner } from '../xml/scanner.ts'
import { isAt } from '../xml/span.ts'
import { escapeValue } from '../xml/write.ts'
import { XmlError } from '../xml/xml-error.ts'
import { NS_STREAMS } from '../xmpp/namespaces.ts'
import type { StreamHeader } from '../xmpp/stream-header.ts'
import type { WindowResponse } from './bosh-window.ts'

export const NS_HTTPBIND = 'http://jabber.org/protocol/httpbind'
const NS_XBOSH = 'urn:xmpp:xbosh'

/** A request that is no request: `bad-request` (§17.2). */
export class BodyError extends Error {
  override readonly name = 'BodyError'
}

/** What a client said with one `<body/>`. */
export interface BoshBody {
  readonly rid: number
  /** Null in a session request. */
  readonly sid: string | null
  readonly children: readonly ScannedElement[]
  readonly terminates: boolean
  /** Milliseconds. */
  readonly pause: number | null
  readonly ack: number | null
  readonly keyHash: string | null
  readonly nextKey: string | null
  /** XEP-0206 §5: the old stream is over, this opens a new one. */
  readonly restarts: boolean
  readonly header: StreamHeader
}

/** What a session request asks beside (§7.1). Numbers are in seconds; null where nothing is asked. */
export interface SessionRequest {
  readonly ver: { readonly major: number, readonly minor: number } | null
  readonly wait: number
  readonly hold: number
  readonly content: string | null
  readonly acks: boolean
}

/** A wrapper and what is in it, before it is known whether its attributes make sense. */
export interface Wrapper {
  readonly root: ScannedElement
  readonly children: readonly ScannedElement[]
}

/** Throws BodyError. `scanner` is one that reports children. */
export function scanWrapper(bytes: Uint8Array, scanner: Scanner): Wrapper {
  let wrapper
  try {
    wrapper = scanner.scanChildren(bytes)
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    throw new BodyError(error.message, { cause: error.fault === 'limit' ? new LimitReached('xml', error.message) : error })
  }
  const { root } = wrapper
  if (root.ns !== NS_HTTPBIND || root.local !== 'body') throw new BodyError('the request is no <body/> of XEP-0124')
  return wrapper
}

/** Throws BodyError. */
export function readBody({ root, children }: Wrapper): BoshBody {
  // §6: no character data in the wrapper; and a wrapper in the wrapper would be one that nobody looked at.
  if (root.hasText) throw new BodyError('character data in the <body/>')
  if (children.some(({ ns, local }) => ns === NS_HTTPBIND && local === 'body')) throw new BodyError('a <body/> in the <body/>')
  const rid = wholeNumber(root.attribute('rid'))
  if (rid === null || rid === 0) throw new BodyError('rid is a whole number from 1 to 2^53-1')
  const pause = root.attribute('pause')
  const pauseSeconds = pause === null ? null : wholeNumber(pause)
  if (pause !== null && pauseSeconds === null) throw new BodyError('pause is a number of seconds')
  const key = root.attribute('key')
  const type = root.attribute('type')
  if (type !== null && type !== 'terminate') throw new BodyError('there is no request of that type')
  const sid = root.attribute('sid')
  return {
    rid, sid, children,
    terminates: type === 'terminate',
    pause: pauseSeconds === null ? null : pauseSeconds * 1_000,
    ack: wholeNumber(root.attribute('ack')),
    // §15.4: SHA-1 of the key as it was sent. §15.2: case does not count.
    keyHash: key === null ? null : createHash('sha1').update(key).digest('hex'),
    nextKey: (root.attribute('newkey') ?? key)?.toLowerCase() ?? null,
    restarts: sid !== null && booleanOf(root.qualifiedAttribute(NS_XBOSH, 'restart')),
    header: {
      to: root.attribute('to'),
      from: root.attribute('from'),
      lang: root.lang,
      // XEP-0206 §4: a client that does not say speaks what there was when BOSH came, and that is 1.0.
      version: root.qualifiedAttribute(NS_XBOSH, 'version') ?? '1.0',
    },
  }
}

export function sessionRequestOf(root: ScannedElement): SessionRequest {
  const seconds = (name: string, otherwise: number): number => {
    const given = root.attribute(name)
    if (given === null) return otherwise
    const value = wholeNumber(given)
    if (value === null) throw new BodyError(`${name} is a whole number`)
    return value
  }
  const content = root.attribute('content')
  // It becomes a header: what is no media type (RFC 9110 §8.3.1) is not repeated.
  if (content !== null && !/^[\w!#$&^.+-]{1,100}\/[\w!#$&^.+-]{1,100}( *; *[\w-]{1,40}="?[\w.+-]{1,40}"?){0,3}$/.test(content)) {
    throw new BodyError('content is a media type')
  }
  const ver = /^(\d{1,9})\.(\d{1,9})$/.exec(root.attribute('ver') ?? '')
  return {
    ver: ver === null ? null : { major: Number(ver[1]), minor: Number(ver[2]) },
    wait: seconds('wait', 0),
    hold: seconds('hold', 0),
    content,
    acks: root.attribute('ack') === '1',
  }
}

/** §14.1: up to 2^53-1, in decimal digits and nothing else. */
function wholeNumber(text: string | null): number | null {
  if (text === null || text.length === 0 || text.length > 16) return null
  let value = 0
  for (let index = 0; index < text.length; index++) {
    const digit = text.charCodeAt(index) - 0x30
    if (digit < 0 || digit > 9) return null
    value = value * 10 + digit
  }
  return value <= Number.MAX_SAFE_INTEGER ? value : null
}

/** XML Schema Part 2 §3.2.2.1. */
const booleanOf = (text: string | null): boolean => /^\s*(?:true|1)\s*$/.test(text ?? '')

const close = Buffer.from('</body>')
const plainOpen = Buffer.from(`<body xmlns='${NS_HTTPBIND}'>`)
const plainEmpty = Buffer.from(`<body xmlns='${NS_HTTPBIND}'/>`)

/** `creation` is written into the answer to the session request, and only there. */
export function bodyBytes(response: WindowResponse, creation: Readonly<Record<string, string>>): Uint8Array {
  const { kind, condition, isCreation, ack, report, payloads } = response
  const isPlain = kind === 'normal' && !isCreation && ack === null && report === null
  if (isPlain && payloads.length === 0) return plainEmpty
  // XEP-0206 §2: whoever looks for the prefix, and not for the namespace, looks for its declaration here.
  const hasStreams = payloads.some(payload => payload.length > 8 && isAt(payload, 0, 8, '<stream:'))
  if (isPlain && !hasStreams) return Buffer.concat([plainOpen, ...payloads, close])
  const attributes: Record<string, string | null> = {
    xmlns: NS_HTTPBIND,
    type: kind === 'normal' ? null : kind,
    condition,
    ...isCreation ? creation : {},
    ack: ack === null ? null : String(ack),
    report: report === null ? null : String(report.rid),
    time: report === null ? null : String(report.time),
    'xmlns:stream': hasStreams ? NS_STREAMS : null,
  }
  const written = Object.entries(attributes).map(([name, value]) => value === null ? '' : ` ${name}='${escapeValue(value)}'`).join('')
  return payloads.length === 0 ? Buffer.from(`<body${written}/>`) : Buffer.concat([Buffer.from(`<body${written}>`), ...payloads, close])
}

/** §7.2 and XEP-0206 §4: how the session will be. */
export interface CreationFacts {
  readonly sid: string
  readonly wait: number
  readonly requests: number
  readonly hold: number
  readonly inactivity: number
  readonly polling: number
  readonly maxPause: number
  readonly ver: string | null
  /** The content type that every response has to have (§7.1). */
  readonly content: string | null
}

export const creationAttributes = (facts: CreationFacts, from: string | null, authid: string): Readonly<Record<string, string>> => ({
  sid: facts.sid,
  wait: String(facts.wait),
  requests: String(facts.requests),
  hold: String(facts.hold),
  inactivity: String(facts.inactivity),
  polling: String(facts.polling),
  maxpause: String(facts.maxPause),
  ...facts.ver === null ? {} : { ver: facts.ver },
  charsets: 'UTF-8',
  ...from === null ? {} : { from },
  authid,
  'xmlns:xmpp': NS_XBOSH,
  'xmpp:version': '1.0',
  'xmpp:restartlogic': 'true',
})
