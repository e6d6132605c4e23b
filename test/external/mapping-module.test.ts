// The operator's own mapping, a TypeScript file, end to end over WebSocket and BOSH ("SASL EXTERNAL" §4: `{ module = "…" }`).
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { readCertificate } from '../../src/x509/certificate.ts'
import { emailName } from '../../src/x509/certificate-writer.ts'
import { makeAuthority, makeLeaf, type TestCertificate } from '../support/certificates.ts'
import { Gateway } from '../support/gateway.ts'
import { TurnedClock } from '../support/turned-clock.ts'
import { auth, base64, type Carrier, carriers, identityOf, logIn } from './visitor.ts'

const source = `
import { writeFileSync } from 'node:fs'

interface Question {
  readonly certificate: { readonly commonNames: readonly string[], readonly emailAddrs: readonly string[] }
  readonly host: string
  readonly authzid: string | null
}

export default async (question: Question): Promise<unknown> => {
  const { certificate: { commonNames: [name = ''], emailAddrs: [address = ''] }, host, authzid } = question
  await null
  switch (name) {
    case 'tells':
      writeFileSync(new URL('question.json', import.meta.url), JSON.stringify(question))
      return authzid ?? \`\${address.split('@')[0]}@\${host}\`
    case 'throws': throw new TypeError('a mistake of the operator, password=hunter2')
    case 'hangs': return new Promise<never>(() => {})
    case 'changes': return \`\${(question.certificate.commonNames as string[]).shift()}@\${host}\`
    case 'strays': return 'romeo@example.org'
    case 'forgets': return undefined
    default: return { condition: name }
  }
}
`

const toml = `
[general]
hosts = ["localhost"]
[[listen.http]]
port = 0
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.cacertfile = "authority.crt"
[auth]
sasl_external = ["standard", { module = "./mapping.ts" }]
`

const authority = makeAuthority()
const clock = new TurnedClock()
let gateway: Gateway
before(async () => {
  gateway = await Gateway.start({
    toml, clock, users: [],
    async prepare(folder) {
      await writeFile(join(folder, 'authority.crt'), authority.certificatePem)
      await writeFile(join(folder, 'mapping.ts'), source)
    },
  })
})
after(async () => {
  const stopped = gateway.stop()
  // Whoever was left behind by a test that failed is cut at the deadline.
  clock.advance(10_000)
  await stopped
})

const named = (commonName: string): TestCertificate => makeLeaf(authority, { commonName, altNames: [emailName('romeo@mail.example')] })

/** The bare JID that was bound, or the condition. */
async function attempt(carrier: Carrier, certificate: TestCertificate, authzid: string | null = null): Promise<string> {
  const visitor = await carrier.visit(gateway, { identity: identityOf(certificate) })
  // §2: the module may know this certificate, so EXTERNAL is offered.
  assert.deepEqual(visitor.offered, ['EXTERNAL'])
  const outcome = await logIn(visitor, { name: '', initial: authzid === null ? '=' : base64(authzid) })
  await visitor.leave()
  return outcome
}

const faults = () => gateway.eventsNamed('auth.mapping_module_failed')

for (const carrier of carriers) {
  describe(`over ${carrier.name}`, () => {
    for (const authzid of [null, 'romeo@localhost', 'ROMEO@LocalHost']) {
      test(`the parsed certificate, the host and the authzid (${authzid}) go in, and the user comes out`, async () => {
        const certificate = named('tells')
        assert.equal(await attempt(carrier, certificate, authzid), 'romeo@localhost')
        const question: unknown = JSON.parse(await readFile(join(gateway.folder, 'question.json'), 'utf8'))
        assert.deepEqual(question, { certificate: readCertificate(certificate.der), host: 'localhost', authzid: authzid === null ? null : 'romeo@localhost' })
      })
    }

    for (const condition of ['account-disabled', 'credentials-expired', 'invalid-authzid', 'not-authorized', 'temporary-auth-failure']) {
      test(`a condition comes out: <${condition}/>`, async () => {
        const before = faults().length
        assert.equal(await attempt(carrier, named(condition)), condition)
        assert.equal(faults().length, before)
      })
    }

    for (const name of ['strays', 'forgets', 'success']) {
      test(`an answer that is neither a user of this host nor a condition (${name}): <not-authorized/>, and logged`, async () => {
        const before = faults().length
        assert.equal(await attempt(carrier, named(name)), 'not-authorized')
        assert.equal(faults().length, before + 1)
      })
    }

    test('an exception: <not-authorized/>, and logged with its cause; the client learns nothing of it', async () => {
      const before = faults().length
      const visitor = await carrier.visit(gateway, { identity: identityOf(named('throws')) })
      const failure = await visitor.ask(auth('='))
      assert.deepEqual([failure.local, failure.children[0]?.local], ['failure', 'not-authorized'])
      assert.doesNotMatch(failure.children.map(({ text }) => text).join(), /mistake|hunter2|TypeError/)
      const [fault, ...others] = faults().slice(before)
      assert.deepEqual([fault?.level, fault?.module, fault?.host, others.length], ['error', join(gateway.folder, 'mapping.ts'), 'localhost', 0])
      assert.match(String(fault?.cause), /a mistake of the operator/)
      // The stream stands, and the next one is judged anew.
      assert.equal((await visitor.ask(auth('='))).local, 'failure')
      await visitor.leave()
    })

    test('no answer within five seconds: <temporary-auth-failure/>; others log in meanwhile', async () => {
      const before = faults().length
      const visitor = await carrier.visit(gateway, { identity: identityOf(named('hangs')) })
      const failure = visitor.ask(auth('='))
      assert.equal(await attempt(carrier, named('tells')), 'romeo@localhost')
      clock.advance(4_999)
      assert.equal(faults().length, before)
      clock.advance(1)
      assert.deepEqual((await failure).children[0]?.local, 'temporary-auth-failure')
      assert.equal(faults().length, before + 1)
      await visitor.leave()
    })

    test('one that changes the certificate it was given: who comes back with that certificate is the same user as before', async () => {
      const certificate = named('changes')
      for (let login = 1; login <= 2; login++) assert.equal(await attempt(carrier, certificate), 'changes@localhost')
    })

    test('it is not asked where a mode before it applies', async () => {
      const certificate = makeLeaf(authority, { commonName: 'throws', xmppAddrs: ['juliet@localhost'] })
      const before = faults().length
      assert.equal(await attempt(carrier, certificate), 'juliet@localhost')
      assert.equal(faults().length, before)
    })
  })
}
