// SIGTERM in the middle of traffic: of all that the gateway said it had handled nothing is lost, whatever carries it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ensureDevelopmentCertificates } from '../../src/x509/development-folder.ts'
import { NS_SM } from '../../src/xmpp/namespaces.ts'
import type { ClientAdapter, ConversationClient } from '../support/conversation-client.ts'
import { overBosh } from '../support/conversation-bosh.ts'
import { overTcp } from '../support/conversation-tcp.ts'
import { overWebSocket } from '../support/conversation-websocket.ts'
import type { Gateway } from '../support/gateway.ts'
import { NS_SASL, streamErrorIn } from '../support/wire-client.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** How each is, beside what it is carried by. */
type Manner = 'acknowledges' | 'never acknowledges' | 'has no stream management' | 'loses its connection'
type Pair = readonly [from: ClientAdapter, to: ClientAdapter, manner: Manner]

const pairs: readonly Pair[] = [
  [overWebSocket, overWebSocket, 'acknowledges'], [overTcp, overBosh, 'acknowledges'], [overBosh, overTcp, 'acknowledges'],
  [overWebSocket, overTcp, 'never acknowledges'], [overTcp, overWebSocket, 'never acknowledges'], [overBosh, overBosh, 'never acknowledges'],
  [overTcp, overWebSocket, 'loses its connection'], [overWebSocket, overBosh, 'has no stream management'],
]

/** So many may be unacknowledged, and so many go to one who does not answer. */
const senderWindow = 40
const enough = 200

class Talker {
  readonly #client: ConversationClient
  readonly #manner: Manner
  readonly received: string[] = []
  readonly refused = new Set<string>()
  /** What the gateway said that it had handled. */
  handled = 0
  sent = 0
  condition: string | null = null
  isOver = false
  #count = 0
  #progress = (): void => undefined

  private constructor(client: ConversationClient, manner: Manner) {
    this.#client = client
    this.#manner = manner
  }

