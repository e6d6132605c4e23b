// The classic recipe with the openssl command: an encrypted 4096-bit authority, client certificates with a common name only, PKCS #12.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { Gateway } from '../support/gateway.ts'
import { requireProgram } from '../support/services.ts'
import { WireClient } from '../support/wire-client.ts'

const toml = `
[general]
hosts = ["localhost"]
[[listen.http]]
port = 0
tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.cacertfile = "recipe-ca.crt"
[auth]
sasl_external = ["standard", "common_name"]
`

describe('certificates made with the openssl command', { skip: requireProgram('openssl') }, () => {
  let gateway: Gateway

  const runIn = promisify(execFile)
  const openssl = (folder: string, line: string) => runIn('openssl', line.split(' '), { cwd: folder })

  /** Word for word what people type, with the passwords given for them. */
  async function recipe(folder: string): Promise<void> {
    await openssl(folder, 'genrsa -des3 -passout pass:authority -out recipe-ca.key 4096')
    await openssl(folder, 'req -new -x509 -days 365 -key recipe-ca.key -passin pass:authority -subj /CN=Recipe -out recipe-ca.crt')
    for (const [serial, name] of ['alice', 'bob'].entries()) {
      await openssl(folder, `genrsa -out ${name}.key 2048`)
      await openssl(folder, `req -new -key ${name}.key -subj /CN=${name} -out ${name}.csr`)
      await openssl(folder, `x509 -req -days 365 -in ${name}.csr -CA recipe-ca.crt -CAkey recipe-ca.key -passin pass:authority -set_serial 0${serial + 1} -out ${name}.crt`)
      await openssl(folder, `pkcs12 -export -in ${name}.crt -inkey ${name}.key -certfile recipe-ca.crt -passout pass:${name} -out ${name}.p12`)
    }
  }

  before(async () => { gateway = await Gateway.start({ toml, prepare: recipe }) })
  after(async () => { await gateway.stop() })

  const identity = async (name: string) => ({
    cert: await readFile(join(gateway.folder, `${name}.crt`), 'utf8'),
    key: await readFile(join(gateway.folder, `${name}.key`), 'utf8'),
  })

  async function logIn(name: string, options: Parameters<typeof WireClient.open>[1]): Promise<WireClient> {
    const client = await WireClient.open(gateway, options)
    await client.authenticate()
    assert.equal(await client.bind('here'), `${name}@localhost/here`)
    return client
  }

  test('a certificate without xmppAddr logs in as its common name at the host, and two of them talk (external.md §4, common_name)', async () => {
    const alice = await logIn('alice', { identity: await identity('alice') })
    // Straight from the .p12, as a browser has it.
    const bob = await logIn('bob', { socket: { pfx: await readFile(join(gateway.folder, 'bob.p12')), passphrase: 'bob' } })
    alice.send('<message xmlns="jabber:client" to="bob@localhost/here"><body>Hello</body></message>')
    const heard = await bob.next()
    assert.equal(heard.attributes.get('from'), 'alice@localhost/here')
    assert.equal(heard.children[0]?.text, 'Hello')
    bob.send('<message xmlns="jabber:client" to="alice@localhost/here"><body>Yes?</body></message>')
    assert.equal((await alice.next()).children[0]?.text, 'Yes?')
    await alice.quit()
    await bob.quit()
  })

  test('another name than that of the certificate is invalid-authzid', async () => {
    const client = await WireClient.open(gateway, { identity: await identity('alice') })
    await assert.rejects(client.authenticate({ authzid: Buffer.from('bob@localhost').toString('base64') }), /invalid-authzid/)
    await client.quit()
  })

  test('the development authority is another one: its certificates are refused here', async () => {
    const client = await WireClient.open(gateway, { identity: await gateway.identity('alice') })
    await assert.rejects(client.authenticate(), /not-authorized/)
    await client.quit()
  })
})
