// Logging in by password through a whole gateway: every mechanism over real TLS 1.3 and 1.2, over WebSocket and BOSH, and bad input.
import assert from 'node:assert/strict'
import { hash, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { BoshClient } from '../support/bosh-client.ts'
import { addAccounts, passwordToml } from '../support/password-accounts.ts'
import { type ClientHash, ScramClient, type ScramClientOptions } from '../support/scram-client.ts'
import { NS_SASL, WireClient } from '../support/wire-client.ts'
import type { Element } from '../../src/xml/element.ts'
import { expectStreamError, Scene } from './scene.ts'

const password = 'correct horse & battery'
let scene: Scene
before(async () => { scene = await Scene.start({ toml: passwordToml, prepare: folder => addAccounts(folder, { alice: password, romeo: 'of romeo' }) }) })
after(async () => { await scene.end() })

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const auth = (mechanism: string, data: string) => `<auth xmlns='${NS_SASL}' mechanism='${mechanism}'>${data}</auth>`
const response = (data: string) => `<response xmlns='${NS_SASL}'>${data}</response>`

const advertisedIn = (features: Element) => ({
  mechanisms: features.children.find(({ local }) => local === 'mechanisms')?.children.map(({ text }) => text) ?? [],
  channelBindings: features.children.find(({ local }) => local === 'sasl-channel-binding')?.children.map(({ attributes }) => attributes.get('type') ?? '') ?? [],
})

const serverEndPoint = async (): Promise<Buffer> =>
  hash('sha256', new X509Certificate(await readFile(join(scene.gateway.folder, 'certs/server.crt'))).raw, 'buffer')

interface Opened { readonly client: WireClient, readonly tls: TLSSocket, readonly advertised: ReturnType<typeof advertisedIn> }

async function opened(maxVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3'): Promise<Opened> {
  const client = await WireClient.open(scene.gateway, { socket: { maxVersion } })
  const { features } = await client.header()
  // The class hides its connection, which a channel binding is about.
  return { client, tls: (client.socket as unknown as { readonly _socket: TLSSocket })._socket, advertised: advertisedIn(features) }
}

/** Until the outcome. */
async function logIn({ client }: Pick<Opened, 'client'>, mechanism: string, options: Partial<ScramClientOptions> & { readonly hash: ClientHash }): Promise<Element> {
  const scram = new ScramClient({ username: 'alice', password, ...options })
  client.send(auth(mechanism, base64(scram.first())))
  const challenge = await client.next()
  if (challenge.local !== 'challenge') return challenge
  client.send(response(base64(scram.final(Buffer.from(challenge.text, 'base64').toString()))))
  const outcome = await client.next()
  if (outcome.local === 'success') assert.ok(scram.isServer(Buffer.from(outcome.text, 'base64').toString()), 'the server does not know the password')
  return outcome
}

const bindings = {
  'tls-exporter': ({ tls }: Opened) => Promise.resolve(tls.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))),
  'tls-server-end-point': () => serverEndPoint(),
} as const

const scrams = [['SCRAM-SHA-512', 'sha512'], ['SCRAM-SHA-256', 'sha256'], ['SCRAM-SHA-1', 'sha1']] as const

