// "SASL EXTERNAL" §6, the exchange, over BOSH; over WebSocket it is in wire/sasl.test.ts, with more that is bad.
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { BoshClient } from '../support/bosh-client.ts'
import { defaultToml, Gateway } from '../support/gateway.ts'
import { abort, auth, base64, response } from './visitor.ts'

let gateway: Gateway
let client: BoshClient
const clients: BoshClient[] = []
before(async () => {
  gateway = await Gateway.start({ toml: defaultToml.replace('"localhost"', '"localhost", "other.localhost"'), users: ['alice@localhost'] })
})
afterEach(() => { for (const each of clients.splice(0)) each.close() })
after(async () => { await gateway.stop() })

async function opened(attributes: Readonly<Record<string, string>> = {}): Promise<BoshClient> {
  client = await BoshClient.open(gateway, { identity: await gateway.identity('alice'), attributes })
  clients.push(client)
  return client
}

/** The names and texts of what comes back. */
async function heard(content: string): Promise<readonly string[]> {
  const { body } = await client.send(content)
  return body.children.map(({ local, text, children }) => local === 'failure' ? `failure ${children[0]?.local ?? ''}` : `${local} ${text}`.trimEnd())
}

async function logsIn(): Promise<void> {
  await client.authenticate()
  await client.bind()
  assert.match(client.jid, /^alice@localhost\//)
}

describe('initial responses', () => {
  test('none: one empty <challenge/>, then <response/>', async () => {
    for (const data of ['', '=', base64('alice@localhost')]) {
      await opened()
      assert.deepEqual(await heard(auth('')), ['challenge'])
      assert.deepEqual(await heard(response(data)), ['success'])
    }
  })
  test('"=" is the empty response (RFC 6120 §6.4.2)', async () => {
    await opened()
    await logsIn()
  })
})

const rows: readonly (readonly [what: string, content: string, condition: string])[] = [
  ['bad base64', auth('*$%'), 'incorrect-encoding'],
  ['base64 without its padding', auth('YQ'), 'incorrect-encoding'],
  ['bad UTF-8', auth(base64(Uint8Array.of(0x61, 0xff))), 'malformed-request'],
  ['a bad JID', auth(base64('a@b@c')), 'invalid-authzid'],
  ['an unknown mechanism', auth('=', 'X-WISHFUL'), 'invalid-mechanism'],
  ['an unconfigured mechanism', auth('=', 'PLAIN'), 'invalid-mechanism'],
  ['<abort/>', abort, 'aborted'],
  ['<response/> to nothing', response('='), 'malformed-request'],
]

describe('after a failure the client may try again on the same stream', () => {
  for (const [what, content, condition] of rows) {
    test(`${what}: <${condition}/>`, async () => {
      await opened()
      assert.deepEqual(await heard(content), [`failure ${condition}`])
      await logsIn()
    })
  }
  test('<abort/> in the middle: <aborted/>, and the exchange is over', async () => {
    await opened()
    assert.deepEqual(await heard(auth('')), ['challenge'])
    assert.deepEqual(await heard(abort), ['failure aborted'])
    await logsIn()
  })
  test('an exchange that ends with a bad response', async () => {
    await opened()
    assert.deepEqual(await heard(auth('')), ['challenge'])
    assert.deepEqual(await heard(response(base64('bob@localhost'))), ['failure invalid-authzid'])
    await logsIn()
  })
  test('two failures, and the third attempt succeeds', async () => {
    await opened()
    for (let n = 0; n < 2; n++) assert.deepEqual(await heard(auth(base64('bob@localhost'))), ['failure invalid-authzid'])
    await logsIn()
  })
})

describe('after 3 failures the stream ends with <policy-violation/>', () => {
  test('one after the other', async () => {
    await opened()
    for (let n = 0; n < 2; n++) assert.deepEqual(await heard(auth(base64('bob@localhost'))), ['failure invalid-authzid'])
    const { body } = await client.send(auth(base64('bob@localhost')))
    assert.equal(body.attributes.get('type'), 'terminate')
    const [failure, error] = body.children
    assert.deepEqual([failure?.children[0]?.local, error?.local, error?.children[0]?.local], ['invalid-authzid', 'error', 'policy-violation'])
  })
  test('in one request, and what follows in it is not looked at', async () => {
    await opened()
    const { body } = await client.send(`${auth('=', 'PLAIN').repeat(3)}${auth('=')}`)
    assert.equal(body.attributes.get('type'), 'terminate')
    assert.doesNotMatch(body.children.map(({ local }) => local).join(), /success/)
  })
})

describe('the names in stream headers', () => {
  test('`from` is only a hint before authentication', async () => {
    await opened({ from: 'bob@localhost' })
    await logsIn()
  })
  test('the success is of the first host: a later `to` of another one is refused', async () => {
    await opened()
    assert.deepEqual(await heard(auth('=')), ['success'])
    const { body, text } = await client.restart({ to: 'other.localhost' })
    assert.equal(body.attributes.get('type'), 'terminate', text)
    assert.match(text, /<not-authorized/)
  })
})
