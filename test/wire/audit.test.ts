// The audit log: whoever logs in or is refused, however he tries and whatever carries him, leaves exactly one event that says who, how and why,
// with the fingerprint of his certificate; and no event ever holds a password, a SASL payload or a message.
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { type EventDescription, events as catalogue } from '../../src/telemetry/events.ts'
import { abort, auth, base64, carriers, identityOf, response, type Visitor } from '../external/visitor.ts'
import { HttpConnections } from '../support/bosh-client.ts'
import { makeAuthority, makeLeaf } from '../support/certificates.ts'
import { type ClientIdentity, Gateway } from '../support/gateway.ts'
import { addAccounts, fewIterations } from '../support/password-accounts.ts'
import { upgradeRequest } from '../support/raw-websocket.ts'
import { ScramClient } from '../support/scram-client.ts'

const hour = 3_600_000
const authority = makeAuthority()
const stranger = makeAuthority({ commonName: 'A stranger' })
const alice = { commonName: 'alice', xmppAddrs: ['alice@localhost'] } as const
const identities = {
  good: identityOf(makeLeaf(authority, alice)),
  expired: identityOf(makeLeaf(authority, { ...alice, notBefore: Date.now() - 2 * hour, notAfter: Date.now() - hour })),
  foreign: identityOf(makeLeaf(stranger, alice)),
  none: null,
} as const satisfies Record<string, ClientIdentity | null>
type IdentityName = keyof typeof identities

const passwords = { alice: 'Correct-Horse-Battery-7', bob: 'Staple-Of-Bob-8' } as const
/** What nobody may find in a log. More is added by what is said. */
const secrets = new Set<string>([...Object.values(passwords), 'Wrong-Pony-9', 'Typed-Into-The-Wrong-Field-10', 'Whispered-Words-11', 'Tm90LWEtY2VydGlmaWNhdGU'])

const tls = 'tls.certfile = "certs/server.crt"\ntls.keyfile = "certs/server.key"\ntls.cacertfile = "certs/ca.crt"\n'
/** By their index. */
const listeners = { usual: 0, requiring: 1, disconnecting: 2 } as const
const toml = `
[general]
hosts = ["localhost"]
log_level = "trace"
[[listen.http]]
port = 0
${tls}
[[listen.http]]
ip = "127.0.0.2"
port = 0
${tls}tls.require_certificate = true
[[listen.http]]
ip = "127.0.0.3"
port = 0
${tls}tls.disconnect_on_failure = true
[auth]
methods = ["pki", "internal"]
sasl_mechanisms = ["external", "scram_sha256", "plain"]
[auth.attempts]
max_failures = 6
${fewIterations}`

let gateway: Gateway
before(async () => {
  gateway = await Gateway.start({
    toml,
    prepare: async folder => {
      await appendFile(join(folder, 'certs', 'ca.crt'), authority.certificatePem)
      await addAccounts(folder, passwords)
    },
  })
})
after(async () => { await gateway.stop() })

const secretly = (data: string): string => {
  const text = base64(data)
  secrets.add(text)
  return text
}
const plain = (name: string, password: string): string => auth(secretly(`\0${name}\0${password}`), 'PLAIN')

async function scram(visitor: Visitor, username: string, password: string): Promise<void> {
  const client = new ScramClient({ hash: 'sha256', username, password })
  const challenge = await visitor.ask(auth(base64(client.first()), 'SCRAM-SHA-256'))
  const final = client.final(Buffer.from(challenge.text, 'base64').toString())
  secrets.add(final.replace(/^.*p=/, ''))
  await visitor.ask(response(secretly(final)))
}

/** `fingerprint` is that of the certificate that was shown; one that must not be there is undefined. */
interface Expected { readonly event: string, readonly [field: string]: unknown }
interface Way {
  readonly name: string
  readonly identity: IdentityName
  readonly listener?: number
  /** What he does once the stream is open; null where he does not get so far. */
  readonly act: ((visitor: Visitor) => Promise<unknown>) | null
  readonly expected: readonly Expected[]
}

const failure = (fields: Record<string, unknown>): Expected => ({ event: 'auth.failure', account: undefined, ...fields })
const unbound = { identity: 'none' } as const

