// What time does to a connection: pings, the closing handshake, the negotiation timeout; with a clock that the test turns.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { defaultToml } from '../support/gateway.ts'
import { closeFrame, frame, opcode, RawWebSocket, textFrame } from '../support/raw-websocket.ts'
import { TurnedClock } from '../support/turned-clock.ts'
import { NS_FRAMING, NS_SASL, WireClient } from '../support/wire-client.ts'
import { expectStreamError, Scene, until } from './scene.ts'

const pingRate = 20_000
const stateTimeout = 3_000
let clock: TurnedClock
let scene: Scene

before(async () => {
  clock = new TurnedClock()
  scene = await Scene.start({ clock, toml: `${defaultToml}websocket.ping_rate = ${pingRate}\nwebsocket.state_timeout = ${stateTimeout}\n` })
})
after(async () => {
  // App.close waits by this clock.
  const stopped = scene.end()
  clock.advance(10_000)
  await stopped
})
beforeEach(() => { scene.forget() })

const open = `<open xmlns='${NS_FRAMING}' to='localhost' version='1.0'/>`

/** Time passes as it does for those who talk: in steps, with a word from the onlookers at each. */
async function pass(milliseconds: number): Promise<void> {
  for (let left = milliseconds; left > 0; left -= pingRate / 4) {
    clock.advance(Math.min(left, pingRate / 4))
    await scene.undisturbed()
  }
}

describe('pings', () => {
  /** A session whose client answers no ping. */
  async function deafSession(): Promise<{ readonly client: WireClient, readonly pings: () => number }> {
    const client = await WireClient.login(scene.gateway, 'alice', { socket: { autoPong: false } })
    let pings = 0
    client.socket.on('ping', () => { pings += 1 })
    return { client, pings: () => pings }
  }

  test('a client that is silent for ping_rate is pinged, and lost after one unanswered ping', async () => {
    const { client, pings } = await deafSession()
    await pass(pingRate)
    assert.equal(pings(), 0)
    await pass(pingRate / 4)
    await until(() => pings() === 1, 'a ping')
    assert.equal(scene.gateway.app.sessionCount, 3)
    await pass(pingRate)
    assert.equal(scene.gateway.app.sessionCount, 3)
    await pass(pingRate / 4)
    assert.equal(await client.closed, 1006)
    await until(() => scene.gateway.app.sessionCount === 2, 'the end of the session')
    assert.match(String((await scene.oneEvent('stream.lost')).cause), /not there any more/)
    assert.equal(scene.gateway.eventsNamed('session.ended').at(-1)?.reason, 'lost')
  })

  test('a client that answers the ping stays', async () => {
    const client = await WireClient.login(scene.gateway, 'alice')
    let pings = 0
    client.socket.on('ping', () => { pings += 1 })
    for (let n = 1; n <= 3; n++) {
      await pass(pingRate * 1.25)
      await until(() => pings === n, 'a ping')
      // What follows the pong on the wire shows that the pong was heard.
      client.socket.ping('x')
      await new Promise(resolve => { client.socket.once('pong', resolve) })
    }
    assert.equal(scene.gateway.app.sessionCount, 3)
    await client.quit()
    await scene.nothingHappened()
  })

  test('whoever talks is not pinged', async () => {
    const { client, pings } = await deafSession()
    for (let n = 0; n < 12; n++) {
      await pass(pingRate / 2)
      client.send('<iq xmlns=\'jabber:client\' type=\'get\' id=\'p\'><ping xmlns=\'urn:xmpp:ping\'/></iq>')
      await client.next()
    }
    assert.equal(pings(), 0)
    await client.quit()
    await scene.nothingHappened()
  })
})

