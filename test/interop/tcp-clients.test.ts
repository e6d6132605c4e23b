// Clients that Debian ships log in over TCP, with STARTTLS and direct TLS, by certificate and by password, as their own documentation says.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { Gateway } from '../support/gateway.ts'
import { addAccounts, fewIterations } from '../support/password-accounts.ts'
import { debianPython, requirePython } from '../support/services.ts'
import { c2sListener, tcpLogin, withListeners } from '../support/tcp-scene.ts'
import type { TcpClient } from '../support/tcp-client.ts'
import { inTime } from './inbox.ts'

const password = 'correct horse'
const listeners = { starttls: 1, direct: 2 } as const

interface Told { readonly jid?: string, readonly heard?: string, readonly sender?: string, readonly end?: boolean, readonly failed?: unknown, readonly [name: string]: unknown }

/** Runs one of the programs beside this file; returns what it told, line by line, as it comes. */
function run(program: string, wanted: object): { readonly told: Told[], readonly next: () => Promise<Told>, readonly ended: Promise<unknown> } {
  const child = spawn(debianPython, [join(import.meta.dirname, program), JSON.stringify(wanted)], { stdio: ['ignore', 'pipe', 'pipe'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => { complaint += chunk.toString() })
  const told: Told[] = []
  return {
    told,
    async next() {
      const { value, done } = await inTime('a line of the program', lines.next())
      if (done === true) throw new Error(`the program ended: ${complaint}`)
      const line = JSON.parse(value) as Told
      told.push(line)
      return line
    },
    ended: once(child, 'close'),
  }
}

const clients = {
  // slixmpp 1.8 knows no binding but tls-unique, and says without one that the server has none ("y"). Where the server offers -PLUS, that is the sign of
  // a downgrade, and has to fail (RFC 5802 §6): so for its sake -PLUS is not configured.
  'python3-slixmpp': { program: 'slixmpp_client.py', needs: 'import slixmpp', mechanisms: ['external', 'scram_sha512', 'scram_sha256', 'scram_sha1'] },
  libstrophe: {
    program: 'libstrophe_client.py', needs: 'import ctypes; ctypes.CDLL("libstrophe.so.0")',
    mechanisms: ['external', 'scram_sha512_plus', 'scram_sha512', 'scram_sha256_plus', 'scram_sha256', 'scram_sha1_plus', 'scram_sha1'],
  },
} as const

for (const [name, { program, needs, mechanisms }] of Object.entries(clients)) {
  describe(`${name} over TCP`, { skip: requirePython(needs) }, () => {
    let gateway: Gateway
    let bob: TcpClient
    before(async () => {
      gateway = await Gateway.start({
        toml: `${withListeners(c2sListener('tls.mode = "starttls_required"'), c2sListener('tls.mode = "tls"'))}
[auth]
methods = ["pki", "internal"]
sasl_mechanisms = ${JSON.stringify(mechanisms)}
${fewIterations}`,
        prepare: folder => addAccounts(folder, { alice: password }),
      })
      bob = await tcpLogin(gateway, listeners.starttls, 'bob', 'desk')
    })
    after(async () => {
      await bob.quit()
      await gateway.stop()
    })

    for (const [way, listener] of Object.entries(listeners)) {
      for (const [how, mechanism] of [['a certificate (SASL EXTERNAL)', 'EXTERNAL'], ['a password (SCRAM)', 'SCRAM-SHA-256']] as const) {
        test(`${way}: logs in with ${how}, asks, talks in both directions, and says goodbye`, async () => {
          const certs = join(gateway.folder, 'certs')
          const user = run(program, {
            jid: 'alice@localhost', port: gateway.port(listener), direct: way === 'direct', ca: join(certs, 'ca.crt'), mechanism,
            to: bob.jid, say: 'Wherefore art thou? \u{1F339}',
            ...mechanism === 'EXTERNAL' ? { cert: join(certs, 'alice.crt'), key: join(certs, 'alice.key') } : { password },
          })
          const { jid, failed } = await user.next()
          assert.equal(failed, undefined)
          assert.match(jid ?? '', /^alice@localhost\/.+/)
          const success = gateway.eventsNamed('auth.success').at(-1)
          assert.match(String(success?.['mechanism']), mechanism === 'EXTERNAL' ? /^EXTERNAL$/ : /^SCRAM-SHA-/)
          assert.equal(success?.['transport'], 'tcp')
          const question = await bob.element()
          assert.deepEqual([question.attributes.get('from'), question.children.find(({ local }) => local === 'body')?.text], [jid, 'Wherefore art thou? \u{1F339}'])
          bob.send(`<message to='${jid}' type='chat'><body>Here &amp; now</body></message>`)
          let line = await user.next()
          while (line.heard === undefined) line = await user.next()
          assert.deepEqual([line.heard, line.sender], ['Here & now', bob.jid])
          assert.deepEqual(await user.next(), { end: true })
          await user.ended
          const end = gateway.eventsNamed('session.ended').find(event => event['jid'] === jid)
          assert.equal(end?.['reason'], 'closed')
          if (name === 'python3-slixmpp') {
            const answer = user.told.find(({ software }) => software !== undefined)
            assert.equal(answer?.['software'], 'Meerkat')
            assert.ok((answer?.['features'] as string[]).includes('urn:xmpp:ping'))
          }
        })
      }
    }

    test('a wrong password is a failure that it understands', async () => {
      const user = run(program, {
        jid: 'alice@localhost', port: gateway.port(listeners.starttls), direct: false, ca: join(gateway.folder, 'certs', 'ca.crt'), mechanism: 'SCRAM-SHA-256',
        password: 'wrong', to: bob.jid, say: '-',
      })
      const first = await user.next()
      assert.equal(first.jid, undefined)
      assert.equal(gateway.eventsNamed('auth.failure').at(-1)?.['condition'], 'not-authorized')
      await user.ended
    })
  })
}
