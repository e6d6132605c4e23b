// A whole gateway whose accounts are elsewhere: a web service, a directory, or both, over WebSocket and BOSH.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, beforeEach, describe, test } from 'node:test'
import { AuthWebService } from '../support/auth-web-service.ts'
import { makeAuthority, makeServer } from '../support/certificates.ts'
import { type ClientIdentity, defaultToml, Gateway } from '../support/gateway.ts'
import { fewIterations } from '../support/password-accounts.ts'
import { usersTable } from '../support/postgres.ts'
import { requireProgram } from '../support/services.ts'
import { person, programs, searcher, Slapd, directoryBase } from '../support/slapd.ts'
import { base64, carriers } from '../external/visitor.ts'
import { settled } from '../support/turned-clock.ts'
import { byCertificate, byPlain, byScram, type LogIn, outcome } from './log-in.ts'

const mechanisms = 'sasl_mechanisms = ["external", "scram_sha256", "plain"]'
const httpSection = (url: string, more = '') => `[auth.http]\nurl = "${url}"\nbasic_auth_file = "secrets-http"\n${more}\n`
const ldapSection = (url: string, more = '') => `[auth.ldap]\nservers = ["${url}"]\nrootdn = "${searcher.dn}"\npassword_file = "secrets-ldap"\nbase = "${directoryBase}"
filter = "(objectClass=inetOrgPerson)"\nlocal_filter = { operation = "notequal", attribute = "employeeType", values = ["disabled"] }\nrequest_timeout = 500\n${more}\n`

const users = ['alice@localhost', 'bob@localhost', 'carol@localhost']
const start = (toml: string, authorityPem = ''): Promise<Gateway> => Gateway.start({
  toml, users, prepare: async folder => {
    await writeFile(join(folder, 'secrets-http'), 'meerkat:let me in\n', { mode: 0o600 })
    await writeFile(join(folder, 'secrets-ldap'), `${searcher.password}\n`, { mode: 0o600 })
    await writeFile(join(folder, 'directory-ca.crt'), authorityPem)
  },
})

async function sameEverywhere(gateway: Gateway, expected: string, logIn: LogIn, identity: ClientIdentity | null = null): Promise<void> {
  for (const carrier of carriers) assert.equal(await outcome(gateway, carrier, logIn, identity), expected, carrier.name)
}

async function timed<Answer>(what: Promise<Answer>): Promise<{ readonly answer: Answer, readonly milliseconds: number }> {
  const began = performance.now()
  return { answer: await what, milliseconds: performance.now() - began }
}

