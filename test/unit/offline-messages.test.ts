// Messages for those who are not there (XEP-0160), where what they are kept in takes its time or fails: the races that no conversation can show.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Unacknowledged } from '../../src/session/stream-management.ts'
import { bare } from '../support/external-certificate.ts'
import { SmallHouse } from '../support/small-house.ts'
import { settled } from '../support/turned-clock.ts'

const bodies = (sent: readonly string[]): readonly string[] => sent.flatMap(text => /<body>(.*?)<\/body>/.exec(text)?.[1] ?? (text.includes('<presence') ? ['presence'] : []))

/** Calls of `method` wait until they are let go. */
function hold(house: SmallHouse, method: string): () => void {
  const gate = Promise.withResolvers<undefined>()
  house.store.before = async name => { if (name === method) await gate.promise }
  return () => { gate.resolve(undefined) }
}

test('who becomes available while a message is being kept is given it, before its presence (XEP-0160 §2)', async () => {
  const house = new SmallHouse()
  const romeo = await house.enter('romeo', 'r')
  const juliet = await house.enter('juliet', 'j')
  const letGo = hold(house, 'keepMessages')
  romeo.say("<message type='chat' to='juliet@example.net'><body>1</body></message>")
  await settled()
  juliet.say('<presence/>')
  await settled()
  letGo()
  await house.idle()
  assert.deepEqual(bodies(juliet.outbound.heard()), ['1', 'presence'])
})

test('of two resources that come at once, one is given what is kept, and only once (XEP-0160 §2)', async () => {
  const house = new SmallHouse()
  const romeo = await house.enter('romeo', 'r')
  const one = await house.enter('juliet', 'one')
  const two = await house.enter('juliet', 'two')
  romeo.say("<message type='chat' to='juliet@example.net'><body>1</body></message>")
  await house.idle()
  one.say('<presence/>')
  two.say('<presence/>')
  await house.idle()
  assert.deepEqual([...one.outbound.heard(), ...two.outbound.heard()].filter(text => text.includes('<body>')).length, 1)
})

for (const type of ['headline', 'chat'] as const) {
  test(`a ${type} message that is not acknowledged goes to nobody who had it, also where all came in one millisecond (XEP-0198 §4)`, async () => {
    const house = new SmallHouse()
    const juliet = await house.enter('juliet', 'j')
    const [phone, tablet] = [await house.enter('romeo', 'phone'), await house.enter('romeo', 'tablet')]
    phone.say('<presence/>')
    tablet.say('<presence/>')
    await house.idle()
    juliet.say(`<message type='${type}' to='romeo@example.net'><body>1</body></message>`)
    const given = { at: house.clock.now(), elapsed: house.clock.elapsed() }
    const late = await house.enter('romeo', 'late')
    late.say('<presence/>')
    await house.idle()
    const [wire = ''] = tablet.outbound.heard().filter(text => text.includes('<body>'))
    assert.deepEqual(bodies(phone.outbound.heard()).filter(text => text !== 'presence'), ['1'])
    late.outbound.heard()
    tablet.session.end('lost', null)
    tablet.attachment.undelivered([{ wire: Buffer.from(wire), ...given }])
    await house.idle()
    assert.deepEqual(bodies(phone.outbound.heard()).filter(text => text !== 'presence'), [], 'it was there')
    assert.deepEqual(bodies(late.outbound.heard()).filter(text => text !== 'presence'), type === 'headline' ? ['1'] : [], 'it came too late')
  })
}

test('a store that fails to keep a message is an error for its sender (RFC 6120 §8.3.3.6)', async () => {
  const house = new SmallHouse()
  const romeo = await house.enter('romeo', 'r')
  await house.enter('juliet', 'j')
  house.store.before = method => method === 'keepMessages' ? Promise.reject(new Error('disk')) : Promise.resolve()
  romeo.say("<message type='chat' id='1' to='juliet@example.net'><body>1</body></message>")
  await house.idle()
  const [answer = ''] = romeo.outbound.heard()
  assert.match(answer, /type='error'.*<internal-server-error/)
})

