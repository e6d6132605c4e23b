/** A client that believes what it is told: its roster is what was sent and pushed, its contacts' presence is the last that it heard (RFC 6121 §2.1.6, §4). */
import assert from 'node:assert/strict'
import type { Element } from '../../src/xml/element.ts'
import { parse } from '../../src/xml/parse.ts'
import type { Guest, SmallHouse } from '../support/small-house.ts'
import type { Act, ListedItem } from './subscription-model.ts'

const NS_ROSTER = 'jabber:iq:roster'
const NS_BLOCKING = 'urn:xmpp:blocking'

/** What a client keeps while it is away. */
export interface Cache { readonly ver: string, readonly roster: ReadonlyMap<string, ListedItem> }

export class SubscriptionClient {
  readonly guest: Guest
  readonly user: string
  readonly roster = new Map<string, ListedItem>()
  /** Resources whose presence it has. */
  readonly seen = new Set<string>()
  /** The conditions of the errors that it was sent. */
  readonly errors: string[] = []
  /** Requests of others that it was shown since this was emptied. */
  readonly requests: string[] = []
  ver = ''
  isInterested = false
  isAvailable = false
  #ids = 0

  private constructor(user: string, guest: Guest) {
    this.user = user
    this.guest = guest
  }

  static async enter(house: SmallHouse, user: string, resource: string): Promise<SubscriptionClient> {
    const client = new SubscriptionClient(user, await house.enter(user, resource))
    client.#say('get', `<blocklist xmlns='${NS_BLOCKING}'/>`)
    return client
  }

  /** Asks for the roster: all of it, or what has changed since it was here last. */
  askForRoster(cache: Cache | null): void {
    this.isInterested = true
    this.roster.clear()
    for (const [jid, item] of cache?.roster ?? []) this.roster.set(jid, item)
    this.ver = cache?.ver ?? ''
    this.#say('get', `<query xmlns='${NS_ROSTER}' ver='${this.ver}'/>`)
  }

  do({ type, of, name }: Act): void {
    const jid = `${of}@example.net`
    switch (type) {
      case 'set':
        this.#say('set', `<query xmlns='${NS_ROSTER}'><item jid='${jid}' name='${name}'/></query>`)
        return
      case 'remove':
        this.#say('set', `<query xmlns='${NS_ROSTER}'><item jid='${jid}' subscription='remove'/></query>`)
        return
      case 'block':
      case 'unblock':
        this.#say('set', `<${type} xmlns='${NS_BLOCKING}'><item jid='${jid}'/></${type}>`)
        return
      default:
        this.guest.say(`<presence type='${type}' to='${jid}'/>`)
    }
  }

  show(isAvailable: boolean): void {
    this.isAvailable = isAvailable
    this.guest.say(isAvailable ? '<presence/>' : "<presence type='unavailable'/>")
    // Who is away is told nothing of the others.
    if (!isAvailable) this.seen.clear()
  }

  /** Everything that it was sent since it last listened. */
  listen(): void {
    for (const xml of this.guest.outbound.heard()) this.#hear(parse(Buffer.from(xml)))
    if (!this.isAvailable) this.seen.clear()
  }

  #say(type: string, payload: string): void {
    this.#ids += 1
    this.guest.say(`<iq type='${type}' id='q${this.#ids}'>${payload}</iq>`)
  }

  #hear(element: Element): void {
    const type = element.attributes.get('type')
    const from = element.attributes.get('from') ?? ''
    const [payload] = element.children
    if (type === 'error') this.errors.push(element.children.at(-1)?.children[0]?.local ?? '')
    else if (element.local === 'iq' && payload?.ns === NS_ROSTER) this.#hearRoster(payload, type === 'result')
    else if (payload?.ns === NS_BLOCKING && payload.local === 'block') this.#forget(payload.children.map(({ attributes }) => attributes.get('jid') ?? ''))
    else if (element.local === 'presence' && type === undefined) this.seen.add(from)
    else if (element.local === 'presence' && type === 'unavailable') this.seen.delete(from)
    else if (element.local === 'presence' && type === 'subscribe') this.requests.push(from)
  }

  /** Of whom its account blocks it hears nothing more, so that what it had heard means nothing any more. */
  #forget(blocked: readonly string[]): void {
    for (const jid of this.seen) if (blocked.some(bare => jid.startsWith(`${bare}/`))) this.seen.delete(jid)
  }

  #hearRoster(query: Element, isWhole: boolean): void {
    assert.ok(this.isInterested, 'who has not asked for the roster is pushed nothing')
    const ver = query.attributes.get('ver') ?? ''
    assert.ok(isWhole || Number(ver) > Number(this.ver), `each push has a version greater than the one before: ${this.ver}, ${ver}`)
    this.ver = ver
    if (isWhole) this.roster.clear()
    for (const { attributes } of query.children) {
      const jid = attributes.get('jid') ?? ''
      const subscription = attributes.get('subscription') ?? ''
      if (subscription === 'remove') this.roster.delete(jid)
      else this.roster.set(jid, { subscription, ask: attributes.get('ask') === 'subscribe', approved: attributes.get('approved') === 'true', name: attributes.get('name') ?? null })
    }
  }
}
