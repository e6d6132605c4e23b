/** Where a message goes (RFC 6121 §8.5), with what is kept for those who are not there (XEP-0160), copied (XEP-0280) and blocked (XEP-0191). */
import { withAttribute } from '../xml/splice.ts'
import { type BareJid, isFull, type Jid } from '../xmpp/jid.ts'
import type { Stanza } from '../xmpp/stanza.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import type { Account } from './account.ts'
import { mostAvailable, nonNegative } from './availability.ts'
import { copy, isEligible, wantingCopies } from './carbons.ts'
import { GivenMessage } from './given-message.ts'
import type { OfflineMessages } from './offline.ts'
import { type Realm, withAccount } from './realm.ts'
import type { Resident } from './resident.ts'

const unavailable = (text: string) => new StanzaError('service-unavailable', text)

export class MessageRules {
  readonly #realm: Realm
  readonly #offline: OfflineMessages

  constructor(realm: Realm, offline: OfflineMessages) {
    this.#realm = realm
    this.#offline = offline
  }

  /** `to` is of a served domain. */
  receive(sender: Resident, stanza: Stanza, to: Jid): void | Promise<void> {
    // The server itself has no use for messages.
    if (!to.includes('@')) {
      if (isSilent(stanza)) return
      throw unavailable('nobody reads messages here')
    }
    return withAccount(this.#realm, to, account => this.#deliver(sender, stanza, to, account))
  }

  /** XEP-0280 §8, §6.1: the other clients of the account see also what could not be delivered, and that it could not. */
  refused(sender: Resident, stanza: Stanza, error: Uint8Array): void {
    const { account } = sender
    const others = wantingCopies(this.#realm, account, [sender])
    if (others.length === 0 || !isEligible(stanza)) return
    copy(others, account, 'sent', stanza.wire.attribute('type'), withAttribute(stanza.wire, 'from', sender.jid), giveAlone)
    copy(others, account, 'received', 'error', error, giveAlone)
  }

  #deliver(sender: Resident, stanza: Stanza, to: Jid, recipient: Account): void | Promise<void> {
    const type = stanza.messageType
    // XEP-0191 §3.3: as if nobody were there.
    if (recipient.blocks(sender.jid)) {
      if (isSilent(stanza)) return
      throw unavailable('the recipient is not available')
    }
    const resource = isFull(to) ? this.#realm.directory.get(to) : undefined
    // §8.5.3.1: a resource that is bound gets what is sent to it, available or not.
    if (resource !== undefined) {
      this.#give(sender, stanza, recipient, [resource])
      return
    }
    // §8.5.3.2.1: to a resource that is gone, only a chat message goes on to the account.
    if (isFull(to) && type !== 'chat') {
      if (type === 'normal' || type === 'groupchat') throw unavailable('that resource is not connected')
      return
    }
    const chosen = this.#forAccount(type, recipient.jid)
    const behind = chosen.filter(({ isBehind }) => isBehind)
    const mustWait = behind.length > 0 && type !== 'headline' && this.#offline.takes(stanza, recipient)
    const prompt = mustWait ? chosen.filter(({ isBehind }) => !isBehind) : chosen
    if (prompt.length > 0) {
      this.#give(sender, stanza, recipient, prompt)
      return
    }
    // §8.5.2.2.1: nobody there. A headline or an error just ends.
    if (isSilent(stanza)) return
    if (type === 'groupchat') throw unavailable('an account takes no groupchat messages')
    if (!this.#offline.takes(stanza, recipient)) throw unavailable('the recipient is not available')
    const wire = withAttribute(stanza.wire, 'from', sender.jid)
    let isKept = true
    return this.#offline.keep(recipient, wire, this.#realm.clock.now(), residents => {
      isKept = false
      this.#give(sender, stanza, recipient, residents, wire)
    }).then(() => { if (isKept) this.#give(sender, stanza, recipient, [], wire, behind) })
  }

  /** Those are given it, and whoever wants copies is given one; where it was kept for the account, there is nobody but these. `later` get it itself, and need none. */
  #give(sender: Resident, stanza: Stanza, recipient: Account, residents: readonly Resident[], wire = withAttribute(stanza.wire, 'from', sender.jid),
    later: readonly Resident[] = []): void {
    const isCopied = (sender.account.copied > 0 || recipient.copied > 0) && isEligible(stanza)
    const others = isCopied ? wantingCopies(this.#realm, recipient, [sender, ...residents, ...later]) : []
    const give = residents.length > 0 && others.length > 0 ? this.#together(wire, residents, others) : giveAlone
    for (const resident of residents) give(resident, wire)
    // One copy is enough of what somebody says to himself.
    if (isCopied && recipient !== sender.account) copy(wantingCopies(this.#realm, sender.account, [sender]), sender.account, 'sent', stanza.wire.attribute('type'), wire, giveAlone)
    copy(others, recipient, 'received', stanza.wire.attribute('type'), wire, give)
  }

  /** What one of them has, the others need not be given again (undelivered.ts). */
  #together(wire: Uint8Array, residents: readonly Resident[], others: readonly Resident[]): typeof giveAlone {
    // A copy of its own: `wire` is part of a larger allocation that would live as long.
    const given = new GivenMessage({ wire: new Uint8Array(wire), at: this.#realm.clock.now() })
    given.announce(residents, 'message')
    given.announce(others, 'copy')
    return (resident, bytes) => { given.give(resident, bytes) }
  }

  /** §8.5.2.1.1: who gets a message to the bare JID. */
  #forAccount(type: Stanza['messageType'], account: BareJid): readonly Resident[] {
    const residents = this.#realm.directory.ofAccount(account)
    switch (type) {
      case 'normal':
      case 'chat':
        return mostAvailable(residents)
      case 'headline':
        return nonNegative(residents)
      case 'groupchat':
      case 'error':
        return []
    }
  }
}

const giveAlone = ({ session }: Resident, wire: Uint8Array): void => { session.deliver(wire) }

/** Nobody is told what became of it. */
const isSilent = ({ messageType }: Stanza): boolean => messageType === 'headline' || messageType === 'error'
