// One person at each library, all driven alike, so that the tests can seat any two of them together.
import { once } from 'node:events'
import { xml } from '@xmpp/client'
import { $iq, $msg, $pres, Strophe } from 'strophe.js'
import type { Gateway } from '../support/gateway.ts'
import { type Heard, Inbox, inTime, seen } from './inbox.ts'
import { stanzaBoshLogin } from './stanza-bosh-login.ts'
import { stanzaLogin } from './stanza-login.ts'
import { stropheBoshLogin } from './strophe-bosh-login.ts'
import { stropheLogin } from './strophe-login.ts'
import { xmppJsLogin } from './xmpp-js-login.ts'

export interface Chatter {
  /** The full JID that the library says it has. */
  readonly jid: string
  /** Sends presence; resolves when the server has seen it. */
  readonly appear: () => Promise<void>
  readonly say: (to: string, text: string) => void
  readonly hear: () => Promise<Heard>
  readonly softwareName: () => Promise<string>
  /** Of the server, by service discovery. */
  readonly features: () => Promise<readonly string[]>
  /** Resolves when the library has reported the end. */
  readonly leave: () => Promise<void>
}

/** `certificate`: another file than that of the name, whose holder has to say who is meant. */
export type LogIn = (gateway: Gateway, name: string, certificate?: string) => Promise<Chatter>

/** As much of the DOM as is needed here: there is none in Node, and strophe.js brings one. */
interface DomElement {
  readonly textContent: string | null
  getAttribute(name: string): string | null
  getElementsByTagName(name: string): Iterable<DomElement> & { readonly [index: number]: DomElement }
}

const domain = 'localhost'
const NS_PING = 'urn:xmpp:ping'
const NS_VERSION = 'jabber:iq:version'
const NS_DISCO_INFO = 'http://jabber.org/protocol/disco#info'

const jidOf = (name: string) => `${name}@${domain}`
const credentialsOf = async (gateway: Gateway, file: string) => ({ ...await gateway.identity(file), ca: gateway.ca })

Strophe.setLogLevel(Strophe.LogLevel.FATAL)

const atStanza = (logIn: typeof stanzaLogin, serviceOf: (gateway: Gateway) => string): LogIn => async (gateway, name, certificate) => {
  const credentials = await credentialsOf(gateway, certificate ?? name)
  const client = logIn(serviceOf(gateway), jidOf(name), credentials, certificate && jidOf(name))
  const inbox = new Inbox()
  client.on('chat', message => { inbox.put({ from: message.from, text: message.body ?? '' }) })
  const failed = once(client, 'auth:failed').then(() => { throw new Error('stanza: not logged in') })
  await inTime('session:started', Promise.race([once(client, 'session:started'), failed]))
  // It says so before it has negotiated all: over BOSH it waits for ever for the end, if it is ended while it still has something to say.
  await seen('stream management', () => client.sm.started)
  return {
    jid: client.jid,
    async appear() {
      client.sendPresence()
      await client.ping(domain)
    },
    say(to, body) { client.sendMessage({ to, body, type: 'chat' }) },
    hear: () => inbox.next(),
    softwareName: async () => (await client.getSoftwareVersion(domain)).name ?? '',
    features: async () => (await client.getDiscoInfo(domain)).features,
    async leave() {
      const ended = once(client, 'disconnected')
      client.disconnect()
      await inTime('disconnected', ended)
    },
  }
}

const atStrophe = (logIn: typeof stropheLogin, serviceOf: (gateway: Gateway) => string): LogIn => async (gateway, name, certificate) => {
  const credentials = await credentialsOf(gateway, certificate ?? name)
  const connection = await inTime('CONNECTED', logIn(serviceOf(gateway), jidOf(name), credentials))
  const inbox = new Inbox()
  connection.addHandler((message: DomElement) => {
    inbox.put({ from: message.getAttribute('from') ?? '', text: message.getElementsByTagName('body')[0]?.textContent ?? '' })
    return true
  }, '', 'message', 'chat')
  const ask = (child: string, xmlns: string) => new Promise<DomElement>((resolve, reject) => {
    connection.sendIQ($iq({ type: 'get', to: domain }).c(child, { xmlns }), resolve,
      (answer: DomElement | null) => { reject(new Error(answer === null ? 'no answer' : Strophe.serialize(answer))) }, 10_000)
  })
  return {
    jid: connection.jid,
    async appear() {
      connection.send($pres())
      await ask('ping', NS_PING)
    },
    say(to, text) { connection.send($msg({ to, type: 'chat' }).c('body').t(text)) },
    hear: () => inbox.next(),
    softwareName: async () => (await ask('query', NS_VERSION)).getElementsByTagName('name')[0]?.textContent ?? '',
    features: async () => [...(await ask('query', NS_DISCO_INFO)).getElementsByTagName('feature')].map(feature => feature.getAttribute('var') ?? ''),
    async leave() {
      await inTime('DISCONNECTED', new Promise<void>(resolve => {
        connection.connect_callback = (status: number) => { if (status === Strophe.Status.DISCONNECTED) resolve() }
        connection.disconnect()
      }))
    },
  }
}

const atXmppJs: LogIn = async (gateway, name, certificate) => {
  const credentials = await credentialsOf(gateway, certificate ?? name)
  const client = await inTime('online', xmppJsLogin(gateway.url(), domain, credentials, certificate && jidOf(name)))
  const inbox = new Inbox()
  client.on('stanza', stanza => {
    const text = stanza.is('message') ? stanza.getChildText('body') : null
    if (text !== null) inbox.put({ from: stanza.attrs['from'] ?? '', text })
  })
  const ask = (child: string, xmlns: string) => client.iqCaller.get(xml(child, xmlns), domain)
  return {
    jid: String(client.jid),
    async appear() {
      await client.send(xml('presence', {}))
      await ask('ping', NS_PING)
    },
    say(to, text) { void client.send(xml('message', { to, type: 'chat' }, xml('body', {}, text))) },
    hear: () => inbox.next(),
    softwareName: async () => (await ask('query', NS_VERSION)).getChildText('name') ?? '',
    features: async () => (await ask('query', NS_DISCO_INFO)).getChildren('feature').map(({ attrs }) => attrs['var'] ?? ''),
    async leave() {
      const ended = inTime('disconnect', new Promise<{ readonly clean: boolean }>(resolve => { client.on('disconnect', resolve) }))
      await client.stop()
      if (!(await ended).clean) throw new Error('xmpp.js: the WebSocket was not closed cleanly')
    },
  }
}

const webSocket = (gateway: Gateway) => gateway.url()
const bosh = (gateway: Gateway) => gateway.boshUrl()

export const libraries: Readonly<Record<string, LogIn>> = {
  'stanza 12': atStanza(stanzaLogin, webSocket),
  'stanza 12 over BOSH': atStanza(stanzaBoshLogin, bosh),
  'strophe.js 5': atStrophe(stropheLogin, webSocket),
  'strophe.js 5 over BOSH': atStrophe(stropheBoshLogin, bosh),
  '@xmpp/client 0.14': atXmppJs,
}
