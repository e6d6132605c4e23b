// STARTTLS (RFC 6120 §5) and direct TLS (XEP-0368) on real sockets: what is offered when, what certificates bring about, and what hostile clients try.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { hash, X509Certificate } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { Element } from '../../src/xml/element.ts'
import { makeAuthority, makeLeaf, makeSelfSigned, makeServer } from '../support/certificates.ts'
import { addAccounts, fewIterations } from '../support/password-accounts.ts'
import { ScramClient } from '../support/scram-client.ts'
import { footer, NS_TLS, starttls, streamHeader, TcpClient } from '../support/tcp-client.ts'
import { c2sListener, tcpLogin, tlsFor, withListeners } from '../support/tcp-scene.ts'
import { NS_SASL } from '../support/wire-client.ts'
import { Scene, until } from './scene.ts'

const listeners = {
  offered: 'tls.mode = "starttls"',
  required: 'tls.mode = "starttls_required"',
  direct: 'tls.mode = "tls"',
  lenient: 'tls.mode = "starttls_required"\ntls.disconnect_on_failure = false',
  lenientDirect: 'tls.mode = "tls"\ntls.disconnect_on_failure = false',
  requiring: 'tls.mode = "starttls_required"\ntls.require_certificate = true',
  requiringDirect: 'tls.mode = "tls"\ntls.require_certificate = true',
  selfSigned: 'tls.mode = "starttls"\ntls.verify_mode = "selfsigned_peer"',
  none: 'tls.mode = "starttls"\ntls.verify_mode = "none"',
} as const
type ListenerName = keyof typeof listeners
const names = Object.keys(listeners) as ListenerName[]
const indexOf = (name: ListenerName) => names.indexOf(name) + 1
const portOf = (name: ListenerName) => scene.gateway.port(indexOf(name))
const isDirect = (name: ListenerName) => scene.gateway.listening[indexOf(name)]?.tcp === 'tls'

const stranger = makeLeaf(makeAuthority({ commonName: 'Stranger' }), { commonName: 'alice', xmppAddrs: ['alice@localhost'] })
const own = makeSelfSigned({ commonName: 'alice', xmppAddrs: ['alice@localhost'] })
const password = 'open sesame'

let scene: Scene
before(async () => {
  scene = await Scene.start({
    toml: `${withListeners(...names.map(name => c2sListener(listeners[name], name === 'none' ? null : undefined)))}
[auth]
methods = ["pki", "internal"]
sasl_mechanisms = ["external", "scram_sha256_plus", "scram_sha256", "plain"]
${fewIterations}`,
    prepare: folder => addAccounts(folder, { alice: password }),
    patience: { handshake: 500, request: 10_000, interval: 1_000 },
  })
})
after(async () => { await scene.end() })

const offersOf = (features: Element) => ({
  starttls: features.children.find(({ ns }) => ns === NS_TLS)?.children.map(({ local }) => local) ?? null,
  mechanisms: features.children.find(({ local }) => local === 'mechanisms')?.children.map(({ text }) => text) ?? null,
})

/** In TLS, whatever the way; nothing has been said inside of it. */
async function secured(name: ListenerName, tls: ConnectionOptions): Promise<TcpClient> {
  if (isDirect(name)) return TcpClient.connectTls(portOf(name), tls)
  const client = await TcpClient.connect(portOf(name))
  await client.startTls(tls)
  return client
}

const pemOf = ({ certificatePem: cert, privateKeyPem: key }: { readonly certificatePem: string, readonly privateKeyPem: string }) => ({ ca: scene.gateway.ca, cert, key })

