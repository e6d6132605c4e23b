// The clients of one long-polling server, in a process of their own: pairs of users who send each other stanzas in a closed loop, or sit
// idle with a request held. They speak BOSH as it is meant (hold='1', requests='2': one request waits, another one sends), and to
// the bare server with as many requests of the same bytes.
import type { ConnectRequest, RelayReading, RelayRequest } from './load.ts'
import { emptyBody, PollConnection, postOf } from './long-poll.ts'
import { answerCalls } from './remote.ts'
import type { Contestant, Identity } from './servers.ts'
import { stanzaTo } from './stanza.ts'
import { quantile } from './statistics.ts'

export interface PollConnectRequest extends ConnectRequest {
  /** Two where clients send while they wait. */
  readonly connections: 1 | 2
}

export type PollRelayRequest = Omit<RelayRequest, 'inFlight'>

export interface PollReading extends RelayReading { readonly requests: number }

const NS_HTTPBIND = 'http://jabber.org/protocol/httpbind'
const NS_XBOSH = 'urn:xmpp:xbosh'
/** Rids of ten digits: requests of one kind are of one length. */
const firstRid = 1_000_000_000

class Client {
  readonly connections: readonly PollConnection[]
  readonly #port: number
  readonly #contestant: Contestant
  readonly #number: number
  #sid = 'oF4u8xKq2mWvT7hYpLzR1nCbDgJs0eAi'
  #rid = firstRid
  address = ''

  private constructor(connections: readonly PollConnection[], number: number, { port, contestant }: ConnectRequest) {
    this.connections = connections
    this.#port = port
    this.#contestant = contestant
    this.#number = number
    this.address = `user${number}@localhost/sJkNbGvQhxTq3rWpF4u8xKq2mWvT7hYp`
  }

  /** With a request held at the end. Every connection has had one by then: servers close those that never say anything. */
  static async open(number: number, identity: Identity, request: PollConnectRequest): Promise<Client> {
    const { port, ca, contestant, connections } = request
    const opened = await Promise.all(Array.from({ length: connections }, () => PollConnection.open({ port, ca, identity })))
    const client = new Client(opened, number, request)
    if (contestant === 'meerkat') await client.#login()
    // The next request frees the one before.
    else for (const connection of opened.slice(1)) client.poll(connection)
    const first = opened[0] as PollConnection
    // What is held in vain is asked again.
    first.onResponse = () => { client.poll(first) }
    client.poll(first)
    return client
  }

