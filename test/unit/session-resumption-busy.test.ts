/** A client that comes back while what it said before is still being dealt with (XEP-0198 §5). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ResumingHouse } from '../support/resuming-house.ts'
import { settled } from '../support/turned-clock.ts'

const { bind, enable, resume } = ResumingHouse
const idsIn = (heard: readonly string[]): readonly string[] => heard.filter(text => text.startsWith('<message')).map(text => /id='([^']*)'/.exec(text)?.[1] ?? '')
const isResumed = ([first = '']: readonly string[]): boolean => first.startsWith('<resumed ')

/** Alice has asked for something that waits for the store, has lost her connection, and wants her session back before that is done. */
function scene() {
  const house = new ResumingHouse()
  const alice = bind(house.arrive('alice'))
  const id = enable(alice)
  const bob = bind(house.arrive('bob'))
  const write = (one: string) => { bob.say(`<message xmlns='jabber:client' type='chat' to='alice@example.net/r' id='${one}'/>`) }
  const gate = Promise.withResolvers<undefined>()
  house.store.before = () => gate.promise
  alice.say("<iq xmlns='jabber:client' type='get' id='q'><vCard xmlns='vcard-temp'/></iq>")
  const session = [...house.manager.sessions].find(({ jid }) => jid === 'alice@example.net/r')!
  assert.ok(session.work !== null)
  write('1')
  alice.events.lost(null)
  const comeBack = () => {
    const transport = house.arrive('alice')
    assert.deepEqual(resume(transport, id), [], 'it waits for that')
    return transport
  }
  return { house, session, id, bob, write, comeBack, finish: async () => { gate.resolve(undefined); await settled() } }
}

describe('a session that is still busy with what its client said before', () => {
  test('is taken up in one go: what comes at that moment is behind <resumed/>, in order and once (XEP-0198 §5)', async () => {
    const { session, write, comeBack, finish } = scene()
    const again = comeBack()
    const ids = Array.from({ length: 12 }, (_, index) => String(index + 2))
    // One at each turn of the promises that follow.
    void session.work?.then(async () => {
      for (const one of ids) {
        write(one)
        await Promise.resolve()
      }
    })
    await finish()
    const heard = again.heard()
    assert.match(heard[0] ?? '', /^<resumed [^>]*h='1'/)
    assert.deepEqual(idsIn(heard), ['1', ...ids])
    assert.equal(heard.filter(text => text.startsWith('<iq')).length, 1)
  })

  test('goes on waiting for its client where the stream goes before it is taken up', async () => {
    const { house, session, id, write, comeBack, finish } = scene()
    comeBack().events.lost(null)
    await finish()
    write('2')
    assert.ok(session.isDetached)
    const heard = resume(house.arrive('alice'), id)
    assert.ok(isResumed(heard))
    assert.deepEqual(idsIn(heard), ['1', '2'])
  })

  test('is the last one\'s of two who wait for it: the other one ends with <conflict/>, and nothing is lost', async () => {
    const { house, write, comeBack, finish } = scene()
    const [one, two] = [comeBack(), comeBack()]
    await finish()
    write('2')
    assert.match(one.heard().join(''), /^<resumed .*<conflict .*\(footer\)$/)
    const heard = two.heard()
    assert.ok(isResumed(heard))
    assert.deepEqual(idsIn(heard), ['1', '2'])
    assert.deepEqual([house.manager.sessionCount, house.manager.streamCount], [2, 2])
  })

  test('is not found where it ends first, and its client learns what was handled', async () => {
    const { house, session, bob, comeBack, finish } = scene()
    const late = comeBack()
    session.end('lost', null)
    await finish()
    assert.match(late.heard().join(''), /^<failed [^>]*h='0'.*<item-not-found /)
    house.clock.advance(0)
    await settled()
    assert.match(bob.heard().join(''), /type='error' id='1'/)
  })
})
