// Who of those that see an account is online (RFC 6121 §4.2.2), whatever comes, goes and changes, and however the store fails meanwhile.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Account } from '../../src/embedded/account.ts'
import { Accounts } from '../../src/embedded/accounts.ts'
import { item } from '../contract/store-scene.ts'
import { bare } from '../support/external-certificate.ts'
import { RememberedStore } from '../support/remembered-store.ts'
import { randomOf } from '../support/seeded-random.ts'
import { recordingLog, TurnedClock } from '../support/turned-clock.ts'

const seed = Number(process.env['MEERKAT_SEED'] ?? Date.now() % 2 ** 31)
const users = ['a', 'b', 'c', 'd', 'e'].map(user => bare(`${user}@example.net`))
const subscriptions = [['none', 'none'], ['to', 'from'], ['from', 'to'], ['both', 'both']] as const

/** Does what it is asked, or does not, and now and then loses its answer. */
class Unreliable extends RememberedStore {
  readonly #random: (below: number) => number

  constructor(random: (below: number) => number) {
    super()
    this.#random = random
  }

  override async commit(parts: Parameters<RememberedStore['commit']>[0]): Promise<void> {
    const fate = this.#random(8)
    if (fate !== 0) await super.commit(parts)
    if (fate < 2) throw new Error('no answer')
  }
}

test(`is known of everybody who is online, after whatever has happened (MEERKAT_SEED=${seed})`, async () => {
  const random = randomOf(seed)
  const store = new Unreliable(random)
  const accounts = new Accounts(store, { clock: new TurnedClock(), log: recordingLog().log, isBlocking: true })
  const here: Account[] = []
  let version = 0
  const change = async () => {
    const [one, other] = [users[random(users.length)]!, users[random(users.length)]!]
    if (one === other) return
    const [first, second] = [await accounts.use(one), await accounts.use(other)]
    const [mine, theirs] = subscriptions[random(subscriptions.length)]!
    version += 1
    const part = (account: Account, { jid }: Account, subscription: typeof mine) => ({ account, changes: [subscription === 'none' && random(2) === 0
      ? { kind: 'roster-remove', jid, version } as const : { kind: 'roster-set', item: item(jid, { subscription, version }) } as const] })
    await Account.performBoth(first, second, () => first.commitWith([part(first, second, mine), part(second, first, theirs)])).catch(() => undefined)
  }
  const assertKnown = (when: string) => {
    const online = new Set(here)
    for (const account of online) {
      const seers = [...online].filter(other => other !== account && account.isSeenBy(other.jid)).map(({ jid }) => jid)
      assert.deepEqual([...account.onlineAudience].toSorted(), seers.toSorted(), `${account.jid}, ${when}`)
    }
  }
  for (let step = 0; step < 2_000; step += 1) {
    const under = change()
    // Somebody comes or goes while it is being kept.
    if (random(2) === 0) {
      const account = await accounts.use(users[random(users.length)]!)
      here.push(account)
      accounts.arrive(account)
    } else if (here.length > 0) {
      const [account] = here.splice(random(here.length), 1)
      accounts.depart(account!)
    }
    await under
    await accounts.idle()
    assertKnown(`after step ${step}`)
  }
  assert.ok(version > 1_000)
})
