/**
 * What RFC 6121 §3 and XEP-0191 say of subscriptions between a few accounts, as plainly as it can be said: for each ordered pair a handful of flags.
 */

export const actTypes = ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'set', 'remove', 'block', 'unblock'] as const
export type ActType = typeof actTypes[number]
export interface Act { readonly type: ActType, readonly by: string, readonly of: string, readonly name: string }

/** What clients of `owner` see of one contact. */
export interface ListedItem { readonly subscription: string, readonly ask: boolean, readonly approved: boolean, readonly name: string | null }

/** From one account to another. */
class Side {
  /** It is subscribed to the other. */
  sees = false
  /** It has asked for that. */
  asks = false
  /** It has the other's request, unanswered. */
  isAsked = false
  approves = false
  isListed = false
  name: string | null = null
  blocks = false
}

export class SubscriptionModel {
  readonly #sides = new Map<string, Side>()

  side(owner: string, contact: string): Side {
    const key = `${owner} ${contact}`
    const side = this.#sides.get(key) ?? new Side()
    this.#sides.set(key, side)
    return side
  }

  /** Returns the condition of the error, where that is the answer. */
  perform({ type, by, of, name }: Act): string | null {
    const own = this.side(by, of)
    const other = this.side(of, by)
    if (own.blocks && type !== 'set' && type !== 'remove' && type !== 'block' && type !== 'unblock') return 'not-acceptable'
    switch (type) {
      case 'subscribe':
        if (!own.sees) Object.assign(own, { asks: true, isListed: true })
        if (other.blocks) return null
        if (other.approves && !own.sees) Object.assign(own, { sees: true, asks: false })
        else if (!own.sees) other.isAsked = true
        return null
      case 'subscribed':
        if (own.isAsked) {
          Object.assign(own, { isAsked: false, isListed: true })
          Object.assign(other, { sees: true, asks: false })
        } else if (!other.sees) {
          Object.assign(own, { approves: true, isListed: true })
        }
        return null
      case 'unsubscribe':
        Object.assign(own, { sees: false, asks: false })
        other.isAsked = false
        return null
      case 'unsubscribed':
        if (other.sees || own.isAsked) Object.assign(other, { sees: false, asks: false })
        Object.assign(own, { isAsked: false, approves: false })
        return null
      case 'set':
        Object.assign(own, { isListed: true, name })
        return null
      case 'remove':
        if (!own.isListed) return 'item-not-found'
        if (other.sees || own.isAsked) Object.assign(other, { sees: false, asks: false })
        if (own.sees || own.asks) other.isAsked = false
        Object.assign(own, { sees: false, asks: false, isAsked: false, approves: false, isListed: false, name: null })
        return null
      case 'block':
        own.blocks = true
        return null
      case 'unblock':
        own.blocks = false
        return null
    }
  }

  listed(owner: string, contact: string): ListedItem | null {
    const { sees, asks, approves, isListed, name } = this.side(owner, contact)
    const isSeen = this.side(contact, owner).sees
    if (!isListed) return null
    return { subscription: sees ? isSeen ? 'both' : 'to' : isSeen ? 'from' : 'none', ask: asks, approved: approves, name }
  }

  /** Whether the presence of `contact` is shown to `viewer`. */
  shows(contact: string, viewer: string): boolean {
    return this.side(viewer, contact).sees && !this.side(viewer, contact).blocks && !this.side(contact, viewer).blocks
  }
}
