// No session outlives its certificate (RFC 6120 §13.7.2.3, behaviour page "SASL EXTERNAL" §7): revoked, expired, or its authority removed, at login and
// while connected, over WebSocket and BOSH, shown in TLS or forwarded by a proxy; and what a clock that is set does to it.
import assert from 'node:assert/strict'
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Element } from '../../src/xml/element.ts'
import { ClientAuthority } from '../support/client-authority.ts'
import type { TestCertificate } from '../support/certificates.ts'
import { overBosh } from '../support/conversation-bosh.ts'
import type { ClientAdapter, ConversationClient } from '../support/conversation-client.ts'
import { forwardedOverBosh, forwardedOverWebSocket } from '../support/conversation-forwarded.ts'
import { overWebSocket } from '../support/conversation-websocket.ts'
import { Gateway } from '../support/gateway.ts'
import { settled, TurnedClock } from '../support/turned-clock.ts'
import { NS_SASL, streamErrorIn } from '../support/wire-client.ts'

const toml = ({ listener }: ClientAdapter) => `
[general]
hosts = ["localhost"]
${listener.replace('certs/ca.crt', 'certs/clients.crt')}
tls.crl_files = ["certs/lists.crl"]
${listener.includes('websocket') ? '' : '# The clock is turned faster than anybody could answer.\nwebsocket.ping_rate = 0'}
`
const day = 86_400_000

class Visitor {
  readonly client: ConversationClient
  constructor(client: ConversationClient) { this.client = client }

  /** Skips what is not of this name. */
  async until(local: string): Promise<Element> {
    for (;;) {
      const element = await this.client.next()
      assert.ok(element !== null, `the end instead of <${local}/>`)
      if (element.local === local) return element
    }
  }

