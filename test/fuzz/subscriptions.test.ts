/**
 * Accounts that subscribe to each other, end it, name, remove and block each other at random, with clients that come and go: compared with a model,
 * with what the store has, and with what clients were told. MEERKAT_SEED repeats a run, MEERKAT_FUZZ sets its length.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { parseBareJid } from '../../src/xmpp/jid.ts'
import { randomOf } from '../support/seeded-random.ts'
import { SmallHouse } from '../support/small-house.ts'
import { type Cache, SubscriptionClient } from './subscription-client.ts'
import { type Act, actTypes, type ListedItem, SubscriptionModel } from './subscription-model.ts'

const seed = Number(process.env['MEERKAT_SEED'] ?? randomInt(2 ** 31))
const rounds = Number(process.env['MEERKAT_FUZZ'] ?? 40)
const actsOfRound = 60

const users = ['juliet', 'nurse', 'romeo'] as const
const resources = ['balcony', 'phone'] as const
const bareOf = (user: string): string => `${user}@example.net`

class Play {
  readonly house = new SmallHouse()
  readonly random: (below: number) => number
  readonly story: string[] = []
  readonly #clients = new Map<string, SubscriptionClient>()
  readonly #caches = new Map<string, Cache>()
  #names = 0

  constructor(start: number) { this.random = randomOf(start) }

  get clients(): readonly SubscriptionClient[] { return [...this.#clients.values()] }

  pick<Value>(values: readonly Value[]): Value { return values[this.random(values.length)] as Value }

  /** Everybody exists. */
  async begin(): Promise<void> {
    for (const user of users) for (const resource of resources) await this.#come(user, resource)
  }

  /** Somebody comes or goes, is available or not. */
  async turn(): Promise<void> {
    const user = this.pick(users)
    const resource = this.pick(resources)
    const name = `${user}/${resource}`
    const client = this.#clients.get(name)
    if (client === undefined) return this.#come(user, resource)
    if (this.random(3) > 0) {
      this.story.push(`${name} ${client.isAvailable ? 'becomes unavailable' : 'becomes available'}`)
      client.show(!client.isAvailable)
      return
    }
    this.story.push(`${name} leaves`)
    if (client.isInterested) this.#caches.set(name, { ver: client.ver, roster: new Map(client.roster) })
    this.#clients.delete(name)
    client.guest.session.end('closed', null)
  }

  act(): Act {
    const by = this.pick(users)
    this.#names += 1
    return { type: this.pick(actTypes), by, of: this.pick(users.filter(user => user !== by)), name: `name-${this.#names}` }
  }

  /** Some client of that account, which need not be available. */
  clientOf(user: string): SubscriptionClient | null {
    const own = this.clients.filter(client => client.user === user)
    return own.length === 0 ? null : this.pick(own)
  }

  async settle(): Promise<void> {
    await this.house.idle()
    for (const client of this.clients) client.listen()
  }

  stored(owner: string): ReadonlyMap<string, ListedItem & { readonly isAsked: boolean, readonly isListed: boolean }> {
    const items = this.house.store.accounts.get(parseBareJid(bareOf(owner))!)?.roster.values() ?? []
    return new Map([...items].map(({ jid, subscription, ask, approved, name, request, isListed }) =>
      [jid as string, { subscription, ask, approved, name, isAsked: request !== null, isListed }]))
  }

  /** What holds whatever happened: the two sides agree, and clients have been told all of it, and nothing else. */
  assertSound(): void {
    for (const owner of users) {
      const roster = this.stored(owner)
      for (const contact of users) {
        if (contact === owner) continue
        const own = roster.get(bareOf(contact))
        const other = this.stored(contact).get(bareOf(owner))
        assert.equal(/to|both/.test(own?.subscription ?? 'none'), /from|both/.test(other?.subscription ?? 'none'), `${owner} sees ${contact} exactly if ${contact} knows of it`)
        if (own?.isAsked === true) assert.equal(other?.ask, true, `${owner} has a request of ${contact}, who asks`)
        assert.ok(own === undefined || own.isListed || own.isAsked, 'what is not listed is a request')
      }
      const listed = new Map([...roster].filter(([, { isListed }]) => isListed).map(([jid, { subscription, ask, approved, name }]) => [jid, { subscription, ask, approved, name }]))
      for (const client of this.clients.filter(({ user, isInterested }) => user === owner && isInterested)) {
        assert.deepEqual(new Map([...client.roster].sort()), new Map([...listed].sort()), `what ${client.guest.jid} was told is the roster`)
      }
    }
    for (const client of this.clients.filter(({ isAvailable }) => isAvailable)) {
      const visible = this.clients.filter(({ isAvailable, user }) => isAvailable && (user === client.user || this.#maySee(client.user, user)))
      assert.deepEqual([...client.seen].sort(), visible.map(({ guest }) => guest.jid).sort(), `${client.guest.jid} sees who is there and lets it`)
    }
  }

  #maySee(viewer: string, contact: string): boolean {
    const blocks = (one: string, other: string): boolean => this.house.store.accounts.get(parseBareJid(bareOf(one))!)?.blocked.has(parseBareJid(bareOf(other))!) === true
    return /to|both/.test(this.stored(viewer).get(bareOf(contact))?.subscription ?? 'none') && !blocks(viewer, contact) && !blocks(contact, viewer)
  }

  async #come(user: string, resource: string): Promise<void> {
    const name = `${user}/${resource}`
    this.story.push(`${name} comes`)
    const client = await SubscriptionClient.enter(this.house, user, resource)
    this.#clients.set(name, client)
    if (this.random(4) > 0) client.askForRoster(this.#caches.get(name) ?? null)
    if (this.random(4) > 0) client.show(true)
  }
}