const ways: readonly Way[] = [
  {
    name: 'a certificate that is good', identity: 'good',
    act: async visitor => {
      await visitor.ask(auth('='))
      const jid = await visitor.bind()
      await visitor.ask(`<message xmlns='jabber:client' to='${jid}' type='chat'><body>Whispered-Words-11</body></message>`)
    },
    expected: [{ event: 'auth.success', account: 'alice@localhost', mechanism: 'EXTERNAL', backend: 'pki' },
      { event: 'session.bound', mechanism: 'EXTERNAL' }],
  },
  { name: 'a good certificate, and the name of somebody else', identity: 'good', act: visitor => visitor.ask(auth(secretly('bob@localhost'))),
    expected: [failure({ mechanism: 'EXTERNAL', condition: 'invalid-authzid' })] },
  { name: 'a good certificate, and what is no base64', identity: 'good', act: visitor => visitor.ask(auth('!!')),
    expected: [failure({ mechanism: 'EXTERNAL', condition: 'incorrect-encoding' })] },
  {
    name: 'a good certificate, but giving up', identity: 'good',
    act: async visitor => {
      await visitor.ask(auth(''))
      await visitor.ask(abort)
    },
    expected: [failure({ mechanism: 'EXTERNAL', condition: 'aborted' })],
  },
  { name: 'a certificate that has expired', identity: 'expired', act: visitor => visitor.ask(auth('=')),
    expected: [{ event: 'certificate.refused', source: 'direct', reason: 'expired', disconnected: false }, failure({ mechanism: 'EXTERNAL', condition: 'credentials-expired' })] },
  { name: 'a certificate of an unknown CA', identity: 'foreign', act: visitor => visitor.ask(auth('=')),
    expected: [{ event: 'certificate.refused', source: 'direct', reason: 'untrusted', disconnected: false }, failure({ mechanism: 'EXTERNAL', condition: 'not-authorized' })] },
  { name: 'a certificate that has expired, where that ends the connection', identity: 'expired', listener: listeners.disconnecting, act: null,
    expected: [{ event: 'certificate.refused', source: 'direct', reason: 'expired', disconnected: true }] },
  { name: 'no certificate, where one is required', identity: 'none', listener: listeners.requiring, act: null,
    expected: [{ event: 'certificate.missing', source: 'direct', disconnected: true }] },
  { name: 'no certificate', ...unbound, act: visitor => visitor.ask(auth('=')), expected: [failure({ mechanism: 'EXTERNAL', condition: 'not-authorized' })] },
  { name: 'an unknown mechanism', ...unbound, act: visitor => visitor.ask(auth('=', 'Typed-Into-The-Wrong-Field-10')),
    expected: [failure({ mechanism: null, condition: 'invalid-mechanism' })] },
  {
    name: 'SCRAM with the right password', ...unbound,
    act: async visitor => {
      await scram(visitor, 'alice', passwords.alice)
      await visitor.bind()
    },
    expected: [{ event: 'auth.success', account: 'alice@localhost', mechanism: 'SCRAM-SHA-256', backend: 'internal' }, { event: 'session.bound', mechanism: 'SCRAM-SHA-256' }],
  },
  { name: 'SCRAM with a wrong password', ...unbound, act: visitor => scram(visitor, 'alice', 'Wrong-Pony-9'),
    expected: [failure({ mechanism: 'SCRAM-SHA-256', condition: 'not-authorized', account: 'alice@localhost' })] },
  { name: 'SCRAM with a name that nobody has', ...unbound, act: visitor => scram(visitor, 'Typed-Into-The-Wrong-Field-10', 'Wrong-Pony-9'),
    expected: [failure({ mechanism: 'SCRAM-SHA-256', condition: 'not-authorized' })] },
  { name: 'SCRAM with what is no message of it', ...unbound, act: visitor => visitor.ask(auth(secretly('Wrong-Pony-9'), 'SCRAM-SHA-256')),
    expected: [failure({ mechanism: 'SCRAM-SHA-256', condition: 'malformed-request' })] },
  {
    name: 'PLAIN with the right password', ...unbound,
    act: async visitor => {
      await visitor.ask(plain('alice', passwords.alice))
      await visitor.bind()
    },
    expected: [{ event: 'auth.success', account: 'alice@localhost', mechanism: 'PLAIN', backend: 'internal' }, { event: 'session.bound', mechanism: 'PLAIN' }],
  },
  { name: 'PLAIN with a wrong password', ...unbound, act: visitor => visitor.ask(plain('alice', 'Wrong-Pony-9')),
    expected: [failure({ mechanism: 'PLAIN', condition: 'not-authorized', account: 'alice@localhost' })] },
  { name: 'PLAIN with the password typed into the field for the name', ...unbound, act: visitor => visitor.ask(plain('Typed-Into-The-Wrong-Field-10', 'x')),
    expected: [failure({ mechanism: 'PLAIN', condition: 'not-authorized' })] },
  { name: 'PLAIN with what is no message of it', ...unbound, act: visitor => visitor.ask(auth(secretly('Wrong-Pony-9'), 'PLAIN')),
    expected: [failure({ mechanism: 'PLAIN', condition: 'malformed-request' })] },
]

