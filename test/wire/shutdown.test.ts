// The graceful stop: everybody is told, everything is closed, and nobody can hold it up.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { test } from 'node:test'
import { BoshClient } from '../support/bosh-client.ts'
import { Gateway } from '../support/gateway.ts'
import { c2sListener, tcpLogin, withListeners } from '../support/tcp-scene.ts'
import { RawWebSocket, upgradeRequest } from '../support/raw-websocket.ts'
import { TcpClient } from '../support/tcp-client.ts'
import { NS_FRAMING, streamErrorIn, WireClient } from '../support/wire-client.ts'

const discard = (gateway: Gateway) => rm(gateway.folder, { recursive: true, force: true })

async function systemShutdown(client: WireClient): Promise<void> {
  assert.equal(streamErrorIn(await client.next())?.condition, 'system-shutdown')
  assert.equal((await client.next()).local, 'close')
}

test('App.close tells sessions and streams <system-shutdown/> and <close/>, and ends when they have answered', async () => {
  const gateway = await Gateway.start()
  const alice = await WireClient.login(gateway, 'alice')
  const nobody = await WireClient.open(gateway)
  await nobody.header()
  const closed = gateway.app.close(60_000)
  for (const client of [alice, nobody]) {
    await systemShutdown(client)
    client.send(`<close xmlns='${NS_FRAMING}'/>`)
    assert.equal(await client.closed, 1000)
  }
  await closed
  assert.deepEqual(gateway.eventsNamed('session.ended').map(({ reason }) => reason), ['shutdown'])
  assert.equal(gateway.app.sessionCount, 0)
  await assert.rejects(WireClient.open(gateway), { code: 'ECONNREFUSED' })
  await discard(gateway)
})

test('clients that do not answer, do not read, or never became WebSockets are cut at the deadline', async () => {
  const gateway = await Gateway.start()
  const silent = await WireClient.login(gateway, 'alice')
  const deaf = await WireClient.login(gateway, 'bob')
  deaf.socket.pause()
  const dribbling = await RawWebSocket.connect(gateway)
  dribbling.write(upgradeRequest(gateway).slice(0, 40))
  const bare = connect(gateway.port(), '127.0.0.1').on('error', () => {}).resume()
  await once(bare, 'connect')
  const ended = once(bare, 'close')
  const start = Date.now()
  await gateway.app.close(200)
  assert.ok(Date.now() - start < 2_000, `${Date.now() - start} ms`)
  await systemShutdown(silent)
  assert.equal(await silent.closed, 1006)
  deaf.socket.resume()
  await deaf.closed
  await dribbling.ended
  await ended
  await discard(gateway)
})

test('with nobody there it ends at once; a second call changes nothing', async () => {
  const gateway = await Gateway.start()
  await Promise.all([gateway.app.close(60_000), gateway.app.close(60_000)])
  await discard(gateway)
})

test('/readyz turns 503 as soon as the stop begins, while /healthz stays 200, and a new stream is told <system-shutdown/>', async () => {
  const gateway = await Gateway.start()
  const ask = async (path: string) => {
    const raw = await RawWebSocket.connect(gateway)
    raw.write(upgradeRequest(gateway, { path }))
    const { status } = await raw.response()
    raw.destroy()
    return status
  }
  assert.deepEqual([await ask('/healthz'), await ask('/readyz')], [200, 200])
  const silent = await WireClient.login(gateway, 'alice')
  const closed = gateway.app.close(60_000)
  assert.deepEqual([await ask('/healthz'), await ask('/readyz')], [200, 503])
  const late = await WireClient.open(gateway)
  assert.equal((await late.next()).local, 'open')
  await systemShutdown(late)
  await late.quit()
  await systemShutdown(silent)
  await silent.quit()
  await closed
  await discard(gateway)
})

const elsewhere = '[session]\nsee_other_uri = "wss://other.example.org/xmpp-websocket"\nsee_other_host = "other.example.org:5223"\n'

test('where another address is configured, clients over WebSocket and TCP are sent there (RFC 7395 §3.6.1, RFC 6120 §4.9.3.19)', async () => {
  const gateway = await Gateway.start({ toml: `${withListeners(c2sListener('tls.mode = "starttls_required"'))}${elsewhere}` })
  const alice = await WireClient.login(gateway, 'alice')
  const bob = await tcpLogin(gateway, 1, 'bob')
  const closed = gateway.app.close(60_000)
  assert.equal(streamErrorIn(await alice.next())?.condition, 'system-shutdown')
  assert.deepEqual([...(await alice.next()).attributes], [['see-other-uri', 'wss://other.example.org/xmpp-websocket']])
  const error = await bob.element()
  assert.deepEqual(error.children.map(({ local, text }) => [local, text]), [['see-other-host', 'other.example.org:5223']])
  const late = await TcpClient.connect(gateway.port(1))
  assert.equal((await late.next()).kind, 'header')
  assert.equal((await late.element()).children[0]?.local, 'see-other-host')
  await Promise.all([alice.quit(), bob.quit(), late.quit()])
  await closed
  await discard(gateway)
})

test('any other end names no other address', async () => {
  const gateway = await Gateway.start({ toml: `${withListeners(c2sListener('tls.mode = "starttls_required"'))}${elsewhere}` })
  const alice = await WireClient.login(gateway, 'alice')
  const bob = await tcpLogin(gateway, 1, 'bob')
  alice.send("<message xmlns='jabber:server'/>")
  bob.send("<message xmlns='jabber:server'/>")
  assert.equal(streamErrorIn(await alice.next())?.condition, 'invalid-namespace')
  assert.deepEqual([...(await alice.next()).attributes], [])
  assert.equal(streamErrorIn(await bob.element())?.condition, 'invalid-namespace')
  await Promise.all([alice.quit(), bob.quit()])
  const carol = await WireClient.login(gateway, 'alice')
  carol.send(`<close xmlns='${NS_FRAMING}'/>`)
  assert.deepEqual([...(await carol.next()).attributes], [])
  await carol.quit()
  await gateway.stop()
})

test('a BOSH client that has no request under way gets what was sent to it, and the goodbye, with its next one', async () => {
  const gateway = await Gateway.start()
  const alice = await BoshClient.login(gateway, 'alice')
  const bob = await WireClient.login(gateway, 'bob')
  bob.send(`<message xmlns='jabber:client' to='${alice.jid}' id='1'/>`)
  bob.send("<iq xmlns='jabber:client' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
  await bob.next()
  const closed = gateway.app.close(60_000)
  await systemShutdown(bob)
  await bob.quit()
  const { body } = await alice.send('')
  assert.deepEqual([body.attributes.get('condition'), body.children.map(({ attributes }) => attributes.get('id'))], ['system-shutdown', ['1']])
  await closed
  alice.close()
  await discard(gateway)
})
