// What a protocol did to other stanzas it does no more when it is switched off, and what was kept with it stays (README, "Contacts, presence and messages").
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bare } from '../support/external-certificate.ts'
import { befriend } from '../support/friends.ts'
import { SmallHouse } from '../support/small-house.ts'

const message = (to: string, body: string): string => `<message type='chat' to='${to}@example.net'><body>${body}</body></message>`
const heardBy = async (house: SmallHouse, { outbound }: { readonly outbound: { heard(): readonly string[] } }): Promise<string> => {
  await house.idle()
  return outbound.heard().join('')
}

test('without `blocking` whoever was blocked reaches the account and sees it; when it is on again he does not', async () => {
  const first = new SmallHouse()
  const { store } = first
  const [romeo, juliet] = [await first.enter('romeo', 'r'), await first.enter('juliet', 'j')]
  await befriend(first, romeo, juliet)
  romeo.say("<iq type='set' id='1'><block xmlns='urn:xmpp:blocking'><item jid='juliet@example.net'/></block></iq>")
  await first.idle()
  for (const isMet of [true, false]) {
    const house = new SmallHouse({ store, options: { disabled: isMet ? ['blocking'] : [] } })
    const [blocking, blocked] = [await house.enter('romeo', 'r'), await house.enter('juliet', 'j')]
    blocking.say('<presence/>')
    blocked.say('<presence/>')
    await house.idle()
    blocked.say(message('romeo', 'is it you'))
    assert.equal((await heardBy(house, blocking)).includes('is it you'), isMet)
    assert.equal((await heardBy(house, blocked)).includes("from='romeo@example.net/r'"), isMet)
  }
})

test('without `last-activity` nothing is kept of when somebody went, and what was kept stays', async () => {
  const first = new SmallHouse()
  const { store } = first
  const goOn = async (house: SmallHouse, user: string) => {
    const guest = await house.enter(user, 'r')
    for (const end of [() => { guest.say("<presence type='unavailable'><status>gone</status></presence>") }, () => { guest.session.end('closed', null) }]) {
      guest.say('<presence/>')
      await house.idle()
      end()
      await house.idle()
    }
  }
  await goOn(first, 'romeo')
  const kept = await store.lastActivity(bare('romeo@example.net'))
  assert.ok(kept !== null)
  const house = new SmallHouse({ store, options: { disabled: ['last-activity'] } })
  house.clock.advance(60_000)
  for (const user of ['romeo', 'juliet']) await goOn(house, user)
  assert.deepEqual(await store.lastActivity(bare('romeo@example.net')), kept)
  assert.equal(await store.lastActivity(bare('juliet@example.net')), null)
})

test('without `offline` nothing more is kept, and what was kept before is given', async () => {
  const first = new SmallHouse()
  const { store } = first
  await first.enter('juliet', 'j')
  const writer = await first.enter('romeo', 'r')
  writer.say(message('juliet', 'before'))
  assert.equal(await heardBy(first, writer), '')
  const house = new SmallHouse({ store, options: { disabled: ['offline'] } })
  const romeo = await house.enter('romeo', 'r')
  romeo.say(message('juliet', 'after'))
  assert.match(await heardBy(house, romeo), /type='error'.*<service-unavailable /)
  const juliet = await house.enter('juliet', 'j')
  juliet.say('<presence/>')
  const heard = await heardBy(house, juliet)
  assert.match(heard, /<body>before<\/body>.*<presence/)
  assert.doesNotMatch(heard, /after/)
  assert.deepEqual(await store.messages(bare('juliet@example.net'), 0, 10), [])
})
