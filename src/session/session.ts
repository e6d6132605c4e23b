/** A bound resource: what a client is to its domain. One session, one full JID, one stream at a time (XEP-0198 §5). */
import type { Principal } from '../auth/credentials.ts'
import { noChannelBindings } from '../sasl/channel-binding.ts'
import { answer, enabled, failed, handledTooMany, readCount, readEnable, request } from '../stream/stream-management-elements.ts'
import type { OutboundStream, StanzaSink } from '../stream/stream-services.ts'
import type { ConnectionFacts } from '../stream/transport.ts'
import type { ScannedElement } from '../xml/scanned.ts'
import { bareOf, type FullJid, parseJid } from '../xmpp/jid.ts'
import { NS_CSI, NS_SM } from '../xmpp/namespaces.ts'
import { errorReply, Stanza } from '../xmpp/stanza.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import { StreamError } from '../xmpp/stream-error.ts'
import { HeldPresence, type HoldingRules } from './client-state.ts'
import type { Attachment, Departure } from './domain.ts'
import type { ManagedSessions } from './managed-sessions.ts'
import { Room } from './room.ts'
import type { RateLimiter } from './rate-limiter.ts'
import type { Receipt, StreamManagement } from './stream-management.ts'

/** So many stanzas may wait for those before them; with more, nothing is read for so many milliseconds. */
const mayWait = 64
const breather = 50

export class Session implements StanzaSink {
  readonly jid: FullJid
  readonly #limiter: RateLimiter | null
  readonly #ended: (session: Session, reason: Departure) => void
  readonly #managed: ManagedSessions | null
  readonly #holdingRules: HoldingRules | null
  #principal: Principal
  /** Null while the session waits for its client to come back. */
  #stream: OutboundStream | null
  /** Of the last connection, while there is none. */
  #lastFacts: ConnectionFacts
  #attachment: Attachment | null = null
  /** What came while something before it was still being dealt with; null where nothing is. */
  #waiting: (Stanza | ScannedElement)[] | null = null
  #work: Promise<void> | null = null
  #management: StreamManagement | null = null
  /** Null while the client is active, or does not say (XEP-0352). */
  #held: HeldPresence | null = null
  /** Null until somebody has more for the client than it has room for, or wants to know what it has got. */
  #room: Room | null = null
  /** Sweeps that are left to come back in. */
  #patience = 0
  #isDraining = false
  #over = false

  /** Without `managed` there is no stream management, without `holdingRules` no client state indication. */
  constructor(jid: FullJid, principal: Principal, stream: OutboundStream, limiter: RateLimiter | null,
    ended: (session: Session, reason: Departure) => void, managed: ManagedSessions | null = null, holdingRules: HoldingRules | null = null) {
    this.jid = jid
    this.#principal = principal
    this.#stream = stream
    this.#lastFacts = stream.facts
    this.#limiter = limiter
    this.#ended = ended
    this.#managed = managed
    this.#holdingRules = holdingRules
  }

