// Which sessions count against `max_sessions_per_certificate`.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BoshSession } from '../support/bosh-session.ts'
import { defaultToml, Gateway } from '../support/gateway.ts'

test('a certificate whose sessions have ended opens the next one at once: the ones that are over wait for repeats, and count no more', async () => {
  const gateway = await Gateway.start({ toml: `${defaultToml}\nbosh.max_sessions_per_certificate = 1\n` })
  const open = async () => {
    const session = new BoshSession({ url: gateway.boshUrl(), ca: gateway.ca, identity: await gateway.identity('alice') })
    session.open('localhost')
    return { session, first: await session.next() }
  }
  try {
    for (let round = 0; round < 3; round += 1) {
      const { session, first } = await open()
      assert.equal(first?.local, 'features')
      const refused = await open()
      assert.deepEqual([refused.first, refused.session.condition], [null, 'policy-violation'])
      session.terminate()
      await session.ended()
    }
  } finally {
    await gateway.stop()
  }
})
