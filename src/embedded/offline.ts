/** Messages for an account that is not there: kept, and given to the next resource that is available with a priority that is not negative (XEP-0160). */
import type { Receipt } from '../session/stream-management.ts'
import type { XmlLimits } from '../xml/limits.ts'
import { Scanner } from '../xml/scanner.ts'
import { domainOf } from '../xmpp/jid.ts'
import { readStanza, type Stanza } from '../xmpp/stanza.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import type { OfflineMessage } from '../store/store.ts'
import type { Account } from './account.ts'
import { caughtUp, nonNegative } from './availability.ts'
import { delayed } from './delay.ts'
import type { Realm } from './realm.ts'
import type { Resident } from './resident.ts'

/** So many are in memory at a time. */
const page = 50

/** After so many milliseconds a resource is available even if its client has not taken all that was kept. */
const patience = 5_000

/** Accepted once, so accepted again whatever the limits are now. */
const noLimits: XmlLimits = { maxBytes: Infinity, maxDepth: Infinity, maxAttributes: Infinity, maxNameBytes: Infinity }

/** A session was given a message that is kept still. */
export class KeptReceipt implements Receipt {
  readonly id: number
  readonly #offline: OfflineMessages
  readonly #account: Account

  constructor(offline: OfflineMessages, account: Account, id: number) {
    this.#offline = offline
    this.#account = account
    this.id = id
  }

  acknowledged(): void { this.#offline.acknowledged(this.#account, this.id) }
}

export class OfflineMessages {
  readonly #realm: Realm
  readonly #scanner = new Scanner(noLimits)

  constructor(realm: Realm) { this.#realm = realm }

  /** Whether such a message is kept for an account that is not there. */
  takes(stanza: Stanza, { isKnown }: Account): boolean { return this.#realm.maxMessages > 0 && isKnown && isWorthKeeping(stanza) }

  /** Keeps the message, unless somebody has come meanwhile: then `present` is given those who get it. Rejects with a StanzaError where it cannot be kept. */
  keep(account: Account, wire: Uint8Array, at: number, present: (residents: readonly Resident[]) => void): Promise<void> {
    return account.perform(async () => {
      const residents = caughtUp(this.#realm.directory.ofAccount(account.jid))
      if (residents.length > 0) {
        present(residents)
        return
      }
      // XEP-0160 §2: a full store is like none.
      if (await account.keepMessage(wire, at, this.#realm.maxMessages) === 'full') throw new StanzaError('service-unavailable', 'no more messages are kept for the recipient')
    })
  }

  /**
   * Gives the resource what is kept, as far as its client has room for it, and the rest as there is room again; then lets it arrive, so that nothing
   * newer comes before. Settles when it has all, or there is no more room for now: then others keep behind the rest what they have for it.
   */
  async giveTo(resident: Resident): Promise<void> {
    resident.isBehind = true
    await resident.account.perform(() => this.#give(resident, page))
    if (resident.arrival !== null) this.#realm.clock.after(patience, () => {
      try {
        resident.arrive()
      } catch (error) {
        this.#failed(resident)(error)
      }
    })
  }

  acknowledged(account: Account, id: number): void {
    account.handover.acknowledge(id)
    if (account.isDropping) return
    account.isDropping = true
    account.perform(async () => {
      account.isDropping = false
      await account.dropMessages(account.handover.mayBeDropped)
    }).catch(() => {
      // It has been logged; whoever comes next gets them once more.
    })
  }

  /** A session that was given these has ended, and its client did not acknowledge them. Null where nobody is there to be given them, and what it left. */
  takeBack(account: Account, ids: readonly number[]): Promise<void> | null {
    for (const id of ids) account.takeBack(id)
    // One who is behind takes in any case what nobody was given.
    const isTaken = ids.length === 0 && [...this.#realm.directory.ofAccount(account.jid)].some(({ isBehind }) => isBehind)
    return account.hasMessages && !isTaken ? this.#giveToNext(account) : null
  }

  /** To be called within `perform`. As much as there is room for, the oldest first, and so many at a time. */
  async #give(resident: Resident, atATime: number): Promise<void> {
    const { account, session } = resident
    let given = 0
    try {
      for (let max = atATime; account.hasMessages; max = Math.min(page, 2 * max)) {
        for (const message of await account.messages(max)) {
          const isTaker = mayTake(resident)
          if (isTaker && session.hasRoomFor(message.wire.length)) {
            this.#giveOne(resident, message)
            given += 1
            continue
          }
          account.messagesAreLeft()
          if (isTaker) this.#awaitRoom(resident, message.wire.length, Math.max(1, given))
          else this.#leave(resident)
          return
        }
      }
    } catch (error) {
      // It has been logged. They are kept for another time; presence does not depend on them.
      if (!(error instanceof StanzaError)) throw error
    } finally {
      if (!resident.awaitsRoom) {
        resident.isBehind = false
        resident.arrive()
      }
    }
  }

  /** Nobody waits for it meanwhile, and what was read is not kept in memory. */
  #awaitRoom(resident: Resident, bytes: number, atATime: number): void {
    if (resident.awaitsRoom) return
    resident.awaitsRoom = true
    resident.session.whenRoom(bytes, () => {
      resident.awaitsRoom = false
      const { account } = resident
      if (mayTake(resident)) account.perform(() => this.#give(resident, atATime)).catch(this.#failed(resident))
      else this.#leave(resident)
    })
  }

  /** The rest is for others. */
  #leave(resident: Resident): void {
    const { account, session } = resident
    resident.isBehind = false
    // What it was given comes back soon, and goes before the rest.
    if (resident.hasLeft && !session.isSettled) return
    this.#giveToNext(account)?.catch(this.#failed(resident))
  }

  #giveToNext(account: Account): Promise<void> | null {
    const [next] = caughtUp(this.#realm.directory.ofAccount(account.jid))
    return next === undefined ? null : this.giveTo(next)
  }

  #giveOne(resident: Resident, { id, wire, at }: OfflineMessage): void {
    const { account, session, jid } = resident
    account.handover.give(id)
    const receipt = new KeptReceipt(this, account, id)
    const stanza = readStanza(this.#scanner.scan(wire))
    if (stanza === null) receipt.acknowledged()
    else session.deliver(delayed(stanza, domainOf(jid), at), receipt)
  }

  #failed({ jid }: Resident): (error: unknown) => void {
    return error => { this.#realm.log.error({ event: 'session.bug', jid, error }) }
  }
}

const mayTake = (resident: Resident): boolean => !resident.hasLeft && (resident.arrival !== null || nonNegative([resident]).length > 0)

const chatStates = 'http://jabber.org/protocol/chatstates'
const hints = 'urn:xmpp:hints'

/** XEP-0160 §3: what has content, and does not only say that somebody is typing; XEP-0334 §4: unless its sender knows better. */
function isWorthKeeping(stanza: Stanza): boolean {
  if (stanza.wire.childCount === 0) return false
  const { children } = stanza.element()
  const hinted = (name: string): boolean => children.some(({ ns, local }) => ns === hints && local === name)
  if (hinted('no-store')) return false
  return hinted('store') || children.some(({ ns, local }) => ns !== chatStates && ns !== hints && local !== 'thread')
}
