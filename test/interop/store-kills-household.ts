// Some accounts, all that was promised to them, and one life of a gateway after the other.
import assert from 'node:assert/strict'
import type { Element } from '../../src/xml/element.ts'
import { actTypes, type ListedItem } from '../fuzz/subscription-model.ts'
import type { Randomness } from '../fuzz/xml-documents.ts'
import { type Ear, Gone, LedgerClient, type Promised } from './store-kills-client.ts'
import type { Burrow, MortalGateway } from './store-kills-gateway.ts'
import { type Deed, Pair } from './store-kills-pair.ts'

const NS_ROSTER = 'jabber:iq:roster'
const NS_PRIVATE = 'jabber:iq:private'
const storage = "<kept xmlns='urn:example:kills'/>"
const userNames = ['ada', 'bert', 'cleo', 'dora', 'emil', 'fred', 'gina'] as const
/** Stanzas that a client has on their way. */
const underWay = 40

class Message implements Promised {
  /** In the order in which they were said. */
  readonly number: number
  readonly from: string
  readonly to: string
  readonly body: string
  readonly #isReachable: () => boolean
  isRefused = false
  /** The server has promised it to somebody who was not there, and nobody has it yet. */
  isOwed = false

  constructor(number: number, { from, to, body, isReachable }: { from: string, to: string, body: string, isReachable: () => boolean }) {
    this.number = number
    this.from = from
    this.to = to
    this.body = body
    this.#isReachable = isReachable
  }

  handled(): void { this.isOwed = !this.isRefused && !this.#isReachable() }
}

/** What one account knows in one life of the gateway. */
class Member implements Ear {
  readonly user: string
  readonly #household: Household
  /** Heard, and not yet acknowledged. */
  readonly #untaken: Message[] = []
  readonly heard = new Set<Message>()
  readonly kept: Message[] = []
  readonly requests = new Set<string>()
  isReachable = false
  isShown = false
  ver = 0

  constructor(user: string, household: Household) {
    this.user = user
    this.#household = household
  }

  taken(): void { for (const message of this.#untaken.splice(0)) message.isOwed = false }

  hear(element: Element): void {
    const { local, attributes, children } = element
    if (attributes.get('type') === 'error') this.#household.refused(this.user, attributes.get('id') ?? '', conditionOf(element))
    else if (local === 'message') this.#hearMessage(element)
    else if (local === 'presence' && attributes.get('type') === 'subscribe') this.requests.add((attributes.get('from') ?? '').replace(/@.*/, ''))
    else if (local === 'iq' && children[0]?.ns === NS_ROSTER) this.ver = Math.max(this.ver, Number(children[0].attributes.get('ver')))
  }

  #hearMessage({ attributes, children }: Element): void {
    const message = this.#household.message(attributes.get('id') ?? '')
    assert.ok(message !== undefined, `${this.user} was given a message that nobody has written: ${attributes.get('id')}`)
    assert.equal(children.find(({ local }) => local === 'body')?.text, message.body, 'a message is whole')
    assert.equal(message.to, this.user)
    assert.match(attributes.get('from') ?? '', new RegExp(`^${message.from}@localhost/.`))
    if (children.some(({ ns }) => ns === 'urn:xmpp:delay')) this.kept.push(message)
    this.heard.add(message)
    this.#untaken.push(message)
  }
}

const conditionOf = ({ children }: Element): string => children.find(({ local }) => local === 'error')?.children[0]?.local ?? ''

export interface Tally { messages: number, owed: number, given: number, deeds: number, answeredFor: number, refused: number }

export class Household {
  readonly tally: Tally = { messages: 0, owed: 0, given: 0, deeds: 0, answeredFor: 0, refused: 0 }
  readonly #burrow: Burrow
  readonly #random: Randomness
  readonly #pairs = new Map<string, Pair>()
  readonly #messages: Message[] = []
  /** What each has kept in its private XML: what it said last, and what it was answered for. */
  readonly #kept = new Map<string, { said: number, told: number }>()
  readonly #versions = new Map<string, number>()
  #members: ReadonlyMap<string, Member> = new Map()
  #clients: LedgerClient[] = []
  #deeds = new Map<string, Deed>()
  #names = 0

  constructor(burrow: Burrow, random: Randomness) {
    this.#burrow = burrow
    this.#random = random
    for (const [index, user] of userNames.entries()) {
      this.#kept.set(user, { said: 0, told: 0 })
      for (const other of userNames.slice(index + 1)) this.#pairs.set(keyOf(user, other), new Pair([user, other]))
    }
  }

