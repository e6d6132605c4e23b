// "SASL EXTERNAL" §2, where there is another mechanism, too: when EXTERNAL is offered, what a client hears that tries it all the same, and that it
// may go on with the other one on the same stream. Over WebSocket and BOSH.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { rowWith } from '../../src/auth/accounts/new-password.ts'
import { embeddedAccounts } from '../../src/auth/accounts/open-accounts.ts'
import { systemClock } from '../../src/telemetry/clock.ts'
import { parseDomainpart } from '../../src/xmpp/jid.ts'
import { makeAuthority, makeLeaf, type TestCertificate } from '../support/certificates.ts'
import { Gateway } from '../support/gateway.ts'
import { auth, base64, carriers, identityOf, outcomeOf } from './visitor.ts'

const hour = 3_600_000
const authority = makeAuthority()
const alice = { xmppAddrs: ['alice@localhost'] } as const
const past = { notBefore: Date.now() - 3 * hour, notAfter: Date.now() - hour }
const certificates = {
  'no certificate': null,
  'a good one': makeLeaf(authority, alice),
  'an expired one': makeLeaf(authority, { ...alice, ...past }),
  'one of another authority': makeLeaf(makeAuthority(), alice),
  'one that no mode maps to a user of this host': makeLeaf(authority, { xmppAddrs: ['alice@example.org'] }),
  'an expired one that no mode would map': makeLeaf(authority, { ...past, xmppAddrs: ['alice@example.org'] }),
} as const satisfies Readonly<Record<string, TestCertificate | null>>

interface House {
  readonly methods: readonly string[]
  readonly mechanisms: readonly string[]
  /** Certificate, what is offered, what becomes of EXTERNAL. */
  readonly rows: readonly (readonly [certificate: keyof typeof certificates, offered: readonly string[], outcome: string])[]
}

const houses: readonly House[] = [
  { methods: ['pki', 'internal'], mechanisms: ['external', 'plain'], rows: [
    ['a good one', ['EXTERNAL', 'PLAIN'], 'success'],
    ['no certificate', ['PLAIN'], 'not-authorized'],
    ['an expired one', ['PLAIN'], 'credentials-expired'],
    ['one of another authority', ['PLAIN'], 'not-authorized'],
    ['one that no mode maps to a user of this host', ['PLAIN'], 'not-authorized'],
    // "`credentials-expired` if the only fault is the date."
    ['an expired one that no mode would map', ['PLAIN'], 'not-authorized'],
  ] },
  // In the order configured.
  { methods: ['internal', 'pki'], mechanisms: ['plain', 'external'], rows: [['a good one', ['PLAIN', 'EXTERNAL'], 'success']] },
  // No backend accepts certificates.
  { methods: ['internal'], mechanisms: ['external', 'plain'], rows: [
    ['a good one', ['PLAIN'], 'not-authorized'], ['an expired one', ['PLAIN'], 'not-authorized'], ['no certificate', ['PLAIN'], 'not-authorized'],
  ] },
  // "`external` in `auth.sasl_mechanisms`"; §6: an unconfigured mechanism is `invalid-mechanism`.
  { methods: ['pki', 'internal'], mechanisms: ['plain'], rows: [['a good one', ['PLAIN'], 'invalid-mechanism'], ['no certificate', ['PLAIN'], 'invalid-mechanism']] },
]

async function startHouse({ methods, mechanisms }: House): Promise<Gateway> {
  return Gateway.start({
    users: [],
    toml: `
[general]
hosts = ["localhost"]
data_dir = "data"
[[listen.http]]
port = 0
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.cacertfile = "authority.crt"
[auth]
methods = ${JSON.stringify(methods)}
sasl_mechanisms = ${JSON.stringify(mechanisms)}
password.scram_iterations = 4_096
`,
    async prepare(folder) {
      await writeFile(join(folder, 'authority.crt'), authority.certificatePem)
      const localhost = parseDomainpart('localhost')!
      const accounts = embeddedAccounts({ dataFolder: join(folder, 'data'), hosts: [localhost], clock: systemClock })
      await accounts.add('carol', localhost, await rowWith('correct horse', { hash: ['sha256'], scram_iterations: 4_096 }, randomBytes))
      await accounts.close()
    },
  })
}

for (const house of houses) {
  describe(`methods ${house.methods.join(', ')}; sasl_mechanisms ${house.mechanisms.join(', ')}`, () => {
    let gateway: Gateway
    before(async () => { gateway = await startHouse(house) })
    after(async () => { await gateway.stop() })

    for (const [name, offered, outcome] of house.rows) {
      test(`${name}: offered are ${offered.join(', ')}; EXTERNAL: ${outcome}${outcome === 'success' ? '' : '; then the password is good on the same stream'}`, async () => {
        for (const carrier of carriers) {
          const certificate = certificates[name]
          const visitor = await carrier.visit(gateway, { identity: certificate === null ? null : identityOf(certificate) })
          assert.deepEqual(visitor.offered, offered, carrier.name)
          assert.equal(await outcomeOf(visitor, { name: '', initial: '=' }), outcome, carrier.name)
          if (outcome === 'success') assert.match(await visitor.bind(), /^alice@localhost\//)
          else {
            const answer = await visitor.ask(auth(base64('\0carol\0correct horse'), 'PLAIN'))
            assert.equal(answer.local, 'success', carrier.name)
            assert.match(await visitor.bind(), /^carol@localhost\//)
          }
          await visitor.leave()
        }
      })
    }
  })
}