const audited = (name: string): boolean => (catalogue as Readonly<Record<string, EventDescription>>)[name]?.audit === true
/** A session that ends is audited too, but is no decision about anybody. */
const decisions = (since: number) => gateway.events.slice(since).filter(({ event }) => audited(event) && event !== 'session.ended')
const fingerprintOf = (identity: ClientIdentity | null) => identity === null ? undefined : new X509Certificate(identity.cert).fingerprint256.replaceAll(':', '').toLowerCase()

for (const { name: carrier, visit } of carriers) {
  describe(`by ${carrier}, exactly one event tells of`, () => {
    for (const { name, identity: identityName, listener = listeners.usual, act, expected } of ways) {
      test(name, async () => {
        const identity = identities[identityName]
        const mark = gateway.events.length
        if (act === null) {
          await assert.rejects(visit(gateway, { identity, listener }))
        } else {
          const visitor = await visit(gateway, { identity, listener })
          await act(visitor)
          await visitor.leave()
        }
        const told = decisions(mark)
        assert.deepEqual(told.map(({ event }) => event), expected.map(({ event }) => event), inspect(told))
        for (const [index, wanted] of expected.entries()) {
          const event = told[index]!
          for (const [field, value] of Object.entries(wanted)) assert.equal(event[field], value, `${event.event}: ${field}`)
          assert.equal(event.level, 'info')
          assert.equal(event.fingerprint, fingerprintOf(event.mechanism === 'EXTERNAL' || event.event === 'certificate.refused' || event.event === 'auth.failure' ? identity : null))
          if (event.event !== 'session.bound') assert.equal(event.address, '127.0.0.1')
          if (event.event.startsWith('auth.')) assert.equal(event.transport, carrier.toLowerCase())
          if (event.event === 'auth.failure') assert.ok(typeof event.reason === 'string' && event.reason !== '', 'and why')
        }
      })
    }

    test('one who has guessed too often and has to wait', async () => {
      const guess = async () => {
        const visitor = await visit(gateway, { identity: null })
        const mark = gateway.events.length
        await visitor.ask(plain('bob', 'Wrong-Pony-9'))
        await visitor.leave()
        return decisions(mark)
      }
      const heard: unknown[] = []
      while (heard.at(-1) !== 'temporary-auth-failure') {
        const told = await guess()
        assert.deepEqual(told.map(({ event }) => event), ['auth.failure'])
        heard.push(told[0]?.condition)
        assert.ok(heard.length <= 10, heard.join(' '))
      }
      assert.ok(gateway.eventsNamed('auth.throttled').length > 0)
    })

    test('a certificate that somebody forwards who is no proxy (400)', async () => {
      const mark = gateway.events.length
      const connections = new HttpConnections(gateway)
      const headers = { 'Client-Cert': ':Tm90LWEtY2VydGlmaWNhdGU=:' }
      const request = carrier === 'BOSH' ? { headers } : { method: 'GET', path: '/xmpp-websocket', headers: { ...headersOf(upgradeRequest(gateway)), ...headers } }
      const { status } = await connections.request(request).answer
      connections.close()
      assert.equal(status, 400)
      const told = decisions(mark)
      assert.deepEqual(told.map(({ event, level, reason, address }) => [event, level, reason, address]), [['forwarded.refused', 'info', 'not-expected', '127.0.0.1']])
    })
  })
}

/** Of a request as it is written. */
const headersOf = (request: string): Record<string, string> => Object.fromEntries(
  request.split('\r\n').slice(1).filter(line => line !== '').map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]))

test('nothing that was told, at any level, holds a password, a SASL payload or a message', () => {
  const everything = gateway.events.map(event => inspect(event, { depth: Infinity, maxStringLength: Infinity, showHidden: true })).join('\n')
  assert.ok(everything.includes('auth.success') && everything.includes('auth.failure') && secrets.size > 12)
  assert.deepEqual([...secrets].filter(secret => everything.toLowerCase().includes(secret.toLowerCase())), [])
})
