// Logging in through a proxy at which TLS ends: passwords and channel binding as far as the proxy's word goes, and what the audit log tells of it.
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { Element } from '../../src/xml/element.ts'
import { auth, base64, response } from '../external/visitor.ts'
import { BoshSession } from '../support/bosh-session.ts'
import type { TestCertificate } from '../support/certificates.ts'
import { ClientAuthority } from '../support/client-authority.ts'
import { BoshConversation } from '../support/conversation-bosh.ts'
import type { ConversationClient } from '../support/conversation-client.ts'
import { clientAddress, headersFor, said } from '../support/conversation-forwarded.ts'
import { WebSocketConversation } from '../support/conversation-websocket.ts'
import { Gateway } from '../support/gateway.ts'
import { addAccounts, fewIterations } from '../support/password-accounts.ts'
import { ScramClient } from '../support/scram-client.ts'
import { WireClient } from '../support/wire-client.ts'

const hour = 3_600_000
const password = 'correct horse & battery'
const authority = new ClientAuthority()
const [alice, expired] = [authority.issue('alice'), authority.issue('alice', { notBefore: Date.now() - 2 * hour, notAfter: Date.now() - hour })]
const fingerprintOf = ({ der }: TestCertificate) => new X509Certificate(der).fingerprint256.replaceAll(':', '').toLowerCase()

const ownTls = 'tls.certfile = "certs/server.crt"\ntls.keyfile = "certs/server.key"\n'
const proxied = 'trusted_proxies = ["127.0.0.1", "::1"]\nforwarded_certificate = "rfc9440"\n'
/** Where TLS ends: what the listener has beside its authorities. */
const listeners = { 'at the proxy': proxied, 'at the proxy, and TLS again behind it': proxied + ownTls, 'at the gateway': ownTls } as const
type Ending = keyof typeof listeners
const endings = ['at the proxy', 'at the proxy, and TLS again behind it'] as const

const gateways = new Map<Ending, Gateway>()
before(async () => {
  for (const [ending, lines] of Object.entries(listeners) as [Ending, string][]) {
    gateways.set(ending, await Gateway.start({
      toml: `[general]\nhosts = ["localhost"]\n[[listen.http]]\nport = 0\n${lines}tls.cacertfile = "certs/clients.crt"\n[auth]\nmethods = ["pki", "internal"]\n`
        + `sasl_mechanisms = ["external", "scram_sha512_plus", "scram_sha512", "scram_sha256_plus", "scram_sha256", "scram_sha1_plus", "scram_sha1", "plain"]\n${fewIterations}`,
      async prepare(folder) {
        await authority.trustIn(folder)
        await addAccounts(folder, { alice: password })
      },
    }))
  }
})
after(async () => { for (const gateway of gateways.values()) await gateway.stop() })

type Headers = Readonly<Record<string, string>>
interface Carrier { readonly name: 'websocket' | 'bosh', connect(gateway: Gateway, headers: Headers): Promise<ConversationClient> }
const schemeOf = (gateway: Gateway, name: string) => `${name}${gateway.listening[0]!.secure ? 's' : ''}://localhost:${gateway.port()}`
const carriers: readonly Carrier[] = [
  { name: 'websocket', async connect(gateway, headers) {
    return new WebSocketConversation(await WireClient.open(gateway, { url: `${schemeOf(gateway, 'ws')}/xmpp-websocket`, socket: { headers } }))
  } },
  { name: 'bosh', async connect(gateway, headers) {
    return new BoshConversation(new BoshSession({ url: `${schemeOf(gateway, 'http')}/http-bind`, ca: gateway.ca, identity: null, headers }))
  } },
]

class Visit {
  readonly client: ConversationClient
  readonly features: Element
  private constructor(client: ConversationClient, features: Element) { this.client = client; this.features = features }

  static async begin({ connect }: Carrier, ending: Ending, headers: Headers): Promise<Visit> {
    const client = await connect(gateways.get(ending)!, headers)
    client.open('localhost')
    return new Visit(client, await client.next() ?? assert.fail('no features'))
  }

  get mechanisms(): readonly string[] { return this.features.children.find(({ local }) => local === 'mechanisms')?.children.map(({ text }) => text) ?? [] }
  get channelBindings(): readonly string[] | undefined {
    return this.features.children.find(({ local }) => local === 'sasl-channel-binding')?.children.map(({ attributes }) => attributes.get('type') ?? '')
  }

  async ask(xml: string): Promise<Element> {
    this.client.send(xml)
    return await this.client.next() ?? assert.fail('the end')
  }

  /** `success`, or the condition. */
  async plain(): Promise<string | undefined> {
    const answer = await this.ask(auth(base64(`\0alice\0${password}`), 'PLAIN'))
    return answer.local === 'success' ? answer.local : answer.children[0]?.local
  }

  async bind(): Promise<string> {
    this.client.restart('localhost')
    await this.client.next()
    const answer = await this.ask('<iq xmlns=\'jabber:client\' type=\'set\' id=\'bind\'><bind xmlns=\'urn:ietf:params:xml:ns:xmpp-bind\'/></iq>')
    return answer.children[0]?.children[0]?.text ?? ''
  }
}

