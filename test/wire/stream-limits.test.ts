// The limits that every transport announces (XEP-0478) are those that it has: what is announced is taken, and what is more is not.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Element } from '../../src/xml/element.ts'
import type { ClientAdapter, ConversationClient } from '../support/conversation-client.ts'
import { overBosh } from '../support/conversation-bosh.ts'
import { overTcp } from '../support/conversation-tcp.ts'
import { overWebSocket } from '../support/conversation-websocket.ts'
import { Gateway } from '../support/gateway.ts'
import { TcpClient } from '../support/tcp-client.ts'
import { NS_SASL, streamErrorIn } from '../support/wire-client.ts'

interface Announced { readonly adapter: ClientAdapter, readonly toml: string, readonly maxBytes: number, readonly early: string, readonly late: string | undefined }

const rows: readonly Announced[] = [
  { adapter: overWebSocket, toml: 'websocket = { max_stanza_size = 20_000, ping_rate = 45_900, state_timeout = 7_000 }', maxBytes: 20_000, early: '7', late: '45' },
  { adapter: overTcp, toml: 'max_stanza_size = 30_000\nping_rate = 3_000\nstate_timeout = 7_000', maxBytes: 30_000, early: '3', late: '3' },
  { adapter: overTcp, toml: 'max_stanza_size = 10_000\nping_rate = 0\nstate_timeout = 500', maxBytes: 10_000, early: '1', late: undefined },
  // A body is longer than what is in it.
  { adapter: overBosh, toml: 'bosh = { max_stanza_size = 40_000, inactivity = 50, state_timeout = 60_000 }', maxBytes: 40_000 - 1_024, early: '50', late: '50' },
]

async function next(client: ConversationClient): Promise<Element> {
  const element = await client.next()
  assert.ok(element !== null, 'the stream ended')
  return element
}

/** What the features announce, by name. */
function limitsIn(features: Element): Readonly<Record<string, string>> {
  const limits = features.children.find(({ ns, local }) => ns === 'urn:xmpp:stream-limits:0' && local === 'limits')
  return Object.fromEntries(limits?.children.map(({ local, text }) => [local, text]) ?? [])
}

const [start, end] = ["<message xmlns='jabber:client' to='alice@localhost/r'><body>", '</body></message>']
const emptyLength = start.length + end.length
/** A message to oneself, so long. */
const message = (bytes: number): string => `${start}${'x'.repeat(bytes - emptyLength)}${end}`

for (const { adapter, toml, maxBytes, early, late } of rows) {
  describe(`over ${adapter.name}, with ${toml.split('\n').join(', ')}`, () => {
    let gateway: Gateway
    before(async () => { gateway = await Gateway.start({ toml: `general.hosts = ["localhost"]\n${adapter.listener}${toml}` }) })
    after(() => gateway.stop())

    const login = async () => {
      const client = await adapter.connect(gateway, await gateway.identity('alice'))
      client.open('localhost')
      const before = limitsIn(await next(client))
      client.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>=</auth>`)
      assert.equal((await next(client)).local, 'success')
      client.restart('localhost')
      const behind = limitsIn(await next(client))
      client.send("<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>")
      assert.equal((await next(client)).attributes.get('type'), 'result')
      return { client, before, behind }
    }

    test('the features say before and after authentication what one element may have, and how long a client may be silent', async () => {
      const { client, before, behind } = await login()
      assert.deepEqual(before, { 'max-bytes': String(maxBytes), 'idle-seconds': early })
      assert.deepEqual(behind, { 'max-bytes': String(maxBytes), ...late === undefined ? {} : { 'idle-seconds': late } })
      await client.close()
    })

    test('an element of max-bytes is taken', async () => {
      const { client } = await login()
      client.send(message(maxBytes))
      assert.equal((await next(client)).children[0]?.text.length, maxBytes - emptyLength)
      await client.close()
    })

    // Over BOSH what decides is the whole body.
    if (adapter !== overBosh) {
      test('one of a byte more ends the stream with <policy-violation/>', async () => {
        const { client } = await login()
        client.send(message(maxBytes + 1))
        assert.equal(streamErrorIn(await next(client))?.condition, 'policy-violation')
        assert.equal(await client.next(), null)
      })
    }
  })
}

test('before a STARTTLS that is required nothing but that is said (RFC 6120 §5.3.1)', async () => {
  const gateway = await Gateway.start({ toml: `general.hosts = ["localhost"]\n${overTcp.listener}` })
  const client = await TcpClient.connect(gateway.port())
  assert.deepEqual((await client.header()).features.children.map(({ local }) => local), ['starttls'])
  await client.quit()
  await gateway.stop()
})
