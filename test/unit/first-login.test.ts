// The first log-in to an account (RFC 6121 §3.1.3), where it takes its time or fails: what no conversation can show.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bare } from '../support/external-certificate.ts'
import { SmallHouse } from '../support/small-house.ts'
import { settled } from '../support/turned-clock.ts'

const requestsTo = (sent: readonly string[]): readonly string[] => sent.flatMap(text => /type='subscribe' from='(\w+)@/.exec(text)?.[1] ?? /from='(\w+)@.*type='subscribe'/.exec(text)?.[1] ?? [])

async function ask(house: SmallHouse, ...users: readonly string[]): Promise<void> {
  for (const user of users) (await house.enter(user, 'r')).say("<presence type='subscribe' to='juliet@example.net'/>")
}

test('requests to an account that nobody has logged in to leave nothing there, and no more are heard at the first log-in than a roster has items', async () => {
  const house = new SmallHouse({ options: { max_roster_items: 2 } })
  await ask(house, 'romeo', 'paris', 'tybalt')
  await house.idle()
  assert.equal(house.store.accounts.has(bare('juliet@example.net')), false)
  const juliet = await house.enter('juliet', 'j')
  juliet.say('<presence/>')
  await house.idle()
  assert.deepEqual(requestsTo(juliet.outbound.heard()), ['paris', 'romeo'])
  assert.equal((await house.store.load(bare('juliet@example.net'))).rosterVersion, 2)
})

test('a request that comes during the first log-in is heard once', async () => {
  const house = new SmallHouse()
  await ask(house, 'romeo')
  const paris = await house.enter('paris', 'r')
  await house.idle()
  const gate = Promise.withResolvers<undefined>()
  house.store.before = async name => { if (name === 'askers') await gate.promise }
  const entering = house.enter('juliet', 'j')
  await settled()
  paris.say("<presence type='subscribe' to='juliet@example.net'/>")
  await settled()
  gate.resolve(undefined)
  const juliet = await entering
  juliet.say('<presence/>')
  await house.idle()
  assert.deepEqual(requestsTo(juliet.outbound.heard()).toSorted(), ['paris', 'romeo'])
})

test('a first log-in that could not be kept is none, and the next is the first', async () => {
  const house = new SmallHouse()
  await ask(house, 'romeo')
  await house.idle()
  for (const method of ['askers', 'commit']) {
    house.store.before = name => name === method ? Promise.reject(new Error('no disk')) : Promise.resolve()
    await assert.rejects(house.enter('juliet', 'j'), { condition: 'internal-server-error' })
    house.store.before = () => Promise.resolve()
    await house.idle()
    assert.equal((await house.store.load(bare('juliet@example.net'))).isKnown, false)
  }
  const juliet = await house.enter('juliet', 'j')
  juliet.say('<presence/>')
  await house.idle()
  assert.deepEqual(requestsTo(juliet.outbound.heard()), ['romeo'])
})
