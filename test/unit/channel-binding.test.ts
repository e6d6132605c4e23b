/** Channel bindings of real TLS connections: what the server computes is what the client does (RFC 5929 §4, RFC 9266). */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { hash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer as createPlainServer, connect as connectPlain, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { channelBindingsOf } from '../../src/sasl/tls-channel-bindings.ts'
import { availableTypes, type ChannelBindings, bindingOfType } from '../../src/sasl/channel-binding.ts'
import { endPointHashOf } from '../../src/x509/signature-hash.ts'
import { requireProgram } from '../support/services.ts'

const folder = mkdtempSync(join(tmpdir(), 'meerkat-binding-'))
after(() => { rmSync(folder, { recursive: true, force: true }) })

interface Made { readonly cert: string, readonly key: string }

function make(name: string, ...options: readonly string[]): Made {
  const [cert, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)]
  execFileSync('openssl', ['req', '-x509', '-nodes', '-subj', '/CN=localhost', '-days', '3', '-out', cert, '-keyout', key, ...options], { stdio: 'pipe' })
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}

const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
const rsa = ['-newkey', 'rsa:2048']
const pss = [...rsa, '-sigopt', 'rsa_padding_mode:pss']

/** What the server's side and the client's side of one connection compute. */
async function bothSides(made: Made, version: 'TLSv1.2' | 'TLSv1.3', look: (server: ChannelBindings, client: TLSSocket) => void): Promise<void> {
  const server = createServer({ ...made, maxVersion: version })
  const arrived = once(server, 'secureConnection') as Promise<[TLSSocket]>
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, rejectUnauthorized: false })
  await once(client, 'secureConnect')
  const [socket] = await arrived
  socket.on('error', () => undefined)
  try {
    look(channelBindingsOf(socket)(), client)
  } finally {
    client.destroy()
    socket.destroy()
    server.close()
  }
}

describe('channel bindings', { skip: requireProgram('openssl') }, () => {
  for (const [what, digest, options] of [
    ['ECDSA with SHA-256', 'sha256', [...ec, '-sha256']], ['ECDSA with SHA-384', 'sha384', [...ec, '-sha384']], ['RSA with SHA-256', 'sha256', [...rsa, '-sha256']],
    ['RSA with SHA-512', 'sha512', [...rsa, '-sha512']], ['RSA with SHA-224', 'sha224', [...rsa, '-sha224']],
    ['RSA-PSS with SHA-384', 'sha384', [...pss, '-sha384']],
  ] as const) {
    test(`a certificate signed by ${what}: tls-server-end-point is its ${digest}, as the client sees it`, async () => {
      await bothSides(make(what.replaceAll(' ', '-'), ...options), 'TLSv1.3', ({ tlsServerEndPoint }, client) => {
        assert.deepEqual(tlsServerEndPoint, hash(digest, client.getPeerCertificate().raw, 'buffer'))
      })
    })
  }

  test('SHA-256 takes the place of SHA-1 and MD5 (RFC 5929 §4.1)', () => {
    for (const [name, options] of [['sha1', [...rsa, '-sha1']], ['md5', [...rsa, '-md5']], ['ec-sha1', [...ec, '-sha1']], ['pss-sha1', [...pss, '-sha1']]] as const) {
      assert.equal(endPointHashOf(new X509Certificate(make(name, ...options).cert)), 'sha256', name)
    }
  })

  test('a signature without a hash, or with two different ones, has no tls-server-end-point (RFC 5929 §4.1)', async () => {
    await bothSides(make('ed25519', '-newkey', 'ed25519'), 'TLSv1.2', bindings => { assert.deepEqual(availableTypes(bindings), []) })
    await bothSides(make('ed25519', '-newkey', 'ed25519'), 'TLSv1.3', bindings => { assert.deepEqual(availableTypes(bindings), ['tls-exporter']) })
    assert.equal(endPointHashOf(new X509Certificate(make('mixed', ...pss, '-sha256', '-sigopt', 'rsa_mgf1_md:sha512').cert)), null)
  })

  test('tls-exporter is the same on both sides of TLS 1.3, another one for each connection, and not there on TLS 1.2 (RFC 9266)', async () => {
    const made = make('exporter', ...ec)
    const seen: string[] = []
    for (let n = 0; n < 2; n++) {
      await bothSides(made, 'TLSv1.3', (bindings, client) => {
        assert.deepEqual(bindings.tlsExporter, client.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)))
        assert.deepEqual(availableTypes(bindings), ['tls-exporter', 'tls-server-end-point'])
        seen.push(Buffer.from(bindings.tlsExporter).toString('hex'))
      })
    }
    assert.notEqual(seen[0], seen[1])
    await bothSides(made, 'TLSv1.2', bindings => { assert.deepEqual(availableTypes(bindings), ['tls-server-end-point']) })
  })

  test('a certificate that the listener got since does not count: the connection showed the other one', async () => {
    const [one, other] = [make('before', ...ec), make('since', ...ec)]
    const server = createServer(one)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, rejectUnauthorized: false })
    const [socket] = await once(server, 'secureConnection') as [TLSSocket]
    server.setSecureContext(other)
    assert.deepEqual(channelBindingsOf(socket)().tlsServerEndPoint, hash('sha256', new X509Certificate(one.cert).raw, 'buffer'))
    client.destroy()
    socket.destroy()
    server.close()
  })

  test('a connection that is gone has none, unless they were asked for before', async () => {
    const made = make('gone', ...ec)
    const server = createServer(made)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, rejectUnauthorized: false })
    const [socket] = await once(server, 'secureConnection') as [TLSSocket]
    const [asked, unasked] = [channelBindingsOf(socket), channelBindingsOf(socket)]
    assert.equal(availableTypes(asked()).length, 2)
    socket.destroy()
    client.destroy()
    server.close()
    assert.equal(availableTypes(asked()).length, 2)
    assert.equal(availableTypes(unasked()).length, 0)
  })
})

test('plain TCP has no channel binding', async () => {
  const server = createPlainServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connectPlain((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = await once(server, 'connection') as [Socket]
  assert.deepEqual(availableTypes(channelBindingsOf(socket)()), [])
  client.destroy()
  socket.destroy()
  server.close()
})

test('names of types are exact', () => {
  const bindings = { tlsExporter: Buffer.alloc(1), tlsServerEndPoint: Buffer.alloc(2) }
  assert.equal(bindingOfType(bindings, 'tls-exporter'), bindings.tlsExporter)
  for (const name of ['TLS-EXPORTER', 'tls-unique', '', '__proto__', 'tlsExporter']) assert.equal(bindingOfType(bindings, name), null)
})