describe('over WebSocket', () => {
  for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
    const types = version === 'TLSv1.3' ? ['tls-exporter', 'tls-server-end-point'] as const : ['tls-server-end-point'] as const

    test(`${version} has ${types.join(' and ')}; without a certificate everything but EXTERNAL is offered`, async () => {
      const { client, advertised } = await opened(version)
      assert.deepEqual(advertised, {
        channelBindings: [...types],
        mechanisms: ['SCRAM-SHA-512-PLUS', 'SCRAM-SHA-512', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1', 'PLAIN'],
      })
      await client.quit()
    })

    for (const [mechanism, hash] of scrams) {
      for (const type of types) {
        test(`${version}: ${mechanism}-PLUS bound by ${type}, and with nothing taken away on the way (XEP-0474)`, async () => {
          const connection = await opened(version)
          const data = await bindings[type](connection)
          assert.equal((await logIn(connection, `${mechanism}-PLUS`, { hash, binding: { type, data }, advertised: connection.advertised })).local, 'success')
          assert.match(await connection.client.bind(), /^alice@localhost\//)
          await connection.client.quit()
        })
      }
    }

    for (const [mechanism, hash] of scrams) {
      test(`${version}: ${mechanism}`, async () => {
        const connection = await opened(version)
        assert.equal((await logIn(connection, mechanism, { hash, advertised: connection.advertised })).local, 'success')
        assert.match(await connection.client.bind(), /^alice@localhost\//)
        await connection.client.quit()
      })
    }
  }

  test('the exported keys of another connection are refused', async () => {
    const [one, other] = [await opened(), await opened()]
    const data = await bindings['tls-exporter'](other)
    const outcome = await logIn(one, 'SCRAM-SHA-256-PLUS', { hash: 'sha256', binding: { type: 'tls-exporter', data } })
    assert.deepEqual([outcome.local, outcome.children[0]?.local], ['failure', 'not-authorized'])
    assert.equal((await scene.oneEvent('auth.failure')).mechanism, 'SCRAM-SHA-256-PLUS')
    await one.client.quit()
    await other.client.quit()
  })

  test('tls-exporter on TLS 1.2, and tls-unique anywhere, are refused', async () => {
    for (const [version, type] of [['TLSv1.2', 'tls-exporter'], ['TLSv1.2', 'tls-unique'], ['TLSv1.3', 'tls-unique']] as const) {
      const connection = await opened(version)
      const outcome = await logIn(connection, 'SCRAM-SHA-1-PLUS', { hash: 'sha1', binding: { type, data: Buffer.alloc(32) } })
      assert.equal(outcome.children[0]?.local, 'not-authorized')
      await scene.oneEvent('auth.failure')
      await connection.client.quit()
    }
  })

  test('"y", as if -PLUS had not been offered, is refused', async () => {
    const connection = await opened()
    const outcome = await logIn(connection, 'SCRAM-SHA-256', { hash: 'sha256', binding: 'y' })
    assert.equal(outcome.children[0]?.local, 'not-authorized')
    await scene.oneEvent('auth.failure')
    await connection.client.quit()
  })

  test('PLAIN', async () => {
    const { client } = await opened()
    client.send(auth('PLAIN', base64(`\0alice\0${password}`)))
    assert.equal((await client.next()).local, 'success')
    assert.match(await client.bind(), /^alice@localhost\//)
    await client.quit()
  })
})

describe('over BOSH', () => {
  test('tls-server-end-point alone: the requests of one login may come over several connections', async () => {
    const client = await BoshClient.open(scene.gateway)
    const advertised = advertisedIn(client.creation.body.children[0]!)
    assert.deepEqual(advertised.channelBindings, ['tls-server-end-point'])
    assert.ok(advertised.mechanisms.includes('SCRAM-SHA-256-PLUS'))
    const scram = new ScramClient({ hash: 'sha256', username: 'alice', password, advertised, binding: { type: 'tls-server-end-point', data: await serverEndPoint() } })
    const first = (await client.send(auth('SCRAM-SHA-256-PLUS', base64(scram.first())))).body.children[0]!
    assert.equal(first.local, 'challenge')
    // The rest over new connections.
    client.connections.close()
    const success = (await client.send(response(base64(scram.final(Buffer.from(first.text, 'base64').toString()))))).body.children[0]!
    assert.equal(success.local, 'success')
    assert.ok(scram.isServer(Buffer.from(success.text, 'base64').toString()))
    await client.restart()
    await client.bind()
    assert.match(client.jid, /^alice@localhost\//)
    const event = scene.gateway.eventsNamed('auth.success').at(-1)
    assert.deepEqual([event?.account, event?.mechanism, event?.backend, event?.transport], ['alice@localhost', 'SCRAM-SHA-256-PLUS', 'internal', 'bosh'])
    await client.send('', { type: 'terminate' })
    client.close()
  })

  test('PLAIN, and every SCRAM', async () => {
    for (const [mechanism, hash] of [...scrams, ['PLAIN', null]] as const) {
      const client = await BoshClient.open(scene.gateway)
      let outcome: Element | undefined
      if (hash === null) {
        outcome = (await client.send(auth('PLAIN', base64(`\0alice\0${password}`)))).body.children[0]
      } else {
        const scram = new ScramClient({ hash, username: 'alice', password })
        const challenge = (await client.send(auth(mechanism, base64(scram.first())))).body.children[0]!
        outcome = (await client.send(response(base64(scram.final(Buffer.from(challenge.text, 'base64').toString()))))).body.children[0]
      }
      assert.equal(outcome?.local, 'success', mechanism)
      await client.send('', { type: 'terminate' })
      client.close()
    }
  })
})

describe('bad input is a typed failure and one event, and the client may try again on the same stream', () => {
  const final = (how: (final: string) => string) => async (client: WireClient): Promise<string> => {
    const scram = new ScramClient({ hash: 'sha256', username: 'alice', password })
    client.send(auth('SCRAM-SHA-256', base64(scram.first())))
    return response(base64(how(scram.final(Buffer.from((await client.next()).text, 'base64').toString()))))
  }
  const bad: readonly (readonly [string, string | ((client: WireClient) => Promise<string>), string])[] = [
    ['SCRAM: data that is no base64', auth('SCRAM-SHA-256', '!!!!'), 'incorrect-encoding'],
    ['SCRAM: 10 kB of base64', auth('SCRAM-SHA-256', 'QUFB'.repeat(2_560)), 'incorrect-encoding'],
    ['SCRAM: an empty message', auth('SCRAM-SHA-256', '='), 'malformed-request'],
    ['SCRAM: an element in the place of data', auth('SCRAM-SHA-256', '<a/>'), 'malformed-request'],
    ['SCRAM: <response/> first', response(base64('c=biws,r=x,p=YWJj')), 'malformed-request'],
    ['SCRAM: another nonce', final(text => text.replace('r=', 'r=x')), 'not-authorized'],
    ['SCRAM: another channel binding', final(text => text.replace('c=biws', `c=${base64('y,,')}`)), 'not-authorized'],
    ['SCRAM: no proof', final(text => text.replace(/,p=.*/, '')), 'malformed-request'],
    ['SCRAM: a wrong password', final(text => text.replace(/p=.*/, `p=${Buffer.alloc(32, 1).toString('base64')}`)), 'not-authorized'],
    ['SCRAM: an authzid of another user', auth('SCRAM-SHA-256', base64('n,a=romeo@localhost,n=alice,r=x')), 'invalid-authzid'],
    ['PLAIN: an authzid of another user', auth('PLAIN', base64(`romeo@localhost\0alice\0${password}`)), 'invalid-authzid'],
    ['PLAIN: a wrong password', auth('PLAIN', base64('\0alice\0of romeo')), 'not-authorized'],
    ['PLAIN: a user who does not exist', auth('PLAIN', base64(`\0nobody\0${password}`)), 'not-authorized'],
    ['PLAIN: two parts', auth('PLAIN', base64('alice\0x')), 'malformed-request'],
    ['<abort/> in the middle', async client => {
      client.send(auth('SCRAM-SHA-256', base64('n,,n=alice,r=x')))
      await client.next()
      return `<abort xmlns='${NS_SASL}'/>`
    }, 'aborted'],
  ]
  for (const [what, xml, condition] of bad) {
    test(`${what}: <${condition}/>`, async () => {
      const { client } = await opened()
      client.send(typeof xml === 'string' ? xml : await xml(client))
      const answer = await client.next()
      assert.deepEqual([answer.local, answer.children[0]?.local], ['failure', condition])
      assert.equal((await scene.oneEvent('auth.failure')).condition, condition)
      assert.equal((await logIn({ client }, 'SCRAM-SHA-256', { hash: 'sha256' })).local, 'success')
      assert.match(await client.bind(), /^alice@localhost\//)
      await client.quit()
    })
  }

  test('two <auth/> at once, the second while the first is decided: <policy-violation/>', async () => {
    const { client } = await opened()
    client.send(auth('PLAIN', base64(`\0alice\0${password}`)))
    client.send(auth('PLAIN', base64(`\0alice\0${password}`)))
    await expectStreamError(client, 'policy-violation')
    client.socket.terminate()
    await scene.oneEvent('stream.error')
  })
})

test('an account that does not exist answers like one that does: the same salt every time, the same length, the same count', async () => {
  const firstFor = async (name: string): Promise<string> => {
    const { client } = await opened()
    client.send(auth('SCRAM-SHA-256', base64(`n,,n=${name},r=abcdef`)))
    const { text } = await client.next()
    client.socket.terminate()
    return Buffer.from(text, 'base64').toString().replace(/^r=abcdef[^,]+/, 'r=')
  }
  const [real, nobody, again, other] = [await firstFor('alice'), await firstFor('nobody'), await firstFor('nobody'), await firstFor('nobodz')]
  assert.equal(nobody, again)
  assert.notEqual(nobody, other)
  const shape = (text: string) => text.replace(/s=[A-Za-z0-9+/]{22}==/, 's=SALT')
  assert.equal(shape(nobody), shape(real))
  assert.match(shape(nobody), /^r=,s=SALT,i=4096,h=[A-Za-z0-9+/]{43}=$/)
  assert.equal((await stat(join(scene.gateway.folder, 'data/decoy.key'))).mode & 0o777, 0o600)
  scene.forget()
})

test('no event holds a password, a proof or a nonce', () => {
  assert.doesNotMatch(JSON.stringify(scene.gateway.events), /horse|of romeo|biws|,p=|nobody/)
})
