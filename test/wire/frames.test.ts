// Bad input, "WebSocket": frames as RFC 6455 forbids them, on a raw TLS connection, before login and in a session.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { closeFrame, frame, opcode, RawWebSocket, textFrame } from '../support/raw-websocket.ts'
import { NS_FRAMING, NS_SASL, WireClient } from '../support/wire-client.ts'
import { expectStreamError, Scene } from './scene.ts'

let scene: Scene
before(async () => { scene = await Scene.start() })
after(async () => { await scene.end() })

const open = `<open xmlns='${NS_FRAMING}' to='localhost' version='1.0'/>`

/** A raw connection that is logged in as alice and bound. */
async function session(): Promise<RawWebSocket> {
  const raw = await RawWebSocket.open(scene.gateway, { identity: await scene.gateway.identity('alice') })
  const say = async (xml: string, answers: number) => {
    raw.write(textFrame(xml))
    for (let n = 1; n < answers; n++) await raw.text()
    return raw.text()
  }
  await say(open, 2)
  assert.match(await say(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>=</auth>`, 1), /^<success/)
  await say(open, 2)
  assert.match(await say('<iq xmlns=\'jabber:client\' type=\'set\' id=\'b\'><bind xmlns=\'urn:ietf:params:xml:ns:xmpp-bind\'/></iq>', 1), /result/)
  return raw
}

const { text, continuation, binary, ping, close } = opcode
const presence = '<presence xmlns=\'jabber:client\'/>'

const forbidden: readonly (readonly [string, readonly Buffer[], number])[] = [
  ['RSV1 without an extension', [frame({ opcode: text, payload: presence, rsv: 4 })], 1002],
  ['RSV2', [frame({ opcode: text, payload: presence, rsv: 2 })], 1002],
  ['RSV3', [frame({ opcode: text, payload: presence, rsv: 1 })], 1002],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(code => [`opcode ${code}`, [frame({ opcode: code, payload: presence })], 1002] as const),
  ['a continuation of nothing', [frame({ opcode: continuation, payload: presence })], 1002],
  ['a message within a message', [frame({ opcode: text, payload: '<a', fin: false }), textFrame(presence)], 1002],
  ['a fragmented ping', [frame({ opcode: ping, payload: 'a', fin: false }), frame({ opcode: continuation, payload: 'b' })], 1002],
  ['a fragmented close', [frame({ opcode: close, payload: Buffer.of(3, 232), fin: false })], 1002],
  ['a ping of 126 bytes', [frame({ opcode: ping, payload: 'x'.repeat(126) })], 1002],
  ['a close with half a code', [frame({ opcode: close, payload: Buffer.of(3) })], 1002],
  ['a close with the code 1005', [closeFrame(1005)], 1002],
  ['a close with the code 999', [closeFrame(999)], 1002],
  ['a close whose reason is not UTF-8', [frame({ opcode: close, payload: Buffer.of(3, 232, 0xFF) })], 1007],
  ['an unmasked frame (RFC 6455 §5.1)', [frame({ opcode: text, payload: presence, isMasked: false })], 1002],
  ['an unmasked ping', [frame({ opcode: ping, isMasked: false })], 1002],
  ['a binary message (RFC 7395 §3.2)', [frame({ opcode: binary, payload: presence })], 1003],
  ['a binary message in fragments', [frame({ opcode: binary, payload: '<a', fin: false }), frame({ opcode: continuation, payload: '/>' })], 1003],
  ['bad UTF-8', [frame({ opcode: text, payload: Buffer.from([0x3C, 0x61, 0x3E, 0xC0, 0x80]) })], 1007],
  ['a lone surrogate', [frame({ opcode: text, payload: Buffer.from([0xED, 0xA0, 0x80]) })], 1007],
  ['UTF-8 that the end cuts', [frame({ opcode: text, payload: Buffer.from([0xE2, 0x82]) })], 1007],
  ['UTF-16 with a byte order mark', [frame({ opcode: text, payload: Buffer.from('\uFEFF<a/>', 'utf16le') })], 1007],
  ['a length of 2^63', [Buffer.from('81ff800000000000000000000000', 'hex')], 1009],
  ['a length beyond 2^53', [Buffer.from('81ff002000000000000000000000', 'hex')], 1009],
]

for (const [where, connected] of [['before login', () => RawWebSocket.open(scene.gateway)], ['in a session', session]] as const) {
  describe(where, () => {
    for (const [name, frames, code] of forbidden) {
      test(`${name}: close ${code}`, async () => {
        const raw = await connected()
        raw.write(Buffer.concat(frames))
        assert.equal(await raw.closeCode(), code)
        raw.write(closeFrame(code))
        await raw.ended
        await scene.oneEvent(code === 1009 ? 'stream.error' : 'stream.lost')
        assert.equal(scene.gateway.app.sessionCount, 2)
      })
    }

    test('a message just over the limit: <policy-violation/>, <close/>, close 1009, before its last byte came', async () => {
      const raw = await connected()
      raw.write(frame({ opcode: text, payload: presence, length: 262_145 }))
      const heard: string[] = []
      for (let next = await raw.frame(); next !== null && next.opcode === text; next = await raw.frame()) heard.push(next.payload.toString())
      assert.match(heard.join(''), /<stream:error.*<policy-violation .*<close /)
      raw.destroy()
      await scene.oneEvent('stream.error')
    })

    test('a message of 8 MiB ends the same way, with next to nothing of it kept', async () => {
      const raw = await connected()
      const before = process.memoryUsage().arrayBuffers
      raw.write(frame({ opcode: text, length: 8_388_608 }))
      for (let n = 0; n < 128; n++) raw.write(Buffer.alloc(65_536, 0x20))
      assert.equal(await raw.closeCode(), 1009)
      assert.ok(process.memoryUsage().arrayBuffers - before < 30_000_000, 'what the client itself still holds is 8 MiB, and a copy')
      raw.destroy()
      await scene.oneEvent('stream.error')
    })

    test('fragments that together are just over the limit end the same way', async () => {
      const raw = await connected()
      raw.write(frame({ opcode: text, payload: `<a b='${'x'.repeat(200_000)}`, fin: false }))
      raw.write(frame({ opcode: continuation, payload: 'x'.repeat(100_000) }))
      assert.equal(await raw.closeCode(), 1009)
      raw.destroy()
      await scene.oneEvent('stream.error')
    })

    test('very many one-byte fragments: close 1008 after some thousands, long before a million', async () => {
      const raw = await connected()
      const one = frame({ opcode: continuation, payload: 'x', fin: false })
      raw.write(Buffer.concat([frame({ opcode: text, payload: '<', fin: false }), ...Array<Buffer>(100_000).fill(one)]))
      assert.equal(await raw.closeCode(), 1008)
      raw.destroy()
      await scene.oneEvent('stream.lost')
    })

    test('very many empty fragments: close 1008', async () => {
      const raw = await connected()
      raw.write(Buffer.concat([frame({ opcode: text, fin: false }), ...Array<Buffer>(100_000).fill(frame({ opcode: continuation, fin: false }))]))
      assert.equal(await raw.closeCode(), 1008)
      raw.destroy()
      await scene.oneEvent('stream.lost')
    })

    test('one frame in very many one-byte packets: close 1008, long before they cost a hundred times their size', async () => {
      const raw = await connected()
      raw.socket.setNoDelay(true)
      raw.write(frame({ opcode: text, length: 200_000 }))
      // Each waits for the one before, or else they would share a TLS record.
      for (let n = 0; n < 6_000; n++) await new Promise(resolve => { raw.socket.write(Buffer.of(0x20), resolve) })
      assert.equal(await raw.closeCode(), 1008)
      raw.destroy()
      await scene.oneEvent('stream.lost')
    })

    test('a flood of pings from a client that never reads: it is cut, and nothing grows', async () => {
      const raw = await connected()
      raw.socket.pause()
      const flood = Buffer.concat(Array<Buffer>(4_000).fill(frame({ opcode: ping, payload: 'x'.repeat(125) })))
      let sent = 0
      const pump = () => {
        while (sent < 200 && !raw.socket.destroyed) {
          sent += 1
          if (!raw.socket.write(flood)) { raw.socket.once('drain', pump); return }
        }
      }
      pump()
      await scene.oneEvent('stream.lost')
      raw.destroy()
    })
  })
}

