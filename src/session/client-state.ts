/** What a client in the background is spared (XEP-0352): presence waits, of each resource the latest. No socket, no timer. */
import type { XmlLimits } from '../xml/limits.ts'
import { Scanner } from '../xml/scanner.ts'
import type { FullJid } from '../xmpp/jid.ts'
import { readStanza } from '../xmpp/stanza.ts'

/** Beyond either, what waits is sent all the same: it must not grow without end while nobody looks. */
const maxHeldStanzas = 500
const maxHeldBytes = 65_536

/** Accepted once, so accepted again whatever the limits are now. */
const noLimits: XmlLimits = { maxBytes: Infinity, maxDepth: Infinity, maxAttributes: Infinity, maxNameBytes: Infinity }

/** Which stanzas can wait until somebody looks at the screen again. */
export class HoldingRules {
  readonly #scanner = new Scanner(noLimits)

  /** Whose presence it is, where the next one from there makes it superfluous; null for all that is to be delivered now. */
  presenceOf(wire: Uint8Array, recipient: FullJid): string | null {
    const stanza = readStanza(this.#scanner.scan(wire))
    if (stanza === null || stanza.kind !== 'presence') return null
    const { from, presenceType } = stanza
    // What a client hears of its own presence answers what it did just now.
    return (presenceType === 'available' || presenceType === 'unavailable') && from !== recipient ? from : null
  }
}

/** What waits for one client: the latest presence of each that has shown any, in the order in which those came. */
export class HeldPresence {
  readonly #rules: HoldingRules
  readonly #recipient: FullJid
  #latest = new Map<string, Uint8Array>()
  #bytes = 0

  constructor(rules: HoldingRules, recipient: FullJid) {
    this.#rules = rules
    this.#recipient = recipient
  }

  /** It cannot hold more: what waits is to be taken. */
  get isFull(): boolean { return this.#latest.size >= maxHeldStanzas || this.#bytes > maxHeldBytes }

  /** False for what cannot wait, behind which nothing may wait either (XEP-0352 §5.1). */
  hold(wire: Uint8Array): boolean {
    const from = this.#rules.presenceOf(wire, this.#recipient)
    if (from === null) return false
    this.#bytes += wire.length - (this.#latest.get(from)?.length ?? 0)
    this.#latest.delete(from)
    // A copy: what arrived with it may be a thousand times as large.
    this.#latest.set(from, new Uint8Array(wire))
    return true
  }

  takeAll(): Iterable<Uint8Array> {
    const all = this.#latest.values()
    this.#latest = new Map()
    this.#bytes = 0
    return all
  }
}
