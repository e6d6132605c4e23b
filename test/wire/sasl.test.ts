// Bad input, "SASL and sessions", as far as EXTERNAL goes (behaviour page "SASL EXTERNAL" §6), over a real WebSocket.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { defaultToml } from '../support/gateway.ts'
import { NS_FRAMING, NS_SASL, WireClient } from '../support/wire-client.ts'
import { expectStreamError, Scene } from './scene.ts'

let scene: Scene
before(async () => { scene = await Scene.start({ toml: defaultToml.replace('"localhost"', '"localhost", "other.localhost"') }) })
after(async () => { await scene.end() })

const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64')
const auth = (data: string, mechanism = 'EXTERNAL') => `<auth xmlns='${NS_SASL}' mechanism='${mechanism}'>${data}</auth>`
const response = (data: string) => `<response xmlns='${NS_SASL}'>${data}</response>`
const abort = `<abort xmlns='${NS_SASL}'/>`

async function opened(): Promise<WireClient> {
  const client = await WireClient.open(scene.gateway, { identity: await scene.gateway.identity('alice') })
  await client.header()
  return client
}

/** Says it, and hears a failure with this condition. */
async function fails(client: WireClient, xml: string, condition: string): Promise<void> {
  client.send(xml)
  const answer = await client.next()
  assert.equal(answer.local, 'failure', answer.local)
  assert.equal(answer.children[0]?.local, condition)
  assert.equal((await scene.oneEvent('auth.failure')).condition, condition)
}

/** On the same stream, as if nothing had been. */
async function succeeds(client: WireClient): Promise<void> {
  client.send(auth('='))
  assert.equal((await client.next()).local, 'success')
  assert.match(await client.bind(), /^alice@localhost\//)
  await scene.nothingHappened()
  await client.quit()
}

const bad: readonly (readonly [string, string, string])[] = [
  ['data that is no base64', auth('*$%'), 'incorrect-encoding'],
  ['base64 without its padding', auth('YQ'), 'incorrect-encoding'],
  ['base64 with bits left over', auth('YR=='), 'incorrect-encoding'],
  ['base64 for URLs', auth('-_-_'), 'incorrect-encoding'],
  ['base64 with white space', auth(` ${base64('alice@localhost')}\n`), 'incorrect-encoding'],
  ['two =', auth('=='), 'incorrect-encoding'],
  ['10 kB of base64', auth('A'.repeat(10_240)), 'incorrect-encoding'],
  ['200 kB of base64', auth('A'.repeat(200_000)), 'incorrect-encoding'],
  ['an element in place of data', auth('<a/>'), 'malformed-request'],
  ['bytes that are not UTF-8', auth(base64(Buffer.of(0xFF, 0xFE))), 'malformed-request'],
  ['an authzid that is no JID', auth(base64('a@b@c')), 'invalid-authzid'],
  ['an authzid with NUL', auth(base64('alice\0@localhost')), 'invalid-authzid'],
  ['an authzid with a resource', auth(base64('alice@localhost/home')), 'invalid-authzid'],
  ['another user\'s authzid', auth(base64('bob@localhost')), 'invalid-authzid'],
  ['a mechanism that is not configured', auth('=', 'PLAIN'), 'invalid-mechanism'],
  ['a mechanism that is unknown', auth('=', '__proto__'), 'invalid-mechanism'],
  ['a mechanism in lower case', auth('=', 'external'), 'invalid-mechanism'],
  ['no mechanism', `<auth xmlns='${NS_SASL}'>=</auth>`, 'invalid-mechanism'],
  ['<response/> first', response('='), 'malformed-request'],
  ['<abort/> first', abort, 'aborted'],
]

describe('after a failure the client may try again on the same stream, and succeeds', () => {
  for (const [name, xml, condition] of bad) {
    test(`${name}: <${condition}/>`, async () => {
      const client = await opened()
      await fails(client, xml, condition)
      await succeeds(client)
    })
  }

  test('empty data: one empty <challenge/>, and an empty <response/> is the answer', async () => {
    for (const data of ['', '=']) {
      const client = await opened()
      client.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'/>`)
      const challenge = await client.next()
      assert.deepEqual([challenge.local, challenge.text], ['challenge', ''])
      client.send(response(data))
      assert.equal((await client.next()).local, 'success')
      await client.quit()
    }
    await scene.nothingHappened()
  })

  test('<abort/> in the middle: <aborted/>', async () => {
    const client = await opened()
    client.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'/>`)
    assert.equal((await client.next()).local, 'challenge')
    await fails(client, abort, 'aborted')
    await succeeds(client)
  })

  test('an <auth/> in the middle of another: <malformed-request/>, and the first is over, too', async () => {
    const client = await opened()
    client.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'/>`)
    assert.equal((await client.next()).local, 'challenge')
    await fails(client, `<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'/>`, 'malformed-request')
    await fails(client, response('='), 'malformed-request')
    await succeeds(client)
  })

  test('a <response/> that is no base64 ends the exchange', async () => {
    const client = await opened()
    client.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'/>`)
    assert.equal((await client.next()).local, 'challenge')
    await fails(client, response('*'), 'incorrect-encoding')
    await fails(client, response('='), 'malformed-request')
    await succeeds(client)
  })
})

test('two <auth/> at once: the first succeeds, and the second is out of turn on a stream that must be opened anew', async () => {
  const client = await opened()
  client.send(auth('='))
  client.send(auth('='))
  assert.equal((await client.next()).local, 'success')
  await expectStreamError(client, 'bad-format')
  client.socket.terminate()
  await scene.oneEvent('stream.error')
})

test('the third failure ends the stream with <policy-violation/>, also when the three arrive at once', async () => {
  const client = await opened()
  for (let n = 0; n < 4; n++) client.send(auth('=', 'PLAIN'))
  for (let n = 0; n < 3; n++) assert.equal((await client.next()).children[0]?.local, 'invalid-mechanism')
  await expectStreamError(client, 'policy-violation')
  client.socket.terminate()
  await scene.events(['auth.failure', 'auth.failure', 'auth.failure', 'stream.error'])
})

test('an unknown element of the SASL namespace ends the stream with <unsupported-stanza-type/>', async () => {
  const client = await opened()
  client.send(`<success xmlns='${NS_SASL}'/>`)
  await expectStreamError(client, 'unsupported-stanza-type')
  client.socket.terminate()
  await scene.oneEvent('stream.error')
})

test('no log line repeats what the client sent as SASL data', () => {
  assert.doesNotMatch(JSON.stringify(scene.gateway.events), /AAAA|bob@localhost\b.*invalid-authzid|\*\$%/)
})

describe('the restart', () => {
  test('to another host ends the stream with <not-authorized/>: the identity is of the first', async () => {
    const client = await opened()
    client.send(auth('='))
    assert.equal((await client.next()).local, 'success')
    client.send(`<open xmlns='${NS_FRAMING}' to='other.localhost' version='1.0'/>`)
    await expectStreamError(client, 'not-authorized')
    client.socket.terminate()
    assert.equal((await scene.oneEvent('stream.error')).condition, 'not-authorized')
  })
  test('alice@localhost is nobody on the other host', async () => {
    const client = await WireClient.open(scene.gateway, { identity: await scene.gateway.identity('alice') })
    await client.header('other.localhost')
    await fails(client, auth('='), 'not-authorized')
    await client.quit()
  })
})