describe('accounts kept by a web service', () => {
  let service: AuthWebService
  let gateway: Gateway
  before(async () => {
    service = await AuthWebService.start({ 'alice@localhost': { password: 'wonderland' }, 'bob@localhost': { password: 'builder' } })
    gateway = await start(`${defaultToml}[auth]\nmethods = ["http"]\n${mechanisms}\n${httpSection(service.url, 'request_timeout = 400')}`)
    service.accounts.set('alice@localhost', { password: 'wonderland', certificates: (await gateway.identity('alice')).cert })
    service.accounts.set('bob@localhost', { password: 'builder', certificates: (await gateway.identity('alice')).cert })
  })
  beforeEach(() => { service.asked.length = 0; service.misbehaviour = null })
  after(async () => { await gateway.stop(); await service.stop() })

  test('EXTERNAL: the certificate is in the user\'s list, or it is not and the login is refused', async () => {
    await sameEverywhere(gateway, 'alice@localhost', byCertificate, await gateway.identity('alice'))
    // Good by itself, and mapped to bob; but bob's list has another one.
    await sameEverywhere(gateway, 'not-authorized', byCertificate, await gateway.identity('bob'))
    await sameEverywhere(gateway, 'not-authorized', byCertificate, await gateway.identity('carol'))
    assert.deepEqual(new Set(service.asked.map(({ authorization }) => authorization)), new Set([`Basic ${base64('meerkat:let me in')}`]))
    const refusals = gateway.eventsNamed('auth.failure').map(({ reason }) => reason)
    assert.ok(refusals.includes('the certificate is none of those that get_certs lists for the user'))
  })
  test('passwords: PLAIN by check_password, SCRAM by get_password', async () => {
    await sameEverywhere(gateway, 'alice@localhost', byPlain('alice', 'wonderland'))
    await sameEverywhere(gateway, 'not-authorized', byPlain('alice', 'wrong'))
    await sameEverywhere(gateway, 'not-authorized', byPlain('nobody', 'wonderland'))
    await sameEverywhere(gateway, 'alice@localhost', byScram('alice', 'wonderland'))
    await sameEverywhere(gateway, 'not-authorized', byScram('alice', 'wrong'))
    await sameEverywhere(gateway, 'not-authorized', byScram('nobody', 'wonderland'))
    assert.doesNotMatch(JSON.stringify(gateway.events), /wonderland|let me in/)
  })
  for (const [name, misbehave] of [
    ['hangs', () => {}],
    ['answers 500', (_request, reply) => { reply.writeHead(500).end('true') }],
    ['answers nonsense', (_request, reply) => { reply.end('<html>true</html>') }],
    ['hangs up', request => { request.socket.destroy() }],
  ] as const satisfies readonly (readonly [string, NonNullable<AuthWebService['misbehaviour']>])[]) {
    test(`a service that ${name}: temporary-auth-failure within its timeout, and well again afterwards`, async () => {
      service.misbehaviour = misbehave
      const alice = await gateway.identity('alice')
      for (const [logIn, identity] of [[byCertificate, alice], [byPlain('alice', 'wonderland'), null], [byScram('alice', 'wonderland'), null]] as const) {
        const results = await Promise.all(carriers.map(carrier => timed(outcome(gateway, carrier, logIn, identity))))
        for (const { answer, milliseconds } of results) {
          assert.equal(answer, 'temporary-auth-failure')
          assert.ok(milliseconds < 3_000, `${milliseconds} ms`)
        }
      }
      assert.ok(gateway.eventsNamed('auth.backend_unreachable').some(({ backend }) => backend === 'http'))
      service.misbehaviour = null
      await sameEverywhere(gateway, 'alice@localhost', byPlain('alice', 'wonderland'))
    })
  }
  test('while one login hangs another one does not wait for it', async () => {
    service.misbehaviour = () => {}
    const [carrier] = carriers
    const hanging = outcome(gateway, carrier!, byPlain('alice', 'wonderland'))
    while (service.asked.length === 0) await settled()
    service.misbehaviour = null
    assert.equal(await outcome(gateway, carrier!, byPlain('bob', 'builder')), 'bob@localhost')
    assert.equal(await hanging, 'temporary-auth-failure')
  })
})

describe('accounts in a SQLite file', () => {
  test('that another process has locked: temporary-auth-failure within its timeout, logins by certificate do not notice, and all is well afterwards', async t => {
    const file = join(await mkdtemp(join(tmpdir(), 'meerkat-locked-')), 'accounts.db')
    const database = new DatabaseSync(file)
    t.after(async () => { database.close(); await rm(dirname(file), { recursive: true }) })
    database.exec(`${usersTable.replace('now()', 'CURRENT_TIMESTAMP')}; INSERT INTO users (username, server, password) VALUES ('alice', 'localhost', 'wonderland')`)
    const gateway = await start(`${defaultToml}[auth]\nmethods = ["pki", "rdbms"]\n${mechanisms}\n${fewIterations}[auth.rdbms]\nurl = "sqlite:${file}"\nrequest_timeout = 1_000\n`)
    t.after(() => gateway.stop())
    await sameEverywhere(gateway, 'alice@localhost', byScram('alice', 'wonderland'))
    database.exec('BEGIN EXCLUSIVE')
    const alice = await gateway.identity('alice')
    for (const carrier of carriers) {
      let decided = 0
      const locked = Promise.all([byScram('alice', 'wonderland'), byPlain('alice', 'wonderland'), byScram('nobody', 'wonderland')]
        .map(logIn => timed(outcome(gateway, carrier, logIn)).finally(() => { decided += 1 })))
      const meanwhile = await outcome(gateway, carrier, byCertificate, alice)
      assert.deepEqual([meanwhile, decided], ['alice@localhost', 0], 'the one with a certificate was in first')
      for (const { answer, milliseconds } of await locked) {
        assert.equal(answer, 'temporary-auth-failure')
        assert.ok(milliseconds < 4_000, `${milliseconds} ms`)
      }
    }
    assert.ok(gateway.eventsNamed('auth.backend_unreachable').every(({ backend, cause }) => backend === 'rdbms' && /locked/.test(String(cause))))
    database.exec('COMMIT')
    await sameEverywhere(gateway, 'alice@localhost', byPlain('alice', 'wonderland'))
  })
})