describe('what is unusual and legal', () => {
  test('a stanza in several fragments, a ping between them, a character cut in two', async () => {
    const bob = await WireClient.login(scene.gateway, 'bob')
    const raw = await session()
    const bytes = Buffer.from(`<message xmlns='jabber:client' to='${bob.jid}'><body>😀</body></message>`)
    const cut = bytes.indexOf(Buffer.from('😀')) + 2
    raw.write(frame({ opcode: text, payload: bytes.subarray(0, 10), fin: false }))
    raw.write(frame({ opcode: ping, payload: 'between' }))
    raw.write(frame({ opcode: continuation, payload: bytes.subarray(10, cut), fin: false }))
    raw.write(frame({ opcode: continuation, payload: '', fin: false }))
    raw.write(frame({ opcode: continuation, payload: bytes.subarray(cut) }))
    assert.equal((await bob.next()).children[0]?.text, '😀')
    const pong = await raw.frame()
    assert.deepEqual([pong?.opcode, pong?.payload.toString()], [opcode.pong, 'between'])
    await scene.nothingHappened()
    raw.destroy()
    await bob.quit()
    await scene.oneEvent('stream.lost')
  })

  test('a stanza of exactly the limit is delivered, and one byte more is not', async () => {
    const alice = await WireClient.login(scene.gateway, 'alice')
    const bob = await WireClient.login(scene.gateway, 'bob')
    const around = `<message xmlns='jabber:client' to='${bob.jid}'><body></body></message>`
    const stanza = (length: number) => around.replace('</body>', `${'x'.repeat(length - around.length)}</body>`)
    alice.send(stanza(262_144))
    assert.equal(/<body>(x+)<\/body>/.exec(await bob.nextText())?.[1]?.length, 262_144 - around.length)
    alice.send(stanza(262_145))
    await expectStreamError(alice, 'policy-violation')
    await alice.closed
    await bob.quit()
    await scene.oneEvent('stream.error')
  })

  test('pongs that nobody asked for are ignored (RFC 6455 §5.5.3)', async () => {
    const raw = await session()
    for (let n = 0; n < 100; n++) raw.write(frame({ opcode: opcode.pong, payload: 'x' }))
    raw.write(textFrame('<iq xmlns=\'jabber:client\' type=\'get\' id=\'p\'><ping xmlns=\'urn:xmpp:ping\'/></iq>'))
    assert.match(await raw.text(), /id=['"]p['"]/)
    raw.destroy()
    await scene.oneEvent('stream.lost')
  })
})
