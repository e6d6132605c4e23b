// What a clock that is set does to BOSH sessions, over connections: nothing.
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { empty, message, textsIn, World } from './world.ts'

const world = await World.start()
after(async () => { await world.stop() })

describe('a clock that is set', () => {
  test('forward between two requests, further than the inactivity period: the session lives, and gets what came meanwhile', async () => {
    const [alice, bob] = [await world.login('alice'), await world.login('bob')]
    world.clock.jump(120_000)
    await bob.send(message(alice.jid, 'still there?') + message(bob.jid, 'sent'))
    assert.deepEqual(textsIn(await alice.send()), ['still there?'])
    world.clock.jump(-120_000)
  })

  for (const jump of [-3_600_000, 3_600_000]) {
    test(`${jump < 0 ? 'back' : 'forward'} an hour while a request is held: it is answered after \`wait\`, and the session goes on`, async () => {
      const alice = await world.login('alice')
      const { answer } = await alice.hold()
      world.clock.jump(jump)
      assert.equal(await world.turnUntil(answer), 60_000)
      empty(await answer)
      assert.deepEqual(textsIn(await alice.send(message(alice.jid, 'here'))), ['here'])
      // Certificates are to be valid at the next log-in.
      world.clock.jump(-jump)
    })
  }
})
