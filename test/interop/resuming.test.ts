/**
 * Connections that break at random, on every transport and from one transport to another, under clients that resume (XEP-0198 §5): cut by the network
 * at any byte, reset or silently, seen by the server or not, and left by the client in the middle of a stanza. FUZZ_SEED repeats the choices.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { LogEvent } from '../../src/telemetry/log.ts'
import type { Element } from '../../src/xml/element.ts'
import { Randomness } from '../fuzz/xml-documents.ts'
import { boshConversation } from '../support/conversation-bosh.ts'
import { overTcp } from '../support/conversation-tcp.ts'
import { overWebSocket } from '../support/conversation-websocket.ts'
import type { ConversationClient } from '../support/conversation-client.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { type ClientIdentity, Gateway } from '../support/gateway.ts'
import { ResumingClient, type Way } from '../support/resuming-client.ts'
import { c2sListener, withListeners } from '../support/tcp-scene.ts'

const seed = Number(process.env['FUZZ_SEED'] ?? randomInt(2 ** 31))
const total = 10_000

/** Messages under way in each direction. */
const underWay = 150

const listeners = { http: 0, c2s: 1 } as const
const toml = withListeners(c2sListener('tls.mode = "starttls_required"'))

/** By the name that the gateway calls them. */
const transports: Readonly<Record<string, { readonly listener: number,
  connect(gateway: Gateway, identity: ClientIdentity, random: Randomness): Promise<ConversationClient> }>> = {
  websocket: { listener: listeners.http, connect: (gateway, identity) => overWebSocket.connect(gateway, identity) },
  bosh: {
    listener: listeners.http,
    // One that repeats its requests hardly notices the network, one that does not loses its session with a connection.
    connect: (gateway, identity, random) => Promise.resolve(boshConversation(gateway, identity, random.below(3))),
  },
  tcp: { listener: listeners.c2s, connect: (gateway, identity) => overTcp.connect(gateway, identity) },
}

describe('connections are killed at random under clients that resume', () => {
  let gateway: Gateway
  before(async () => { gateway = await Gateway.start({ toml }) })
  after(async () => { await gateway.stop() })

  /** `meanBytes` go until the network cuts a connection, `meanStanzas` until a client does: so that each way is lost often enough. */
  const cases: readonly (readonly [way: string, names: readonly string[], meanBytes: number, meanStanzas: number])[] = [
    ['over WebSocket', ['websocket'], 60_000, 250], ['over BOSH', ['bosh'], 40_000, 250], ['over TCP', ['tcp'], 60_000, 250],
    ['that change the transport at each resumption', ['websocket', 'bosh', 'tcp'], 30_000, 100],
  ]
  for (const [way, names, meanBytes, meanStanzas] of cases) {
    test(`${way}: ${total} numbered messages each way, exactly once and in order [seed ${seed}]`, { timeout: 120_000 }, async t => {
      const random = new Randomness(seed)
      const proxies: FaultProxy[] = []
      const ends: (() => Promise<void>)[] = []

      const waysOf = async (name: string): Promise<readonly Way[]> => {
        const identity = await gateway.identity(name)
        return Promise.all(names.map(async transport => {
          const { listener, connect } = transports[transport]!
          const proxy = await FaultProxy.listen({ port: gateway.port(listener), random, meanBytes, mercyAfter: 3, unseenOneIn: 4 })
          proxies.push(proxy)
          // The same gateway, with a bad network before it.
          const beyond = Object.create(gateway, { port: { value: () => proxy.port } }) as Gateway
          return { name: transport, connect: () => connect(beyond, identity, random) }
        }))
      }

      const arrive = async (name: string, heard: number[], more: () => void): Promise<ResumingClient> => {
        const ways = await waysOf(name)
        const client = await ResumingClient.arrive({
          choose: before => random.pick(ways.length === 1 ? ways : ways.filter(other => other !== before)),
          random, meanStanzas,
          hear(stanza: Element) {
            assert.equal(stanza.attributes.get('id'), String(heard.length + 1), `${name} heard ${stanza.attributes.get('id')} after number ${heard.length}`)
            heard.push(heard.length + 1)
            more()
          },
        })
        ends.push(() => client.leave())
        return client
      }

      try {
        const heard = { alice: [] as number[], bob: [] as number[] }
        const said = { alice: 0, bob: 0 }
        let finish = (): void => undefined
        const everything = new Promise<void>(resolve => { finish = resolve })
        let alice: ResumingClient | null = null
        let bob: ResumingClient | null = null
        const talk = (from: ResumingClient | null, to: ResumingClient | null, name: 'alice' | 'bob', other: 'alice' | 'bob'): void => {
          if (from === null || to === null) return
          while (said[name] < total && said[name] < heard[other].length + underWay) {
            const number = said[name] += 1
            // Now and then one that takes several packets.
            const length = random.oneIn(200) ? 30_000 : random.below(300)
            from.say(`<message xmlns='jabber:client' to='${to.jid}' type='chat' id='${number}'><body>${'x'.repeat(length)}</body></message>`)
          }
        }
        const more = () => {
          talk(alice, bob, 'alice', 'bob')
          talk(bob, alice, 'bob', 'alice')
          if (heard.alice.length >= total && heard.bob.length >= total) finish()
        }
        alice = await arrive('alice', heard.alice, more)
        bob = await arrive('bob', heard.bob, more)
        const start = gateway.events.length
        more()
        await Promise.race([everything, alice.over, bob.over])
        for (const proxy of proxies) proxy.heal()
        for (const client of [alice, bob]) client.calm()
        await Promise.race([Promise.all([alice.acknowledged(), bob.acknowledged()]), alice.over, bob.over])
        assert.deepEqual(said, { alice: total, bob: total })
        assert.deepEqual([heard.alice.length, heard.bob.length], [total, total])

        const kills = new Map(names.map(name => [name, (alice?.resumptions.get(name) ?? 0) + (bob?.resumptions.get(name) ?? 0)]))
        t.diagnostic(`resumed after losing: ${JSON.stringify(Object.fromEntries(kills))}; cut by the network: ${JSON.stringify(proxies.map(({ cuts }) => cuts))}`)
        for (const [name, count] of kills) assert.ok(count >= 50, `${name} was killed ${count} times, which is not enough to show anything`)
        for (const end of ends.splice(0)) await end()

        const since = gateway.events.slice(start)
        assert.deepEqual(since.filter(({ event }) => event === 'session.bound'), [])
        assert.deepEqual(since.filter(({ event }) => event === 'session.ended').map(({ jid, reason }) => [jid, reason]), [[alice.jid, 'closed'], [bob.jid, 'closed']])
        assert.deepEqual(since.filter(({ level }) => level === 'error'), [])
        // A stream that is there still when its session is taken up elsewhere is told so, one whose client vanished before it had logged in is
        // given up some time; nothing else is anybody's mistake.
        const isMistake = ({ event, condition, phase }: LogEvent) => event === 'stream.error' && condition !== 'conflict'
          && !(condition === 'connection-timeout' && phase !== 'established')
        assert.deepEqual(since.filter(isMistake), [])
      } finally {
        for (const proxy of proxies) await proxy.stop()
        for (const end of ends) await end().catch(() => undefined)
      }
    })
  }
})