describe('the closing handshake', () => {
  test('a client that says <close/> hears <close/> and then the WebSocket\'s close frame, 1000 (RFC 7395 §3.6)', async () => {
    const raw = await RawWebSocket.open(scene.gateway)
    raw.write(textFrame(open))
    await raw.text()
    await raw.text()
    raw.write(textFrame(`<close xmlns='${NS_FRAMING}'/>`))
    assert.match(await raw.text(), /^<close /)
    assert.equal(await raw.closeCode(), 1000)
    raw.write(closeFrame(1000))
    await raw.ended
    await scene.nothingHappened()
  })

  test('a client that says <close/> and does not answer the close frame is cut after 5 s', async () => {
    const raw = await RawWebSocket.open(scene.gateway)
    raw.write(textFrame(`<close xmlns='${NS_FRAMING}'/>`))
    assert.equal(await raw.closeCode(), 1000)
    clock.advance(4_999)
    await scene.undisturbed()
    assert.equal(raw.socket.closed, false)
    clock.advance(1)
    await raw.ended
    await scene.nothingHappened()
  })

  test('after a stream error the server waits 5 s for the client\'s <close/>, and no longer; what comes instead counts for nothing', async () => {
    const raw = await RawWebSocket.open(scene.gateway)
    raw.write(textFrame('<a'))
    assert.match(await raw.text(), /^<open /)
    assert.match(await raw.text(), /not-well-formed/)
    assert.match(await raw.text(), /^<close /)
    raw.write(Buffer.concat([textFrame(open), textFrame('<a'), frame({ opcode: opcode.ping, payload: 'x' })]))
    assert.equal((await raw.frame())?.opcode, opcode.pong)
    clock.advance(4_999)
    await scene.undisturbed()
    assert.equal(raw.socket.closed, false)
    clock.advance(1)
    await raw.ended
    await scene.oneEvent('stream.error')
  })

  for (const [name, bytes, code] of [
    ['a forbidden frame', frame({ opcode: 3 }), 1002], ['a binary message', frame({ opcode: opcode.binary, payload: 'x' }), 1003],
    ['bad UTF-8', frame({ opcode: opcode.text, payload: Buffer.of(0xFF) }), 1007],
  ] as const) {
    test(`after ${name}, a client that neither answers nor goes away is cut after 5 s`, async () => {
      const raw = await RawWebSocket.open(scene.gateway)
      raw.write(bytes)
      assert.equal(await raw.closeCode(), code)
      clock.advance(5_000)
      await raw.ended
      await scene.oneEvent('stream.lost')
    })
  }

  test('after a message that is too long, a client that goes on sending it is cut after 5 s', async () => {
    const raw = await RawWebSocket.open(scene.gateway)
    raw.write(frame({ opcode: opcode.text, length: 10_000_000 }))
    assert.equal(await raw.closeCode(), 1009)
    raw.write(Buffer.alloc(1_000_000))
    clock.advance(5_000)
    await raw.ended
    await scene.oneEvent('stream.error')
  })

  test('a client that sends a close frame without <close/> loses its session, gets the close frame back, and is gone', async () => {
    const client = await WireClient.login(scene.gateway, 'alice')
    client.socket.close(1001)
    assert.equal(await client.closed, 1001)
    await scene.oneEvent('stream.lost')
    assert.equal(scene.gateway.app.sessionCount, 2)
  })
})

describe('the negotiation timeout', () => {
  async function timedOut(client: WireClient): Promise<void> {
    clock.advance(stateTimeout - 1)
    await scene.nothingHappened()
    clock.advance(1)
    await expectStreamError(client, 'connection-timeout')
    client.socket.terminate()
    assert.equal((await scene.oneEvent('stream.error')).condition, 'connection-timeout')
  }

  test('a WebSocket on which nothing is said ends with <connection-timeout/> after state_timeout', async () => {
    await timedOut(await WireClient.open(scene.gateway))
  })
  test('so does a stream that is opened and goes no further', async () => {
    const client = await WireClient.open(scene.gateway)
    await client.header()
    await timedOut(client)
  })
  test('so does one in the middle of SASL', async () => {
    const client = await WireClient.open(scene.gateway, { identity: await scene.gateway.identity('alice') })
    await client.header()
    client.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'/>`)
    assert.equal((await client.next()).local, 'challenge')
    await timedOut(client)
  })
  test('so does one that is authenticated and not opened anew', async () => {
    const client = await WireClient.open(scene.gateway, { identity: await scene.gateway.identity('alice') })
    await client.authenticate()
    await timedOut(client)
  })
  test('so does one that binds no resource, or asks for impossible ones all the time', async () => {
    const client = await WireClient.open(scene.gateway, { identity: await scene.gateway.identity('alice') })
    await client.authenticate()
    await client.header()
    for (let n = 0; n < 3; n++) {
      client.send('<iq xmlns=\'jabber:client\' type=\'set\' id=\'b\'><bind xmlns=\'urn:ietf:params:xml:ns:xmpp-bind\'><resource>&#x7;&#x9;</resource></bind></iq>'.replace('&#x7;', ''))
      assert.equal((await client.next()).attributes.get('type'), 'error')
    }
    await timedOut(client)
  })
  test('an established session has no such limit', async () => {
    const client = await WireClient.login(scene.gateway, 'alice')
    clock.advance(stateTimeout * 2)
    await scene.undisturbed()
    assert.equal(scene.gateway.app.sessionCount, 3)
    await client.quit()
    await scene.nothingHappened()
  })
})
