/**
 * One writes to an account whose clients come, go, come back, read slowly and acknowledge when they like, while the store takes its time and fails now and
 * then. Whatever was taken from him somebody gets, or he has it back; and nobody is given what a client has acknowledged (XEP-0160 §2, XEP-0198 §4).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bare } from '../support/external-certificate.ts'
import type { RecordedTransport } from '../support/recorded-transport.ts'
import { ResumingHouse } from '../support/resuming-house.ts'
import { randomOf } from '../support/seeded-random.ts'
import { settled } from '../support/turned-clock.ts'

const seed = Number(process.env.MEERKAT_SEED ?? Date.now() % 2 ** 31)
const runs = Number(process.env.MEERKAT_FUZZ ?? 1_500)
const steps = 50

const NS_SM = 'urn:xmpp:sm:3'
const juliet = bare('juliet@example.net')
/** Limits so small that what is kept is hardly ever given at once. */
const resumption = { seconds: 300, location: null, maxStanzas: 10, maxBytes: 1_048_576 }

/** What became of each message. */
class Ledger {
  readonly acknowledged = new Set<string>()
  readonly bounced = new Set<string>()
  /** Sent to a client that does not acknowledge, when nothing was kept: gone with its connection. */
  readonly gone = new Set<string>()
  readonly repeated: string[] = []

  readonly #store: ResumingHouse['store']

