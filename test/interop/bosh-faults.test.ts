// BOSH on a network that cuts real TLS connections at any byte: nothing is lost, nothing comes twice, everything in order. MEERKAT_SEED repeats the cuts.
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { Randomness } from '../fuzz/xml-documents.ts'
import { FaultProxy, type FaultProxyOptions } from '../support/fault-proxy.ts'
import { defaultToml, Gateway } from '../support/gateway.ts'
import { type Arrive, atOwnClient, atStrophe, type Talker } from './counting-talkers.ts'

const seed = Number(process.env['MEERKAT_SEED'] ?? randomInt(2 ** 31))
const total = 2_000

/** Messages under way in each direction: several requests and responses, so that there is something to confuse. */
const underWay = 60

describe('BOSH on a network that cuts connections at any byte (XEP-0124 §14.3)', () => {
  let gateway: Gateway
  before(async () => { gateway = await Gateway.start({ toml: `${defaultToml}\n[limits]\nmax_stanzas_per_second = 0\n` }) })
  after(async () => { await gateway.stop() })

  /** Each talks as soon as the other has heard enough, until both have heard everything. */
  function count(alice: Talker, bob: Talker): Promise<void> {
    return new Promise((resolve, reject) => {
      const talk = (from: Talker, to: Talker): void => {
        let said = 0
        const sayMore = (most: number) => {
          for (let left = most; left > 0 && said < total && said < to.heard.length + underWay; left -= 1) from.say(to.jid, ++said)
        }
        to.listen(cause => {
          if (cause !== null) reject(new Error(`the session of ${to.jid} ended after number ${to.heard.at(-1)}: ${cause.message}`, { cause }))
          else if (to.heard.at(-1) !== to.heard.length) reject(new Error(`${to.jid} heard ${to.heard.slice(-3).join(', ')}, which is number ${to.heard.length}`))
          else if (alice.heard.length >= total && bob.heard.length >= total) resolve()
          else sayMore(2)
        })
        sayMore(underWay / 2)
      }
      talk(alice, bob)
      talk(bob, alice)
    })
  }

  const cases: readonly (readonly [client: string, arrive: Arrive, network: Omit<FaultProxyOptions, 'port' | 'random'>, leastCuts: number])[] = [
    ['strophe.js 5', atStrophe, { meanBytes: 12_000, mercyAfter: 1 }, 20],
    ['a client that does all that XEP-0124 asks', atOwnClient, { meanBytes: 5_000 }, 100],
  ]
  for (const [client, arrive, network, leastCuts] of cases) {
    test(`${client}: ${total} messages each way, none lost, none doubled, all in order [seed ${seed}]`, { timeout: 120_000 }, async t => {
      const random = new Randomness(seed)
      const proxies: FaultProxy[] = []
      const arriveAt = async (name: string): Promise<Talker> => {
        const proxy = await FaultProxy.listen({ port: gateway.port(), random, ...network })
        proxies.push(proxy)
        return arrive(`https://localhost:${proxy.port}${gateway.listening[0]!.boshPath}`, name, { ...await gateway.identity(name), ca: gateway.ca })
      }
      try {
        const alice = await arriveAt('alice')
        const bob = await arriveAt('bob')
        await count(alice, bob)
        for (const proxy of proxies) proxy.heal()
        await alice.leave()
        await bob.leave()
        const everything = Array.from({ length: total }, (_, index) => index + 1)
        assert.deepEqual(alice.heard, everything)
        assert.deepEqual(bob.heard, everything)
        const cuts = proxies.map(proxy => proxy.cuts)
        t.diagnostic(`cut: ${JSON.stringify(cuts)}`)
        // Else the network was not bad enough to show anything.
        assert.ok(cuts.reduce((sum, { handshake, upstream, downstream }) => sum + handshake + upstream + downstream, 0) >= leastCuts)
      } finally {
        for (const proxy of proxies) await proxy.stop()
      }
    })
  }

  test('no session was broken by what the gateway did', () => {
    assert.deepEqual(gateway.events.filter(({ level }) => level === 'error'), [])
    assert.deepEqual(gateway.eventsNamed('stream.error'), [])
  })
})