  static get users(): readonly string[] { return userNames }

  message(id: string): Message | undefined { return id.startsWith('m') ? this.#messages[Number(id.slice(1))] : undefined }

  refused(user: string, id: string, condition: string): void {
    const message = this.message(id)
    if (message !== undefined) message.isRefused = true
    const deed = this.#deeds.get(`${user} ${id}`)
    if (deed !== undefined && condition === 'internal-server-error') deed.isUncertain = true
    if (condition === 'internal-server-error') this.tally.refused += 1
  }

  /** Everybody comes; what they find is what they were promised. Some become available, and are given their messages. */
  async enter(gateway: MortalGateway, isShown: () => boolean = () => this.#random.oneIn(2)): Promise<void> {
    const port = await gateway.open()
    this.#members = new Map(userNames.map(user => [user, new Member(user, this)]))
    this.#deeds = new Map()
    this.#clients = []
    await allOf(userNames.map(async user => {
      const client = await LedgerClient.enter(user, { port, ca: this.#burrow.ca, identity: this.#burrow.identity(user), ear: this.#members.get(user)! })
      client.acknowledges = !this.#random.oneIn(4)
      this.#clients.push(client)
    }))
    const rosters = new Map(await allOf(this.#clients.map(async client => [client.user, await this.#rosterOf(client)] as const)))
    for (const [key, pair] of this.#pairs) {
      const [one, other] = key.split(' ') as [string, string]
      pair.observe([{ owner: one, item: rosters.get(one)?.get(other) ?? null }, { owner: other, item: rosters.get(other)?.get(one) ?? null }])
    }
    await allOf(this.#clients.filter(isShown).map(client => this.#show(client, true)))
  }

  /** Everybody writes, asks, grants and forgets, until the connection has gone, or `isEnough` says so. */
  async live(isEnough: () => boolean = () => false): Promise<void> {
    // Some are not there at all.
    const [absent] = this.#clients
    if (this.#random.oneIn(2) && absent !== undefined) {
      this.#clients.splice(0, 1)
      await absent.leave()
    }
    await allOf(this.#clients.map(client => this.#act(client, isEnough)))
  }

  /** Everything that was said is answered for. */
  async rest(): Promise<void> {
    await allOf(this.#clients.map(async client => {
      if (client.unanswered === 0) return
      client.ask()
      await client.answered(0)
    }))
  }

  /** The gateway has gone. */
  async settle(): Promise<void> {
    for (const client of this.#clients) client.destroy()
    await Promise.all(this.#clients.map(({ closed }) => closed))
    for (const pair of this.#pairs.values()) pair.settle()
    for (const { user, ver } of this.#members.values()) this.#versions.set(user, Math.max(ver, this.#versions.get(user) ?? 0))
    const deeds = [...this.#deeds.values()]
    this.tally.deeds += deeds.length
    this.tally.answeredFor += deeds.filter(({ isAnsweredFor }) => isAnsweredFor).length
    this.tally.messages = this.#messages.length
    this.tally.owed = this.#messages.filter(({ isOwed }) => isOwed).length
  }

  async #rosterOf(client: LedgerClient): Promise<ReadonlyMap<string, ListedItem>> {
    const [query] = (await client.request('get', `<query xmlns='${NS_ROSTER}'/>`)).children
    const ver = Number(query?.attributes.get('ver'))
    assert.ok(ver >= (this.#versions.get(client.user) ?? 0), `the roster of ${client.user} is of version ${ver}, and has been of version ${this.#versions.get(client.user)}`)
    const [stored] = (await client.request('get', `<query xmlns='${NS_PRIVATE}'>${storage}</query>`)).children
    const { said, told } = this.#kept.get(client.user)!
    const found = Number(stored?.children[0]?.text || 0)
    assert.ok(found >= told && found <= said, `${client.user} finds ${found} in its private XML, and has kept ${told} there`)
    this.#kept.set(client.user, { said, told: found })
    return new Map(query?.children.map(({ attributes }) => [(attributes.get('jid') ?? '').replace(/@.*/, ''), {
      subscription: attributes.get('subscription') ?? '', ask: attributes.get('ask') === 'subscribe', approved: attributes.get('approved') === 'true',
      name: attributes.get('name') ?? null,
    }]))
  }

  /** It is given all that is kept for it, whole, in order. `isQuiet`: nobody else does anything meanwhile. */
  async #show(client: LedgerClient, isQuiet: boolean): Promise<void> {
    const { user } = client
    const member = this.#members.get(user)!
    const owed = this.#messages.filter(({ to, isOwed }) => isOwed && to === user)
    member.isReachable = true
    await client.becomeAvailable()
    const missing = owed.filter(message => !member.heard.has(message))
    assert.deepEqual(missing.map(({ number }) => number), [], `${user} is given what was promised to be kept`)
    this.tally.given += owed.length
    for (const from of userNames) {
      const numbers = member.kept.filter(message => message.from === from).map(({ number }) => number)
      assert.deepEqual(numbers, [...new Set(numbers)].toSorted((a, b) => a - b), 'in the order in which they were said')
    }
    await client.ping()
    if (isQuiet) for (const other of userNames) if (other !== user) this.#pairs.get(keyOf(user, other))!.observeRequest(user, member.requests.has(other))
    if (client.acknowledges) client.acknowledge()
  }

  async #act(client: LedgerClient, isEnough: () => boolean): Promise<void> {
    const others = userNames.filter(user => user !== client.user)
    while (!isEnough()) {
      for (let count = 1 + this.#random.below(8); count > 0; count -= 1) {
        const other = this.#random.pick(others)
        const kind = this.#random.below(20)
        if (kind < 12) this.#write(client, other)
        else if (kind < 14) this.#keep(client)
        else this.#change(client, other)
      }
      client.ask()
      await client.answered(underWay)
      const member = this.#members.get(client.user)!
      if (!member.isReachable && this.#random.oneIn(60)) await this.#show(client, false)
    }
  }

  #write(client: LedgerClient, to: string): void {
    const number = this.#messages.length
    const body = `${number}: ${'What was taken is kept. '.repeat(this.#random.oneIn(20) ? 200 : this.#random.below(8))}${number}`
    const message = new Message(number, { from: client.user, to, body, isReachable: () => this.#members.get(to)!.isReachable })
    this.#messages.push(message)
    const address = this.#random.oneIn(3) ? `${to}@localhost/gone` : `${to}@localhost`
    client.say(`<message xmlns='jabber:client' to='${address}' type='chat' id='m${number}'><body>${body}</body></message>`, message)
  }

  #keep(client: LedgerClient): void {
    const kept = this.#kept.get(client.user)!
    kept.said += 1
    const { said } = kept
    client.say(`<iq xmlns='jabber:client' type='set' id='k${said}'><query xmlns='${NS_PRIVATE}'>${storage.replace('/>', `>${said}</kept>`)}</query></iq>`)
    client.until(({ local, attributes }) => local === 'iq' && attributes.get('id') === `k${said}`).then(({ attributes }) => {
      if (attributes.get('type') === 'result') kept.told = said
    }, (error: unknown) => {
      if (!(error instanceof Gone)) throw error
    })
  }

  #change(client: LedgerClient, of: string): void {
    const type = this.#random.pick(actTypes.slice(0, 6))
    this.#names += 1
    const deed = this.#pairs.get(keyOf(client.user, of))!.does({ type, by: client.user, of, name: `n${this.#names}` })
    const id = client.newId()
    this.#deeds.set(`${client.user} ${id}`, deed)
    const jid = `${of}@localhost`
    const item = type === 'set' ? `name='n${this.#names}'` : "subscription='remove'"
    client.say(type === 'set' || type === 'remove'
      ? `<iq xmlns='jabber:client' type='set' id='${id}'><query xmlns='${NS_ROSTER}'><item jid='${jid}' ${item}/></query></iq>`
      : `<presence xmlns='jabber:client' type='${type}' to='${jid}' id='${id}'/>`, deed)
  }
}

const keyOf = (one: string, other: string): string => [one, other].toSorted().join(' ')

/** Rejects with what is worth knowing: that the gateway has gone is not where something else went wrong. */
async function allOf<Value>(promises: readonly Promise<Value>[]): Promise<readonly Value[]> {
  const outcomes = await Promise.allSettled(promises)
  const reasons = outcomes.flatMap(outcome => outcome.status === 'rejected' ? [outcome.reason as unknown] : [])
  if (reasons.length > 0) throw reasons.find(reason => !(reason instanceof Gone)) ?? reasons[0]
  return Promise.all(promises)
}
