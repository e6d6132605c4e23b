// What a resource is shown when it comes goes out as its client has room for it, and as it is then (RFC 6121 §3.1.3, §4.3).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Guest, SmallHouse } from '../support/small-house.ts'

/** Room for two at a time. */
function slow({ outbound }: Guest): () => readonly string[] {
  const awaited: (() => void)[] = []
  outbound.hasRoomFor = () => outbound.sent.length < 2
  outbound.whenSent = act => { awaited.push(act) }
  return () => {
    const heard = outbound.heard()
    for (const act of awaited.splice(0)) act()
    return heard.flatMap(text => /type='subscribe'/.test(text) ? [/from='(\w+)@/.exec(text)?.[1] ?? ''] : text.includes('<presence') ? ['presence'] : [])
  }
}

async function asked(): Promise<{ readonly house: SmallHouse, readonly juliet: Guest }> {
  const house = new SmallHouse()
  const juliet = await house.enter('juliet', 'j')
  for (const name of ['a', 'b', 'c', 'd']) (await house.enter(name, 'r')).say("<presence type='subscribe' to='juliet@example.net'/>")
  await house.idle()
  return { house, juliet }
}

test('requests that nobody has answered are shown as there is room, and not those that were answered meanwhile', async () => {
  const { house, juliet } = await asked()
  const read = slow(juliet)
  juliet.say('<presence/>')
  await house.idle()
  assert.deepEqual(read(), ['presence', 'a'])
  assert.equal(juliet.outbound.sent.length, 2)
  juliet.say("<presence type='unsubscribed' to='d@example.net'/>")
  await house.idle()
  assert.deepEqual(read(), ['b', 'c'])
  assert.deepEqual(read(), [])
})

test('who goes and comes again is shown everything anew, and nothing goes on that was begun before', async () => {
  const { house, juliet } = await asked()
  const read = slow(juliet)
  juliet.say('<presence/>')
  juliet.say("<presence type='unavailable'/>")
  await house.idle()
  assert.deepEqual(read(), ['presence', 'a', 'presence'])
  assert.deepEqual(read(), [])
  juliet.say('<presence/>')
  await house.idle()
  assert.deepEqual([read(), read(), read(), read()], [['presence', 'a'], ['b', 'c'], ['d'], []])
})