describe('two methods, and the service of one hangs', () => {
  let service: AuthWebService
  before(async () => {
    service = await AuthWebService.start({})
    service.misbehaviour = () => {}
  })
  after(async () => { await service.stop() })
  const gatewayWith = (methods: string) => start(`${defaultToml}[auth]\nmethods = ${methods}\n${mechanisms}\n${httpSection(service.url, 'request_timeout = 600')}`)

  test('asked first, it delays a login by certificate by its timeout; then pki decides', async t => {
    const gateway = await gatewayWith('["http", "pki"]')
    t.after(() => gateway.stop())
    const alice = await gateway.identity('alice')
    for (const carrier of carriers) {
      const { answer, milliseconds } = await timed(outcome(gateway, carrier, byCertificate, alice))
      assert.equal(answer, 'alice@localhost')
      assert.ok(milliseconds >= 550 && milliseconds < 3_000, `${milliseconds} ms`)
    }
  })
  test('asked second, it delays nobody who has a certificate', async t => {
    const gateway = await gatewayWith('["pki", "http"]')
    t.after(() => gateway.stop())
    const alice = await gateway.identity('alice')
    service.asked.length = 0
    const password = outcome(gateway, carriers[0]!, byPlain('alice', 'x'))
    while (service.asked.length === 0) await settled()
    for (const carrier of carriers) assert.equal(await outcome(gateway, carrier, byCertificate, alice), 'alice@localhost')
    assert.deepEqual(service.asked.map(({ method }) => method), ['check_password'], 'nobody asked it about the certificates')
    assert.equal(await password, 'temporary-auth-failure')
  })
})

describe('accounts in a directory', { skip: requireProgram(...programs) }, () => {
  const authority = makeAuthority()
  const server = makeServer(authority)
  let slapd: Slapd
  let service: AuthWebService
  let gateway: Gateway
  before(async () => {
    slapd = await Slapd.start({
      tls: { ca: authority.certificatePem, cert: server.certificatePem, key: server.privateKeyPem },
      people: [person('alice'), person('bob', { employeeType: 'disabled' })],
    })
    service = await AuthWebService.start({ 'carol@localhost': { password: 'secret of carol' }, 'alice@localhost': { password: 'another one' } })
    gateway = await start(`${defaultToml}[auth]\nmethods = ["ldap", "http"]\n${mechanisms}\n${ldapSection(slapd.tlsUrl, 'tls.cacertfile = "directory-ca.crt"')}${httpSection(service.url)}`, authority.certificatePem)
    service.accounts.set('carol@localhost', { password: 'secret of carol', certificates: (await gateway.identity('carol')).cert })
  })
  after(async () => { await gateway.stop(); await service.stop(); await slapd.stop() })

  test('EXTERNAL: the account exists, or the next method knows the certificate', async () => {
    await sameEverywhere(gateway, 'alice@localhost', byCertificate, await gateway.identity('alice'))
    await sameEverywhere(gateway, 'not-authorized', byCertificate, await gateway.identity('bob'))
    await sameEverywhere(gateway, 'carol@localhost', byCertificate, await gateway.identity('carol'))
    assert.deepEqual(gateway.eventsNamed('auth.backend_unreachable'), [])
  })
  test('PLAIN: the directory is asked first, then the service; SCRAM only concerns the service', async () => {
    await sameEverywhere(gateway, 'alice@localhost', byPlain('alice', 'password of alice'))
    await sameEverywhere(gateway, 'not-authorized', byPlain('bob', 'password of bob'))
    await sameEverywhere(gateway, 'not-authorized', byPlain('alice', 'wrong'))
    await sameEverywhere(gateway, 'carol@localhost', byPlain('carol', 'secret of carol'))
    await sameEverywhere(gateway, 'alice@localhost', byPlain('alice', 'another one'))
    await sameEverywhere(gateway, 'carol@localhost', byScram('carol', 'secret of carol'))
    await sameEverywhere(gateway, 'not-authorized', byScram('alice', 'password of alice'))
  })
  test('a frozen directory: temporary-auth-failure within its timeout; who is known to the service gets in', async () => {
    slapd.freeze()
    try {
      const { answer, milliseconds } = await timed(outcome(gateway, carriers[0]!, byPlain('alice', 'password of alice')))
      assert.equal(answer, 'temporary-auth-failure')
      assert.ok(milliseconds < 3_000)
      await sameEverywhere(gateway, 'temporary-auth-failure', byCertificate, await gateway.identity('alice'))
      await sameEverywhere(gateway, 'carol@localhost', byPlain('carol', 'secret of carol'))
    } finally {
      slapd.thaw()
    }
    await sameEverywhere(gateway, 'alice@localhost', byPlain('alice', 'password of alice'))
  })
})