test('a store that fails to give what it keeps does not keep anybody away, and what is kept stays', async () => {
  const house = new SmallHouse()
  const romeo = await house.enter('romeo', 'r')
  const juliet = await house.enter('juliet', 'j')
  romeo.say("<message type='chat' to='juliet@example.net'><body>1</body></message>")
  await house.idle()
  house.store.before = method => method === 'messages' ? Promise.reject(new Error('disk')) : Promise.resolve()
  juliet.say('<presence/>')
  await house.idle()
  assert.deepEqual(bodies(juliet.outbound.heard()), ['presence'])
  house.store.before = () => Promise.resolve()
  juliet.say("<presence type='unavailable'/>")
  juliet.say('<presence/>')
  await house.idle()
  assert.deepEqual(bodies(juliet.outbound.heard()).filter(text => text !== 'presence'), ['1'])
})

test('more than a page of them comes in order (XEP-0160 §2)', async () => {
  const house = new SmallHouse()
  const romeo = await house.enter('romeo', 'r')
  const juliet = await house.enter('juliet', 'j')
  const texts = Array.from({ length: 120 }, (_, index) => String(index))
  for (const text of texts) {
    romeo.say(`<message type='chat' to='juliet@example.net'><body>${text}</body></message>`)
    await house.idle()
  }
  juliet.say('<presence/>')
  await house.idle()
  assert.deepEqual(bodies(juliet.outbound.heard()), [...texts, 'presence'])
})

test('a resource that leaves while it is given what is kept leaves the rest to the others that are there', async () => {
  const house = new SmallHouse()
  const romeo = await house.enter('romeo', 'r')
  const texts = Array.from({ length: 80 }, (_, index) => String(index))
  const one = await house.enter('juliet', 'one')
  for (const text of texts) romeo.say(`<message type='chat' to='juliet@example.net'><body>${text}</body></message>`)
  await house.idle()
  const two = await house.enter('juliet', 'two')
  let reads = 0
  house.store.before = async method => {
    if (method !== 'messages') return
    reads += 1
    // While the second page is read.
    if (reads === 2) {
      two.say('<presence/>')
      await settled()
      one.session.end('closed', null)
    }
  }
  one.say('<presence/>')
  await house.idle()
  const [first, second] = [bodies(one.outbound.heard()), bodies(two.outbound.heard()).filter(text => text !== 'presence')]
  assert.deepEqual(first.filter(text => text !== 'presence').length, 50)
  assert.deepEqual(new Set([...first, ...second].filter(text => text !== 'presence')), new Set(texts))
})

test('what comes back while the rest is read is lost to nobody, whatever the store answers meanwhile (XEP-0198 §4)', async () => {
  const house = new SmallHouse()
  const romeo = await house.enter('romeo', 'r')
  const texts = Array.from({ length: 60 }, (_, index) => String(index))
  const one = await house.enter('juliet', 'one')
  for (const text of texts) romeo.say(`<message type='chat' to='juliet@example.net'><body>${text}</body></message>`)
  await house.idle()
  const given: Unacknowledged[] = []
  one.session.deliver = (wire, receipt) => { given.push({ wire, receipt, at: 0, elapsed: 0 }) }
  const gate = Promise.withResolvers<undefined>()
  let reads = 0
  house.store.before = async method => {
    if (method !== 'messages') return
    reads += 1
    if (reads === 2) await gate.promise
  }
  one.say('<presence/>')
  await settled()
  assert.deepEqual([given.length, reads], [50, 2])
  one.session.end('closed', null)
  one.attachment.undelivered(given.splice(0))
  gate.resolve(undefined)
  await house.idle()
  const two = await house.enter('juliet', 'two')
  two.say('<presence/>')
  await house.idle()
  assert.deepEqual(bodies(two.outbound.heard()), [...texts, 'presence'])
  assert.deepEqual(house.store.accounts.get(bare('juliet@example.net'))?.messages, [])
})

test('two clients that block at once do not block more together than an account may (XEP-0191 §3.3)', async () => {
  const house = new SmallHouse({ options: { max_blocked: 1 } })
  const [one, two] = [await house.enter('juliet', 'one'), await house.enter('juliet', 'two')]
  const block = (jid: string) => `<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'><item jid='${jid}'/></block></iq>`
  one.say(block('a@example.net'))
  two.say(block('b@example.net'))
  await house.idle()
  assert.match(one.outbound.heard()[0] ?? '', /type='result'/)
  assert.match(two.outbound.heard()[0] ?? '', /type='error'.*<policy-violation/)
})
