// The clients of one server, in a process of their own: the first one tells all of them something, again and again, and waits until all have heard it.
import { FrameClient } from './frame-client.ts'
import { logIn } from './login.ts'
import { answerCalls } from './remote.ts'
import type { Contestant, Identity } from './servers.ts'

export interface FanOutTarget {
  readonly contestant: Contestant
  readonly port: number
  readonly ca: string
  /** One for each client. */
  readonly identities: readonly Identity[]
}

export interface FanOutRequest { readonly broadcasts: number }

export interface FanOutReading { readonly heard: number, readonly seconds: number, readonly clientCpu: number }

const clients: FrameClient[] = []
const concurrency = 20
/** What the first one says: presence as clients send it, or the same bytes as Meerkat would write them. */
let said = ''
let heard = 0
let bytes = 0
let awaited: { readonly count: number, readonly resolve: () => void } | null = null

const presence = (from: string): string => `<presence xmlns="jabber:client"${from}><show>away</show><status>The rest is silence.</status></presence>`

function hear(length: number): void {
  heard += 1
  bytes += length
  if (heard === awaited?.count) awaited.resolve()
}

async function connect({ contestant, port, ca, identities }: FanOutTarget): Promise<void> {
  let next = 1
  const join = async (number: number): Promise<string> => {
    const connection = await FrameClient.open({ port, path: '/xmpp-websocket', ca, identity: identities[number] as Identity })
    clients[number] = connection
    const jid = contestant === 'meerkat' ? await logIn(connection) : 'user0@localhost/sJkNbGvQhxTq3rWpsJkNbGvQhxTq3rWp'
    // Its own presence comes back: it is available.
    if (contestant === 'meerkat' && number > 0) await connection.ask('<presence xmlns="jabber:client"/>', 1)
    connection.onEnd = cause => { throw cause }
    connection.onText = (_bytes, start, end) => { hear(end - start) }
    return jid
  }
  await Promise.all(Array.from({ length: concurrency }, async () => {
    while (next < identities.length) await join(next++)
  }))
  const jid = await join(0)
  said = presence(contestant === 'meerkat' ? '' : ` from='${jid}'`)
  // The first shows it to everybody, and everybody to it.
  const all = contestant === 'meerkat' ? 2 * clients.length - 1 : clients.length
  await tell(contestant === 'meerkat' ? '<presence xmlns="jabber:client"/>' : said, all)
}

function tell(text: string, count: number): Promise<void> {
  heard = bytes = 0
  return new Promise(resolve => {
    awaited = { count, resolve }
    clients[0]?.say(text)
  })
}

/** One after the other. */
async function broadcast({ broadcasts }: FanOutRequest): Promise<FanOutReading & { readonly bytes: number }> {
  const cpu = process.cpuUsage()
  const begin = performance.now()
  let all = 0
  for (let count = 0; count < broadcasts; count++) {
    await tell(said, clients.length)
    all += heard
  }
  const { user, system } = process.cpuUsage(cpu)
  return { heard: all, seconds: (performance.now() - begin) / 1_000, clientCpu: (user + system) / 1_000, bytes: bytes / heard }
}

answerCalls({ connect, broadcast })
