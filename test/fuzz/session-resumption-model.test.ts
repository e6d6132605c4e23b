/**
 * Two clients that send each other numbered stanzas while their connections break at any moment, against the real session manager: whatever is
 * lost on the way, each hears everything once and in order (XEP-0198 §4, §5). Among it they ask for what waits for the store, so that they come
 * back while that is still being dealt with, and at every turn of that moment the other one's stanzas arrive.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from '../../src/xml/parse.ts'
import { NS_SM } from '../../src/xmpp/namespaces.ts'
import type { RecordedTransport } from '../support/recorded-transport.ts'
import { ResumingHouse } from '../support/resuming-house.ts'
import { randomOf } from '../support/seeded-random.ts'
import { settled } from '../support/turned-clock.ts'

const seed = Number(process.env.MEERKAT_SEED ?? Date.now() % 2 ** 31)
const steps = Number(process.env.MEERKAT_FUZZ ?? 20_000)

/** A client as XEP-0198 wants one, over a line that can break with anything still under way in both directions. */
class ModelClient {
  readonly heard: number[] = []
  readonly #house: ResumingHouse
  readonly #user: string
  readonly #peer: string
  readonly #id: string
  #transport: RecordedTransport
  /** Said, and not yet at the server. */
  #underWay: string[] = []
  /** Said, and not acknowledged. */
  readonly #unacknowledged: string[] = []
  #acknowledged = 0
  #handled = 0
  #next = 0
  #asked = 0
  #answered = 0

  constructor(house: ResumingHouse, user: string, peer: string) {
    this.#house = house
    this.#user = user
    this.#peer = `${peer}@example.net/r`
    this.#transport = ResumingHouse.bind(house.arrive(user))
    this.#id = ResumingHouse.enable(this.#transport)
  }

  get said(): number { return this.#next }

  say(): void {
    const stanza = `<message xmlns='jabber:client' to='${this.#peer}' id='${this.#next}'/>`
    this.#next += 1
    this.#unacknowledged.push(stanza)
    this.#underWay.push(stanza)
  }

  /** Says something that waits for the store. */
  look(): void {
    const stanza = `<iq xmlns='jabber:client' type='get' id='q${this.#asked}'><vCard xmlns='vcard-temp'/></iq>`
    this.#asked += 1
    this.#unacknowledged.push(stanza)
    this.#underWay.push(stanza)
  }

  get isAnswered(): boolean { return this.#answered === this.#asked }

  ask(): void { this.#underWay.push(`<r xmlns='${NS_SM}'/>`) }

  /** So much of what was said arrives at the server. */
  transmit(count: number): void { for (const xml of this.#underWay.splice(0, count)) this.#transport.say(xml) }

  /** So much of what the server said arrives. */
  listen(count: number): void {
    for (const text of this.#transport.sent.splice(0, count)) this.#take(text)
  }

  /** The connection breaks, noticed by the server or not; what was under way is lost. `meanwhile` happens until it is there again. */
  async reconnect(isNoticed: boolean, meanwhile: () => void): Promise<void> {
    if (isNoticed) this.#transport.events.lost(null)
    this.#underWay = []
    this.#transport = this.#house.arrive(this.#user)
    this.#transport.say(`<resume xmlns='${NS_SM}' previd='${this.#id}' h='${this.#handled}'/>`)
    while (this.#transport.sent.length === 0) {
      await Promise.resolve()
      meanwhile()
    }
    const resumed = parse(Buffer.from(this.#transport.sent.shift() ?? '<nothing/>'))
    assert.equal(resumed.local, 'resumed')
    this.#acknowledge(Number(resumed.attributes.get('h')))
    this.#underWay.push(...this.#unacknowledged)
  }

  #take(text: string): void {
    if (text.startsWith('(pause ')) return
    const { local, attributes } = parse(Buffer.from(text))
    if (local === 'r') this.#underWay.push(`<a xmlns='${NS_SM}' h='${this.#handled}'/>`)
    else if (local === 'a') this.#acknowledge(Number(attributes.get('h')))
    else if (local === 'iq') {
      assert.equal(attributes.get('id'), `q${this.#answered}`)
      this.#handled += 1
      this.#answered += 1
    } else {
      assert.deepEqual([local, attributes.get('type')], ['message', undefined])
      this.#handled += 1
      this.heard.push(Number(attributes.get('id')))
    }
  }

  #acknowledge(h: number): void {
    const count = h - this.#acknowledged
    assert.ok(count >= 0 && count <= this.#unacknowledged.length)
    this.#unacknowledged.splice(0, count)
    this.#acknowledged = h
  }
}

test(`whatever connections break, each of two clients hears everything once and in order (MEERKAT_SEED=${seed}, ${steps} steps)`, async () => {
  const random = randomOf(seed)
  const house = new ResumingHouse({ resumption: { seconds: 300, location: null, maxStanzas: 100_000, maxBytes: 100_000_000 } })
  const clients = [new ModelClient(house, 'alice', 'bob'), new ModelClient(house, 'bob', 'alice')]
  // The store takes as many turns as it likes.
  house.store.before = async () => { for (let turns = random(20); turns > 0; turns -= 1) await Promise.resolve() }
  for (let step = 0; step < steps; step += 1) {
    const [client, other] = random(2) === 0 ? [clients[0]!, clients[1]!] : [clients[1]!, clients[0]!]
    switch (random(8)) {
      case 0: case 1: case 2:
        if (random(10) === 0) client.look()
        else client.say()
        break
      case 3:
        client.transmit(random(10))
        break
      case 4: case 5:
        client.listen(random(12))
        break
      case 6:
        if (random(4) === 0) await client.reconnect(random(2) === 0, () => { other.transmit(random(2)) })
        else client.ask()
        break
      default:
        if (random(20) === 0) house.clock.advance(1_000)
        else if (random(4) === 0) await settled()
    }
  }
  for (let round = 0; round < 4; round += 1) {
    for (const client of clients) {
      client.transmit(Infinity)
      await settled()
      client.listen(Infinity)
    }
  }
  const [alice, bob] = clients as [ModelClient, ModelClient]
  for (const [speaker, listener] of [[alice, bob], [bob, alice]] as const) {
    assert.ok(speaker.said > steps / 20 && speaker.isAnswered)
    assert.deepEqual(listener.heard, Array.from({ length: speaker.said }, (_, index) => index))
  }
  assert.equal(house.manager.sessionCount, 2)
})