for (const carrier of carriers) {
  describe(`${carrier.name}: -PLUS never where TLS ends elsewhere`, () => {
    for (const ending of endings) {
      test(`${ending}: no -PLUS and no channel binding (XEP-0440) is offered; SCRAM without is, and works`, async () => {
        const visit = await Visit.begin(carrier, ending, said)
        assert.deepEqual([visit.mechanisms, visit.channelBindings], [['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'], undefined])
        // RFC 5802 §6: "y", the client could have bound a channel and takes it that the server cannot.
        const scram = new ScramClient({ hash: 'sha256', username: 'alice', password, binding: 'y' })
        const challenge = await visit.ask(auth(base64(scram.first()), 'SCRAM-SHA-256'))
        assert.equal((await visit.ask(response(base64(scram.final(Buffer.from(challenge.text, 'base64').toString()))))).local, 'success')
        assert.match(await visit.bind(), /^alice@localhost\//)
        await visit.client.close()
      })
      test(`${ending}: who tries all the same is refused`, async () => {
        for (const type of ['tls-exporter', 'tls-server-end-point']) {
          const visit = await Visit.begin(carrier, ending, said)
          const scram = new ScramClient({ hash: 'sha256', username: 'alice', password, binding: { type, data: new Uint8Array(32) } })
          assert.equal((await visit.ask(auth(base64(scram.first()), 'SCRAM-SHA-256-PLUS'))).children[0]?.local, 'not-authorized')
          await visit.client.close()
        }
      })
    }
    test('at the gateway: both are offered', async () => {
      const visit = await Visit.begin(carrier, 'at the gateway', {})
      assert.equal(visit.mechanisms[0], 'SCRAM-SHA-512-PLUS')
      // A session of BOSH is bound to no one connection.
      assert.deepEqual(visit.channelBindings, carrier.name === 'bosh' ? ['tls-server-end-point'] : ['tls-exporter', 'tls-server-end-point'])
      await visit.client.close()
    })
  })

  describe(`${carrier.name}: a password is told only over TLS, and whether there is TLS is the proxy's word`, () => {
    for (const ending of endings) {
      test(`TLS ends ${ending}: with X-Forwarded-Proto "https" PLAIN is offered, and works`, async () => {
        const visit = await Visit.begin(carrier, ending, { ...said, 'X-Forwarded-Proto': 'https' })
        assert.ok(visit.mechanisms.includes('PLAIN'))
        assert.equal(await visit.plain(), 'success')
        assert.match(await visit.bind(), /^alice@localhost\//)
        await visit.client.close()
      })
      for (const [what, headers] of [['with "http"', { ...said, 'X-Forwarded-Proto': 'http' }], ['without a word', { 'X-Forwarded-For': clientAddress }]] as const) {
        test(`TLS ends ${ending}: ${what} it is not, and is refused`, async () => {
          const visit = await Visit.begin(carrier, ending, headers)
          assert.deepEqual(visit.mechanisms, ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1'])
          assert.equal(await visit.plain(), 'encryption-required')
          await visit.client.close()
        })
      }
    }
  })

  describe(`${carrier.name}: the audit log tells of the client, not of the proxy`, () => {
    const audited = (ending: Ending, names: readonly string[], since: number) => gateways.get(ending)!.events.slice(since).filter(({ event }) => names.includes(event))
    for (const ending of endings) {
      test(`TLS ends ${ending}: a login with a forwarded certificate`, async () => {
        const mark = gateways.get(ending)!.events.length
        const visit = await Visit.begin(carrier, ending, headersFor(authority.identityOf(alice)))
        assert.equal((await visit.ask(auth('='))).local, 'success')
        const jid = await visit.bind()
        await visit.client.close()
        const certificate = { mechanism: 'EXTERNAL', transport: carrier.name, fingerprint: fingerprintOf(alice), level: 'info' }
        assert.deepEqual(audited(ending, ['auth.success', 'session.bound'], mark).map(event => ({ ...event })), [
          { event: 'auth.success', account: 'alice@localhost', backend: 'pki', address: clientAddress, ...certificate },
          { event: 'session.bound', jid, ...certificate },
        ])
      })
      test(`TLS ends ${ending}: a login with a forwarded certificate that is refused, and one by password`, async () => {
        const mark = gateways.get(ending)!.events.length
        const visit = await Visit.begin(carrier, ending, headersFor(authority.identityOf(expired)))
        assert.equal((await visit.ask(auth('='))).children[0]?.local, 'credentials-expired')
        assert.equal(await visit.plain(), 'success')
        await visit.client.close()
        const [failure, success, ...more] = audited(ending, ['auth.failure', 'auth.success'], mark)
        assert.deepEqual(more, [])
        assert.deepEqual([failure?.condition, failure?.mechanism, failure?.address, failure?.transport, failure?.fingerprint, failure?.account],
          ['credentials-expired', 'EXTERNAL', clientAddress, carrier.name, fingerprintOf(expired), undefined])
        assert.deepEqual([success?.account, success?.mechanism, success?.address, success?.transport, success?.fingerprint, success?.backend],
          ['alice@localhost', 'PLAIN', clientAddress, carrier.name, undefined, 'internal'])
      })
    }
  })
}
