// The graceful stop: everybody is told, everything is closed, and nobody can hold it up.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { test } from 'node:test'
import { Gateway } from '../support/gateway.ts'
import { RawWebSocket, upgradeRequest } from '../support/raw-websocket.ts'
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