describe('what is offered', () => {
  test('required: STARTTLS alone, before TLS; and no STARTTLS in TLS (RFC 6120 §5.3.1, §5.4.3.3)', async () => {
    const client = await TcpClient.connect(portOf('required'))
    const { open, features } = await client.header()
    assert.deepEqual(features.children.map(({ local }) => local), ['starttls'])
    assert.deepEqual(offersOf(features), { starttls: ['required'], mechanisms: null })
    client.send(starttls)
    assert.deepEqual((({ ns, local }) => ({ ns, local }))(await client.element()), { ns: NS_TLS, local: 'proceed' })
    await client.secure(await tlsFor(scene.gateway, 'alice'))
    const second = await client.header()
    assert.deepEqual(offersOf(second.features), { starttls: null, mechanisms: ['EXTERNAL', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'PLAIN'] })
    assert.notEqual(second.open.attributes.get('id'), open.attributes.get('id'))
    await client.quit()
    await scene.nothingHappened()
  })

  test('offered: STARTTLS and what is safe in clear; EXTERNAL and PLAIN are not', async () => {
    const client = await TcpClient.connect(portOf('offered'))
    assert.deepEqual(offersOf((await client.header()).features), { starttls: [], mechanisms: ['SCRAM-SHA-256'] })
    await client.quit()
    await scene.nothingHappened()
  })

  test('direct TLS: no STARTTLS', async () => {
    const client = await secured('direct', await tlsFor(scene.gateway, 'alice'))
    assert.deepEqual(offersOf((await client.header()).features).starttls, null)
    await client.quit()
    await scene.nothingHappened()
  })

  test('<auth/> before TLS that is required is answered with <encryption-required/> (RFC 6120 §6.5.4), and STARTTLS is still possible', async () => {
    const client = await TcpClient.connect(portOf('required'))
    await client.header()
    client.send(`<auth xmlns='${NS_SASL}' mechanism='SCRAM-SHA-256'>biwsbj1hbGljZSxyPWE=</auth>`)
    const failure = await client.element()
    assert.deepEqual([failure.local, failure.children[0]?.local], ['failure', 'encryption-required'])
    assert.equal((await scene.oneEvent('auth.failure')).condition, 'encryption-required')
    client.send(starttls)
    assert.equal((await client.element()).local, 'proceed')
    await client.secure(await tlsFor(scene.gateway, 'alice'))
    await client.authenticate()
    assert.match(await client.bind(), /^alice@localhost\//)
    await client.quit()
    await scene.nothingHappened()
  })

  test('a second <starttls/>, and one in direct TLS, is answered with <failure/> and the end of the stream (RFC 6120 §5.4.2.2)', async () => {
    for (const name of ['required', 'direct'] as const) {
      const client = await secured(name, await tlsFor(scene.gateway, 'alice'))
      await client.header()
      client.send(starttls)
      const failure = await client.element()
      assert.deepEqual([failure.ns, failure.local], [NS_TLS, 'failure'])
      assert.equal((await client.next()).kind, 'footer')
      await client.quit()
    }
    assert.equal(scene.gateway.eventsNamed('starttls.refused').length, 2)
    await scene.nothingHappened()
  })

  test('another element of that namespace is <unsupported-stanza-type/>', async () => {
    const client = await TcpClient.connect(portOf('offered'))
    await client.header()
    client.send(`<stoptls xmlns='${NS_TLS}'/>`)
    assert.equal((await client.element()).children[0]?.local, 'unsupported-stanza-type')
    await client.ended
    await scene.oneEvent('stream.error')
  })
})

describe('nothing that was received in clear is taken for input in TLS', () => {
  const injected: readonly (readonly [string, string | Buffer])[] = [
    ['a stanza', '<message xmlns=\'jabber:client\' to=\'bob@localhost\'/>'],
    ['a stream', `${streamHeader()}<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>=</auth>`],
    ['a single space', ' '],
    ['half an element', '<a'],
    ['the beginning of a TLS handshake', Buffer.from('160301020001000001fc0303', 'hex')],
    ['another <starttls/>', starttls],
  ]
  for (const [name, bytes] of injected) {
    test(`${name} in the packet of <starttls/> ends the connection`, async () => {
      const client = await TcpClient.connect(portOf('offered'))
      await client.header()
      client.send(Buffer.concat([Buffer.from(starttls), Buffer.from(bytes)]))
      assert.equal((await client.next()).kind, 'end')
      assert.match(String((await scene.oneEvent('stream.lost')).cause), /after <starttls\/>/)
    })
  }

  test('words of the old stream that come behind <starttls/> a moment later break the handshake, and are never heard', async () => {
    const lost = scene.gateway.eventsNamed('stream.lost').length
    const client = await TcpClient.connect(portOf('offered'))
    await client.header()
    client.send(starttls)
    // Its own packet: it may be there before the server has gone over to TLS, or come after.
    await new Promise<void>(resolve => { client.socket.write(`<auth xmlns='${NS_SASL}' mechanism='SCRAM-SHA-256'>biwsbj1hbGljZSxyPWE=</auth>`, () => { resolve() }) })
    await client.ended
    // What came with <starttls/> after all ends the connection before any handshake.
    await until(() => scene.gateway.eventsNamed('stream.lost').length > lost, 'the end')
    await scene.undisturbed()
    scene.forget()
    assert.deepEqual(scene.gateway.eventsNamed('auth.failure').filter(({ mechanism }) => mechanism === 'SCRAM-SHA-256'), [])
  })

  test('what is known of the stream in clear is forgotten: a login under way there is nothing in TLS (RFC 6120 §5.4.3.3)', async () => {
    const client = await TcpClient.connect(portOf('offered'))
    await client.header()
    const scram = new ScramClient({ hash: 'sha256', username: 'alice', password })
    client.send(`<auth xmlns='${NS_SASL}' mechanism='SCRAM-SHA-256'>${Buffer.from(scram.first()).toString('base64')}</auth>`)
    const challenge = await client.element()
    const final = scram.final(Buffer.from(challenge.text, 'base64').toString())
    client.send(starttls)
    assert.equal((await client.element()).local, 'proceed')
    await client.secure({ ca: scene.gateway.ca })
    await client.header()
    client.send(`<response xmlns='${NS_SASL}'>${Buffer.from(final).toString('base64')}</response>`)
    assert.deepEqual((await client.element()).children.map(({ local }) => local).slice(0, 1), ['malformed-request'])
    await scene.oneEvent('auth.failure')
    await client.quit()
  })

  test('a stanza in TLS before a header is <not-authorized/>, as in any stream', async () => {
    const client = await secured('offered', await tlsFor(scene.gateway, 'alice'))
    client.send(`${streamHeader()}<message/>`)
    assert.equal((await client.next()).kind, 'header')
    await client.element()
    assert.equal((await client.element()).children[0]?.local, 'not-authorized')
    await client.ended
    await scene.oneEvent('stream.error')
  })
})

describe('handshakes that come to nothing', () => {
  test('one that is no TLS, and one that is never finished, end the connection, and nothing is left of it', async () => {
    for (const name of ['offered', 'direct'] as const) {
      for (const bytes of ['this is no TLS at all', Buffer.from('16030100', 'hex')]) {
        const client = await TcpClient.connect(portOf(name))
        if (name === 'offered') {
          await client.header()
          client.send(starttls)
          assert.equal((await client.element()).local, 'proceed')
        }
        client.socket.removeAllListeners('data').resume()
        client.send(bytes)
        await client.ended
        // With STARTTLS there was a stream, which was lost.
        await scene.events(name === 'offered' ? ['tls.failed', 'stream.lost'] : ['tls.failed'])
      }
    }
    assert.equal(scene.gateway.app.sessionCount, 2)
  })

  test('one that ends in the middle', async () => {
    const client = await TcpClient.connect(portOf('offered'))
    await client.header()
    client.send(starttls)
    await client.element()
    client.destroy()
    await scene.events(['stream.lost', 'tls.failed'])
  })
})

describe('ALPN (XEP-0368 §3)', () => {
  const handshake = async (name: ListenerName, ALPNProtocols: readonly string[] | undefined): Promise<string | false | null> => {
    const socket = connectTls({ host: '127.0.0.1', port: portOf(name), servername: 'localhost', ca: scene.gateway.ca, ...ALPNProtocols === undefined ? {} : { ALPNProtocols: [...ALPNProtocols] } })
    try {
      await once(socket, 'secureConnect')
      socket.resume().end(`${streamHeader()}${footer}`)
      await once(socket, 'close')
      return socket.alpnProtocol
    } catch (error) {
      assert.match(String(error), /no application protocol/i)
      return null
    } finally {
      socket.destroy()
    }
  }

  test('xmpp-client is chosen wherever it stands in the list; no list is good; a list without it is refused', async () => {
    assert.equal(await handshake('direct', ['xmpp-client']), 'xmpp-client')
    assert.equal(await handshake('direct', ['h2', 'xmpp-client']), 'xmpp-client')
    assert.equal(await handshake('direct', undefined), false)
    await scene.nothingHappened()
    for (const list of [['http/1.1'], ['xmpp-server'], ['XMPP-CLIENT'], ['xmpp-clien', 'xmpp-client2']]) {
      assert.equal(await handshake('direct', list), null)
      await scene.oneEvent('tls.failed')
    }
  })

  test('with STARTTLS nobody asks', async () => {
    const client = await secured('offered', { ca: scene.gateway.ca, ALPNProtocols: ['http/1.1'] })
    await client.header()
    await client.quit()
    await scene.nothingHappened()
  })
})

describe('certificates (external.md §1)', () => {
  for (const name of ['required', 'direct'] as const) {
    test(`${name}: EXTERNAL by a good certificate, and the session knows how it came`, async () => {
      const client = await tcpLogin(scene.gateway, indexOf(name), 'alice', 'desk')
      assert.equal(client.jid, 'alice@localhost/desk')
      const bound = scene.gateway.eventsNamed('session.bound').at(-1)
      assert.deepEqual([bound?.mechanism, bound?.transport, bound?.jid], ['EXTERNAL', 'tcp', 'alice@localhost/desk'])
      await client.quit()
      await scene.nothingHappened()
    })

    test(`${name}: a refused certificate ends the connection (disconnect_on_failure is true here by default), after STARTTLS too`, async () => {
      for (const certificate of [stranger, own]) {
        const client = await secured(name, pemOf(certificate)).catch(() => null)
        client?.send(streamHeader())
        if (client !== null) assert.equal((await client.next()).kind, 'end')
        await scene.events(isDirect(name) ? ['certificate.refused'] : ['certificate.refused', 'stream.lost'])
        assert.equal(scene.gateway.eventsNamed('certificate.refused').at(-1)?.disconnected, true)
      }
    })

    test(`${name}: no certificate is no failure: other mechanisms are offered, EXTERNAL is not, and is refused`, async () => {
      const client = await secured(name, { ca: scene.gateway.ca })
      assert.deepEqual(offersOf((await client.header()).features).mechanisms, ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'PLAIN'])
      client.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>=</auth>`)
      assert.equal((await client.element()).children[0]?.local, 'not-authorized')
      await client.quit()
      await scene.oneEvent('auth.failure')
    })
  }

  for (const name of ['lenient', 'lenientDirect'] as const) {
    test(`${name}: disconnect_on_failure = false keeps the connection and hides the certificate from SASL`, async () => {
      const client = await secured(name, pemOf(stranger))
      assert.deepEqual(offersOf((await client.header()).features).mechanisms, ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'PLAIN'])
      assert.equal((await scene.oneEvent('certificate.refused')).disconnected, false)
      client.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>=</auth>`)
      assert.equal((await client.element()).children[0]?.local, 'not-authorized')
      await scene.oneEvent('auth.failure')
      client.send(`<auth xmlns='${NS_SASL}' mechanism='PLAIN'>${Buffer.from(`\0alice\0${password}`).toString('base64')}</auth>`)
      assert.equal((await client.element()).local, 'success')
      client.restart()
      assert.match(await client.bind(), /^alice@localhost/)
      await client.quit()
      await scene.nothingHappened()
    })
  }

  for (const name of ['requiring', 'requiringDirect'] as const) {
    test(`${name}: require_certificate ends the connection of a client without one`, async () => {
      const client = await secured(name, { ca: scene.gateway.ca }).catch(() => null)
      if (client !== null) assert.equal((await client.next()).kind, 'end')
      await scene.events(isDirect(name) ? ['certificate.missing'] : ['certificate.missing', 'stream.lost'])
      const good = await tcpLogin(scene.gateway, indexOf(name), 'alice')
      await good.quit()
      await scene.nothingHappened()
    })
  }

  test('selfsigned_peer: a certificate that signed itself logs in', async () => {
    const client = await secured('selfSigned', pemOf(own))
    await client.authenticate()
    assert.match(await client.bind(), /^alice@localhost\//)
    await client.quit()
    await scene.nothingHappened()
  })

  test('none: no certificate is asked for, and EXTERNAL is never offered', async () => {
    const client = await secured('none', await tlsFor(scene.gateway, 'alice'))
    assert.deepEqual(offersOf((await client.header()).features).mechanisms, ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'PLAIN'])
    await client.quit()
    await scene.nothingHappened()
  })
})

