// A gateway with two users who were there before: whatever a test does to it, they must not notice.
import assert from 'node:assert/strict'
import { Gateway, type GatewayOptions } from '../support/gateway.ts'
import { streamErrorIn, WireClient, type WireOptions } from '../support/wire-client.ts'

/** Events that tell of a fault; every bad input makes exactly one of them. */
const faults: ReadonlySet<string> = new Set(['stream.error', 'stream.lost', 'stream.bug', 'websocket.refused', 'http.refused', 'http.bug', 'tls.failed',
  'certificate.refused', 'certificate.missing', 'connection.refused', 'auth.failure', 'auth.backend_unreachable', 'process.bug'])

/** Long enough for a slow machine. */
const patience = 10_000

export class Scene {
  readonly gateway: Gateway
  readonly #carol: WireClient
  readonly #dave: WireClient
  #mark: number
  #count = 0

  private constructor(gateway: Gateway, carol: WireClient, dave: WireClient) {
    this.gateway = gateway
    this.#carol = carol
    this.#dave = dave
    this.#mark = gateway.events.length
  }

  static async start(options: GatewayOptions & { readonly onlookers?: WireOptions } = {}): Promise<Scene> {
    const users = ['alice@localhost', 'bob@localhost', 'carol@localhost', 'dave@localhost']
    const gateway = await Gateway.start({ users, ...options })
    return new Scene(gateway, await WireClient.login(gateway, 'carol', options.onlookers), await WireClient.login(gateway, 'dave', options.onlookers))
  }

  /** Names of the faults told of since the last time. */
  #faults(): string[] { return this.gateway.events.slice(this.#mark).map(({ event }) => event).filter(event => faults.has(event)) }

  /** The event that was just told of, once it is there, and the only one; then carol and dave still talk to each other. */
  async oneEvent(name: string): Promise<Gateway['events'][number]> {
    await until(() => this.#faults().length > 0, `an event ${name}`)
    await this.undisturbed()
    const seen = this.#faults()
    const event = this.gateway.events.slice(this.#mark).find(({ event }) => event === name)
    this.forget()
    assert.deepEqual(seen, [name])
    return event!
  }

  /** Exactly these faults, in order. */
  async events(names: readonly string[]): Promise<void> {
    await until(() => this.#faults().length >= names.length, `events ${names.join()}`)
    await this.undisturbed()
    const seen = this.#faults()
    this.forget()
    assert.deepEqual(seen, names)
  }

  forget(): void { this.#mark = this.gateway.events.length }

  /** No fault was told of, and carol and dave talk. */
  async nothingHappened(): Promise<void> {
    await this.undisturbed()
    assert.deepEqual(this.#faults(), [])
  }

  async undisturbed(): Promise<void> {
    const id = `still-there-${this.#count++}`
    this.#carol.send(`<message xmlns='jabber:client' to='${this.#dave.jid}' id='${id}'><body>${id}</body></message>`)
    const heard = await this.#dave.next()
    assert.equal(heard.attributes.get('id'), id)
    assert.equal(heard.attributes.get('from'), this.#carol.jid)
  }

  async end(): Promise<void> {
    await Promise.all([this.#carol.quit(), this.#dave.quit()])
    await this.gateway.stop()
  }
}

/** Waits for what something else brings about; every turn of the event loop looks once. */
export async function until(isSo: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + patience
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`${what} did not come`)
    await new Promise(resolve => { setImmediate(resolve) })
  }
}

/** Reads until the stream error, which must be this one; then the server's `<close/>`. Returns the error's text. */
export async function expectStreamError(client: WireClient, condition: string): Promise<string> {
  for (;;) {
    const element = await client.next()
    const error = streamErrorIn(element)
    if (error === null) continue
    assert.equal(error.condition, condition, error.text)
    const close = await client.next()
    assert.equal(close.local, 'close')
    return error.text
  }
}
