// How the servers of a directory share the time of one login: it is time that passes, not a date. Nothing is asked over a connection here.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LdapDirectory } from '../../src/auth/backends/ldap-directory.ts'
import { settled, TurnedClock } from '../support/turned-clock.ts'

async function twoServers() {
  const clock = new TurnedClock()
  const servers = [389, 390].map(port => ({ host: 'ldap.example.net', port, encryption: 'none' as const }))
  return { clock, directory: await LdapDirectory.create({ servers, tls: {}, searcher: null, base: '', connections: 1, timeoutMilliseconds: 2_000, clock }) }
}

/** The ports of those that failed, in the order in which they were asked. */
async function failing(asked: Promise<unknown>): Promise<readonly string[]> {
  const text = await asked.then(() => '', String)
  return [...text.matchAll(/:(\d+): /g)].map(([, port]) => port!)
}

for (const jump of [-3_600_000, 3_600_000]) {
  test(`a clock that is set by ${jump / 1_000} s while the first server hangs: the second is asked, and has the time that is left`, async () => {
    const { clock, directory } = await twoServers()
    let questions = 0
    let failed: readonly string[] = []
    failing(directory.ask(() => {
      questions += 1
      return Promise.withResolvers().promise
    })).then(ports => { failed = ports }, assert.fail)
    clock.jump(jump)
    clock.advance(1_000)
    await settled()
    assert.equal(questions, 2)
    clock.advance(999)
    await settled()
    assert.deepEqual(failed, [])
    clock.advance(1)
    await settled()
    assert.deepEqual(failed, ['389', '390'])
  })

  test(`a server that did not answer is asked last for ten seconds, not shorter and not longer where the clock is set by ${jump / 1_000} s`, async () => {
    for (const [passed, order] of [[9_999, ['390', '389']], [10_000, ['389', '390']]] as const) {
      const { clock, directory } = await twoServers()
      let questions = 0
      assert.equal(await directory.ask(() => (questions += 1) === 1 ? Promise.reject(new Error('away')) : Promise.resolve('answer')), 'answer')
      clock.jump(jump)
      clock.advance(passed)
      assert.deepEqual(await failing(directory.ask(() => Promise.reject(new Error('away')))), order)
    }
  })
}