  poll(connection: PollConnection): void { this.#post(connection, 'poll', '') }
  send(connection: PollConnection, stanza: string): void { this.#post(connection, 'send', stanza) }

  #post(connection: PollConnection, action: 'poll' | 'send', payload: string): void {
    connection.post(this.#request(action, this.#wrapped('', payload)))
  }

  #request(action: 'poll' | 'send', body: string): string {
    return postOf(this.#port, this.#contestant === 'meerkat' ? '/http-bind' : `/${action}/${this.#number}`, body)
  }

  #wrapped(attributes: string, payload: string): string {
    return `<body rid='${this.#rid++}' sid='${this.#sid}' xmlns='${NS_HTTPBIND}'${attributes}>${payload}</body>`
  }

  /** The whole of a login as any client does it. */
  async #login(): Promise<void> {
    let asked = 0
    const ask = (body: string) => (this.connections[asked++ % this.connections.length] as PollConnection).ask(this.#request('send', body))
    const creation = await ask(`<body rid='${this.#rid++}' to='localhost' wait='60' hold='1' ver='1.11' content='text/xml; charset=utf-8' `
      + `xml:lang='en' xmlns='${NS_HTTPBIND}' xmlns:xmpp='${NS_XBOSH}' xmpp:version='1.0'/>`)
    const sid = / sid='([^']+)'/.exec(creation)?.[1]
    if (sid === undefined || !creation.includes('EXTERNAL')) throw new Error(`no session: ${creation}`)
    this.#sid = sid
    const success = await ask(this.#wrapped('', '<auth xmlns=\'urn:ietf:params:xml:ns:xmpp-sasl\' mechanism=\'EXTERNAL\'>=</auth>'))
    if (!success.includes('<success')) throw new Error(`no login: ${success}`)
    await ask(this.#wrapped(` to='localhost' xmpp:restart='true' xmlns:xmpp='${NS_XBOSH}'`, ''))
    const bound = await ask(this.#wrapped('', '<iq xmlns=\'jabber:client\' type=\'set\' id=\'b1\'><bind xmlns=\'urn:ietf:params:xml:ns:xmpp-bind\'/></iq>'))
    const jid = /<jid>([^<]+)<\/jid>/.exec(bound)?.[1]
    if (jid === undefined) throw new Error(`no resource: ${bound}`)
    this.address = jid
    // A user's resources see their own presence; when it comes back, it has been dealt with.
    await ask(this.#wrapped('', '<presence xmlns=\'jabber:client\'/>'))
  }
}

const clients: Client[] = []
/** Handshakes under way at a time. */
const concurrency = 20

async function connect(request: PollConnectRequest): Promise<number> {
  const offset = clients.length
  let next = 0
  const worker = async () => {
    while (next < request.identities.length) {
      const index = next++
      clients[offset + index] = await Client.open(offset + index, request.identities[index] as Identity, request)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return clients.length
}

/** Each stanza that arrives is answered with another one, until all have been sent and have arrived: one in flight for each pair. */
function relay({ bodyBytes, stanzas }: PollRelayRequest): Promise<PollReading> {
  const pairs = clients.length / 2
  const total = pairs * stanzas
  const latencies = new Float64Array(total)
  let relayed = 0
  let requests = 0
  return new Promise((resolve, reject) => {
    const cpu = process.cpuUsage()
    const begin = performance.now()
    const finish = () => {
      const seconds = (performance.now() - begin) / 1_000
      const { user, system } = process.cpuUsage(cpu)
      latencies.sort()
      resolve({ relayed, requests, seconds, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), clientCpu: (user + system) / 1_000 })
    }
    const ends = clients.map((client, index) => {
      const partner = clients[index ^ 1] as Client
      return { client, stanza: stanzaTo(partner.address, bodyBytes), wantsToSend: false, sentAt: 0, length: 0 }
    })
    const left = new Int32Array(pairs).fill(stanzas)
    const send = (end: (typeof ends)[number]) => {
      const free = end.client.connections.find(({ isBusy }) => !isBusy)
      end.wantsToSend = free === undefined
      if (free === undefined) return
      end.sentAt = performance.now()
      requests += 1
      end.client.send(free, end.stanza)
    }
    const arrive = (index: number, connection: PollConnection, body: Buffer) => {
      const end = ends[index] as (typeof ends)[number]
      const partner = ends[index ^ 1] as (typeof ends)[number]
      // The older request, which a newer one has replaced.
      if (body.length === emptyBody.length) {
        if (end.wantsToSend) send(end)
        return
      }
      if (end.length === 0) checkArrival(body.toString(), partner.stanza)
      else if (end.length !== body.length) throw new Error(`something else arrived: ${body.toString()}`)
      end.length = body.length
      latencies[relayed++] = performance.now() - partner.sentAt
      // There is always one that waits.
      requests += 1
      end.client.poll(connection)
      if (relayed === total) finish()
      const pair = index >> 1
      if ((left[pair] as number) === 0) return
      left[pair] = (left[pair] as number) - 1
      send(end)
    }
    for (const [index, { client }] of ends.entries()) {
      for (const connection of client.connections) {
        connection.onEnd = reject
        connection.onResponse = body => {
          try { arrive(index, connection, body) } catch (error) { reject(new Error(`client ${index}: ${String(error)}`, { cause: error })) }
        }
      }
    }
    for (let pair = 0; pair < pairs; pair++) {
      left[pair] = (left[pair] as number) - 1
      send(ends[2 * pair] as (typeof ends)[number])
    }
  })
}

/** The very first stanza of each client is looked at; the others must be as long as it. */
function checkArrival(arrived: string, sent: string): void {
  if (!arrived.replace(/ from='[^']*'/, '').includes(sent)) throw new Error(`not what was sent: ${arrived}`)
}

answerCalls({ connect, relay })
