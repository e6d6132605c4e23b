/** The sessions that use stream management (XEP-0198): found by the id that their client holds, and looked after once a second. */
import { hash } from 'node:crypto'
import type { EnableRequest } from '../stream/stream-management-elements.ts'
import type { Clock, Timer } from '../telemetry/clock.ts'
import type { LimitName } from '../telemetry/limit.ts'
import type { Log } from '../telemetry/log.ts'
import { type BareJid, bareOf } from '../xmpp/jid.ts'
import { StreamError } from '../xmpp/stream-error.ts'
import type { Departure } from './domain.ts'
import type { Session } from './session.ts'
import { type Moment, type QueueLimits, StreamManagement } from './stream-management.ts'

/** Milliseconds between two sweeps. It is time that passes, not a date: clocks are set, forwards and back. */
const interval = 1_000

/** So many sessions that have ended are remembered, so that their clients can be told what was handled (§5). */
const maxRemembered = 10_000

export interface ResumptionOptions extends QueueLimits {
  /** Seconds that a session waits for its client; 0 where none does. */
  readonly seconds: number
  /** Where clients are to come back to (§3); null for where they came to. */
  readonly location: string | null
}

/** One that is over. */
export interface EndedSession { readonly account: BareJid, readonly handled: number }

interface Surroundings {
  readonly newId: () => string
  readonly clock: Clock
  readonly log: Log
}

export class ManagedSessions {
  readonly #options: ResumptionOptions
  readonly #surroundings: Surroundings
  readonly #sessions = new Set<Session>()
  readonly #byKey = new Map<string, Session>()
  readonly #ended = new Map<string, EndedSession>()
  readonly #overflown = new Set<Session>()
  #timer: Timer | null = null
  /** Sessions that are over and have not given back yet what they must. */
  #giving = 0
  #isStopped = false

  constructor(options: ResumptionOptions, surroundings: Surroundings) {
    this.#options = options
    this.#surroundings = surroundings
  }

  get location(): string | null { return this.#options.location }

  get moment(): Moment {
    const { clock } = this.#surroundings
    return { at: clock.now(), elapsed: clock.elapsed() }
  }

  /** Whether sessions can outlive their streams here. */
  get areResumable(): boolean { return this.#options.seconds > 0 }

  /** Somebody is about to get what another client has missed. */
  get isGivingBack(): boolean { return this.#giving > 0 }

  /** What a session begins with, and the id that its client may resume it by. */
  begin({ resume, max }: EnableRequest): { readonly management: StreamManagement, readonly id: string | null } {
    if (!resume || !this.areResumable) return { management: new StreamManagement(null, this.#options), id: null }
    const id = this.#surroundings.newId()
    const seconds = Math.min(max ?? Infinity, this.#options.seconds)
    return { management: new StreamManagement({ key: keyOf(id), seconds }, this.#options), id }
  }

  add(session: Session, { resumption }: StreamManagement): void {
    this.#sessions.add(session)
    if (resumption !== null) this.#byKey.set(resumption.key, session)
    if (!this.#isStopped) this.#timer ??= this.#surroundings.clock.every(interval, () => { this.#sweep() })
  }

  find(previd: string): Session | EndedSession | null {
    const key = keyOf(previd)
    return this.#byKey.get(key) ?? this.#ended.get(key) ?? null
  }

  detached(session: Session, reason: Departure): void {
    const { jid, facts: { transport } } = session
    this.#surroundings.log.info({ event: 'session.detached', jid, reason, transport })
  }

  /** Its queue is full: it ends, as soon as those have finished who are delivering just now. */
  overflown(session: Session, limit: LimitName): void {
    if (this.#overflown.has(session)) return
    this.#overflown.add(session)
    const { clock, log } = this.#surroundings
    const { jid, facts: { transport } } = session
    log.info({ event: 'session.queue_full', jid, limit, transport })
    clock.after(0, () => {
      this.#overflown.delete(session)
      // It may have caught up meanwhile.
      if (session.management === null || session.management.exceeded === null) return
      this.#guard(session, () => {
        const reason = session.isDetached ? 'lost' : 'closed'
        session.end(reason, new StreamError('policy-violation', 'too much that was sent is not acknowledged'))
      })
    })
  }

  /** Something that its client sent could not be dealt with, for a bug of ours, and there is no stream that could be told. */
  failed(session: Session, error: unknown): void {
    this.#surroundings.log.error({ event: 'session.bug', jid: session.jid, error })
    session.end('lost', null)
  }

  /** The session is over. What its client has missed goes back to its domain: later, when nobody is in the middle of anything, or now. */
  remove(session: Session, when: 'later' | 'now'): void {
    if (this.#sessions.delete(session)) {
      this.#forget(session)
      if (this.#sessions.size === 0) this.#stopTimer()
    }
    if (session.isSettled) return
    this.#giving += 1
    const giveBack = () => {
      this.#giving -= 1
      this.#guard(session, () => { session.giveBack() })
    }
    if (when === 'now') giveBack()
    else this.#surroundings.clock.after(0, giveBack)
  }

  stop(): void {
    this.#isStopped = true
    this.#stopTimer()
  }

  #forget(session: Session): void {
    const { management } = session
    if (management === null || management.resumption === null) return
    const { handled, resumption } = management
    this.#byKey.delete(resumption.key)
    this.#ended.set(resumption.key, { account: bareOf(session.jid), handled })
    if (this.#ended.size <= maxRemembered) return
    const [oldest] = this.#ended.keys()
    if (oldest !== undefined) this.#ended.delete(oldest)
  }

  #sweep(): void {
    for (const session of this.#sessions) this.#guard(session, () => { session.sweep() })
  }

  /** One session must not keep the others from being looked at, nor bring the process down. */
  #guard(session: Session, act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#surroundings.log.error({ event: 'session.bug', jid: session.jid, error })
    }
  }

  #stopTimer(): void {
    this.#timer?.cancel()
    this.#timer = null
  }
}

/** An id is looked up by its digest: how long that takes tells nothing of the ids that there are. */
const keyOf = (id: string): string => hash('sha256', id, 'base64url')