describe('channel bindings', () => {
  for (const name of ['required', 'direct'] as const) {
    for (const type of ['tls-exporter', 'tls-server-end-point'] as const) {
      test(`${name}: SCRAM-SHA-256-PLUS bound by ${type}`, async () => {
        const client = await secured(name, { ca: scene.gateway.ca })
        const { features } = await client.header()
        assert.deepEqual(features.children.find(({ local }) => local === 'sasl-channel-binding')?.children.map(({ attributes }) => attributes.get('type')),
          ['tls-exporter', 'tls-server-end-point'])
        const data = type === 'tls-exporter' ? client.tls.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
          : hash('sha256', new X509Certificate(await readFile(join(scene.gateway.folder, 'certs/server.crt'))).raw, 'buffer')
        const scram = new ScramClient({ hash: 'sha256', username: 'alice', password, binding: { type, data } })
        client.send(`<auth xmlns='${NS_SASL}' mechanism='SCRAM-SHA-256-PLUS'>${Buffer.from(scram.first()).toString('base64')}</auth>`)
        const final = scram.final(Buffer.from((await client.element()).text, 'base64').toString())
        client.send(`<response xmlns='${NS_SASL}'>${Buffer.from(final).toString('base64')}</response>`)
        const outcome = await client.element()
        assert.equal(outcome.local, 'success')
        assert.ok(scram.isServer(Buffer.from(outcome.text, 'base64').toString()))
        client.restart()
        await client.bind()
        await client.quit()
        await scene.nothingHappened()
      })
    }
  }
})

test('a new server certificate is in use for both ways into TLS after a reload; who is connected stays', async () => {
  const alice = await tcpLogin(scene.gateway, indexOf('required'), 'alice')
  const servers = makeAuthority({ commonName: 'Other servers' })
  const server = makeServer(servers)
  const certs = join(scene.gateway.folder, 'certs')
  const before = await readFile(join(certs, 'server.crt'), 'utf8')
  await writeFile(join(certs, 'server.crt'), server.certificatePem)
  await writeFile(join(certs, 'server.key'), server.privateKeyPem)
  await scene.gateway.app.reload()
  assert.equal(scene.gateway.eventsNamed('tls.reload_refused').length, 0)
  for (const name of ['required', 'direct'] as const) {
    const client = await secured(name, { ca: servers.certificatePem })
    assert.notEqual(client.tls.getPeerX509Certificate()?.toString(), before)
    await client.header()
    await client.quit()
  }
  alice.send('<iq type=\'get\' id=\'p\'><ping xmlns=\'urn:xmpp:ping\'/></iq>')
  assert.equal((await alice.element()).attributes.get('id'), 'p')
  await alice.quit()
  await scene.nothingHappened()
})
