/** The elements of stream management (XEP-0198): what a stream and its session read and say of them. */
import type { ScannedElement } from '../xml/scanned.ts'
import { type Markup, tag } from '../xml/write.ts'
import { NS_SM, NS_STANZA_ERRORS } from '../xmpp/namespaces.ts'
import type { StanzaCondition } from '../xmpp/stanza-error.ts'
import { StreamError } from '../xmpp/stream-error.ts'

/** `<resume/>` (§5). */
export interface ResumeRequest {
  readonly previd: string
  /** Stanzas that the client has handled, modulo 2^32. */
  readonly h: number
}

/** `<enable/>` (§3). */
export interface EnableRequest {
  readonly resume: boolean
  /** Seconds; null where the client has no preference. */
  readonly max: number | null
}

/** Null for one that lacks what it must have. */
export function readResume(element: ScannedElement): ResumeRequest | null {
  const previd = element.attribute('previd')
  const h = readCount(element)
  return previd === null || previd === '' || h === null ? null : { previd, h }
}

/** Null for one that says what §11 does not allow. */
export function readEnable(element: ScannedElement): EnableRequest | null {
  const resume = booleans.get(element.attribute('resume') ?? 'false')
  const max = element.attribute('max')
  if (resume === undefined || (max !== null && !/^0*[1-9][0-9]*$/.test(max))) return null
  return { resume, max: max === null ? null : Number(max) }
}

const booleans: ReadonlyMap<string, boolean> = new Map([['true', true], ['1', true], ['false', false], ['0', false]])

/** §4: `h` is an unsigned integer of 32 bits; null where it is none. */
export function readCount(element: ScannedElement): number | null {
  const h = element.attribute('h')
  if (h === null || !/^[0-9]{1,10}$/.test(h)) return null
  const count = Number(h)
  return count <= 0xFFFF_FFFF ? count : null
}

export const request: Markup = tag('r', { xmlns: NS_SM })

export const answer = (h: number): Markup => tag('a', { xmlns: NS_SM, h: String(h) })

/** `resumption` is null where the session will end with its stream. */
export const enabled = (resumption: { readonly id: string, readonly seconds: number, readonly location: string | null } | null): Markup =>
  resumption === null ? tag('enabled', { xmlns: NS_SM })
    : tag('enabled', { xmlns: NS_SM, id: resumption.id, resume: 'true', max: String(resumption.seconds), location: resumption.location })

export const resumed = (previd: string, h: number): Markup => tag('resumed', { xmlns: NS_SM, previd, h: String(h) })

/** §6. `h` is only for the account whose session it is (§5). */
export const failed = (condition: StanzaCondition, h: number | null = null): Markup =>
  tag('failed', { xmlns: NS_SM, h: h === null ? null : String(h) }, tag(condition, { xmlns: NS_STANZA_ERRORS }))

/** §6: the peer acknowledges more than it was sent. */
export const handledTooMany = (h: number, sent: number): StreamError =>
  new StreamError('undefined-condition', `${h} stanzas are acknowledged, but ${sent} were sent`,
    { detail: tag('handled-count-too-high', { 'xmlns': NS_SM, 'h': String(h), 'send-count': String(sent) }) })
