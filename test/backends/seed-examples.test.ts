// The decided examples, from the file to the bound resource: certificates alone, self-signed ones, and a certificate or a password that MongooseIM's database holds.
import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Carrier, carriers } from '../external/visitor.ts'
import { makeAuthority, makeLeaf, makeSelfSigned, type TestCertificate } from '../support/certificates.ts'
import { Gateway } from '../support/gateway.ts'
import { Postgres, requirePostgres } from '../support/postgres.ts'
import { TcpClient } from '../support/tcp-client.ts'
import { byCertificate, byScram, type LogIn, outcome, visit } from './log-in.ts'

/** As it is, but for the ports: those of the example may be in use here. */
const example = (name: string): string => readFileSync(join(import.meta.dirname, '../support/examples', name), 'utf8').replace(/^port = 5\d{3}$/gm, 'port = 0')

/** RFC 6120 over TCP, with STARTTLS or direct TLS as its listener has it. */
const overTcp = (name: string, ownListener: number): Carrier => ({
  name,
  async visit(gateway, { identity, listener = ownListener }) {
    const tls = { ca: gateway.ca, ...identity ?? {} }
    const isDirect = gateway.listening[listener]?.tcp === 'tls'
    const client = isDirect ? await TcpClient.connectTls(gateway.port(listener), tls) : await TcpClient.connect(gateway.port(listener))
    if (!isDirect) await client.startTls(tls)
    const { features } = await client.header()
    return {
      offered: features.children.find(({ local }) => local === 'mechanisms')?.children.map(({ text }) => text) ?? [],
      async ask(xml) {
        client.send(xml)
        const answer = await client.element()
        if (answer.local === 'success') client.restart()
        return answer
      },
      bind: () => client.bind(),
      leave: () => client.quit(),
    }
  },
})
const tcp = overTcp('TCP', 1)

const byPassword = (username: string, password: string): LogIn => byScram(username, password, 'sha1')

describe('certificate-only.toml', () => {
  let gateway: Gateway
  before(async () => { gateway = await Gateway.start({ toml: example('certificate-only.toml') }) })
  after(() => gateway.stop())

  for (const carrier of carriers) {
    test(`${carrier.name}: a certificate logs in, and nothing else is offered`, async () => {
      assert.deepEqual(await visit(gateway, carrier, byCertificate, await gateway.identity('alice')), ['EXTERNAL', 'alice@localhost'])
      assert.deepEqual(await visit(gateway, carrier, byPassword('alice', 'secret'), await gateway.identity('alice')), ['EXTERNAL', 'invalid-mechanism'])
    })
    test(`${carrier.name}: without a certificate there is no connection`, async () => {
      await assert.rejects(carrier.visit(gateway, { identity: null }))
    })
  }
})

describe('self-signed-common-name.toml, with the same for TCP', () => {
  const forTcp = (mode: string): string => `
[[listen.c2s]]
port = 0
tls.mode = "${mode}"
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.cacertfile = "certs/ca.crt"
tls.verify_mode = "selfsigned_peer"
`
  const everywhere = [...carriers, overTcp('TCP by STARTTLS', 1), overTcp('TCP by direct TLS', 2)]
  const pemOf = ({ certificatePem: cert, privateKeyPem: key }: TestCertificate) => ({ cert, key })
  let gateway: Gateway
  before(async () => { gateway = await Gateway.start({ toml: `${example('self-signed-common-name.toml')}${forTcp('starttls')}${forTcp('tls')}` }) })
  after(() => gateway.stop())

  for (const carrier of everywhere) {
    test(`${carrier.name}: a certificate that signed itself logs in under its common name`, async () => {
      assert.deepEqual(await visit(gateway, carrier, byCertificate, pemOf(makeSelfSigned({ commonName: 'romeo' }))), ['EXTERNAL', 'romeo@localhost'])
    })
    test(`${carrier.name}: so does one of the CA, under the address in it`, async () => {
      assert.deepEqual(await visit(gateway, carrier, byCertificate, await gateway.identity('alice')), ['EXTERNAL', 'alice@localhost'])
    })
  }

  // external.md §1: on TCP a refused certificate ends the connection unless the listener wants it otherwise; on HTTP it does if the listener wants that.
  const stranger = makeLeaf(makeAuthority({ commonName: 'Stranger' }), { commonName: 'romeo' })
  const expired = makeSelfSigned({ commonName: 'romeo', notBefore: Date.now() - 7_200_000, notAfter: Date.now() - 3_600_000 })
  for (const carrier of everywhere) {
    test(`${carrier.name}: one that somebody else signed does not, nor one that has expired`, async () => {
      for (const identity of [pemOf(stranger), pemOf(expired)]) {
        if (carrier.name.startsWith('TCP')) await assert.rejects(carrier.visit(gateway, { identity }))
        else assert.deepEqual((await visit(gateway, carrier, byCertificate, identity))[0], '')
      }
    })
  }
})