  constructor({ store }: ResumingHouse) { this.#store = store }

  isKept(id: string): boolean { return this.#store.accounts.get(juliet)?.messages.some(({ wire }) => idOf(Buffer.from(wire).toString()) === id) === true }

  heard(id: string): void { if (this.acknowledged.has(id)) this.repeated.push(id) }
}

class Client {
  readonly #ledger: Ledger
  readonly #isManaged: boolean
  readonly #id: string
  #transport: RecordedTransport
  handled = 0
  /** Heard, not acknowledged. */
  readonly #pending: string[] = []
  readonly #awaited: (() => void)[] = []

  constructor(house: ResumingHouse, resource: string, isManaged: boolean, ledger: Ledger) {
    this.#ledger = ledger
    this.#isManaged = isManaged
    this.#transport = ResumingHouse.bind(house.arrive('juliet'), resource)
    this.#id = isManaged ? ResumingHouse.enable(this.#transport) : ''
    if (isManaged) return
    this.#transport.hasRoomFor = () => this.#transport.sent.length < 6
    this.#transport.whenSent = act => { this.#awaited.push(act) }
  }

  get isThere(): boolean { return !this.#transport.sent.includes('(footer)') }

  say(xml: string): void { if (this.isThere) this.#transport.say(xml) }

  /** So much of what was sent arrives. */
  read(count = Infinity): void {
    for (const text of this.#transport.sent.splice(0, count)) this.#take(text)
    if (this.#isManaged || this.#transport.sent.length > 0) return
    for (const id of this.#pending.splice(0)) this.#ledger.acknowledged.add(id)
    for (let act = this.#awaited.shift(); act !== undefined; act = this.#awaited.shift()) act()
  }

  acknowledge(): void {
    if (!this.#isManaged || !this.isThere) return
    for (const id of this.#pending.splice(0)) this.#ledger.acknowledged.add(id)
    this.#transport.say(`<a xmlns='${NS_SM}' h='${this.handled}'/>`)
  }

  /** Says goodbye. */
  close(): void {
    this.read()
    this.acknowledge()
    this.#transport.events.footer()
  }

  lose(): void {
    if (!this.#isManaged) for (const id of [...this.#pending, ...this.#transport.sent.splice(0).map(idOf)]) if (!this.#ledger.isKept(id)) this.#ledger.gone.add(id)
    this.#transport.events.lost(null)
  }

  /** False where there is nothing to come back to. */
  async resume(house: ResumingHouse): Promise<boolean> {
    if (!this.#isManaged) return false
    const transport = house.arrive('juliet')
    const said = (name: string) => transport.sent.findIndex(text => text.startsWith(`<${name}`))
    transport.say(`<resume xmlns='${NS_SM}' previd='${this.#id}' h='${this.handled}'/>`)
    for (let turn = 0; turn < 200 && said('resumed') < 0 && said('failed') < 0; turn += 1) await settled()
    if (said('resumed') < 0) return false
    transport.sent.splice(0, said('resumed') + 1)
    for (const id of this.#pending.splice(0)) this.#ledger.acknowledged.add(id)
    this.#transport = transport
    return true
  }

  #take(text: string): void {
    if (!/^<(?:message|presence|iq) /.test(text)) return
    this.handled += 1
    if (!text.startsWith('<message')) return
    const id = idOf(text)
    this.#ledger.heard(id)
    this.#pending.push(id)
  }
}

const idOf = (text: string): string => /^<message[^>]* id='([^']*)'/.exec(text)?.[1] ?? ''

async function run(number: number): Promise<void> {
  const random = randomOf(number)
  const house = new ResumingHouse({ resumption })
  const ledger = new Ledger(house)
  const clients = new Map<string, Client>()
  const failing = [[], ['messages'], ['keepMessages', 'messages'], ['keepMessages', 'messages', 'dropMessages']][random(4)]!
  await house.store.commit([{ account: juliet, changes: [{ kind: 'known' }] }])
  const romeo = ResumingHouse.bind(house.arrive('romeo'))
  const hear = () => { for (const text of romeo.heard()) if (text.includes("type='error'")) ledger.bounced.add(idOf(text)) }
  const come = async (resource: string, isManaged: boolean) => {
    await house.accounts.use(juliet)
    const client = new Client(house, resource, isManaged, ledger)
    clients.set(resource, client)
    return client
  }
  house.store.before = async method => {
    for (let turns = random(4); turns > 0; turns -= 1) await settled()
    if (failing.includes(method) && random(8) === 0) throw new Error('the disk')
  }
  let sent = 0
  for (let step = 0; step < steps; step += 1) {
    const [resource, client] = [...clients][random(Math.max(1, clients.size))] ?? []
    switch (random(10)) {
      case 0: case 1:
        for (let count = random(6); count >= 0; count -= 1) {
          romeo.say(`<message xmlns='jabber:client' type='${['chat', 'normal'][random(2)]}' id='${sent}' to='${juliet}'><body>x</body></message>`)
          sent += 1
        }
        break
      case 2:
        if (clients.size < 3) await come(`r${step}`, random(4) > 0)
        break
      case 3: case 4:
        // No two are equal: each message goes to one.
        client?.say(`<presence xmlns='jabber:client'><priority>${random(4) === 0 ? -1 : Number(resource?.slice(1))}</priority></presence>`)
        break
      case 5:
        client?.say("<presence xmlns='jabber:client' type='unavailable'/>")
        break
      case 6:
        client?.read(1 + random(8))
        if (random(2) === 0) client?.acknowledge()
        break
      case 7:
        client?.lose()
        if (resource !== undefined && (random(2) === 0 || await client?.resume(house) !== true)) clients.delete(resource)
        break
      case 8:
        if (random(2) === 0) client?.close()
        else house.clock.advance([100, 1_000, 6_000, 30_000, 400_000][random(5)]!)
        if (resource !== undefined && client?.isThere !== true) clients.delete(resource)
        break
      default:
        for (let turns = random(8); turns > 0; turns -= 1) await settled()
    }
    hear()
    for (const [name, { isThere }] of clients) if (!isThere) clients.delete(name)
  }
  house.store.before = () => Promise.resolve()
  for (const client of clients.values()) client.lose()
  for (let round = 0; round < 3; round += 1) {
    house.clock.advance(400_000)
    await house.idle()
  }
  const last = await come('last', true)
  last.say("<presence xmlns='jabber:client'/>")
  for (let before = -1; before < last.handled;) {
    before = last.handled
    await house.idle()
    last.read()
    last.acknowledge()
  }
  await house.idle()
  hear()
  const all = Array.from({ length: sent }, (_, index) => String(index))
  const [lost, twice] = [all.filter(id => !ledger.acknowledged.has(id) && !ledger.bounced.has(id) && !ledger.gone.has(id)), all.filter(id => ledger.acknowledged.has(id) && ledger.bounced.has(id))]
  assert.deepEqual({ lost, twice }, { lost: [], twice: [] }, `MEERKAT_SEED=${number} MEERKAT_FUZZ=1`)
  // What could not be dropped may be given once more.
  if (!failing.includes('dropMessages')) assert.deepEqual(ledger.repeated, [], `MEERKAT_SEED=${number} MEERKAT_FUZZ=1`)
  assert.deepEqual(house.store.accounts.get(juliet)?.messages.length, 0, `left: MEERKAT_SEED=${number} MEERKAT_FUZZ=1`)
  assert.deepEqual(house.events.filter(({ event }) => event.endsWith('.bug')), [], `MEERKAT_SEED=${number} MEERKAT_FUZZ=1`)
}

test(`whatever happens to clients and store, nothing that is kept is lost, and what is acknowledged comes to nobody again (MEERKAT_SEED=${seed}, ${runs} runs)`, async () => {
  for (let number = seed; number < seed + runs; number += 1) await run(number)
})
