// Every row of "SASL EXTERNAL" §4, under every mode and in every order of them, over WebSocket and BOSH and real TLS.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { makeAuthority, makeLeaf } from '../support/certificates.ts'
import { type ClientIdentity, Gateway } from '../support/gateway.ts'
import { type CertificateName, certificates, type Configuration, expected, filledIn, isOffered, type ModeName, rows } from './identity-rows.ts'
import { base64, carriers, identityOf, logIn, type Saying } from './visitor.ts'

const authority = makeAuthority()
const identities = new Map(Object.entries(certificates).map(([name, options]) => [name, identityOf(makeLeaf(authority, options))]))

const affixes = { prefix: 'web-', suffix: '.user' } as const
const none = { prefix: '', suffix: '' } as const

/** Alone and in every order, by both generations of names. */
const configurations: readonly Configuration[] = [
  { modes: ['standard'], ...none },
  { modes: ['common_name'], ...none },
  { modes: ['common_name'], ...affixes },
  { modes: ['use_common_name'], ...none, prefix: 'web-' },
  { modes: ['use_common_name'], ...none, suffix: '.user' },
  { modes: ['auth_id'], ...affixes },
  { modes: ['allow_just_user_identity'], ...none },
  ...([
    ['standard', 'common_name', 'auth_id'], ['standard', 'auth_id', 'common_name'], ['common_name', 'standard', 'auth_id'],
    ['common_name', 'auth_id', 'standard'], ['auth_id', 'standard', 'common_name'], ['auth_id', 'common_name', 'standard'],
    ['allow_just_user_identity', 'use_common_name'],
  ] as const satisfies readonly (readonly ModeName[])[]).map(modes => ({ modes, ...affixes })),
]

const tomlOf = ({ modes, prefix, suffix }: Configuration): string => `
[general]
hosts = ["localhost", "other.localhost"]
[[listen.http]]
port = 0
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.cacertfile = "authority.crt"
[auth]
sasl_external = ${JSON.stringify(modes)}
sasl_external_common_name.prefix = "${prefix}"
sasl_external_common_name.suffix = "${suffix}"
`

/** "`=`, absent text, or the bare served domain mean 'none'." */
const waysOfNone: readonly Saying[] = [
  { name: 'an empty initial response', initial: '=' },
  { name: 'no initial response, and an empty one to the challenge', initial: '' },
  { name: 'no initial response, and "=" to the challenge', initial: '', answer: '=' },
  { name: 'the bare served domain', initial: base64('localhost') },
  { name: 'the bare served domain, prepared first', initial: '', answer: base64('LocalHost') },
]

const everyWay: ReadonlySet<Configuration | undefined> = new Set([0, 2, 5].map(index => configurations[index]))

/** How nothing is said does not depend on the modes: every way of it under the three of them, the usual one elsewhere. */
const sayings = (authzid: string | null, configuration: Configuration): readonly Saying[] =>
  authzid !== null ? [{ name: 'the authzid', initial: base64(filledIn(authzid, configuration)) }]
    : everyWay.has(configuration) ? waysOfNone : waysOfNone.slice(0, 1)

for (const configuration of configurations) {
  const { modes, prefix, suffix } = configuration
  describe(`sasl_external = ${JSON.stringify(modes)}, prefix "${prefix}", suffix "${suffix}"`, () => {
    let gateway: Gateway
    before(async () => {
      gateway = await Gateway.start({
        toml: tomlOf(configuration), users: [], prepare: folder => writeFile(join(folder, 'authority.crt'), authority.certificatePem),
      })
    })
    after(async () => { await gateway.stop() })

    for (const row of rows) {
      const [certificate, what, authzid] = row
      const outcome = expected(row, configuration)
      test(`certificate: ${certificate}; authzid: ${what}: ${outcome}`, async () => {
        for (const saying of sayings(authzid, configuration)) await same(gateway, certificate, saying, configuration, outcome)
      })
    }
  })
}

async function same(gateway: Gateway, certificate: CertificateName, saying: Saying, configuration: Configuration, outcome: string): Promise<void> {
  await Promise.all(carriers.map(async carrier => {
    const told = `over ${carrier.name}, ${saying.name}`
    const visitor = await carrier.visit(gateway, { identity: identities.get(certificate) as ClientIdentity })
    assert.deepEqual(visitor.offered, isOffered(certificate, configuration) ? ['EXTERNAL'] : [], `what is offered ${told}`)
    assert.equal(await logIn(visitor, saying), outcome, told)
    await visitor.leave()
  }))
}
