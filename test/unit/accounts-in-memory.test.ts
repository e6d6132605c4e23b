// How long an account that nobody is bound to stays in memory.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Accounts } from '../../src/embedded/accounts.ts'
import { bare } from '../support/external-certificate.ts'
import { RememberedStore } from '../support/remembered-store.ts'
import { recordingLog, TurnedClock } from '../support/turned-clock.ts'

const romeo = bare('romeo@example.net')
const rig = () => {
  const clock = new TurnedClock()
  return { clock, accounts: new Accounts(new RememberedStore(), { clock, log: recordingLog().log, isBlocking: true }) }
}

test('ten seconds after it was asked for last, for another process may change it; a clock that is set makes that neither shorter nor longer', async () => {
  for (const jump of [0, -3_600_000, 3_600_000]) {
    const { clock, accounts } = rig()
    const account = await accounts.use(romeo)
    for (let time = 0; time < 2; time += 1) {
      clock.jump(jump)
      clock.advance(9_999)
      assert.equal(accounts.get(romeo), account)
    }
    clock.jump(-jump)
    clock.advance(10_001)
    assert.equal(accounts.get(romeo), undefined)
  }
})

test('of more than a thousand those go first that were asked for first, and none within a second, whatever the clock is set to', async () => {
  for (const jump of [0, -3_600_000, 3_600_000]) {
    const { clock, accounts } = rig()
    const first = await accounts.use(romeo)
    for (let number = 0; number < 1_000; number += 1) await accounts.use(bare(`user${number}@example.net`))
    clock.jump(jump)
    await accounts.use(bare('another@example.net'))
    assert.equal(accounts.get(romeo), first)
    clock.advance(1_001)
    await accounts.use(bare('last@example.net'))
    assert.deepEqual([accounts.get(bare('user0@example.net')), accounts.get(bare('user1@example.net')), accounts.get(romeo)], [undefined, undefined, first])
  }
})
