/** The BOSH sessions of all listeners: made on a session request (XEP-0124 §7), found by their sid, forgotten when nobody comes. */
import { timingSafeEqual } from 'node:crypto'
import type { LimitName } from '../telemetry/limit.ts'
import type { ScannedElement } from '../xml/scanned.ts'
import type { Transport } from '../stream/transport.ts'
import { type BoshBody, type SessionRequest, sessionRequestOf } from './bosh-body.ts'
import type { BoshOptions } from './bosh-options.ts'
import { type BoshAgreement, type BoshShared, BoshTransport, type RequestOrigin } from './bosh.ts'
import type { TerminalCondition } from './bosh-window.ts'

/** §7.2: the highest version of BOSH spoken here. */
const ownVersion = { major: 1, minor: 11 }

/** Bytes of stanzas in one response; what is more comes with the next. */
const maxResponseBytes = 262_144

/** What a request may need around its stanzas: their limit is so many bytes below that of its body. */
const wrapperBytes = 1_024

/** The part of a sid by which it is found; the rest is compared in constant time. */
const handleLength = 16

export interface BoshSessionsOptions {
  readonly shared: BoshShared
  readonly accept: (transport: Transport) => void
  /** Whether a domain is served here. */
  readonly serves: (domain: string) => boolean
  /** An unguessable sid, of at least 32 characters: §19.3. */
  readonly newSid: () => string
}

interface Entry {
  readonly sid: Buffer
  readonly transport: BoshTransport
  readonly agreement: BoshAgreement
}

/** Why there is no session for a request. */
export interface SessionRefusal {
  readonly condition: TerminalCondition
  readonly limit?: LimitName
}

export class BoshSessions {
  readonly #options: BoshSessionsOptions
  readonly #byHandle = new Map<string, Entry>()
  readonly #perAddress = new Tally()
  readonly #perCertificate = new Tally()

  /** Requests whose response has not left yet. */
  underWay = 0

  constructor(options: BoshSessionsOptions) { this.#options = options }

  get size(): number { return this.#byHandle.size }

  /** Sessions that are over for all but their clients, who have stanzas to fetch. */
  get owing(): number { return [...this.#byHandle.values()].filter(({ transport }) => transport.isOwing).length }

  /** The session of a request, or null: there is none, or it is not this visitor's. From outside that is the same. */
  find(sid: string, origin: RequestOrigin): Entry | null {
    const entry = this.#byHandle.get(sid.slice(0, handleLength))
    // Ours are ASCII: what is no character of Latin-1 is cut to one, which makes nothing easier to guess.
    if (sid.length !== entry?.sid.length || !timingSafeEqual(Buffer.from(sid, 'latin1'), entry.sid)) return null
    return entry.transport.belongs(origin) ? entry : null
  }

  /** Makes a session as its listener allows, or says with which condition not. Throws BodyError for a request that makes no sense. */
  create(body: BoshBody, root: ScannedElement, origin: RequestOrigin, bosh: BoshOptions): Entry | SessionRefusal {
    const { shared, accept, serves, newSid } = this.#options
    const request = sessionRequestOf(root)
    const { to } = body.header
    if (to === null || to === '') return { condition: 'improper-addressing' }
    if (!serves(to)) return { condition: 'host-unknown' }
    const fingerprint = origin.fingerprint?.toString() ?? null
    if (this.#perAddress.of(origin.remoteAddress) >= bosh.max_sessions_per_address) return tooMany('bosh.max_sessions_per_address')
    if (fingerprint !== null && this.#perCertificate.of(fingerprint) >= bosh.max_sessions_per_certificate) {
      return tooMany('bosh.max_sessions_per_certificate')
    }

    const sid = newSid()
    const agreement = agree(request, sid, bosh)
    const transport = new BoshTransport(body.rid, origin, agreement, shared, {
      over: () => { if (fingerprint !== null) this.#perCertificate.subtract(fingerprint) },
      gone: () => {
        this.#byHandle.delete(sid.slice(0, handleLength))
        // Those that are over take up memory until then: this is the limit on how many.
        this.#perAddress.subtract(origin.remoteAddress)
      },
    })
    const entry: Entry = { sid: Buffer.from(sid), transport, agreement }
    this.#byHandle.set(sid.slice(0, handleLength), entry)
    this.#perAddress.add(origin.remoteAddress)
    if (fingerprint !== null) this.#perCertificate.add(fingerprint)
    accept(transport)
    return entry
  }
}

const tooMany = (limit: LimitName): SessionRefusal => ({ condition: 'policy-violation', limit })

/** How many there are of each. */
class Tally {
  readonly #counts = new Map<string, number>()

  of(key: string): number { return this.#counts.get(key) ?? 0 }
  add(key: string): void { this.#counts.set(key, this.of(key) + 1) }
  subtract(key: string): void {
    const left = this.of(key) - 1
    if (left > 0) this.#counts.set(key, left)
    else this.#counts.delete(key)
  }
}

/** §7.2: no more of anything than the client asked for, nor than the configuration allows. */
function agree(asked: SessionRequest, sid: string, bosh: BoshOptions): BoshAgreement {
  const wait = Math.min(asked.wait, bosh.max_wait)
  const hold = Math.min(asked.hold, bosh.max_hold)
  const requests = Math.max(2, hold + 1)
  const isPolling = wait === 0 || hold === 0
  // §12: a client that polls has more time, and more than the interval at which it may poll.
  const inactivity = isPolling ? bosh.inactivity + 2 * bosh.polling : bosh.inactivity
  return {
    creation: {
      sid, wait, hold, requests, inactivity, polling: bosh.polling, maxPause: bosh.max_pause,
      ver: asked.ver === null ? null : lowerVersion(asked.ver), content: asked.content,
    },
    stateTimeout: bosh.state_timeout,
    maxBytes: bosh.max_stanza_size - wrapperBytes,
    limits: {
      requests, hold, wait: wait * 1_000, inactivity: inactivity * 1_000, maxPause: bosh.max_pause * 1_000, polling: bosh.polling * 1_000,
      maxDeferredBytes: bosh.max_deferred_bytes, maxResponseBytes, acks: asked.acks,
    },
  }
}

function lowerVersion({ major, minor }: { readonly major: number, readonly minor: number }): string {
  const isLower = major < ownVersion.major || (major === ownVersion.major && minor < ownVersion.minor)
  return isLower ? `${major}.${minor}` : `${ownVersion.major}.${ownVersion.minor}`
}
