// The libraries that people write XMPP clients with, logging in by password: each by the mechanism that it prefers, over WSS and BOSH.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { client as xmppJs } from '@xmpp/client'
import { createClient } from 'stanza'
import platform from 'stanza/platform/node/index.js'
import { Strophe } from 'strophe.js'
import { WebSocket } from 'ws'
import { Gateway } from '../support/gateway.ts'
import { addAccounts, passwordToml } from '../support/password-accounts.ts'
import { bringCertificate, certificateFetch, CertificateXMLHttpRequest } from './certificate-requests.ts'
import type { Credentials } from './certificate-websocket.ts'
import { inTime } from './inbox.ts'

const password = 'correct horse & bättery, =3D'
Strophe.setLogLevel(Strophe.LogLevel.FATAL)

describe('client libraries log in by password', () => {
  let gateway: Gateway
  before(async () => { gateway = await Gateway.start({ toml: passwordToml, prepare: folder => addAccounts(folder, { alice: password }) }) })
  after(async () => { await gateway.stop() })

  /** A WebSocket that trusts the gateway's CA, and shows no certificate. */
  const trusting = () => class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) { super(url, protocols, { ca: gateway.ca }) }
  } as unknown as typeof globalThis.WebSocket

  /** For BOSH: a URL of its own for each connection. */
  let count = 0
  const boshService = (): string => {
    const url = `${gateway.boshUrl()}#${count++}`
    bringCertificate(url, { ca: gateway.ca } as Credentials)
    return url
  }

  interface Session { readonly jid: string, readonly leave: () => void }
  type LogIn = (password: string) => Promise<Session>

  const atStanza = (transport: 'websocket' | 'bosh'): LogIn => async password => {
    Object.assign(platform, { WebSocket: trusting(), fetch: certificateFetch })
    const client = createClient({ jid: 'alice@localhost', password, transports: transport === 'bosh' ? { bosh: boshService() } : { websocket: gateway.url() } })
    const failed = once(client, 'auth:failed').then(() => { client.disconnect(); throw new Error('not-authorized') })
    client.connect()
    await inTime('session:started', Promise.race([once(client, 'session:started'), failed]))
    return { jid: client.jid, leave: () => { client.disconnect() } }
  }

  const atStrophe = (transport: 'websocket' | 'bosh'): LogIn => password => {
    globalThis.WebSocket = trusting()
    Object.assign(globalThis, { XMLHttpRequest: CertificateXMLHttpRequest })
    const connection = new Strophe.Connection(transport === 'bosh' ? boshService() : gateway.url())
    return inTime('CONNECTED', new Promise<Session>((resolve, reject) => {
      connection.connect('alice@localhost', password, (status: number, condition: string | null) => {
        if (status === Strophe.Status.CONNECTED) resolve({ jid: connection.jid, leave: () => { connection.disconnect('') } })
        if (status === Strophe.Status.AUTHFAIL || status === Strophe.Status.CONNFAIL) {
          connection.disconnect('')
          reject(new Error(String(condition)))
        }
      })
    }))
  }

  const atXmppJs: LogIn = async password => {
    globalThis.WebSocket = trusting()
    const xmpp = xmppJs({ service: gateway.url(), domain: 'localhost', username: 'alice', password })
    try {
      await inTime('online', xmpp.start())
    } catch (error) {
      await xmpp.stop()
      throw error
    }
    return { jid: String(xmpp.jid), leave: () => { void xmpp.stop() } }
  }

  const libraries: readonly (readonly [string, LogIn, string])[] = [
    ['stanza 12 over WSS', atStanza('websocket'), 'SCRAM-SHA-256'],
    ['stanza 12 over BOSH', atStanza('bosh'), 'SCRAM-SHA-256'],
    ['strophe.js 5 over WSS', atStrophe('websocket'), 'SCRAM-SHA-512'],
    ['strophe.js 5 over BOSH', atStrophe('bosh'), 'SCRAM-SHA-512'],
    ['@xmpp/client 0.14 over WSS', atXmppJs, 'SCRAM-SHA-1'],
  ]
  for (const [library, logIn, mechanism] of libraries) {
    test(`${library}: by ${mechanism}`, async () => {
      const session = await logIn(password)
      assert.match(session.jid, /^alice@localhost\/.+/)
      const event = gateway.eventsNamed('auth.success').at(-1)
      assert.deepEqual([event?.mechanism, event?.account, event?.backend], [mechanism, 'alice@localhost', 'internal'])
      session.leave()
    })

    test(`${library}: a wrong password is not-authorized`, async () => {
      const before = gateway.eventsNamed('auth.failure').length
      // strophe.js reports a failure without its condition.
      await assert.rejects(logIn('wrong'), /not-authorized|null/)
      const [event] = gateway.eventsNamed('auth.failure').slice(before)
      assert.deepEqual([event?.condition, event?.account], ['not-authorized', 'alice@localhost'])
    })
  }
})
