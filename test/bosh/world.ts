// A gateway with every kind of listener and a clock that only the test turns, and what is said of answers.
import assert from 'node:assert/strict'
import type { Element } from '../../src/xml/element.ts'
import { type Answer, BoshClient, HttpConnections, type ConnectionOptions, type SessionOptions } from '../support/bosh-client.ts'
import { Gateway } from '../support/gateway.ts'
import { TurnedClock } from '../support/turned-clock.ts'

/** By their index. */
export const listeners = { tls: 0, plain: 1, requiring: 2, strict: 3 } as const

export const listedOrigin = 'https://chat.example.org'

const tls = 'tls.certfile = "certs/server.crt"\ntls.keyfile = "certs/server.key"\ntls.cacertfile = "certs/ca.crt"\n'

const worldToml = `
[general]
hosts = ["localhost", "other.localhost"]
[[listen.http]]
port = 0
origins = ["${listedOrigin}"]
${tls}bosh.max_hold = 3
[[listen.http]]
ip = "127.0.0.2"
port = 0
origins = ["http://chat.example.org"]
[[listen.http]]
ip = "127.0.0.3"
port = 0
${tls}tls.require_certificate = true
[[listen.http]]
ip = "127.0.0.4"
port = 0
${tls}bosh.max_stanza_size = 10_000
bosh.max_hold = 2
bosh.max_deferred_bytes = 10_000
bosh.max_sessions_per_certificate = 2
bosh.request_timeout = 2_000
bosh.max_wait = 20
bosh.polling = 7
bosh.inactivity = 11
bosh.max_pause = 33
`

/** Events that tell of a fault; every bad input makes exactly one of them. */
const faults: ReadonlySet<string> = new Set(['bosh.refused', 'stream.error', 'stream.lost', 'stream.bug', 'http.refused', 'http.bug', 'tls.failed',
  'certificate.refused', 'certificate.missing', 'connection.refused', 'auth.failure', 'auth.backend_unreachable', 'process.bug'])

export class World {
  readonly gateway: Gateway
  readonly clock: TurnedClock
  #mark = 0
  readonly #clients: (BoshClient | HttpConnections)[] = []

  private constructor(gateway: Gateway, clock: TurnedClock) {
    this.gateway = gateway
    this.clock = clock
  }

  static async start(): Promise<World> {
    const clock = new TurnedClock()
    return new World(await Gateway.start({ toml: worldToml, users: ['alice@localhost', 'bob@localhost', 'carol@localhost'], clock }), clock)
  }

  /** Sends a session request. */
  async open(options: SessionOptions = {}): Promise<BoshClient> { return this.#kept(await BoshClient.open(this.gateway, options)) }
  async login(name: string, options: Parameters<typeof BoshClient.login>[2] = {}): Promise<BoshClient> {
    return this.#kept(await BoshClient.login(this.gateway, name, options))
  }

  connect(options: ConnectionOptions = {}): HttpConnections { return this.#kept(new HttpConnections(this.gateway, options)) }

  /** Connections of somebody with that certificate. */
  async connectAs(name: string, options: ConnectionOptions = {}): Promise<HttpConnections> {
    return this.connect({ identity: await this.gateway.identity(name), ...options })
  }

  /** Turns the clock by small steps until it is settled; resolves with the milliseconds that were turned. */
  async turnUntil(what: Promise<unknown>, step = 1_000): Promise<number> {
    let isSettled = false
    const settle = () => { isSettled = true }
    what.then(settle, settle)
    const started = Date.now()
    for (let turned = 0; ; turned += step) {
      // What falls due is written, and read at the other end, within a few turns of the event loop.
      for (let turn = 0; turn < 40; turn++) {
        await new Promise(resolve => { setImmediate(resolve) })
        if (isSettled) return turned
      }
      if (Date.now() - started > 10_000) throw new Error('turning the clock does not bring it about')
      this.clock.advance(step)
    }
  }

  /** The events that told of a fault since the last time, once there is one. */
  async faults(): Promise<Gateway['events']> {
    const seen = () => this.gateway.events.slice(this.#mark).filter(({ event }) => faults.has(event))
    const deadline = Date.now() + 10_000
    while (seen().length === 0) {
      if (Date.now() > deadline) throw new Error('no event came')
      await new Promise(resolve => { setImmediate(resolve) })
    }
    const events = seen()
    this.forget()
    return events
  }

  /** Exactly one event, of this name, and carol, who was there before, did not notice. */
  async oneEvent(name: string, bystander: BoshClient): Promise<Gateway['events'][number]> {
    const [event, ...others] = await this.faults()
    assert.deepEqual([event?.event, ...others.map(other => other.event)], [name])
    await this.isUndisturbed(bystander)
    return event!
  }

  async isUndisturbed(bystander: BoshClient): Promise<void> {
    const text = `still here at ${bystander.rid}`
    assert.deepEqual(textsIn(await bystander.send(message(bystander.jid, text))), [text])
  }

  forget(): void { this.#mark = this.gateway.events.length }

  /** Everybody leaves, and what is left of their sessions is forgotten. */
  leave(): void {
    for (const client of this.#clients.splice(0)) client.close()
  }

  async stop(): Promise<void> {
    this.leave()
    await this.turnUntil(this.gateway.stop())
  }

  #kept<T extends BoshClient | HttpConnections>(client: T): T {
    this.#clients.push(client)
    return client
  }
}

export const message = (to: string, text: string): string => `<message xmlns='jabber:client' to='${to}' type='chat'><body>${text}</body></message>`

export { quiet } from '../support/bosh-client.ts'

/** An answer with no payload, and nothing else in it. */
export function empty({ status, text }: Answer): void {
  assert.deepEqual([status, text], [200, "<body xmlns='http://jabber.org/protocol/httpbind'/>"])
}

/** The texts of the messages in an answer. */
export const textsIn = ({ body }: Answer): string[] => body.children.filter(({ local }) => local === 'message').map(({ children }) => children[0]?.text ?? '')

export const attributesOf = ({ body }: Answer): Record<string, string> => Object.fromEntries(body.attributes)

/** An answer that says the session is over; returns what it carries. */
export function terminates(answer: Answer, condition: string | null): readonly Element[] {
  const { status, body } = answer
  assert.deepEqual([status, body.local, body.attributes.get('type'), body.attributes.get('condition') ?? null], [200, 'body', 'terminate', condition], answer.text)
  return body.children
}

/** The session is no more. */
export async function isGone(client: BoshClient): Promise<void> { terminates(await client.send(), 'item-not-found') }
