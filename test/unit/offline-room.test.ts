// What is kept is given to a client as far as it has room for it (XEP-0160 §2): what it takes its time for, what it never takes, and what happens meanwhile.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Receipt } from '../../src/session/stream-management.ts'
import { bare } from '../support/external-certificate.ts'
import { type Guest, SmallHouse } from '../support/small-house.ts'

const bodies = (sent: readonly string[]): readonly string[] => sent.flatMap(text => /<body>(.*?)<\/body>/.exec(text)?.[1] ?? (text.includes('<presence') ? ['presence'] : []))
const messages = (sent: readonly string[]): readonly string[] => bodies(sent).filter(text => text !== 'presence')
const chat = (text: number | string): string => `<message type='chat' to='juliet@example.net'><body>${text}</body></message>`
const kept = ({ store }: SmallHouse): readonly string[] => (store.accounts.get(bare('juliet@example.net'))?.messages ?? []).map(({ wire }) => bodies([Buffer.from(wire).toString()])[0]!)

/** A client without stream management: of what is written to it nothing leaves before `read` is called, and it has room for so many stanzas. */
function slow({ outbound }: Guest, room: number): { readonly read: () => readonly string[] } {
  const awaited: (() => void)[] = []
  outbound.hasRoomFor = () => outbound.sent.length < room
  outbound.whenSent = act => { awaited.push(act) }
  return {
    read() {
      const heard = outbound.heard()
      for (let act = awaited.shift(); act !== undefined; act = awaited.shift()) act()
      return heard
    },
  }
}

/** Romeo has written so many, and nobody was there. */
async function scene(count: number) {
  const house = new SmallHouse()
  const romeo = await house.enter('romeo', 'r')
  const one = await house.enter('juliet', 'one')
  for (let number = 1; number <= count; number += 1) romeo.say(chat(number))
  await house.idle()
  return { house, romeo, one }
}

test('what is given is kept until it has left for the client, and the rest is given then; the account can be used meanwhile', async () => {
  const { house, one } = await scene(5)
  const { read } = slow(one, 2)
  one.say('<presence/>')
  await house.idle()
  assert.deepEqual(kept(house), ['1', '2', '3', '4', '5'])
  one.say("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>")
  await house.idle()
  assert.deepEqual(bodies(one.outbound.sent), ['1', '2'])
  assert.match(one.outbound.sent.at(-1) ?? '', /type='result'/)
  const heard: (readonly string[])[] = []
  for (let round = 0; round < 4; round += 1) {
    heard.push(bodies(read()))
    await house.idle()
  }
  assert.deepEqual(heard, [['1', '2'], ['3', '4'], ['5', 'presence'], []])
  assert.deepEqual(kept(house), [])
})

test('what comes while the rest waits is kept behind it, and given in order; a headline, and what is not worth keeping, waits for nothing', async () => {
  const { house, romeo, one } = await scene(3)
  const { read } = slow(one, 2)
  one.say('<presence/>')
  await house.idle()
  house.clock.advance(5_000)
  await house.idle()
  assert.deepEqual(bodies(one.outbound.sent), ['1', '2', 'presence'], 'available after five seconds, whatever it has taken')
  romeo.say(chat(4))
  romeo.say("<message type='headline' to='juliet@example.net'><body>news</body></message>")
  romeo.say("<message type='chat' to='juliet@example.net'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
  await house.idle()
  assert.deepEqual(kept(house), ['1', '2', '3', '4'])
  assert.ok(one.outbound.sent.at(-1)?.includes('<composing'))
  assert.deepEqual(romeo.outbound.heard(), [])
  assert.deepEqual(bodies(read()), ['1', '2', 'presence', 'news'])
  await house.idle()
  assert.deepEqual(bodies(read()), ['3', '4'])
  await house.idle()
  romeo.say(chat(5))
  assert.deepEqual(bodies(one.outbound.sent), ['5'], 'it has caught up')
})

test('what it says of its presence while it is given what is kept, it says when it has that; the last word counts', async () => {
  const { house, one } = await scene(3)
  const { read } = slow(one, 2)
  one.say('<presence/>')
  await house.idle()
  one.say('<presence><show>away</show></presence>')
  await house.idle()
  assert.deepEqual(bodies(read()), ['1', '2'])
  await house.idle()
  assert.match(one.outbound.sent.filter(text => text.includes('<presence')).join(''), /^<presence[^>]*><show>away<\/show><\/presence>$/)
})

test('who becomes unavailable, or wants no messages any more, leaves the rest to others that are there', async () => {
  for (const word of ["<presence type='unavailable'/>", '<presence><priority>-1</priority></presence>']) {
    const { house, romeo, one } = await scene(4)
    const { read } = slow(one, 2)
    one.say('<presence/>')
    await house.idle()
    one.say(word)
    await house.idle()
    const two = await house.enter('juliet', 'two')
    two.say('<presence/>')
    await house.idle()
    assert.deepEqual(messages(two.outbound.heard()), ['3', '4'])
    romeo.say(chat(5))
    assert.deepEqual(messages(two.outbound.heard()), ['5'])
    assert.deepEqual(messages(read()), ['1', '2'])
    await house.idle()
    assert.deepEqual(messages(read()), [])
    assert.deepEqual(kept(house), [])
  }
})

test('who takes nothing keeps nobody else of the account from it, and who goes leaves the rest', async () => {
  const { house, one } = await scene(4)
  slow(one, 2)
  one.say('<presence><priority>5</priority></presence>')
  await house.idle()
  house.clock.advance(5_000)
  const two = await house.enter('juliet', 'two')
  two.say('<presence/>')
  await house.idle()
  assert.deepEqual(messages(two.outbound.heard()), ['3', '4'])
  // What never left comes back, as the session manager has it.
  const [first, second] = one.outbound.sent.filter(text => text.includes('<body>'))
  assert.deepEqual(messages([first!, second!]), ['1', '2'])
  one.session.end('lost', null)
  one.session.giveBack()
  await house.idle()
  assert.deepEqual(messages(two.outbound.heard()), ['1', '2'])
  assert.deepEqual(kept(house), [])
})

test('what leaves for the client while it is given back is given back all the same, once', async () => {
  const { house, one } = await scene(1)
  const { read } = slow(one, 2)
  one.say('<presence/>')
  await house.idle()
  one.session.end('lost', null)
  one.session.giveBack()
  read()
  const two = await house.enter('juliet', 'two')
  two.say('<presence/>')
  await house.idle()
  assert.deepEqual(messages(two.outbound.heard()), ['1'])
})

test('a stanza that ends the session is not acknowledged: it is given to the next', async () => {
  const house = new SmallHouse()
  const one = await house.enter('juliet', 'one', session => { session.end('lost', null) })
  const told: string[] = []
  const receipt: Receipt = { acknowledged: () => { told.push('acknowledged') } }
  one.session.deliver(Buffer.from('<message/>'), receipt)
  assert.deepEqual([told, one.session.isSettled], [[], false])
})
