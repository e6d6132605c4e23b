// "SASL EXTERNAL" §1: verify_mode × disconnect_on_failure × require_certificate × what the client shows, over WebSocket and BOSH. What each
// kind of certificate is refused for is in wire/certificates.test.ts; here is what becomes of the connection and of EXTERNAL.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { makeAuthority, makeLeaf, makeSelfSigned, type TestCertificate } from '../support/certificates.ts'
import { Gateway } from '../support/gateway.ts'
import { type Carrier, carriers, identityOf, logIn } from './visitor.ts'

const hour = 3_600_000
const authority = makeAuthority()
const alice = { xmppAddrs: ['alice@localhost'] } as const
const shown = {
  'no certificate': null,
  'a good certificate': makeLeaf(authority, alice),
  'an expired certificate': makeLeaf(authority, { ...alice, notBefore: Date.now() - 3 * hour, notAfter: Date.now() - hour }),
  'a certificate of another authority': makeLeaf(makeAuthority(), alice),
  'a self-signed certificate': makeSelfSigned(alice),
} as const satisfies Readonly<Record<string, TestCertificate | null>>
type Shown = keyof typeof shown

const ends = 'the connection ends'
/** Conditions of EXTERNAL, which is then not offered, or the JID: the connection stands. */
type Verdict = 'none' | 'refused' | 'accepted'

/** §1, third column of the table. */
const verdicts: Readonly<Record<'peer' | 'selfsigned_peer', Readonly<Record<Shown, Verdict>>>> = {
  peer: {
    'no certificate': 'none', 'a good certificate': 'accepted', 'an expired certificate': 'refused', 'a certificate of another authority': 'refused',
    'a self-signed certificate': 'refused',
  },
  selfsigned_peer: {
    'no certificate': 'none', 'a good certificate': 'accepted', 'an expired certificate': 'refused', 'a certificate of another authority': 'refused',
    'a self-signed certificate': 'accepted',
  },
}

interface Door { readonly mode: 'none' | 'peer' | 'selfsigned_peer', readonly disconnects: boolean, readonly requires: boolean }

const both = [false, true] as const
const doors: readonly Door[] = [
  { mode: 'none', disconnects: false, requires: false },
  ...(['peer', 'selfsigned_peer'] as const).flatMap(mode => both.flatMap(disconnects => both.map(requires => ({ mode, disconnects, requires })))),
]

function expected({ mode, disconnects, requires }: Door, certificate: Shown): string {
  // "`none`: nothing is accepted; EXTERNAL is never offered."
  if (mode === 'none') return 'not-authorized'
  switch (verdicts[mode][certificate]) {
    case 'accepted': return 'alice@localhost'
    // "No certificate at all is not a failure unless `require_certificate = true`."
    case 'none': return requires ? ends : 'not-authorized'
    // "True ends the connection on a *refused* certificate; false keeps it, hides the certificate from SASL."
    case 'refused': return disconnects ? ends : certificate === 'an expired certificate' ? 'credentials-expired' : 'not-authorized'
  }
}

const toml = `
[general]
hosts = ["localhost"]
${doors.map(({ mode, disconnects, requires }, index) => `
[[listen.http]]
ip = "127.0.0.${index + 1}"
port = 0
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.verify_mode = "${mode}"
${mode === 'none' ? '' : `tls.cacertfile = "authority.crt"\ntls.disconnect_on_failure = ${disconnects}\ntls.require_certificate = ${requires}`}
`).join('')}`

let gateway: Gateway
before(async () => {
  gateway = await Gateway.start({ toml, users: [], prepare: folder => writeFile(join(folder, 'authority.crt'), authority.certificatePem) })
})
after(async () => { await gateway.stop() })

async function outcome(carrier: Carrier, listener: number, certificate: TestCertificate | null): Promise<string> {
  const visitor = await carrier.visit(gateway, { listener, identity: certificate === null ? null : identityOf(certificate) }).catch(() => null)
  if (visitor === null) return ends
  const result = await logIn(visitor, { name: '', initial: '=' })
  assert.deepEqual(visitor.offered, result.includes('@') ? ['EXTERNAL'] : [])
  await visitor.leave()
  return result
}

for (const [index, door] of doors.entries()) {
  describe(`verify_mode ${door.mode}, disconnect_on_failure ${door.disconnects}, require_certificate ${door.requires}`, () => {
    for (const name of Object.keys(shown) as Shown[]) {
      test(`${name}: ${expected(door, name)}`, async () => {
        for (const carrier of carriers) {
          const before = gateway.events.length
          assert.equal(await outcome(carrier, index, shown[name]), expected(door, name), carrier.name)
          const told = gateway.events.slice(before).filter(({ event }) => event === 'certificate.refused' || event === 'certificate.missing')
          const isSeen = door.mode !== 'none' && (verdicts[door.mode][name] === 'refused' || (verdicts[door.mode][name] === 'none' && door.requires))
          assert.deepEqual(told.map(({ disconnected }) => disconnected), isSeen ? [expected(door, name) === ends] : [], carrier.name)
        }
      })
    }
  })
}
