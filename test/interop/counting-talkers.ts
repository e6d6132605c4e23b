// Two people who count at each other over BOSH: each message has a number, so that what is lost, doubled or out of order shows.
import { $msg, Strophe } from 'strophe.js'
import { BoshSession } from '../support/bosh-session.ts'
import type { ClientIdentity } from '../support/gateway.ts'
import { stropheBoshLogin } from './strophe-bosh-login.ts'

export interface Talker {
  readonly jid: string
  /** The numbers that were heard. */
  readonly heard: readonly number[]
  readonly say: (to: string, number: number) => void
  /** Calls back when a number has been heard, or with the reason when the session has ended without being asked to. */
  readonly listen: (hear: (end: Error | null) => void) => void
  readonly leave: () => Promise<void>
}

export type Arrive = (service: string, name: string, credentials: ClientIdentity & { readonly ca: string }) => Promise<Talker>

/** The client of this project's tests, which does all that XEP-0124 asks of one. */
export const atOwnClient: Arrive = async (url, name, { ca, ...identity }) => {
  const session = new BoshSession({ url, ca, identity })
  const expect = async (local: string) => {
    const element = await session.next()
    if (element?.local !== local) throw new Error(`<${local}/> was expected, and <${element?.local}/> came`)
    return element
  }
  session.open('localhost')
  await expect('features')
  session.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>")
  await expect('success')
  session.restart('localhost')
  await expect('features')
  session.send("<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
  const jid = (await expect('iq')).children[0]?.children[0]?.text ?? ''
  if (!jid.startsWith(`${name}@`)) throw new Error('the bind was refused')
  const heard: number[] = []
  return {
    jid, heard,
    say(to, number) { session.send(`<message xmlns='jabber:client' to='${to}' type='chat' id='${number}'><body>This is number ${number}.</body></message>`) },
    listen(hear) {
      const listening = async () => {
        for (let element = await session.next(); element !== null; element = await session.next()) {
          heard.push(Number(element.attributes.get('id')))
          hear(null)
        }
        throw new Error(`terminated: ${session.condition}`)
      }
      listening().catch(hear)
    },
    async leave() {
      session.terminate()
      await session.ended()
    },
  }
}

Strophe.setLogLevel(Strophe.LogLevel.FATAL)

/** Strophe.js, with what it takes on a network as bad as this one. */
export const atStrophe: Arrive = async (url, name, credentials) => {
  // Its pauses between attempts grow up to `wait`: a second.
  const connection = await stropheBoshLogin(url, `${name}@localhost`, credentials, 1)
  // A request that failed more often is forgotten, with all that it carries in both directions.
  connection.maxRetries = 1_000
  inOrder(connection)
  neverGivingUp(connection)
  const heard: number[] = []
  return {
    jid: connection.jid, heard,
    say(to, number) { connection.send($msg({ to, type: 'chat', id: String(number) }).c('body').t(`This is number ${number}.`)) },
    listen(hear) {
      connection.connect_callback = (status: number) => { if (status === Strophe.Status.DISCONNECTED) hear(new Error('strophe.js gave up')) }
      connection.addHandler((message: { getAttribute(name: string): string | null }) => {
        heard.push(Number(message.getAttribute('id')))
        hear(null)
        return true
      }, '', 'message')
    },
    async leave() {
      await new Promise<void>(resolve => {
        connection.connect_callback = (status: number) => { if (status === Strophe.Status.DISCONNECTED) resolve() }
        connection.disconnect()
      })
    },
  }
}

/** As much of the inside of strophe.js as is needed here. */
interface StropheRequest { readonly rid: number, readonly xhr: { readonly readyState: number, readonly status: number } }
interface StropheBosh {
  /** Failures since the last success; the fifth ends the session. */
  errors: number
  readonly _requests: readonly StropheRequest[]
  _hitError(status: number): void
  _onRequestStateChange(handler: unknown, request: StropheRequest): void
}

/**
 * XEP-0124 §14.2: "The client MUST process responses received from the connection manager in the order the requests were made."
 * Strophe.js processes them as they come, so this keeps back the one that came too early.
 */
export function inOrder(connection: object): void {
  const { _proto: bosh } = connection as { readonly _proto: StropheBosh }
  const take = bosh._onRequestStateChange.bind(bosh)
  const early = new Map<number, () => void>()
  bosh._onRequestStateChange = (handler, request) => {
    const { rid, xhr } = request
    const isAnswered = xhr.readyState === 4 && xhr.status === 200
    if (isAnswered && bosh._requests.some(other => other.rid < rid)) {
      bosh.errors = 0
      early.set(rid, () => { bosh._onRequestStateChange(handler, request) })
      return
    }
    take(handler, request)
    const next = isAnswered ? early.get(rid + 1) : undefined
    early.delete(rid + 1)
    next?.()
  }
}

/**
 * Strophe.js ends its session at the fifth failure in a row, of all its requests together. On this network that is a matter of chance, and
 * says nothing about the gateway: what counts here is that a request is repeated until it is answered.
 */
function neverGivingUp(connection: object): void {
  const { _proto: bosh } = connection as { readonly _proto: StropheBosh }
  const hit = bosh._hitError.bind(bosh)
  bosh._hitError = status => {
    bosh.errors = 0
    hit(status)
  }
}