  /** Who it is now: another login of the same account may have taken it up. */
  get principal(): Principal { return this.#principal }

  /** Of the connection that it is reached by, or was last. */
  get facts(): ConnectionFacts { return this.#stream?.facts ?? this.#lastFacts }

  /** It has lost its stream and waits for its client. */
  get isDetached(): boolean { return this.#stream === null && !this.#over }

  /** Seconds, more or less, that a detached session has left. */
  get patience(): number { return this.#patience }

  /** Null where the client did not ask for stream management. */
  get management(): StreamManagement | null { return this.#management }

  attach(attachment: Attachment): void { this.#attachment = attachment }

  /** Client → domain. */
  receive(stanza: Stanza): void {
    const { from } = stanza
    if (from !== null && from !== this.jid && !this.#isOurs(from)) {
      throw new StreamError('invalid-from', 'a stanza whose "from" is not this session')
    }
    if (this.#limiter !== null) this.#slowDown(this.#limiter)
    if (this.#isDraining) {
      this.#refuse(stanza)
      return
    }
    if (this.#waiting !== null) {
      this.#putOff(stanza, this.#waiting)
      return
    }
    const dealing = this.#attachment?.receive(stanza)
    // XEP-0198 §4: it is handled as soon as we answer for it, in the order in which it came.
    if (dealing === undefined) this.#management?.handle()
    else this.#work = this.#workOff(dealing)
  }

  /** Settles when all that the client has sent so far is dealt with; null where it is. */
  get work(): Promise<void> | null { return this.#work }

  control(element: ScannedElement): boolean {
    // What is no stanza is work all the same.
    if (this.#limiter !== null) this.#slowDown(this.#limiter)
    if (element.ns === NS_CSI) return this.#indicate(element.local)
    if (element.ns !== NS_SM || this.#managed === null) return false
    // What is asked for here is about the stanzas before it; an acknowledgement is about ours.
    if (this.#waiting !== null && element.local !== 'a') {
      this.#putOff(element, this.#waiting)
      return true
    }
    return this.#control(element, this.#managed)
  }

  #control(element: ScannedElement, managed: ManagedSessions): boolean {
    const management = this.#management
    switch (element.local) {
      case 'enable':
        this.#enable(element, managed)
        return true
      case 'resume':
        this.#stream?.say(failed('unexpected-request'))
        return true
      case 'r':
        if (management !== null) this.#stream?.say(answer(management.handled))
        return management !== null
      case 'a':
        if (management !== null) this.#acknowledged(element, management)
        return management !== null
      default:
        return false
    }
  }

  /** Domain → client. `receipt` is told when the client has it: by its own word where it uses stream management, and else when it is sent. */
  deliver(wire: Uint8Array, receipt?: Receipt): void {
    if (this.#held !== null && this.#hold(wire, this.#held)) return
    this.#pass(wire, receipt)
  }

  /** Whether so many bytes more that can wait may be delivered now: what the client has not got yet leaves room for what cannot wait. */
  hasRoomFor(bytes: number): boolean {
    return this.#stream !== null && !this.#isDraining && this.#stream.hasRoomFor(bytes) && this.#management?.hasRoomFor(bytes) !== false
  }

  /** Calls `act`, once, when there is room for so many bytes, or the session is over. */
  whenRoom(bytes: number, act: () => void): void { this.#roomToBe().await(bytes, act) }

  /** Ends the session and its stream. */
  end(reason: Departure, error: StreamError | null): void {
    if (this.#over) return
    // The client need not send again what was handled (XEP-0198 §5).
    if (reason === 'shutdown' && this.#management !== null) this.#stream?.say(answer(this.#management.handled))
    const stream = this.#stream
    // Left first, so that nothing that the departure causes is written behind the stream error.
    try {
      this.#leave(reason)
    } finally {
      stream?.end(error)
    }
  }

  /** Ends the stream. The session goes on where its client may come back to it, and ends with the stream otherwise. */
  suspend(reason: Departure, error: StreamError): void {
    const stream = this.#stream
    if (stream === null) return
    if (this.#detach(reason)) stream.end(error)
    else this.end(reason, error)
  }

  streamEnded(how: 'closed' | 'lost' | 'failed'): void {
    if (this.#stream === null) return
    // XEP-0198 §5: only what was not closed can be taken up again.
    if (how === 'lost' && this.#detach('lost')) return
    this.#leave(how === 'lost' ? 'lost' : 'closed')
  }

  /** Goes on on another stream (XEP-0198 §5). One that is there still ends with `<conflict/>`. Returns what sends again what was not handled. */
  resume(stream: OutboundStream, principal: Principal, management: StreamManagement): () => void {
    const old = this.#stream
    this.#stream = null
    old?.end(new StreamError('conflict', 'the session goes on on another stream'))
    this.#stream = stream
    this.#principal = principal
    management.resume()
    return () => {
      for (const { wire } of [...management.unacknowledged]) {
        if (this.#stream !== stream) return
        stream.send(wire)
      }
      if (management.unacknowledged.length > 0) this.#request(management)
      // XEP-0352 §5.2: the client that comes back is active, and has the rest behind what it had been sent.
      this.#activate()
      this.#room?.wake()
    }
  }

  /** Called again and again: asks for an acknowledgement that is overdue, and ends a session whose client did not come back in time. */
  sweep(): void {
    const management = this.#management
    if (management === null) return
    if (this.#stream !== null) {
      if (management.sweep()) this.#request(management)
      return
    }
    this.#patience -= 1
    if (this.#patience < 0) this.end('lost', null)
  }

  /** The gateway is about to stop: nothing more is taken from the client, and it is asked to acknowledge what it was sent. */
  drain(): void {
    this.#isDraining = true
    const management = this.#management
    management?.hurry()
    if (management?.isRequestDue === true) this.#request(management)
  }

  /** Nothing that the client was sent waits for an acknowledgement, nor to leave for it where somebody wants to know. */
  get isSettled(): boolean { return this.#room?.hasSentAll !== false && (this.#management === null || this.#management.unacknowledged.length === 0) }

  /** Gives back to the domain what the client never acknowledged, or what never left for it: once, when the session is over. */
  giveBack(): void {
    const all = [...this.#room?.takeAll() ?? [], ...this.#management?.takeAll() ?? []]
    if (all.length > 0) this.#attachment?.undelivered(all)
  }

  #putOff(item: Stanza | ScannedElement, waiting: (Stanza | ScannedElement)[]): void {
    waiting.push(item)
    if (waiting.length > mayWait) this.#stream?.pause(breather)
  }

  /** Deals with what is waiting, one after the other. It was sent, and is dealt with, even where the session ends meanwhile. */
  async #workOff(dealing: Promise<void>): Promise<void> {
    const waiting: (Stanza | ScannedElement)[] = []
    this.#waiting = waiting
    try {
      await dealing
      this.#management?.handle()
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        if (next instanceof Stanza) {
          await this.#attachment?.receive(next)
          this.#management?.handle()
        } else if (this.#managed !== null && !this.#over && !this.#control(next, this.#managed)) {
          throw new StreamError('unsupported-stanza-type', 'stream management was not enabled')
        }
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#waiting = null
      this.#work = null
    }
  }

  #fail(error: unknown): void {
    if (this.#stream !== null) this.#stream.fail(error)
    else this.#managed?.failed(this, error)
  }

  /** XEP-0352 §4.2. */
  #indicate(state: string): boolean {
    if (this.#holdingRules === null || (state !== 'active' && state !== 'inactive')) return false
    if (state === 'active') this.#activate()
    else this.#held ??= new HeldPresence(this.#holdingRules, this.jid)
    return true
  }

  #activate(): void {
    const held = this.#held
    this.#held = null
    if (held !== null) this.#release(held)
  }

  /** False for what is to be delivered now: what waited has gone before it, so that everything comes in order. */
  #hold(wire: Uint8Array, held: HeldPresence): boolean {
    const isHeld = held.hold(wire)
    if (!isHeld || held.isFull) this.#release(held)
    return isHeld
  }

  #release(held: HeldPresence): void {
    for (const wire of held.takeAll()) this.#pass(wire)
  }

  #pass(wire: Uint8Array, receipt?: Receipt): void {
    if (this.#over) return
    const management = this.#management
    if (management !== null && this.#managed !== null) {
      this.#deliverManaged(wire, management, this.#managed, receipt)
      return
    }
    if (receipt === undefined) this.#stream?.send(wire)
    else this.#roomToBe().send({ wire, receipt, ...this.#managed?.moment ?? { at: 0, elapsed: 0 } })
  }

  #roomToBe(): Room {
    const [isOver, outbound] = [() => this.#over, () => this.#over ? null : this.#stream]
    return this.#room ??= new Room({
      get isOver() { return isOver() }, get outbound() { return outbound() }, hasRoomFor: bytes => this.hasRoomFor(bytes),
      askFor: bytes => { this.#askFor(bytes) }, fail: error => { this.#fail(error) },
    })
  }

  /** An acknowledgement is what makes room, unless it is on its way. */
  #askFor(bytes: number): void {
    const management = this.#management
    if (management !== null && !management.hasRoomFor(bytes) && !management.isAsked) this.#request(management)
  }

  #slowDown(limiter: RateLimiter): void {
    const milliseconds = limiter.take()
    if (milliseconds > 0) this.#stream?.pause(milliseconds)
  }

  /** XEP-0198 §3. */
  #enable(element: ScannedElement, managed: ManagedSessions): void {
    const stream = this.#stream
    if (stream === null) return
    if (this.#management !== null) {
      stream.say(failed('unexpected-request'))
      throw new StreamError('policy-violation', 'stream management is enabled already')
    }
    const wanted = readEnable(element)
    if (wanted === null) {
      stream.say(failed('bad-request'))
      return
    }
    const { management, id } = managed.begin(wanted)
    const { resumption } = management
    stream.say(enabled(resumption === null || id === null ? null : { id, seconds: resumption.seconds, location: managed.location }))
    // The connection may have gone with these words.
    if (this.#over) return
    this.#management = management
    managed.add(this, management)
  }

  #acknowledged(element: ScannedElement, management: StreamManagement): void {
    const h = readCount(element)
    if (h === null) throw new StreamError('bad-format', 'an acknowledgement says how many stanzas were handled')
    if (!management.acknowledge(h)) throw handledTooMany(h, management.sent)
    if (management.isRequestDue) this.#request(management)
    this.#room?.wake()
  }

  #deliverManaged(wire: Uint8Array, management: StreamManagement, managed: ManagedSessions, receipt: Receipt | undefined): void {
    management.add(wire, managed.moment, receipt)
    if (management.exceeded !== null) managed.overflown(this, management.exceeded)
    this.#stream?.send(wire)
    if (management.isRequestDue) this.#request(management)
  }

  #request(management: StreamManagement): void {
    const stream = this.#stream
    if (stream === null) return
    management.asked()
    stream.say(request)
  }

  /** False where the session cannot outlive its stream. */
  #detach(reason: Departure): boolean {
    const management = this.#management
    const stream = this.#stream
    if (stream === null || this.#over || this.#isDraining || management === null || management.resumption === null) return false
    const { transport, remoteAddress, secure } = stream.facts
    // The connection with all that hangs on it is let go.
    this.#lastFacts = { transport, remoteAddress, secure, certificate: () => ({ kind: 'none' }), channelBindings: () => noChannelBindings }
    this.#stream = null
    this.#patience = management.resumption.seconds
    management.suspend()
    this.#managed?.detached(this, reason)
    return true
  }

  /** While the gateway drains. A client that counts sees that this was not handled, and sends it again elsewhere; another is told. */
  #refuse(stanza: Stanza): void {
    if (this.#management !== null || stanza.kind === 'presence' || stanza.isError || stanza.iqType === 'result') return
    const error = new StanzaError('resource-constraint', 'this server is about to stop')
    this.#stream?.send(errorReply(stanza, error, stanza.to === null ? null : parseJid(stanza.to), this.jid))
  }

  #leave(reason: Departure): void {
    if (this.#over) return
    this.#over = true
    try {
      this.#attachment?.detach(reason)
    } finally {
      // Whatever became of the domain: a session that is over is in nobody's way.
      this.#ended(this, reason)
      this.#room?.wake()
    }
  }

  /** RFC 6120 §8.1.2.1: `from`, where the client gives one, is the bound full JID or its bare JID. */
  #isOurs(from: string): boolean {
    const prepared = parseJid(from)
    return prepared !== null && (prepared === this.jid || prepared === bareOf(this.jid))
  }
}