  /** Opens a stream, and says what the server answers to EXTERNAL. */
  async authenticate(): Promise<Element> {
    this.client.open('localhost')
    await this.until('features')
    this.client.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>=</auth>`)
    const answer = await this.client.next()
    assert.ok(answer !== null)
    return answer
  }

  async bind(): Promise<void> {
    this.client.restart('localhost')
    await this.until('features')
    this.client.send('<iq xmlns=\'jabber:client\' type=\'set\' id=\'bind\'><bind xmlns=\'urn:ietf:params:xml:ns:xmpp-bind\'/></iq>')
    assert.equal((await this.until('iq')).attributes.get('type'), 'result')
  }

  /** The session lives. */
  async ping(id: string): Promise<void> {
    this.client.send(`<iq xmlns='jabber:client' type='get' id='${id}' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`)
    assert.equal((await this.until('iq')).attributes.get('id'), id)
  }

  /** The text of `<reset/>`, which is the next thing said. */
  async reset(): Promise<string> {
    const error = streamErrorIn(await this.until('error'))
    assert.equal(error?.condition, 'reset')
    assert.equal(await this.client.next(), null)
    return error.text
  }
}

for (const adapter of [overWebSocket, overBosh, forwardedOverWebSocket, forwardedOverBosh]) {
  describe(`over ${adapter.name}`, () => {
    const authority = new ClientAuthority()
    const revokedBefore = authority.issue('mallory')
    const clock = new TurnedClock()
    let gateway: Gateway
    const path = (name: string) => join(gateway.folder, 'certs', name)
    before(async () => {
      gateway = await Gateway.start({
        toml: toml(adapter), clock, prepare: async folder => {
          await authority.trustIn(folder)
          await authority.publish(join(folder, 'certs', 'lists.crl'), [revokedBefore])
        },
      })
    })
    after(async () => {
      const stopped = gateway.stop()
      clock.advance(2_000)
      await stopped
    })

    /** Second by second, so that whoever is told something hears it in time. */
    const pass = async (milliseconds: number) => {
      for (let left = milliseconds; left > 0; left -= 1_000) {
        clock.advance(1_000)
        await settled()
      }
    }
    const visit = async (certificate: TestCertificate) => new Visitor(await adapter.connect(gateway, authority.identityOf(certificate)))
    const login = async (certificate: TestCertificate) => {
      const visitor = await visit(certificate)
      assert.equal((await visitor.authenticate()).local, 'success')
      await visitor.bind()
      return visitor
    }
    const publish = async (...revoked: readonly TestCertificate[]) => {
      await authority.publish(path('lists.crl'), [revokedBefore, ...revoked])
      assert.equal(await gateway.app.reload(), true)
    }
    const lost = () => gateway.eventsNamed('session.certificate_lost').at(-1)
    const conditionOf = (answer: Element) => [answer.local, answer.children[0]?.local]

    test('a revoked certificate does not log in, and is told so', async () => {
      const visitor = await visit(revokedBefore)
      const answer = await visitor.authenticate()
      assert.deepEqual(conditionOf(answer), ['failure', 'not-authorized'])
      assert.match(answer.children[1]?.text ?? '', /revoked/)
      assert.equal(gateway.eventsNamed('certificate.refused').at(-1)?.['reason'], 'revoked')
      visitor.client.break()
    })

    test('one of an authority without a list does not log in: nobody knows', async () => {
      const visitor = new Visitor(await adapter.connect(gateway, await gateway.identity('bob')))
      assert.deepEqual(conditionOf(await visitor.authenticate()), ['failure', 'not-authorized'])
      assert.equal(gateway.eventsNamed('certificate.refused').at(-1)?.['reason'], 'not-verified')
      visitor.client.break()
    })

    test('a certificate that is revoked while connected ends its session at the reload, with <reset/>; the others do not notice', async () => {
      const [alice, deep] = [authority.issue('alice'), authority.issue('alice', { by: authority.middle })]
      const [first, second, bob] = [await login(alice), await login(deep), await login(authority.issue('bob', { by: authority.middle }))]
      await publish(alice)
      assert.match(await first.reset(), /certificate .*has been revoked/)
      assert.equal(lost()?.['reason'], 'revoked')
      assert.match(String(lost()?.['fingerprint']), /^[0-9a-f]{64}$/)
      assert.equal(gateway.eventsNamed('session.ended').at(-1)?.['reason'], 'revoked')
      await Promise.all([second.ping('one'), bob.ping('two')])
      await publish(alice, deep)
      assert.match(await second.reset(), /certificate .*has been revoked/)
      await bob.ping('three')
      // The account has nothing to do with it: with a good certificate it comes back.
      const again = await login(authority.issue('alice'))
      assert.deepEqual(conditionOf(await (await visit(alice)).authenticate()), ['failure', 'not-authorized'])
      await Promise.all([again.client.close(), bob.client.close()])
      await publish()
    })

    test('a certificate that was revoked between handshake and login does not log in: the verdict is made again', async () => {
      const alice = authority.issue('alice')
      const visitor = await visit(alice)
      visitor.client.open('localhost')
      await visitor.until('features')
      await publish(alice)
      visitor.client.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>=</auth>`)
      assert.deepEqual(conditionOf(await visitor.until('failure')), ['failure', 'not-authorized'])
      visitor.client.break()
      await publish()
    })

    test('a certificate that expires ends its session within 30 s, and nobody else\'s', async () => {
      const [brief, long] = [await login(authority.issue('alice', { notAfter: clock.now() + 60_000 })), await login(authority.issue('bob'))]
      await pass(55_000)
      await Promise.all([brief.ping('before'), long.ping('before')])
      await pass(30_000)
      assert.match(await brief.reset(), /has expired/)
      assert.equal(lost()?.['reason'], 'expired')
      await long.ping('after')
      await long.client.close()
    })

    test('an authority that is removed takes the sessions of its certificates with it', async () => {
      const [direct, deep] = [await login(authority.issue('alice')), await login(authority.issue('bob', { by: authority.middle }))]
      const other = new ClientAuthority()
      await copyFile(path('clients.crt'), path('kept.crt'))
      await writeFile(path('clients.crt'), other.root.certificatePem)
      await other.publish(path('lists.crl'), [])
      assert.equal(await gateway.app.reload(), true)
      for (const visitor of [direct, deep]) assert.match(await visitor.reset(), /authority .*no longer trusted/)
      assert.equal(lost()?.['reason'], 'untrusted')
      assert.deepEqual(conditionOf(await (await visit(authority.issue('alice'))).authenticate()), ['failure', 'not-authorized'])
      await (await login(other.issue('alice'))).client.close()
      await copyFile(path('kept.crt'), path('clients.crt'))
      await publish()
    })

    test('a list whose next one is overdue: told once, and nobody knows any more', async () => {
      await authority.publish(path('lists.crl'), [], { nextUpdate: clock.now() + 60_000 })
      assert.equal(await gateway.app.reload(), true)
      const session = await login(authority.issue('alice'))
      const before = gateway.eventsNamed('crl.expired').length
      await pass(90_000)
      assert.match(await session.reset(), /cannot be found out whether the certificate has been revoked/)
      await pass(90_000)
      assert.equal(gateway.eventsNamed('crl.expired').length - before, 2, 'one for each of two lists')
      assert.deepEqual(conditionOf(await (await visit(authority.issue('alice'))).authenticate()), ['failure', 'not-authorized'])
      await publish()
    })

    test('a clock that is set back years ends nobody\'s session, and one that is set forward years ends those that it is right to end', async () => {
      const [brief, long] = [await login(authority.issue('alice', { notAfter: clock.now() + 30 * day })), await login(authority.issue('bob'))]
      clock.jump(-3_650 * day)
      await pass(60_000)
      await Promise.all([brief.ping('back'), long.ping('back')])
      clock.jump(3_650 * day + 31 * day)
      await pass(30_000)
      assert.match(await brief.reset(), /has expired/)
      await long.ping('forth')
      clock.jump(-31 * day)
      await pass(30_000)
      await long.ping('again')
      await long.client.close()
    })
  })
}
