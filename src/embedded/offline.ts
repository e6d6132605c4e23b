/** Messages for an account that is not there: kept, and given to the next resource that is available with a priority that is not negative (XEP-0160). */
import type { Receipt } from '../session/stream-management.ts'
import type { XmlLimits } from '../xml/limits.ts'
import { Scanner } from '../xml/scanner.ts'
import { domainOf } from '../xmpp/jid.ts'
import { readStanza, type Stanza } from '../xmpp/stanza.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import type { OfflineMessage } from '../store/store.ts'
import type { Account } from './account.ts'
import { mostAvailable } from './availability.ts'
import { delayed } from './delay.ts'
import type { Realm } from './realm.ts'
import type { Resident } from './resident.ts'

/** So many are in memory at a time. */
const page = 50

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
      const residents = mostAvailable(this.#realm.directory.ofAccount(account.jid))
      if (residents.length > 0) {
        present(residents)
        return
      }
      // XEP-0160 §2: a full store is like none.
      if (await account.keepMessage(wire, at, this.#realm.maxMessages) === 'full') throw new StanzaError('service-unavailable', 'no more messages are kept for the recipient')
    })
  }

  /** Gives the resource all that is kept, then lets it be available, so that nothing newer comes before. */
  async giveAll(resident: Resident, then: () => void): Promise<void> {
    const { account } = resident
    await account.perform(async () => {
      try {
        for (let to: Resident | undefined = resident; to !== undefined && account.hasMessages; [to] = this.#takers(account, to)) {
          for (const message of await account.messages(page)) {
            if (this.#give(to, message)) continue
            account.messagesAreLeft()
            break
          }
        }
      } catch (error) {
        // It has been logged. They are kept for another time; presence does not depend on them.
        if (!(error instanceof StanzaError)) throw error
      } finally {
        then()
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

  /** A session that was given these has ended, and its client did not acknowledge them. Null where nobody is there to be given them. */
  takeBack(account: Account, ids: readonly number[]): Promise<void> | null {
    if (ids.length === 0) return null
    for (const id of ids) account.takeBack(id)
    const [next] = mostAvailable(this.#realm.directory.ofAccount(account.jid))
    return next === undefined ? null : this.giveAll(next, () => undefined)
  }

  /** The same one as long as it is there; then whoever else there is. */
  #takers(account: Account, last: Resident): readonly Resident[] { return last.hasLeft ? mostAvailable(this.#realm.directory.ofAccount(account.jid)) : [last] }

  /** False where it has gone meanwhile: while the messages were read, or while it was written to. */
  #give(resident: Resident, { id, wire, at }: OfflineMessage): boolean {
    const { account, session, jid } = resident
    if (resident.hasLeft) return false
    account.handover.give(id)
    const receipt = new KeptReceipt(this, account, id)
    const stanza = readStanza(this.#scanner.scan(wire))
    if (stanza === null) receipt.acknowledged()
    else session.deliver(delayed(stanza, domainOf(jid), at), receipt)
    return true
  }
}

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
