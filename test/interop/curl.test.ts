// curl with a client certificate, the first thing that people try.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { Gateway } from '../support/gateway.ts'
import { requireProgram } from '../support/services.ts'

const run = promisify(execFile)

describe('curl', { skip: requireProgram('curl') }, () => {
  let gateway: Gateway
  before(async () => { gateway = await Gateway.start() })
  after(async () => { await gateway.stop() })

  const curl = async (...parameters: readonly string[]) => {
    const certs = join(gateway.folder, 'certs')
    const { stdout } = await run('curl', ['--silent', '--show-error', '--max-time', '10', '--noproxy', '*', '--cacert', join(certs, 'ca.crt'), ...parameters])
    return stdout
  }
  const asAlice = () => ['--cert', join(gateway.folder, 'certs', 'alice.crt'), '--key', join(gateway.folder, 'certs', 'alice.key')]

  test('with alice\'s certificate gets a page that says that this is alice@localhost', async () => {
    assert.match(await curl(...asAlice(), '--fail', `${gateway.origin()}/`), /alice@localhost/)
  })

  test('without a certificate gets a page that knows no alice', async () => {
    const page = await curl('--fail', `${gateway.origin()}/`)
    assert.notEqual(page, '')
    assert.doesNotMatch(page, /alice@localhost/)
  })

  test('reads the endpoints of XEP-0156 as it got there', async () => {
    assert.deepEqual(JSON.parse(await curl('--fail', `${gateway.origin()}/.well-known/host-meta.json`)), {
      links: [
        { rel: 'urn:xmpp:alt-connections:websocket', href: gateway.url() },
        { rel: 'urn:xmpp:alt-connections:xbosh', href: gateway.boshUrl() },
      ],
    })
  })

  test('is told to upgrade at the WebSocket endpoint', async () => {
    assert.match(await curl(...asAlice(), '--write-out', '%{http_code}', gateway.url().replace('wss:', 'https:')), /426$/)
  })
})