  static async login(adapter: ClientAdapter, gateway: Gateway, name: string, manner: Manner): Promise<Talker> {
    const client = await adapter.connect(gateway, await gateway.identity(name))
    const talker = new Talker(client, manner)
    client.open('localhost')
    await client.next()
    client.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>=</auth>`)
    assert.equal((await client.next())?.local, 'success')
    client.restart('localhost')
    await client.next()
    client.send("<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>")
    assert.equal((await client.next())?.attributes.get('type'), 'result')
    if (manner !== 'has no stream management') {
      client.send(`<enable xmlns='${NS_SM}' resume='true'/>`)
      assert.equal((await client.next())?.local, 'enabled')
    }
    return talker
  }

  break(): void { this.#client.break() }

  /** Until the stream ends. */
  async listen(): Promise<void> {
    for (let element = await this.#client.next(); element !== null; element = await this.#client.next()) {
      const { ns, local, attributes } = element
      this.condition ??= streamErrorIn(element)?.condition ?? null
      if (ns === NS_SM && local === 'r') {
        if (this.#manner === 'acknowledges') this.#client.send(`<a xmlns='${NS_SM}' h='${this.#count}'/>`)
      } else if (ns === NS_SM) {
        this.handled = Number(attributes.get('h'))
      } else if (local === 'message') {
        this.#count += 1
        const id = attributes.get('id') ?? ''
        if (attributes.get('type') === 'error') this.refused.add(id)
        else this.received.push(id)
      } else if (local === 'iq' || local === 'presence') {
        this.#count += 1
      }
      this.#progress()
    }
    this.isOver = true
    this.#progress()
  }

  /** Sends until it is over, or that is enough. */
  async talk(to: string, most: number): Promise<void> {
    while (!this.isOver && this.sent < most) {
      for (let n = 0; n < 5; n++) {
        this.sent += 1
        this.#client.send(`<message xmlns='jabber:client' type='chat' to='${to}@localhost/r' id='${this.sent}'><body>${'x'.repeat(this.sent % 300)}</body></message>`)
      }
      this.#client.send(`<r xmlns='${NS_SM}'/>`)
      while (!this.isOver && this.sent - this.handled > senderWindow) await new Promise<void>(resolve => { this.#progress = resolve })
      await new Promise(resolve => { setImmediate(resolve) })
    }
  }
}

test('SIGTERM under load: every stanza that was acknowledged has arrived or gone back, everybody hears the goodbye, and the exit code is 0', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-drain-'))
  const certs = join(folder, 'certs')
  await mkdir(certs)
  const names = pairs.flatMap((_, index) => [`from${index}`, `to${index}`])
  await ensureDevelopmentCertificates({ folder: certs, now: Date.now(), users: names.map(name => `${name}@localhost`) })
  await writeFile(join(folder, 'meerkat.toml'), `general.hosts = ["localhost"]
auth.methods = ["pki"]
limits.shutdown_timeout = 4_000
session.max_unacked_stanzas = 10_000
features.disabled = ["offline"]
${overWebSocket.listener}${overTcp.listener}`)
  const child = spawn(process.execPath, [main, 'start', '--config', join(folder, 'meerkat.toml')], { stdio: ['ignore', 'pipe', 'ignore'] })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString() })
  const exit = once(child, 'close')
  try {
    const [http = 0, tcp = 0] = await portsOf(child.stdout, () => out)
    const ca = await readFile(join(certs, 'ca.crt'), 'utf8')
    const entrance = (adapter: ClientAdapter): Gateway => {
      const port = adapter === overTcp ? tcp : http
      return {
        ca, url: () => `wss://localhost:${port}/xmpp-websocket`, boshUrl: () => `https://localhost:${port}/http-bind`, port: () => port,
        identity: async (name: string) => ({ cert: await readFile(join(certs, `${name}.crt`), 'utf8'), key: await readFile(join(certs, `${name}.key`), 'utf8') }),
      } as unknown as Gateway
    }
    const talkers = await Promise.all(pairs.map(async ([from, to, manner], index) => ({
      manner,
      sender: await Talker.login(from, entrance(from), `from${index}`, 'acknowledges'),
      receiver: await Talker.login(to, entrance(to), `to${index}`, manner),
    })))
    for (const { manner, receiver } of talkers) if (manner === 'loses its connection') receiver.break()
    const listening = Promise.all(talkers.flatMap(({ sender, receiver, manner }) => [sender.listen(), ...manner === 'loses its connection' ? [] : [receiver.listen()]]))
    const talking = Promise.all(talkers.map(({ sender, manner }, index) =>
      sender.talk(`to${index}`, manner === 'acknowledges' || manner === 'has no stream management' ? Infinity : enough)))
    while (talkers.some(({ sender, manner }) => sender.handled < (manner === 'acknowledges' ? 2 * enough : enough - senderWindow))) {
      await new Promise(resolve => { setImmediate(resolve) })
    }
    const begun = Date.now()
    child.kill('SIGTERM')
    await Promise.all([listening, talking])
    assert.deepEqual(await exit, [0, null])
    assert.ok(Date.now() - begun < 4_000, `it took ${Date.now() - begun} ms`)
    for (const { manner, sender, receiver } of talkers) {
      const arrived = new Set(receiver.received)
      const lost = Array.from({ length: sender.handled }, (_, index) => String(index + 1)).filter(id => !arrived.has(id) && !sender.refused.has(id))
      assert.deepEqual(lost, [], `${manner}: of ${sender.sent} stanzas ${sender.handled} were acknowledged, ${arrived.size} arrived, ${sender.refused.size} came back`)
      assert.deepEqual(receiver.received, receiver.received.map((_, index) => String(index + 1)), 'in order, each once')
      assert.equal(sender.condition, 'system-shutdown')
      if (manner !== 'acknowledges' && manner !== 'has no stream management') assert.ok(sender.refused.size >= enough - senderWindow, manner)
      else assert.equal(sender.refused.size, 0)
    }
  } finally {
    child.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
})

/** For HTTP and for TCP, as soon as the log tells both. */
async function portsOf(stdout: NodeJS.ReadableStream, out: () => string): Promise<readonly number[]> {
  for (;;) {
    const open = out().split('\n').filter(line => line.includes('"listener.open"')).map(line => JSON.parse(line) as { port: number })
    if (open.length === 2) return open.map(({ port }) => port)
    await once(stdout, 'data')
  }
}
