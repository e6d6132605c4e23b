/**
 * What becomes of stanzas that a client never acknowledged (XEP-0198 §4): as of those to a resource that is not there (RFC 6121 §8.5.3.2).
 * A message goes to another resource, is kept, or goes back to its sender; a request is answered with an error, presence has been overtaken.
 */
import type { Moment, Unacknowledged } from '../session/stream-management.ts'
import type { XmlLimits } from '../xml/limits.ts'
import { Scanner } from '../xml/scanner.ts'
import { domainOf, isFull, type Jid, parseJid } from '../xmpp/jid.ts'
import { errorReply, readStanza, type Stanza } from '../xmpp/stanza.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import type { Account } from './account.ts'
import { caughtUp, nonNegative } from './availability.ts'
import { isCopy } from './carbons.ts'
import { delayed } from './delay.ts'
import { GivenMessage } from './given-message.ts'
import { KeptReceipt, type OfflineMessages } from './offline.ts'
import { type Realm, withAccount } from './realm.ts'
import type { Resident } from './resident.ts'

/** Accepted once, so accepted again whatever the limits are now. */
const noLimits: XmlLimits = { maxBytes: Infinity, maxDepth: Infinity, maxAttributes: Infinity, maxNameBytes: Infinity }

/** A message that `gone` was given and did not acknowledge, and what it is known to have been before. */
interface Lost extends Moment {
  readonly gone: Resident
  readonly account: Account
  readonly stanza: Stanza
  readonly to: Jid
  readonly given: GivenMessage | null
}

/** Whether it was there, with the priority that it has, when something was sent to its account. */
const had = ({ availability }: Resident, { elapsed }: Moment): boolean => availability !== null && availability.since < elapsed

export class UndeliveredRules {
  readonly #realm: Realm
  readonly #offline: OfflineMessages
  readonly #scanner = new Scanner(noLimits)

  constructor(realm: Realm, offline: OfflineMessages) {
    this.#realm = realm
    this.#offline = offline
  }

  /** `gone` is out of the directory already; another client may be bound to its JID by now. */
  passOn(gone: Resident, stanzas: readonly Unacknowledged[]): void {
    const later = withAccount(this.#realm, gone.jid, account => {
      // What is kept still is given to somebody else, before what came later.
      const given = this.#offline.takeBack(account, stanzas.flatMap(({ receipt }) => receipt instanceof KeptReceipt ? [receipt.id] : []))
      const passRest = () => { for (const stanza of stanzas) if (!(stanza.receipt instanceof KeptReceipt)) this.#one(gone, account, stanza) }
      return given === null ? passRest() : given.then(passRest)
    })
    if (later instanceof Promise) later.catch((error: unknown) => { this.#realm.log.error({ event: 'session.bug', jid: gone.jid, error }) })
  }

  #one(gone: Resident, account: Account, { wire: sent, at: sentAt, elapsed, receipt }: Unacknowledged): void {
    const given = receipt instanceof GivenMessage ? receipt : null
    const { wire, at } = given?.original ?? { wire: sent, at: sentAt }
    given?.lost()
    // Whose copy it was has gone: it is a matter of those who have the message, unless there is nobody any more (XEP-0280).
    if (given !== null && (given.isSettled || (given.formFor(gone) === 'copy' && !given.isLost))) return
    const stanza = readStanza(this.#scanner.scan(wire))
    if (stanza === null) return
    const to = (stanza.to === null ? null : parseJid(stanza.to)) ?? account.jid
    // XEP-0191 §3.3: somebody may have been blocked since.
    const from = stanza.from === null ? null : parseJid(stanza.from)
    if (from !== null && account.blocks(from)) {
      if (isAnswered(stanza)) this.#refuse(stanza, to, given)
      return
    }
    switch (stanza.kind) {
      case 'message':
        this.#message({ gone, account, stanza, to, given, at, elapsed })
        return
      case 'iq':
        // What was asked of that client can be answered by no other.
        if (isAnswered(stanza)) this.#refuse(stanza, to)
        return
      case 'presence':
        // Whoever was to see it has gone, or is shown the last one when it comes back.
        return
    }
  }

  #message(lost: Lost): void {
    const { gone, account, stanza, to, given } = lost
    const type = stanza.messageType
    // RFC 6121 §8.5.3.2.1: these are never passed on, and never answered.
    if (type === 'error') return
    // A copy of what is kept, or of what the account said (XEP-0280).
    if (isCopy(stanza, account)) return
    const { directory } = this.#realm
    const successor = isFull(to) ? directory.get(to) : undefined
    if (successor !== undefined) {
      this.#deliver([successor], lost)
      return
    }
    if (type === 'headline') {
      // RFC 6121 §8.5.2.1.1: all that were there have it; who came later has not.
      if (!isFull(to)) this.#deliver(nonNegative(directory.ofAccount(account.jid)).filter(resident => !had(resident, lost)), lost)
      return
    }
    // RFC 6121 §8.5.3.2.1: what was meant for that resource goes on to the account only if it is a chat message.
    if (isFull(to) && type !== 'chat') {
      this.#refuse(stanza, to, given)
      return
    }
    const chosen = caughtUp(directory.ofAccount(account.jid))
    if (chosen.length === 0) {
      this.#keep(lost)
      return
    }
    // RFC 6121 §8.5.2.1.1: those that were equals of the one that has gone were given it then.
    const wasEqual = (resident: Resident): boolean => given?.formFor(gone) !== 'copy' && resident.availability?.priority === gone.lastPriority && had(resident, lost)
    if (!isFull(to) && chosen.some(wasEqual)) return
    if (chosen.some(resident => given?.formFor(resident) === 'message')) return
    this.#deliver(chosen.filter(resident => given?.formFor(resident) === undefined), lost)
  }

  /** XEP-0160: as if it had come just now, but for its time. Also where another client had a copy: it is gone, or takes no messages. */
  #keep(lost: Lost): void {
    const { account, stanza, to, given, at } = lost
    if (!this.#offline.takes(stanza, account)) {
      this.#refuse(stanza, to, given)
      return
    }
    if (given !== null) given.isSettled = true
    const { bytes, start, end } = stanza.wire
    this.#offline.keep(account, bytes.subarray(start, end), at, residents => { this.#deliver(residents, lost) }).catch((error: unknown) => {
      if (error instanceof StanzaError) this.#refuse(stanza, to)
      else this.#realm.log.error({ event: 'session.bug', jid: account.jid, error })
    })
  }

  #deliver(recipients: readonly Resident[], { stanza, given: before, at }: Lost): void {
    const [first] = recipients
    if (first === undefined) return
    const { bytes, start, end } = stanza.wire
    const given = before ?? new GivenMessage({ wire: bytes.subarray(start, end), at })
    given.announce(recipients, 'message')
    const wire = delayed(stanza, domainOf(first.jid), at)
    for (const resident of recipients) given.give(resident, wire)
  }

  /** The sender is told, if it is still there. */
  #refuse(stanza: Stanza, to: Jid, given: GivenMessage | null = null): void {
    if (given !== null) given.isSettled = true
    const sender = stanza.from === null ? undefined : this.#realm.directory.get(stanza.from)
    sender?.session.deliver(errorReply(stanza, new StanzaError('service-unavailable', 'the client went away before it had acknowledged this'), to, sender.jid))
  }
}

/** Whether its sender hears that nobody got it. */
function isAnswered({ kind, iqType, messageType }: Stanza): boolean {
  if (kind === 'iq') return iqType === 'get' || iqType === 'set'
  return kind === 'message' && messageType !== 'error' && messageType !== 'headline'
}