/** Tells, where it fails, what had happened until then. */
async function played(start: number, act: (play: Play) => Promise<void>): Promise<void> {
  const play = new Play(start)
  try {
    await play.begin()
    await play.settle()
    await act(play)
  } catch (error) {
    throw new Error(`round ${start}: after\n  ${play.story.slice(-25).join('\n  ')}\n${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

const told = ({ type, by, of }: Act): string => `${by}: ${type} ${of}`

test(`what becomes of subscriptions is what the model says, on both sides and at every client (MEERKAT_SEED=${seed})`, async () => {
  for (let round = 0; round < rounds; round += 1) {
    await played(seed + round, async play => {
      const model = new SubscriptionModel()
      for (let step = 0; step < actsOfRound; step += 1) {
        const act = play.act()
        const client = play.clientOf(act.by)
        if (play.random(4) === 0 || client === null) {
          await play.turn()
        } else {
          play.story.push(told(act))
          for (const { errors } of play.clients) errors.splice(0)
          client.do(act)
          const error = model.perform(act)
          await play.settle()
          assert.deepEqual(client.errors, error === null ? [] : [error])
        }
        await play.settle()
        for (const owner of users) {
          for (const contact of users) {
            if (owner === contact) continue
            const item = play.stored(owner).get(bareOf(contact))
            const { subscription, ask, approved, name } = item ?? {}
            assert.deepEqual(item?.isListed === true ? { subscription, ask, approved, name } : null, model.listed(owner, contact), `${contact} in the roster of ${owner}`)
            assert.equal(item?.isAsked ?? false, model.side(owner, contact).isAsked, `the request of ${contact} to ${owner}`)
          }
        }
        play.assertSound()
      }
    })
  }
})

test(`a store that fails changes neither side, and whoever asked is told (MEERKAT_SEED=${seed})`, async () => {
  for (let round = 0; round < rounds; round += 1) {
    await played(seed + round, async play => {
      const model = new SubscriptionModel()
      let failures = 0
      let fails = false
      play.house.store.before = async method => {
        await Promise.resolve()
        if (method !== 'commit' || !fails) return
        failures += 1
        throw new Error('the disk is full')
      }
      for (let step = 0; step < actsOfRound; step += 1) {
        const act = play.act()
        const client = play.clientOf(act.by)
        if (client === null) {
          await play.turn()
          continue
        }
        fails = play.random(3) === 0
        failures = 0
        play.story.push(`${told(act)}${fails ? ', and the store fails' : ''}`)
        for (const { errors } of play.clients) errors.splice(0)
        client.do(act)
        await play.settle()
        fails = false
        // What changes nothing has nothing to fail.
        const error = failures > 0 ? 'internal-server-error' : model.perform(act)
        assert.deepEqual(client.errors, error === null ? [] : [error])
        for (const owner of users) {
          for (const contact of users) {
            if (owner === contact) continue
            const item = play.stored(owner).get(bareOf(contact))
            assert.equal(item?.isListed === true ? item.subscription : null, model.listed(owner, contact)?.subscription ?? null, `${contact} in the roster of ${owner}`)
          }
        }
        play.assertSound()
      }
    })
  }
})

test(`many at once, with a store that takes its time and fails at times: the sides agree, clients know, and nobody waits for ever (MEERKAT_SEED=${seed})`, async () => {
  for (let round = 0; round < rounds; round += 1) {
    await played(seed + round, async play => {
      let isPlaying = true
      play.house.store.before = async method => {
        for (let waits = play.random(4); waits > 0; waits -= 1) await new Promise(resolve => { setImmediate(resolve) })
        if (isPlaying && method === 'commit' && play.random(8) === 0) throw new Error('the disk is full')
      }
      for (let volley = 0; volley < 8; volley += 1) {
        isPlaying = true
        const sent = Array.from({ length: 12 }, () => play.act())
        for (const act of sent) {
          const client = play.clientOf(act.by)
          play.story.push(`${told(act)}, at once`)
          client?.do(act)
          // Somewhere in between.
          if (play.random(3) === 0) await new Promise(resolve => { setImmediate(resolve) })
        }
        await play.settle()
        isPlaying = false
        play.assertSound()
        await play.turn()
        await play.settle()
      }
    })
  }
})
