/** Presence where a conversation does not look: bounds, copies, and what happens in the middle of a broadcast (RFC 6121 §4). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SmallHouse } from '../support/small-house.ts'

const unavailable = (from: string): string => `<presence xmlns='jabber:client' type='unavailable' from='${from}'/>`

describe('directed presence', () => {
  test('is remembered for a thousand addresses, the latest: what a client alone decides has a bound', async () => {
    const house = new SmallHouse()
    const juliet = await house.enter('juliet', 'balcony')
    const nurse = await house.enter('nurse', 'chamber')
    const romeo = await house.enter('romeo', 'orchard')
    romeo.say(`<presence to='${juliet.jid}'/>`)
    for (let number = 0; number < 999; number += 1) romeo.say(`<presence to='nobody-${number}@example.net'/>`)
    romeo.say(`<presence to='${nurse.jid}'/>`)
    juliet.outbound.heard()
    nurse.outbound.heard()
    romeo.session.end('closed', null)
    assert.deepEqual(nurse.outbound.heard(), [unavailable(romeo.jid)])
    assert.deepEqual(juliet.outbound.heard(), [], 'the oldest was forgotten')
  })

  test('sent to the same address again is taken back once', async () => {
    const house = new SmallHouse()
    const juliet = await house.enter('juliet', 'balcony')
    const romeo = await house.enter('romeo', 'orchard')
    for (const address of [juliet.jid, juliet.jid, 'JULIET@example.net/balcony']) romeo.say(`<presence to='${address}'/>`)
    juliet.outbound.heard()
    romeo.session.end('lost', null)
    assert.deepEqual(juliet.outbound.heard(), [unavailable(romeo.jid)])
  })
})

describe('a broadcast', () => {
  test('goes on when one of its recipients is lost while it is written to', async () => {
    const house = new SmallHouse()
    const others = await Promise.all(['a', 'b', 'c'].map(resource => house.enter('romeo', resource, session => {
      if (session.jid.endsWith('/b') && armed) session.streamEnded('lost')
    })))
    let armed = false
    for (const other of others) other.say('<presence/>')
    const romeo = await house.enter('romeo', 'orchard')
    armed = true
    for (const { outbound } of others) outbound.heard()
    romeo.say('<presence/>')
    const [a, , c] = others.map(({ outbound }) => outbound.heard())
    const initial = `<presence from='${romeo.jid}' xmlns='jabber:client'/>`
    for (const heard of [a, c]) assert.deepEqual([...heard ?? []].sort(), [initial, unavailable('romeo@example.net/b')].sort())
    assert.ok(!romeo.outbound.heard().some(text => text.includes("from='romeo@example.net/b'") && !text.includes('unavailable')), 'b is not shown any more')
  })

  test('that is refused for its priority leaves the one before as it was', async () => {
    const house = new SmallHouse()
    const romeo = await house.enter('romeo', 'orchard')
    const juliet = await house.enter('juliet', 'balcony')
    romeo.say('<presence><priority>3</priority></presence>')
    romeo.say('<presence><priority>1000</priority></presence>')
    romeo.outbound.heard()
    juliet.say("<message to='romeo@example.net' type='chat'/>")
    assert.equal(romeo.outbound.heard().length, 1)
  })

  test('is kept for those who come later in an allocation of its own, however long the message was that brought it', async () => {
    const house = new SmallHouse()
    const kept: Uint8Array[] = []
    const first = await house.enter('romeo', 'orchard')
    first.say('<presence><show>away</show></presence>')
    const later = await house.enter('romeo', 'wall')
    const { session } = later
    session.deliver = wire => { kept.push(wire) }
    later.say('<presence/>')
    const shown = kept.find(wire => Buffer.from(wire).includes('orchard'))
    assert.equal(shown?.buffer.byteLength, shown?.byteLength)
  })
})