describe('certificate-or-password.toml, with a database of MongooseIM', { skip: requirePostgres() }, () => {
  let postgres: Postgres
  let gateway: Gateway

  /** MongooseIM's serialisation of a password, by RFC 5802 §3: nothing of the gateway has a part in it. */
  function serialised(password: string, iterations: number): string {
    const parts = (['sha1', 'sha224', 'sha256', 'sha384', 'sha512'] as const).map(hash => {
      const salt = createHash('md5').update(hash).digest()
      const salted = pbkdf2Sync(password, salt, iterations, createHash(hash).digest().length, hash)
      const key = (text: string) => createHmac(hash, salted).update(text).digest()
      const label = hash === 'sha1' ? '===SHA1===' : `==${hash.toUpperCase()}==`
      return label + [salt, createHash(hash).update(key('Client Key')).digest(), key('Server Key')].map(bytes => bytes.toString('base64')).join('|')
    })
    return `==MULTI_SCRAM==,${iterations},${parts.join(',')}`
  }

  before(async () => {
    postgres = await Postgres.start()
    const insert = 'INSERT INTO users (server, username, password, pass_details) VALUES ($1, $2, $3, $4)'
    await postgres.sql(insert, ['localhost', 'alice', '', serialised('wonderland', 10_000)])
    await postgres.sql(insert, ['localhost', 'carol', 'plain text', null])
    await postgres.sql(insert, ['example.net', 'dave', '', serialised('elsewhere', 10_000)])
    // The example of MongooseIM's documentation, in the form of before 3.7.
    await postgres.sql(insert, ['localhost', 'misio', '', '==SCRAM==,tmi5IE+9pceRV/jkPLFHEaVY33c=,MiWNa8T3dniVDwmh77ufJ41fpAQ=,inKXODlSY5y5SCsLxibi0w==,4096'])
    gateway = await Gateway.start({ toml: example('certificate-or-password.toml').replace('@127.0.0.1/', `@127.0.0.1:${postgres.port}/`) })
  })
  after(async () => {
    await gateway.stop()
    await postgres.stop()
  })

  for (const carrier of [...carriers, tcp]) {
    test(`${carrier.name}: a password that the database holds logs in by SCRAM-SHA-1, however it is kept there`, async () => {
      assert.deepEqual(await visit(gateway, carrier, byPassword('alice', 'wonderland')), ['SCRAM-SHA-1', 'alice@localhost'])
      assert.deepEqual(await visit(gateway, carrier, byPassword('carol', 'plain text')), ['SCRAM-SHA-1', 'carol@localhost'])
      assert.deepEqual(await visit(gateway, carrier, byPassword('misio', 'misio')), ['SCRAM-SHA-1', 'misio@localhost'])
    })
    test(`${carrier.name}: a wrong password, nobody, and somebody of another domain do not`, async () => {
      for (const [name, password] of [['alice', 'wonderworld'], ['nobody', 'wonderland'], ['dave', 'elsewhere'], ['carol', '']] as const) {
        assert.deepEqual(await visit(gateway, carrier, byPassword(name, password)), ['SCRAM-SHA-1', 'not-authorized'], name)
      }
    })
    test(`${carrier.name}: so does a certificate, of somebody whom the database does not know as well`, async () => {
      // SCRAM stands first in the configuration, EXTERNAL second.
      assert.deepEqual(await visit(gateway, carrier, byCertificate, await gateway.identity('bob')), ['SCRAM-SHA-1 EXTERNAL', 'bob@localhost'])
    })
    test(`${carrier.name}: who shows the certificate of one may log in with the password of another`, async () => {
      assert.deepEqual(await visit(gateway, carrier, byPassword('alice', 'wonderland'), await gateway.identity('bob')), ['SCRAM-SHA-1 EXTERNAL', 'alice@localhost'])
    })
  }

  test('the log names the backend of each, and no password', () => {
    assert.deepEqual(new Set(gateway.eventsNamed('auth.success').map(({ mechanism, backend }) => `${String(mechanism)} ${String(backend)}`)), new Set(['SCRAM-SHA-1 rdbms', 'EXTERNAL pki']))
    assert.doesNotMatch(JSON.stringify(gateway.events), /wonderland|plain text|elsewhere|SCRAM==/)
  })

  test('while the database is away: temporary-auth-failure by password, as ever by certificate; and when it is back, as before', async () => {
    await postgres.end()
    for (const carrier of carriers) {
      const began = performance.now()
      assert.equal(await outcome(gateway, carrier, byPassword('alice', 'wonderland')), 'temporary-auth-failure')
      assert.ok(performance.now() - began < 5_000)
      assert.equal(await outcome(gateway, carrier, byCertificate, await gateway.identity('bob')), 'bob@localhost')
    }
    await postgres.restart()
    for (const carrier of carriers) assert.equal(await outcome(gateway, carrier, byPassword('alice', 'wonderland')), 'alice@localhost')
  })

  test('the gateway starts while the database is away, and uses it as soon as it is there', async () => {
    await postgres.end()
    const early = await Gateway.start({ toml: example('certificate-or-password.toml').replace('@127.0.0.1/', `@127.0.0.1:${postgres.port}/`) })
    try {
      assert.equal(await outcome(early, carriers[0]!, byCertificate, await early.identity('bob')), 'bob@localhost')
      assert.deepEqual(early.eventsNamed('auth.backend_unreachable').map(({ backend }) => backend), ['rdbms'])
      await postgres.restart()
      assert.equal(await outcome(early, carriers[0]!, byPassword('alice', 'wonderland')), 'alice@localhost')
    } finally {
      await early.stop()
    }
  })
})
